// Promise 3 for rules on many events: which detections there are depends on the events alone, and where some come too late, it
// does so after the amendments.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import type { StepResult } from '../../engine/engine.ts';
import { EVERYTHING_PASSED, passedUntil, watermarksOf } from '../../engine/watermark.ts';
import { amended, type Detection } from '../../event/detection.ts';
import { fieldOf } from '../../event/document.ts';
import type { Progress } from '../../event/progress.ts';
import type { Rule } from '../../rules/rule.ts';
import {
  type Arrival,
  arrivalArbitrary,
  type Outcome,
  type RunOptions,
  runBatch,
  runLive,
  type Traffic,
  trafficArbitrary,
} from './arrival.ts';
import { FOLDED_KINDS, ruleArbitrary, rulesArbitrary } from './folded-rules.ts';
import { eventOf, ruleWith } from './making.ts';
import { referenceKinds } from './reference-kinds.ts';

const END_MS = 10_000;
const epochsOf = (rules: readonly Rule[]) => [{ fromMs: 0, rules }];
/** A planted fault need only be found, not made small; and is found or not whenever this runs. */
const PLANTED = { numRuns: 400, seed: 1, endOnFailure: true };

function sorted(outcome: Outcome): unknown {
  const byId = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    detections: byId(outcome.detections),
    alerts: byId(outcome.alerts),
    opened: [...outcome.opened].sort(),
    pending: outcome.pending,
  };
}

/** What holds: its place and its ground, whenever it was found. */
function holding({ detections }: Pick<Outcome, 'detections'>): unknown {
  return [...detections.values()]
    .filter((detection) => detection.amended?.as !== 'withdrawn')
    .map(({ id, ruleId, order, found }) => ({ id, ruleId, order, found }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

type Changes = Omit<RunOptions, 'epochs'>;

function exact(rules: fc.Arbitrary<readonly Rule[]>, changes: Changes = {}) {
  return fc.property(rules, trafficArbitrary, arrivalArbitrary, (some, traffic: Traffic, arrival: Arrival) => {
    const options = { epochs: epochsOf(some), endMs: END_MS, ...changes };
    expect(sorted(runLive(traffic, arrival, options))).toEqual(sorted(runBatch(traffic, options)));
  });
}

const oneOf = (name: (typeof FOLDED_KINDS)[number]) => ruleArbitrary(name).map((rule) => [rule]);

describe('rules on many events', () => {
  it.each(FOLDED_KINDS)('%s: any arrival, any cuts and any kills make what one batch run makes', (name) => {
    fc.assert(exact(oneOf(name)), { numRuns: 80 });
  });

  it.each(FOLDED_KINDS)('%s: the batch run means what the plain fold over sorted events means', (name) => {
    let found = 0;
    const check = fc.property(ruleArbitrary(name), trafficArbitrary, (rule, traffic) => {
      const { detections } = runBatch(traffic, { epochs: epochsOf([rule]), endMs: END_MS });
      found += detections.size;
      expect([...detections.keys()].sort()).toEqual([...referenceKinds(traffic.hosts.flat(), rule, END_MS)].sort());
    });
    fc.assert(check, { numRuns: 80 });
    expect(found).toBeGreaterThan(10);
  });

  it.each(FOLDED_KINDS)('%s: an event that comes twice makes what it makes once', (name) => {
    const twice = fc.tuple(arrivalArbitrary, fc.array(fc.nat(5_000), { minLength: 1, maxLength: 12 }));
    const check = fc.property(oneOf(name), trafficArbitrary, twice, (rules, traffic, [arrival, doubles]) => {
      const options = { epochs: epochsOf(rules), endMs: END_MS };
      const live = runLive(traffic, { ...arrival, doubles }, options);
      expect(holding(live)).toEqual(holding(runBatch(traffic, options)));
      expect(live.pending).toBe(0);
    });
    fc.assert(check, { numRuns: 80 });
  });

  it('several at once, and detections together', () => {
    fc.assert(exact(rulesArbitrary), { numRuns: 200 });
  });

  it('what is settled early, and what a full quota of keys forgets, is a function of the events too', () => {
    const limits = { keysPerRuleAndHostMax: 1, keysPerRuleMax: 2, keptPerKeyMax: 2, keptMs: 2 };
    fc.assert(exact(rulesArbitrary, { limits }), { numRuns: 200 });
  });

  it.each(['a', 'b', 'c', 'd', 'e', 'f'])(
    'of the keys of one event, the one folded first gives way first: %s',
    (user) => {
      const isOneOf = (...names: readonly string[]): Rule['match'] => {
        return (event) => names.includes(String(fieldOf(event, 'user.name')));
      };
      const rule = ruleWith({
        kind: { kind: 'threshold', count: 2, withinMs: 100, mode: 'episode' },
        by: ['user.name'],
        cases: [
          { match: isOneOf(user, 'z'), source: '', by: ['host.id'], isAbsent: false },
          { match: isOneOf(user, 'y'), source: '', by: ['user.name'], isAbsent: false },
        ],
      });
      // Two keys (the later case first), a kill, one that takes the room of the first of them, and the second again.
      const events = [user, 'x', 'y', 'z'].map((name, n) =>
        eventOf({ position: n + 1, createdMs: 1_000 + 10 * n, user: name }),
      );
      const limits = { keysPerRuleMax: 2, keysPerRuleAndHostMax: 2 };
      const options = { epochs: epochsOf([rule]), endMs: END_MS, limits };
      const steps = [{ take: 2, fate: 'killed after the commit' as const }];
      const live = runLive({ hosts: [events] }, { picks: [0], steps, disorder: 1, progressLag: 0 }, options);
      expect(sorted(live)).toEqual(sorted(runBatch({ hosts: [events] }, options)));
      expect([...live.detections.values()].map(({ found }) => found?.facts)).toEqual([{ count: 2 }]);
    },
  );

  it.each([
    ['with the events', false],
    ['from a store', true],
  ])('a rule that comes into force has its windows filled %s, and raises nothing from before', (_from, asksForPast) => {
    const check = fc.property(rulesArbitrary, trafficArbitrary, arrivalArbitrary, (rules, traffic, arrival) => {
      const epochs = [
        { fromMs: 0, rules: [] },
        { fromMs: 1_010, rules },
      ];
      const options = { epochs, endMs: END_MS };
      const live = runLive(traffic, arrival, { ...options, asksForPast });
      // Detections together are late where those of a rule that is still filled come after the others.
      const shapeOf = asksForPast ? holding : sorted;
      expect(shapeOf(live)).toEqual(shapeOf(runBatch(traffic, options)));
      for (const { order } of live.detections.values()) expect(order.createdMs).toBeGreaterThanOrEqual(1_010);
    });
    fc.assert(check, { numRuns: 150 });
  });
});

describe('events that come too late', () => {
  /** The first host is always behind by more than the lateness: nobody waits for it. */
  const firstIsOverdue: NonNullable<RunOptions['marks']> = (progress) => watermarksOf(progress, new Set(['h0']));

  it.each(FOLDED_KINDS)('%s: the same detections hold after the amendments', (name) => {
    const check = fc.property(oneOf(name), trafficArbitrary, arrivalArbitrary, (rules, traffic, arrival) => {
      const options = { epochs: epochsOf(rules), endMs: END_MS };
      const live = runLive(traffic, arrival, { ...options, marks: firstIsOverdue });
      expect(holding(live)).toEqual(holding(runBatch(traffic, options)));
      expect(live.gaps).toEqual([]);
    });
    fc.assert(check, { numRuns: 80 });
  });

  it('the same where nothing at all is waited for, and detections together are computed again too', () => {
    let amendments = 0;
    const check = fc.property(rulesArbitrary, trafficArbitrary, arrivalArbitrary, (rules, traffic, arrival) => {
      const options = { epochs: epochsOf(rules), endMs: END_MS };
      const live = runLive(traffic, arrival, { ...options, distort: () => EVERYTHING_PASSED });
      amendments += [...live.detections.values()].filter((detection) => detection.amended !== undefined).length;
      expect(holding(live)).toEqual(holding(runBatch(traffic, options)));
    });
    fc.assert(check, { numRuns: 200 });
    expect(amendments).toBeGreaterThan(10);
  });
});

describe('planted faults are caught', () => {
  it('an engine that folds in arrival order', () => {
    expect(fc.check(exact(rulesArbitrary, { distort: () => EVERYTHING_PASSED }), PLANTED).failed).toBe(true);
  });

  it('an engine that follows each host but not the others across hosts', () => {
    const distort: Changes['distort'] = (marks) => ({ ...marks, allPassed: marks.hostPassed });
    expect(fc.check(exact(rulesArbitrary, { distort }), PLANTED).failed).toBe(true);
  });

  it('an engine whose time runs ahead of the events', () => {
    const distort: Changes['distort'] = (marks) => ({
      ...marks,
      ...passedUntil(END_MS),
      allPassed: marks.allPassed,
      hostPassed: marks.hostPassed,
    });
    expect(fc.check(exact(rulesArbitrary, { distort }), PLANTED).failed).toBe(true);
  });

  it('a restart that does not find what keys were computed from', () => {
    const forgets: Changes['restored'] = (state) => new Map([...state].filter(([name]) => !name.startsWith('base:')));
    const limits = { keptMs: 1, keptPerKeyMax: 1 };
    expect(fc.check(exact(rulesArbitrary, { restored: forgets, limits }), PLANTED).failed).toBe(true);
  });
});

describe('a host that returns after ten minutes', () => {
  const MINUTE_MS = 60_000;
  const byUser = ruleWith({
    by: ['user.name'],
    kind: { kind: 'threshold', count: 3, withinMs: 2 * MINUTE_MS, mode: 'episode' },
  });
  const at = (hostId: string, createdMs: number, position: number) =>
    eventOf({ host: hostId, createdMs, position, user: `u${position % 3}` });
  const progress = (createdMs: number): Progress => ({ bootId: 'b1', position: -1, createdMs });
  const away = Array.from({ length: 600 }, (_, second) => at('away', MINUTE_MS + second * 1_000, second));
  const here = Array.from({ length: 900 }, (_, second) => at('here', MINUTE_MS + second * 1_000, second * 2));

  it('costs at most one computation for each rule and key, however its events come', () => {
    const engine = createEngine({ epochs: epochsOf([byUser]), state: new Map() });
    const detections = new Map<string, Detection>();
    const take = ({ amended: some, detections: news }: StepResult): void => {
      for (const amendment of some) {
        const known = detections.get(amendment.detectionId);
        if (known !== undefined) detections.set(known.id, amended(known, amendment));
      }
      for (const detection of news) detections.set(detection.id, detection);
    };
    const marks = (awayMs: number, hereMs: number) =>
      watermarksOf(
        new Map([
          ['away', progress(awayMs)],
          ['here', progress(hereMs)],
        ]),
        new Set(awayMs < hereMs - 10_000 ? ['away'] : []),
      );
    const untilMs = MINUTE_MS + 600_000;
    for (let second = 0; second < 600; second += 10) {
      take(engine.step(here.slice(second, second + 10), marks(MINUTE_MS, MINUTE_MS + (second + 10) * 1_000)));
    }
    expect(engine.health()[0]?.recomputed).toBe(0);
    // It drains within twelve seconds, in fifty pieces, while the other goes on.
    for (let piece = 0; piece < 50; piece += 1) {
      const hereMs = untilMs + piece * 250;
      const awayMs = piece === 49 ? hereMs : MINUTE_MS + (piece + 1) * 12_000;
      take(engine.step(away.slice(piece * 12, piece * 12 + 12), marks(awayMs, hereMs)));
    }
    take(engine.step(here.slice(600), passedUntil(untilMs + 3_600_000)));
    expect(engine.health()[0]?.recomputed).toBe(3);
    const batch = runBatch({ hosts: [away, here] }, { epochs: epochsOf([byUser]), endMs: untilMs + 3_600_000 });
    expect(holding({ detections })).toEqual(holding(batch));
  });

  it('what comes later than is kept is told as a gap, and raised where it shows something by itself', () => {
    const limits = { keptMs: MINUTE_MS };
    const engine = createEngine({ epochs: epochsOf([byUser]), state: new Map(), limits });
    engine.step(here, EVERYTHING_PASSED);
    const late = [0, 3, 6].map((position) => at('away', 1_000 + position, position));
    const { gaps, detections } = engine.step(late, EVERYTHING_PASSED);
    expect(gaps).toMatchObject([
      { ruleId: 'rule', key: '["u0"]', matches: 3, reason: 'age', fromMs: 1_000, toMs: 1_006 },
    ]);
    expect(detections).toMatchObject([{ isLate: true, key: '["u0"]', found: { facts: { count: 3 } } }]);
    expect(engine.health()[0]).toMatchObject({ gaps: 3 });
  });

  it('what is computed again is bounded for each rule, and told', () => {
    const limits = { recomputedPerRuleMax: 100 };
    const engine = createEngine({ epochs: epochsOf([byUser]), state: new Map(), limits });
    engine.step(here, EVERYTHING_PASSED);
    const { gaps } = engine.step(away.slice(0, 30), EVERYTHING_PASSED);
    expect(engine.health()[0]).toMatchObject({ recomputed: 1, gaps: 20 });
    expect(gaps.map(({ reason, matches }) => [reason, matches])).toEqual([
      ['budget', 10],
      ['budget', 10],
    ]);
  });
});
