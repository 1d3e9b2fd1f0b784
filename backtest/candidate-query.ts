// What of the stored events a backtest has to read: those that a rule may match, by what each rule needs. A store gives too much rather
// than too little; what the engine would have looked at and found no match in may be missing, and the rules' figures are by so much less.
import type { RuleEpoch } from '../engine/engine.ts';
import { chooseTests, recordedShare } from '../engine/selectivity.ts';
import type { NecessaryTest } from '../rules/necessary.ts';
import type { Query } from '../store/query/query.ts';

/** With more tests, a store reads faster without looking at them. */
const TESTS_MAX = 256;

/** Holds for every event that one of the rules matches; undefined where that may be any. */
export function candidateQuery(epochs: readonly RuleEpoch[]): Query | undefined {
  const queries = new Map<string, Query>();
  for (const { rules } of epochs) {
    for (const { status, kind, necessary } of rules) {
      // `together` is about detections: its rules say which events they need.
      if (status === 'off' || kind.kind === 'together') continue;
      const choice = necessary === undefined ? undefined : chooseTests(necessary, shareInStore);
      if (choice === undefined || choice.share === Number.POSITIVE_INFINITY) return undefined;
      for (const query of choice.tests.flatMap(queriesOf)) queries.set(JSON.stringify(query), query);
      if (queries.size > TESTS_MAX) return undefined;
    }
  }
  return anyOf([...queries.values()]);
}

function shareInStore(test: NecessaryTest): number {
  const isTellable =
    test.kind === 'equals'
      ? !test.values.has(null)
      : test.kind === 'is'
        ? ![...test.texts].some((text) => text.includes(DOT_ABOVE))
        : test.kind === 'part';
  return isTellable ? recordedShare(test) : Number.POSITIVE_INFINITY;
}

/** What lower case makes of the dotted capital I holds it, and searches fold that letter otherwise. */
const DOT_ABOVE = '\u0307';

function queriesOf(test: NecessaryTest): readonly Query[] {
  const { field } = test;
  switch (test.kind) {
    case 'equals':
      return [...test.values].map((value) => ({ kind: 'equals', field, value: String(value) }));
    case 'is':
      return [...test.texts].map((value) => ({ kind: 'equals', field, value }));
    case 'part': {
      const literal = test.part.replace(/[\\*?]/g, '\\$&');
      // A long s is an s to a regular expression without regard to case, and to searches it is not.
      const text = test.isFolded ? literal.replace(/s/gi, '?') : literal;
      const [before, after] = [test.place === 'start' ? '' : '*', test.place === 'end' ? '' : '*'];
      return [{ kind: 'wildcard', field, pattern: `${before}${text}${after}` }];
    }
    case 'exists':
      return [];
  }
}

/** As a balanced tree: stores bound how deep conditions may be. */
function anyOf(tests: readonly Query[]): Query | undefined {
  if (tests.length <= 1) return tests[0];
  const middle = Math.floor(tests.length / 2);
  const [left, right] = [anyOf(tests.slice(0, middle)), anyOf(tests.slice(middle))];
  return left === undefined || right === undefined ? (left ?? right) : { kind: 'or', left, right };
}
