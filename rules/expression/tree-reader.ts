// The official parser's tree → checked tree: names are resolved to lists, macros, functions and variables, and what can only be
// a mistake is refused by its name and place, so that an expression either means exactly what JSONata says or is not loaded.
import { readCall, readPartial, readTail } from './call-reader.ts';
import { readVariable } from './name-reader.ts';
import { type Node, startOf } from './official-tree.ts';
import { readFilters, readPath } from './path-reader.ts';
import {
  CHAIN_LENGTH_MAX,
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_NODES_MAX,
  type Reading,
  readAll,
  readPairs,
  refuse,
  refuseSize,
  TOO_LARGE,
} from './reading.ts';
import { regexOf } from './regex.ts';
import type { ArithmeticOperator, CompareOperator, Expression } from './syntax.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);
/** The checked tree of a node; undefined when something was refused, which `reading.problems` tells. */
export function readTree(node: Node, reading: Reading, depth: number): Expression | undefined {
  reading.nodes += 1;
  if (depth > EXPRESSION_DEPTH_MAX || reading.nodes > EXPRESSION_NODES_MAX) return refuseSize(reading, node, TOO_LARGE);
  let read = readBare(node, reading, depth);
  const predicates = node.predicate ?? [];
  if (predicates.length > 0) {
    const filters = readFilters(predicates, reading, depth);
    if (read === undefined || filters === undefined) return undefined;
    read = { kind: 'filter', at: read.at, of: read, filters };
  }
  if (node.group !== undefined && node.type !== 'path') {
    const pairs = readPairs(node.group.lhs, reading, depth);
    if (read === undefined || pairs === undefined) return undefined;
    read = { kind: 'group', at: read.at, of: read, pairs };
  }
  if (node.keepArray === true && read !== undefined) read = { kind: 'keep', at: read.at, of: read };
  return read;
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
    case 'wildcard':
      return { kind: 'wildcard', at };
    case 'descendant':
      return { kind: 'descendants', at };
    case 'parent':
      return { kind: 'parent', at, label: node.slot?.label ?? '' };
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
    case 'bind':
      return readBind(node, reading, depth);
    case 'lambda':
      return node.thunk === true ? readTail(node.body ?? node, reading, depth) : readLambda(node, reading, depth);
    case 'function':
      return readCall(node, reading, depth);
    case 'partial':
      return readPartial(node, reading, depth);
    case 'apply':
      return readApply(node, reading, depth);
    case 'transform':
      return readTransform(node, reading, depth);
    case 'regex':
      return readRegex(node, reading);
    default:
      return refuse(reading, node, { message: `\`${node.type}\` is not known here`, remedy: 'See docs/rules.md.' });
  }
}

function readUnary(node: Node, reading: Reading, depth: number): Expression | undefined {
  const at = startOf(node, reading.source);
  if (node.value === '[') {
    const items = readAll(node.expressions ?? [], reading, depth);
    if (items === undefined) return undefined;
    return { kind: 'array', at, items, ...(node.consarray === true ? { isWhole: true as const } : {}) };
  }
  if (node.value === '{') {
    const pairs = readPairs(node.lhs as readonly (readonly [Node, Node])[], reading, depth);
    return pairs === undefined ? undefined : { kind: 'object', at, pairs };
  }
  const of = node.expression === undefined ? undefined : readTree(node.expression, reading, depth + 1);
  return of === undefined ? undefined : { kind: 'negation', at, of };
}

function readBinary(node: Node, reading: Reading, depth: number): Expression | undefined {
  const operator = String(node.value);
  if (operator === 'and' || operator === 'or' || operator === '&') return readChain(node, operator, reading, depth);
  const [left, right] = readAll([node.lhs as Node, node.rhs as Node], reading, depth) ?? [];
  if (left === undefined || right === undefined) return undefined;
  const at = startOf(node, reading.source);
  if (operator === 'in') return { kind: 'in', at, left, right };
  if (operator === '..') return { kind: 'range', at, left, right };
  if (COMPARISONS.has(operator)) return { kind: 'compare', at, operator: operator as CompareOperator, left, right };
  if (ARITHMETIC.has(operator))
    return { kind: 'arithmetic', at, operator: operator as ArithmeticOperator, left, right };
  return refuse(reading, node, {
    message: `the operator \`${operator}\` is not known here`,
    remedy: 'See docs/rules.md.',
  });
}

/** The official tree of `a or b or c` leans to the left, a level for each `or`; here it is one node, and depth is what people nest. */
function readChain(node: Node, operator: 'and' | 'or' | '&', reading: Reading, depth: number): Expression | undefined {
  const links: Node[] = [];
  let first = node;
  for (let next: Node | undefined = node; next !== undefined; next = continued(next, operator)) {
    if (next.rhs !== undefined) links.push(next.rhs);
    first = next;
  }
  if (links.length >= CHAIN_LENGTH_MAX) return refuseSize(reading, node, TOO_LARGE);
  const operands = readAll([first.lhs as Node, ...links.toReversed()], reading, depth);
  if (operands === undefined) return undefined;
  const at = startOf(first, reading.source);
  return operator === '&' ? { kind: 'concatenation', at, operands } : { kind: 'logic', at, operator, operands };
}

/** What is left of a link, where it is a link of the same chain. */
function continued(node: Node, operator: string): Node | undefined {
  const left = node.lhs as Node | undefined;
  const isLink = left?.type === 'binary' && left.value === operator;
  const isBare = left?.predicate === undefined && left?.group === undefined && left?.keepArray !== true;
  return isLink && isBare ? left : undefined;
}

function readCondition(node: Node, reading: Reading, depth: number): Expression | undefined {
  const parts = [node.condition, node.then, node.else].filter((part) => part !== undefined);
  const [test, then, otherwise] = readAll(parts, reading, depth) ?? [];
  if (test === undefined || then === undefined) return undefined;
  return { kind: 'condition', at: startOf(node, reading.source), test, then, otherwise };
}

function readBind(node: Node, reading: Reading, depth: number): Expression | undefined {
  const name = String((node.lhs as Node).value);
  if (name === '$' || name === '') {
    const remedy = 'Give the variable another name.';
    return refuse(reading, node, { message: `\`$${name}\` cannot be bound`, remedy });
  }
  const value = node.rhs === undefined ? undefined : readTree(node.rhs, reading, depth + 1);
  return value === undefined ? undefined : { kind: 'bind', at: startOf(node, reading.source), name, value };
}

function readLambda(node: Node, reading: Reading, depth: number): Expression | undefined {
  const body = node.body === undefined ? undefined : readTree(node.body, reading, depth + 1);
  if (body === undefined) return undefined;
  const parameters = (node.arguments ?? []).map((parameter) => String(parameter.value));
  return { kind: 'lambda', at: startOf(node, reading.source), parameters, signature: node.signature?.definition, body };
}

/** `left ~> f(x)` is a call with one argument more; else right is a function to be called. */
function readApply(node: Node, reading: Reading, depth: number): Expression | undefined {
  const { lhs, rhs } = node;
  if (lhs === undefined || rhs === undefined) return undefined;
  if (rhs.type === 'function') {
    const isBare = rhs.predicate === undefined && rhs.group === undefined;
    if (isBare || reading.isPlain) return readCall(rhs, reading, depth, lhs as Node);
    return refuse(reading, rhs, {
      message: 'a predicate or `{…}` behind a call right of `~>` is ignored by JSONata',
      remedy: 'Put parentheses around the chain: (a ~> $f())[0].',
    });
  }
  const [left, right] = readAll([lhs as Node, rhs], reading, depth) ?? [];
  if (left === undefined || right === undefined) return undefined;
  return { kind: 'apply', at: left.at, left, right };
}

function readTransform(node: Node, reading: Reading, depth: number): Expression | undefined {
  const { pattern, update } = node;
  if (pattern === undefined || update === undefined) return undefined;
  const parts = [pattern, update, ...(node.delete === undefined ? [] : [node.delete])];
  const [of, change, remove] = readAll(parts, reading, depth) ?? [];
  if (of === undefined || change === undefined) return undefined;
  const at = startOf(node, reading.source);
  const clone: Expression | undefined = reading.bound.has('clone')
    ? { kind: 'variable', at, name: 'clone', otherwise: { kind: 'function', at, name: 'clone' } }
    : undefined;
  return { kind: 'transform', at, pattern: of, update: change, remove, clone };
}

function readRegex(node: Node, reading: Reading): Expression | undefined {
  if (!(node.value instanceof RegExp)) {
    return refuse(reading, node, {
      message: 'a regular expression cannot stand left of `?:` or `??`: JSONata loses it there',
      remedy: 'Write test ? a : b.',
      code: 'expression/regex',
    });
  }
  const { source, flags } = node.value;
  const read = {
    kind: 'regex',
    at: startOf(node, reading.source),
    source,
    flags: flags.replace('g', ''),
  } as const satisfies Expression;
  const compiled = regexOf(read);
  if (compiled.kind === 'refused') return refuse(reading, node, { ...compiled, code: 'expression/regex' });
  return read;
}
