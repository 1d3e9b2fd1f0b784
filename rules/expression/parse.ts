// Text of an expression → checked tree: the official parser within bounds, then tree-reader.ts.
import jsonata from 'jsonata';
import type { FunctionsByName } from './compile.ts';
import { functionNamed } from './functions.ts';
import { boundNames, type Node } from './official-tree.ts';
import { type Reading, TOO_LARGE } from './reading.ts';
import { tooMuch } from './source-scan.ts';
import type { ExpressionProblem, Lists, Macro, Macros } from './syntax.ts';
import { readTree } from './tree-reader.ts';

/** Without any of these an expression binds no name. */
const MAY_BIND = /:=|[@#\u03bb]|function/;

/** The longest expression, characters. */
export const EXPRESSION_LENGTH_MAX = 32_768;

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
  return parse(source, { lists, macros, functionNamed, isPlain: false });
}

/** Reads JSONata as it is anywhere else: `names` are bound from outside, and calls are wrong when they are made, not before. */
export function parsePlain(source: string, names: ReadonlySet<string>, functions: FunctionsByName): ParsedExpression {
  return parse(source, { lists: new Map(), macros: NO_MACROS, functionNamed: functions, isPlain: true }, names);
}

function parse(
  source: string,
  scope: Pick<Reading, 'lists' | 'macros' | 'functionNamed' | 'isPlain'>,
  names: ReadonlySet<string> = new Set(),
): ParsedExpression {
  if (source.length > EXPRESSION_LENGTH_MAX) {
    const message = `longer than ${EXPRESSION_LENGTH_MAX} characters`;
    return refusal({ code: 'expression/too-long', at: 0, message, remedy: 'Put the values in a list.' });
  }
  const excess = tooMuch(source);
  if (excess === 'nesting') return refusal({ ...TOO_LARGE, at: 0 });
  if (excess === 'copies') {
    const message = 'uses of `?:` or `??` within each other’s left side';
    return refusal({ ...TOO_LARGE, at: 0, message, remedy: 'Bind the left side to a variable first.' });
  }
  let tree: Node;
  try {
    tree = jsonata(source).ast() as unknown as Node;
  } catch (error) {
    return refusal(syntaxProblem(error, source));
  }
  try {
    return readWhole(tree, { ...scope, source, bound: MAY_BIND.test(source) ? boundNames(tree, names) : names });
  } catch (error) {
    if (error instanceof RangeError) return refusal({ ...TOO_LARGE, at: 0 });
    throw error;
  }
}

function readWhole(
  tree: Node,
  scope: Pick<Reading, 'source' | 'bound' | 'lists' | 'macros' | 'functionNamed' | 'isPlain'>,
): ParsedExpression {
  const reading: Reading = {
    ...scope,
    read: readTree,
    problems: [],
    usedLists: new Set(),
    usedMacros: new Set(),
    nodes: 0,
  };
  const expression = readTree(tree, reading, 0);
  if (reading.problems.length > 0 || expression === undefined) return { kind: 'refused', problems: reading.problems };
  const { usedLists, usedMacros, nodes } = reading;
  return { kind: 'parsed', expression, lists: usedLists, macros: usedMacros, size: nodes };
}

function refusal(...problems: readonly ExpressionProblem[]): ParsedExpression {
  return { kind: 'refused', problems };
}

function syntaxProblem(error: unknown, source: string): ExpressionProblem {
  if (error instanceof RangeError) return { ...TOO_LARGE, at: 0 };
  const { code, message, position } = (error ?? {}) as { code?: unknown; message?: unknown; position?: unknown };
  const at = typeof position === 'number' ? Math.max(0, Math.min(position, source.length) - 1) : 0;
  const text = typeof message === 'string' && message !== '' ? message : 'the expression does not parse';
  return {
    code: 'expression/syntax',
    at,
    message: typeof code === 'string' ? `${text} (JSONata ${code})` : text,
    remedy: 'docs/rules.md shows the language; see https://docs.jsonata.org for its reference.',
  };
}
