// Text of an expression → checked tree: the official parser within bounds, then tree-reader.ts.
import jsonata from 'jsonata';
import type { Node } from './official-tree.ts';
import type { ExpressionProblem, Lists, Macro, Macros } from './syntax.ts';
import { problem, type Reading, readTree } from './tree-reader.ts';

/** The longest expression, characters. */
export const EXPRESSION_LENGTH_MAX = 16_384;
/** The official parser copies the left side of `?:` and `??`, so that nested ones double: more than these are refused. */
export const DEFAULT_OPERATORS_MAX = 8;

/** What is parsed can be a macro of other expressions. */
export type ParsedExpression =
  | ({ readonly kind: 'parsed' } & Macro)
  | { readonly kind: 'refused'; readonly problems: readonly ExpressionProblem[] };

const NO_MACROS: Macros = new Map();

/**
 * Reads an expression. Never throws; all problems are collected, except after a syntax error. `macros` are named expressions
 * parsed before; a name that is a list and a macro is the macro.
 */
export function parseExpression(source: string, lists: Lists, macros: Macros = NO_MACROS): ParsedExpression {
  if (source.length > EXPRESSION_LENGTH_MAX) {
    return refusal(
      problem('expression/too-long', 0, `longer than ${EXPRESSION_LENGTH_MAX} characters`, 'Put the values in a list.'),
    );
  }
  if ((source.match(/(?<!\()\?:|\?\?/g)?.length ?? 0) > DEFAULT_OPERATORS_MAX) {
    return refusal(
      problem('expression/too-deep', 0, `more than ${DEFAULT_OPERATORS_MAX} uses of ?: or ??`, 'Split the rule.'),
    );
  }
  let tree: Node;
  try {
    tree = jsonata(source).ast() as unknown as Node;
  } catch (error) {
    return refusal(syntaxProblem(error, source));
  }
  const reading: Reading = {
    source,
    lists,
    macros,
    problems: [],
    usedLists: new Set(),
    usedMacros: new Set(),
    nodes: 0,
  };
  const expression = readTree(tree, reading, 0);
  if (reading.problems.length > 0 || expression === undefined) return { kind: 'refused', problems: reading.problems };
  return {
    kind: 'parsed',
    expression,
    lists: reading.usedLists,
    macros: reading.usedMacros,
    size: reading.nodes,
  };
}

function refusal(...problems: readonly ExpressionProblem[]): ParsedExpression {
  return { kind: 'refused', problems };
}

function syntaxProblem(error: unknown, source: string): ExpressionProblem {
  if (error instanceof RangeError) {
    return problem('expression/too-deep', 0, 'the expression is nested too deeply', 'Split the rule, or use a list.');
  }
  const { code, message, position } = (error ?? {}) as { code?: unknown; message?: unknown; position?: unknown };
  const at = typeof position === 'number' ? Math.max(0, Math.min(position, source.length) - 1) : 0;
  const text = typeof message === 'string' && message !== '' ? message : 'the expression does not parse';
  const label = typeof code === 'string' ? `${text} (JSONata ${code})` : text;
  return problem(
    'expression/syntax',
    at,
    label,
    'docs/rules.md shows the language; see https://docs.jsonata.org for its reference.',
  );
}
