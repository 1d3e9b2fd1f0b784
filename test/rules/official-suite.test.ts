// The official JSONata suite on our compiled expressions: the same values and the same error codes, but for the cases listed here.
import { describe, expect, it } from 'vitest';
import { isSuiteHere, type Outcome, outcomeOf, suiteCases } from './official-suite.ts';

/** What differs, and why. U1001 is no code of JSONata: the suite's own harness gives it where it stops an evaluation. */
const DIFFERENT: Readonly<Record<string, { readonly reason: string; readonly ours: Outcome }>> = {
  'tail-recursion/case002.json#0': {
    reason: 'the harness allows a depth of 302; ours allows 100 calls within each other',
    ours: { kind: 'value', json: '9.33262154439441e+157' },
  },
  'tail-recursion/case005.json#0': {
    reason: 'endless recursion: ours ends it with the code that JSONata has for it',
    ours: { kind: 'error', code: 'D1011' },
  },
  'tail-recursion/case006.json#0': {
    reason: 'an endless loop without depth: ours ends when the fuel is spent',
    ours: { kind: 'error', code: 'fuel' },
  },
};

describe('the official suite', () => {
  it.skipIf(!isSuiteHere)(
    `gives the official results${isSuiteHere ? '' : ' (skipped: no suite at VEDETTE_JSONATA_SUITE)'}`,
    { timeout: 300_000 },
    () => {
      const cases = suiteCases();
      expect(cases.length).toBeGreaterThanOrEqual(1_686);
      const wrong = cases
        .map((entry) => {
          const expected = DIFFERENT[entry.name]?.ours ?? entry.expected;
          const got = outcomeOf(entry.expr, entry.input, entry.bindings);
          return { name: entry.name, expr: entry.expr, expected: comparable(expected), got: comparable(got) };
        })
        .filter(({ expected, got }) => JSON.stringify(expected) !== JSON.stringify(got));
      expect(wrong).toEqual([]);
      expect(Object.keys(DIFFERENT).filter((name) => !cases.some((entry) => entry.name === name))).toEqual([]);
    },
  );
});

/** Without regard to the order of an object's names. */
function comparable(outcome: Outcome): unknown {
  if (outcome.kind === 'error' || outcome.json === 'undefined') return outcome;
  return sorted(JSON.parse(outcome.json));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
