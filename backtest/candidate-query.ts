// What of the stored events a backtest has to read: those that a rule's necessary clause allows. A store gives too much rather than
// too little, and the engine leaves out by the same clauses, so that neither detections nor the rules' figures change.
import type { RuleEpoch } from '../engine/engine.ts';
import type { Query } from '../store/query/query.ts';

/** With more values, a store reads faster without looking at them. */
const VALUES_MAX = 256;

/** Holds for every event that one of the rules is evaluated on; undefined where that may be any. */
export function candidateQuery(epochs: readonly RuleEpoch[]): Query | undefined {
  const values = new Map<string, Set<string>>();
  for (const { rules } of epochs) {
    for (const { status, necessary } of rules) {
      if (status === 'off') continue;
      if (necessary === undefined) return undefined;
      const known = values.get(necessary.field) ?? new Set();
      values.set(necessary.field, known);
      for (const value of necessary.values) known.add(value);
    }
  }
  const tests = [...values].flatMap(([field, texts]) =>
    [...texts].map((value): Query => ({ kind: 'equals', field, value })),
  );
  return tests.length > VALUES_MAX ? undefined : anyOf(tests);
}

/** As a balanced tree: stores bound how deep conditions may be. */
function anyOf(tests: readonly Query[]): Query | undefined {
  if (tests.length <= 1) return tests[0];
  const middle = Math.floor(tests.length / 2);
  const [left, right] = [anyOf(tests.slice(0, middle)), anyOf(tests.slice(middle))];
  return left === undefined || right === undefined ? (left ?? right) : { kind: 'or', left, right };
}
