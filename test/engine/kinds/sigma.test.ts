// Sigma's seven correlation types, said in our words. Each is shown a burst that lies astride every boundary of its time span (which
// buckets would cut in two), and a near miss.
import { describe, expect, it } from 'vitest';
import { foldOf } from '../../../engine/kinds/fold-of.ts';
import { foldMatches, matchesOf } from './folding.ts';
import { ruleOf, startRule } from './rule-run.ts';

const HOUR_MS = 3_600_000;
/** A full hour, a full day: where buckets of any length have an edge. */
const EDGE_MS = Date.UTC(2026, 0, 5);

interface Given {
  /** Seconds from the edge. */
  readonly at: number;
  readonly user?: string;
  readonly value?: string | number;
}

const DOCUMENT = (given: Given): Readonly<Record<string, unknown>> => ({
  event: { action: 'logon-failed' },
  user: { name: given.user ?? 'bob' },
  ...(typeof given.value === 'number'
    ? { network: { bytes: given.value } }
    : { source: { ip: given.value ?? '10.0.0.1' } }),
});

function findings(text: string, events: readonly Given[]): readonly string[] {
  const run = startRule(ruleOf(`by: [user.name]\nmatch: event.action = "logon-failed"\n${text}\n`));
  events.forEach((given, place) => {
    run.see({ ms: EDGE_MS + given.at * 1_000, id: `e${place}`, document: DOCUMENT(given) });
  });
  run.passTo(EDGE_MS + 24 * HOUR_MS);
  return run.found.map(({ key, facts }) => `${key} ${facts['value'] ?? facts['count']}`);
}

/** So many, evenly from `from` to `to` seconds. */
function spread(count: number, from: number, to: number, more: Partial<Given> = {}): readonly Given[] {
  return Array.from({ length: count }, (_, place) => ({ at: from + ((to - from) * place) / (count - 1), ...more }));
}

describe('Sigma’s correlations', () => {
  describe('event_count: timespan 5m, gte 10, group-by user.name', () => {
    const words = 'threshold: { count: 10, within: 5m }';
    it('finds a burst astride a boundary', () => {
      expect(findings(words, spread(10, -140, 140))).toEqual(['["bob"] 10']);
    });
    it('does not find nine, ten of two users, or ten in more than the span', () => {
      expect(findings(words, spread(9, -140, 140))).toEqual([]);
      expect(findings(words, [...spread(5, -140, -1), ...spread(5, 0, 140, { user: 'eve' })])).toEqual([]);
      expect(findings(words, spread(10, -150, 150))).toEqual([]);
    });
    it('gt is one more; lt is an absence', () => {
      expect(findings('threshold: { count: 11, within: 5m }', spread(10, -140, 140))).toEqual([]);
      expect(findings('absence: { fewer_than: 10, within: 5m }', spread(9, -140, 140))).toEqual(['["bob"] 8']);
      expect(findings('absence: { fewer_than: 1, within: 5m }', spread(3, -140, 140))).toEqual(['["bob"] 0']);
    });
  });

  describe('value_count: source.ip, timespan 1h, gt 2, group-by user.name', () => {
    const words = 'distinct: { field: source.ip, above: 2, within: 1h }';
    const from = (at: number, value: string): Given => ({ at, value });
    it('finds a third value astride a boundary', () => {
      expect(findings(words, [from(-1_700, 'a'), from(-5, 'b'), from(1_700, 'c')])).toEqual(['["bob"] 3']);
    });
    it('does not find two values ten times, or a third too late', () => {
      expect(findings(words, [...spread(10, -600, -1, { value: 'a' }), ...spread(10, 0, 600, { value: 'b' })])).toEqual(
        [],
      );
      expect(findings(words, [from(-1_700, 'a'), from(-5, 'b'), from(1_901, 'c')])).toEqual([]);
    });
  });

  describe('value_sum: network.bytes, timespan 10m, gt 1000', () => {
    const words = 'metric: { sum: network.bytes, above: 1000, within: 10m }';
    it('finds a sum astride a boundary', () => {
      expect(findings(words, spread(6, -250, 250, { value: 200 }))).toEqual(['["bob"] 1200']);
    });
    it('does not find exactly so much, or more in a longer time', () => {
      expect(findings(words, spread(5, -250, 250, { value: 200 }))).toEqual([]);
      expect(findings(words, spread(6, -300, 300, { value: 200 }))).toEqual([]);
    });
  });

  describe('value_avg: network.bytes, timespan 10m, gte 500 of at least 3', () => {
    const words = 'metric: { avg: network.bytes, above: 499.999, at_least: 3, within: 10m }';
    it('finds a mean astride a boundary', () => {
      const events = [
        { at: -100, value: 100 },
        { at: -1, value: 500 },
        { at: 100, value: 900 },
      ];
      expect(findings(words, events)).toEqual(['["bob"] 500']);
      expect(findings(words, [...events.slice(0, 2), { at: 100, value: 800 }])).toEqual([]);
    });
  });

  describe('value_percentile: network.bytes, 90th, timespan 10m, gt 99', () => {
    const words = 'metric: { p90: network.bytes, above: 99, at_least: 10, within: 10m }';
    it('finds two large of ten astride a boundary, not one', () => {
      const small = spread(8, -200, 100, { value: 10 });
      expect(findings(words, [...small, { at: 150, value: 100 }, { at: 151, value: 100 }])).toEqual(['["bob"] 100']);
      expect(findings(words, [...small, { at: 149, value: 10 }, { at: 150, value: 100 }])).toEqual([]);
    });
  });

  describe('temporal and temporal_ordered: three rules, timespan 5m', () => {
    const detections = (isOrdered: boolean, events: readonly (readonly [at: number, rule: number])[]): number => {
      const rules = ['many_failures', 'success', 'new_account'];
      const fold = foldOf({ kind: 'together', rules, withinMs: 300_000, isOrdered });
      if (fold === undefined) throw new Error('no fold');
      const moments = events.map(([at, role]) => ({ ms: EDGE_MS + at * 1_000, role }));
      return foldMatches(fold, matchesOf(moments), { untilMs: EDGE_MS + HOUR_MS }).length;
    };

    it('temporal: any order, astride a boundary; all of them, within the span', () => {
      expect(
        detections(false, [
          [-140, 2],
          [-1, 0],
          [160, 1],
        ]),
      ).toBe(1);
      expect(
        detections(false, [
          [-140, 2],
          [-1, 2],
          [160, 1],
        ]),
      ).toBe(0);
      expect(
        detections(false, [
          [-140, 2],
          [-1, 0],
          [161, 1],
        ]),
      ).toBe(0);
    });

    it('temporal_ordered: in this order only', () => {
      expect(
        detections(true, [
          [-140, 0],
          [-1, 1],
          [160, 2],
        ]),
      ).toBe(1);
      expect(
        detections(true, [
          [-140, 2],
          [-1, 0],
          [160, 1],
        ]),
      ).toBe(0);
      expect(
        detections(true, [
          [-140, 0],
          [-1, 1],
          [161, 2],
        ]),
      ).toBe(0);
    });
  });

  it('aliases: steps under other fields of theirs', () => {
    const run = startRule(
      ruleOf(`by: [user.name]
sequence:
  within: 5m
  steps:
    - match: event.action = "logged-on"
    - match: event.action = "changed-role-to"
      by: [user.target.name]
`),
    );
    const see = (at: number, action: string, user: object): void =>
      run.see({ ms: EDGE_MS + at * 1_000, id: `${at}`, document: { event: { action }, user } });
    see(-60, 'logged-on', { name: 'bob' });
    see(-30, 'logged-on', { name: 'eve' });
    see(60, 'changed-role-to', { name: 'root', target: { name: 'bob' } });
    expect(run.found.map(({ eventIds }) => eventIds)).toEqual([['-60', '60']]);
  });
});
