// What reading an expression carries along: its text, the names it may use, and the problems found so far.
import type { FunctionDefinition } from './functions.ts';
import { type Node, startOf } from './official-tree.ts';
import type { Expression, ExpressionProblem, Lists, Macros, Pair } from './syntax.ts';

/** The deepest nesting of an expression. */
export const EXPRESSION_DEPTH_MAX = 200;
/** The longest chain of `and`, `or` or `&`; the official parser, which calls itself for each link, takes about 5,000. */
export const CHAIN_LENGTH_MAX = 2_000;
/** The most nodes of an expression's tree. */
export const EXPRESSION_NODES_MAX = 12_000;
/** More problems of one expression help nobody. */
const PROBLEMS_MAX = 20;

export const TOO_LARGE = {
  message: 'the expression is nested too deeply or too large',
  remedy: 'Split the rule, or use a list.',
  code: 'expression/too-deep',
} as const;

export interface Reading {
  /** Reads a node and what is below it; undefined when something was refused. */
  readonly read: (node: Node, reading: Reading, depth: number) => Expression | undefined;
  readonly source: string;
  readonly lists: Lists;
  readonly macros: Macros;
  readonly functionNamed: (name: string) => FunctionDefinition | undefined;
  /** JSONata as it is anywhere else: unknown names are missing values, wrong calls are errors when they are made. */
  readonly isPlain: boolean;
  /** What the expression itself binds. */
  readonly bound: ReadonlySet<string>;
  readonly problems: ExpressionProblem[];
  readonly usedLists: Set<string>;
  readonly usedMacros: Set<string>;
  nodes: number;
}

export interface Refusal {
  readonly message: string;
  readonly remedy: string;
  readonly code?: string;
}

export function refuse(reading: Reading, node: Node, refusal: Refusal): undefined {
  refuseAt(reading, startOf(node, reading.source), refusal);
  return undefined;
}

/** That an expression is too deep or too large is told once, of the first place where it is. */
export function refuseSize(reading: Reading, node: Node, refusal: typeof TOO_LARGE | Refusal): undefined {
  if (reading.problems.some(({ code }) => code === TOO_LARGE.code)) return undefined;
  return refuse(reading, node, refusal);
}

export function refuseAt(reading: Reading, at: number, refusal: Refusal): void {
  if (reading.problems.length >= PROBLEMS_MAX) return;
  const { message, remedy, code = 'expression/unsupported' } = refusal;
  reading.problems.push({ code, at, message, remedy });
}

export function readAll(nodes: readonly Node[], reading: Reading, depth: number): readonly Expression[] | undefined {
  const all = nodes.map((node) => reading.read(node, reading, depth + 1));
  return all.every((entry) => entry !== undefined) ? all : undefined;
}

export function readPairs(
  pairs: readonly (readonly [Node, Node])[],
  reading: Reading,
  depth: number,
): readonly Pair[] | undefined {
  const all = pairs.map(([key, value]) => ({
    key: reading.read(key, reading, depth + 1),
    value: reading.read(value, reading, depth + 1),
  }));
  const isWhole = (pair: (typeof all)[number]): pair is { key: Expression; value: Expression } =>
    pair.key !== undefined && pair.value !== undefined;
  return all.every(isWhole) ? all : undefined;
}
