// The official parser's tree → checked tree. Every construct that is not compiled is refused here, by its name and place, so
// that an expression either means exactly what JSONata says or is not loaded.
import { nearest } from '../../event/nearest-name.ts';
import { FUNCTION_NAMES, type FunctionCheck, functionNamed } from './functions.ts';
import { type Node, REFUSED_NODES, startOf } from './official-tree.ts';
import { compileRegex } from './regex.ts';
import type {
  ArithmeticOperator,
  CompareOperator,
  Expression,
  ExpressionProblem,
  Lists,
  Macro,
  Macros,
  Step,
} from './syntax.ts';

/** The deepest nesting of an expression. */
export const EXPRESSION_DEPTH_MAX = 64;
/** The most nodes of an expression's tree. */
export const EXPRESSION_NODES_MAX = 4_000;

export interface Reading {
  readonly source: string;
  readonly lists: Lists;
  readonly macros: Macros;
  readonly problems: ExpressionProblem[];
  readonly usedLists: Set<string>;
  readonly usedMacros: Set<string>;
  nodes: number;
}

const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);

/** The checked tree of a node; undefined when something was refused, which `reading.problems` tells. */
export function readTree(node: Node, reading: Reading, depth: number): Expression | undefined {
  reading.nodes += 1;
  if (depth > EXPRESSION_DEPTH_MAX || reading.nodes > EXPRESSION_NODES_MAX) {
    return refuse(
      reading,
      node,
      'the expression is nested too deeply or too large',
      'Split the rule, or use a list.',
      'expression/too-deep',
    );
  }
  if (node.keepArray === true || node.keepSingletonArray === true)
    return unsupported(reading, node, 'keeping an array with `[]`');
  if (node.group !== undefined) return unsupported(reading, node, 'grouping with `{…}`');
  if (node.focus !== undefined) return unsupported(reading, node, 'binding with `@`');
  if (node.index !== undefined) return unsupported(reading, node, 'binding with `#`');
  const bare = readBare(node, reading, depth);
  const predicates = node.predicate;
  if (predicates === undefined || predicates.length === 0) return bare;
  const filters = readFilters(predicates, reading, depth);
  if (bare === undefined || filters === undefined) return undefined;
  return { kind: 'filter', at: bare.at, of: bare, filters };
}

function readBare(node: Node, reading: Reading, depth: number): Expression | undefined {
  const at = startOf(node, reading.source);
  switch (node.type) {
    case 'string':
    case 'number':
    case 'value':
      return { kind: 'literal', at, value: node.value as string | number | boolean | null };
    case 'path':
      return readPath(node, reading, depth);
    case 'name':
      return { kind: 'name', at, name: String(node.value) };
    case 'variable':
      return readVariable(node, reading);
    case 'unary':
      return readUnary(node, reading, depth);
    case 'binary':
      return readBinary(node, reading, depth);
    case 'condition':
      return readCondition(node, reading, depth);
    case 'block': {
      const body = readAll(node.expressions ?? [], reading, depth);
      return body === undefined ? undefined : { kind: 'block', at, body };
    }
    case 'function':
      return readCall(node, reading, depth);
    case 'regex':
      return refuse(
        reading,
        node,
        'a regular expression cannot stand alone',
        'Use $matches(field, /…/).',
        'expression/unsupported',
      );
    default:
      return unsupported(reading, node, REFUSED_NODES[node.type] ?? `\`${node.type}\``);
  }
}

function readAll(nodes: readonly Node[], reading: Reading, depth: number): readonly Expression[] | undefined {
  const all = nodes.map((node) => readTree(node, reading, depth + 1));
  return all.every((entry) => entry !== undefined) ? all : undefined;
}

function readFilters(
  stages: NonNullable<Node['stages']>,
  reading: Reading,
  depth: number,
): readonly Expression[] | undefined {
  const filters: (Expression | undefined)[] = stages.map((stage) =>
    stage.type === 'filter'
      ? readTree(stage.expr, reading, depth + 1)
      : unsupported(
          reading,
          { type: stage.type, ...(stage.position === undefined ? {} : { position: stage.position }) },
          'binding with `#`',
        ),
  );
  return filters.every((entry) => entry !== undefined) ? filters : undefined;
}

function readPath(node: Node, reading: Reading, depth: number): Expression | undefined {
  const steps: Step[] = [];
  for (const step of node.steps ?? []) {
    if (step.type === 'unary') {
      unsupported(
        reading,
        step,
        step.value === '[' ? 'an array constructor within a path' : 'an object constructor within a path',
      );
      continue;
    }
    const of = readTree(step, reading, depth + 1);
    const filters = readFilters(step.stages ?? [], reading, depth);
    if (of !== undefined && filters !== undefined) steps.push({ of, filters });
  }
  const first = steps[0];
  if (first === undefined || steps.length !== node.steps?.length) return undefined;
  return { kind: 'path', at: first.of.at, steps };
}

function readVariable(node: Node, reading: Reading): Expression | undefined {
  const at = startOf(node, reading.source);
  const name = String(node.value);
  if (name === '') return { kind: 'context', at };
  if (name === '$') return { kind: 'root', at };
  const macro = reading.macros.get(name);
  if (macro !== undefined) return readMacro(node, name, macro, reading);
  const values = reading.lists.get(name);
  if (values !== undefined) {
    reading.usedLists.add(name);
    return { kind: 'list', at, name, values };
  }
  if (functionNamed(name) !== undefined) {
    return refuse(
      reading,
      node,
      `the function $${name} is used without a call`,
      `Write $${name}(…).`,
      'expression/unsupported',
    );
  }
  const guess = nearest(name, [...reading.lists.keys(), ...reading.macros.keys()]);
  const remedy =
    guess === undefined
      ? 'Lists are files in lists/ beside the rules: name, owner, reason, values.'
      : `Did you mean $${guess}?`;
  return refuse(reading, node, `unknown list $${name}`, remedy, 'expression/unknown-list');
}

function readMacro(node: Node, name: string, macro: Macro, reading: Reading): Expression | undefined {
  reading.nodes += macro.size;
  if (reading.nodes > EXPRESSION_NODES_MAX) {
    return refuse(
      reading,
      node,
      `with $${name} in it the expression is too large`,
      'Split the rule, or use a list.',
      'expression/too-deep',
    );
  }
  reading.usedMacros.add(name);
  for (const used of macro.macros) reading.usedMacros.add(used);
  for (const used of macro.lists) reading.usedLists.add(used);
  return { kind: 'macro', at: startOf(node, reading.source), name, of: macro.expression };
}

function readUnary(node: Node, reading: Reading, depth: number): Expression | undefined {
  const at = startOf(node, reading.source);
  if (node.value === '[') {
    const items = readAll(node.expressions ?? [], reading, depth);
    if (items === undefined) return undefined;
    for (const item of items) {
      if (item.kind === 'literal' || item.kind === 'path' || item.kind === 'list') continue;
      problemAt(
        reading,
        item.at,
        'an array of anything but literals, fields and lists is not supported',
        'Compare with `or`.',
      );
      return undefined;
    }
    return { kind: 'array', at, items };
  }
  if (node.value === '-' && node.expression !== undefined) {
    const of = readTree(node.expression, reading, depth + 1);
    return of === undefined ? undefined : { kind: 'negation', at, of };
  }
  return unsupported(reading, node, 'an object constructor `{…}`');
}

function readBinary(node: Node, reading: Reading, depth: number): Expression | undefined {
  const operator = String(node.value);
  const sides = node.lhs === undefined || node.rhs === undefined ? [] : [node.lhs, node.rhs];
  const isKnown = COMPARISONS.has(operator) || ARITHMETIC.has(operator) || ['and', 'or', 'in', '&'].includes(operator);
  if (!isKnown || sides.length !== 2) return unsupported(reading, node, `the operator \`${operator}\``);
  const [left, right] = readAll(sides, reading, depth) ?? [];
  if (left === undefined || right === undefined) return undefined;
  const at = startOf(node, reading.source);
  if (operator === 'and' || operator === 'or') return { kind: 'logic', at, operator, left, right };
  if (operator === 'in') return { kind: 'in', at, left, right };
  if (operator === '&') return { kind: 'concatenation', at, left, right };
  if (COMPARISONS.has(operator)) return { kind: 'compare', at, operator: operator as CompareOperator, left, right };
  return { kind: 'arithmetic', at, operator: operator as ArithmeticOperator, left, right };
}

function readCondition(node: Node, reading: Reading, depth: number): Expression | undefined {
  const parts = [node.condition, node.then, node.else].filter((part) => part !== undefined);
  const [test, then, otherwise] = readAll(parts, reading, depth) ?? [];
  if (test === undefined || then === undefined) return undefined;
  return { kind: 'condition', at: startOf(node, reading.source), test, then, otherwise };
}

function readCall(node: Node, reading: Reading, depth: number): Expression | undefined {
  const procedure = node.procedure;
  if (procedure === undefined || procedure.type !== 'variable') {
    const name =
      procedure?.type === 'path' && procedure.steps?.length === 1 ? String(procedure.steps[0]?.value) : undefined;
    if (name !== undefined && functionNamed(name) !== undefined) {
      return refuse(
        reading,
        node,
        `\`${name}\` is called without its $`,
        `Write $${name}(…).`,
        'expression/unknown-function',
      );
    }
    return unsupported(reading, node, 'calling anything but a named function');
  }
  const name = String(procedure.value);
  const check = functionNamed(name);
  if (check === undefined) {
    const guess = nearest(name, FUNCTION_NAMES);
    const known =
      guess === undefined ? 'docs/rules.md lists the functions of this version.' : `Did you mean $${guess}?`;
    return refuse(
      reading,
      procedure,
      `the function $${name} is not known to this version`,
      known,
      'expression/unknown-function',
    );
  }
  const args = readArguments(node, check, reading, depth);
  if (args === undefined) return undefined;
  const call: Expression = { kind: 'call', at: startOf(procedure, reading.source), name, args };
  const wrong = check.check(args);
  if (wrong === undefined) return call;
  problemAt(reading, wrong.at ?? call.at, wrong.message, wrong.remedy, 'expression/wrong-arguments');
  return undefined;
}

function readArguments(
  node: Node,
  check: FunctionCheck,
  reading: Reading,
  depth: number,
): readonly Expression[] | undefined {
  const args = (node.arguments ?? []).map((argument) => {
    if (argument.type !== 'regex' || !(argument.value instanceof RegExp)) return readTree(argument, reading, depth + 1);
    if (!check.takesRegex) {
      return refuse(
        reading,
        argument,
        'this function takes no regular expression',
        'Use $matches(field, /…/).',
        'expression/wrong-arguments',
      );
    }
    const { source, flags } = argument.value;
    const compiled = compileRegex(source, flags);
    if (compiled.kind === 'refused')
      return refuse(reading, argument, compiled.message, compiled.remedy, 'expression/regex');
    return { kind: 'regex' as const, at: startOf(argument, reading.source), source, flags: flags.replace('g', '') };
  });
  return args.every((argument) => argument !== undefined) ? args : undefined;
}

function unsupported(reading: Reading, node: Node, what: string): undefined {
  return refuse(
    reading,
    node,
    `${what} is not supported by this version`,
    'docs/rules.md says which constructs a rule may use.',
    'expression/unsupported',
  );
}

function refuse(reading: Reading, node: Node, message: string, remedy: string, code: string): undefined {
  problemAt(reading, startOf(node, reading.source), message, remedy, code);
  return undefined;
}

function problemAt(
  reading: Reading,
  at: number,
  message: string,
  remedy: string,
  code = 'expression/unsupported',
): void {
  if (reading.problems.length < 20) reading.problems.push(problem(code, at, message, remedy));
}

export function problem(code: string, at: number, message: string, remedy: string): ExpressionProblem {
  return { code, at, message, remedy };
}
