// Every fold finds what its meaning, said plainly (plain-meaning.ts), finds: random rules, random traffic with ties and gaps; whether
// time is told at each match or at each millisecond; the state through JSON between all steps.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldOf } from '../../../engine/kinds/fold-of.ts';
import { UNTIL } from '../../../engine/kinds/kind-fold.ts';
import { FIGURES, type Metric, type RuleKind } from '../../../rules/kind.ts';
import { byRoles, foldMatches, matchesOf } from './folding.ts';
import {
  type PlainFinding,
  type PlainMatch,
  plainAtLeast,
  plainChange,
  plainFewer,
  plainMetric,
  plainNewValue,
  plainSequence,
  plainSpike,
  plainSpikeRestart,
  plainWholeWindows,
} from './plain-meaning.ts';

const RUNS = { numRuns: 800 };
const UNTIL_MS = 3_200;

/** Matches with small steps, ties, and now and then a gap. */
function traffic(roles: number, values: fc.Arbitrary<string | number | null>): fc.Arbitrary<readonly PlainMatch[]> {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 5, max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(10, 20, 64, 65, 128, 130) },
  );
  const one = fc.record({ step, role: fc.integer({ min: 0, max: roles - 1 }), value: values });
  return fc.array(one, { maxLength: 24, size: 'max' }).map((list) => {
    let ms = 0;
    return list.map(({ step: by, role, value }, place) => {
      ms += by;
      return { ms, id: `e${place}`, role, value };
    });
  });
}

const letters = fc.constantFrom('a', 'b', 'c', 'd');
const lettersOrNone = fc.constantFrom('a', 'b', 'c', null);
const numbers = fc.oneof(fc.integer({ min: -3, max: 9 }), fc.constant(null));
const spans = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(4, 10, 20));

function findings(kind: RuleKind, matches: readonly PlainMatch[], eager: boolean): readonly PlainFinding[] {
  const fold = foldOf(kind);
  if (fold === undefined) throw new Error('no fold');
  const moments = matches.map(({ ms, id, role, value }) => ({ ms, id, role, values: [value] }));
  return foldMatches(fold, matchesOf(moments), { untilMs: UNTIL_MS, eager }).map(({ eventId, atMs, facts }) => {
    expect(FIGURES[kind.kind]).toEqual(expect.arrayContaining(Object.keys(facts)));
    return eventId ?? atMs - 1;
  });
}

function holds<K extends RuleKind>(
  kinds: fc.Arbitrary<K>,
  events: fc.Arbitrary<readonly PlainMatch[]>,
  meaning: (matches: readonly PlainMatch[], kind: K) => readonly PlainFinding[],
): void {
  let found = 0;
  const check = fc.property(kinds, events, fc.boolean(), (kind, matches, eager) => {
    const expected = meaning(matches, kind);
    found += expected.length;
    expect(findings(kind, matches, eager)).toEqual(expected);
  });
  fc.assert(check, RUNS);
  expect(found).toBeGreaterThan(RUNS.numRuns / 20);
}

describe('a fold finds what its plain meaning finds', () => {
  it('threshold', () => {
    const kinds = fc.record({
      kind: fc.constant('threshold' as const),
      count: fc.integer({ min: 1, max: 5 }),
      withinMs: spans,
      mode: fc.constantFrom('episode' as const, 'restart' as const),
    });
    holds(kinds, traffic(1, letters), (matches, { count, withinMs, mode }) =>
      plainAtLeast(matches, { least: count, spanMs: withinMs, countedOnce: false, mode }),
    );
  });

  it('threshold, no more than so many', () => {
    const kinds = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }), spans)
      .map(([count, more, withinMs]) => {
        return { kind: 'threshold' as const, count, withinMs, mode: 'episode' as const, atMost: count + more };
      });
    holds(kinds, traffic(1, letters), (matches, { count, withinMs, atMost }) =>
      plainWholeWindows(matches, { least: count, most: atMost, spanMs: withinMs, countedOnce: false }),
    );
  });

  it('distinct, between two bounds', () => {
    const kinds = fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 2, max: 3 }), spans)
      .map(([above, more, withinMs]) => {
        return { kind: 'distinct' as const, field: 'x', above, below: above + more, withinMs };
      });
    holds(kinds, traffic(1, lettersOrNone), (matches, { above, below, withinMs }) =>
      plainWholeWindows(
        matches.filter(({ value }) => value !== null),
        { least: above + 1, most: below - 1, spanMs: withinMs + 1, countedOnce: true },
      ),
    );
  });

  it('combination: so many of the steps, one event several of them', () => {
    const step = { match: () => true, source: '', by: [], isAbsent: false };
    const kinds = fc.tuple(fc.integer({ min: 2, max: 3 }), spans).map(([atLeast, withinMs]) => {
      return { kind: 'combination' as const, steps: [step, step, step], atLeast, withinMs };
    });
    holds(kinds, traffic(3, letters), (matches, { atLeast, withinMs }) =>
      plainAtLeast(
        matches.map((match) => ({ ...match, value: match.role })),
        { least: atLeast, spanMs: withinMs + 1, countedOnce: true, mode: 'episode' },
      ),
    );
  });

  it('together, a count of detections', () => {
    const kinds = fc.record({
      kind: fc.constant('together' as const),
      rules: fc.constant(['a', 'b']),
      withinMs: spans,
      isOrdered: fc.constant(false),
      count: fc.integer({ min: 1, max: 4 }),
    });
    holds(kinds, traffic(2, letters), (matches, { count, withinMs }) =>
      plainAtLeast(matches, { least: count, spanMs: withinMs, countedOnce: false, mode: 'episode' }),
    );
  });

  it('distinct, above', () => {
    const kinds = fc.record({
      kind: fc.constant('distinct' as const),
      field: fc.constant('x'),
      above: fc.integer({ min: 0, max: 3 }),
      below: fc.constant(undefined),
      withinMs: spans,
    });
    holds(kinds, traffic(1, lettersOrNone), (matches, { above, withinMs }) =>
      plainAtLeast(
        matches.filter(({ value }) => value !== null),
        { least: above + 1, spanMs: withinMs + 1, countedOnce: true, mode: 'episode' },
      ),
    );
  });

  it('distinct, below', () => {
    const kinds = fc.record({
      kind: fc.constant('distinct' as const),
      field: fc.constant('x'),
      above: fc.constant(undefined),
      below: fc.integer({ min: 1, max: 4 }),
      withinMs: spans,
    });
    holds(kinds, traffic(1, lettersOrNone), (matches, { below, withinMs }) =>
      plainFewer(
        matches.filter(({ value }) => value !== null),
        { least: below, spanMs: withinMs + 1, countedOnce: true, untilMs: UNTIL_MS },
      ),
    );
  });

  it('absence', () => {
    const kinds = fc.record({
      kind: fc.constant('absence' as const),
      fewerThan: fc.integer({ min: 1, max: 5 }),
      withinMs: spans,
    });
    holds(kinds, traffic(1, letters), (matches, { fewerThan, withinMs }) =>
      plainFewer(matches, { least: fewerThan, spanMs: withinMs, countedOnce: false, untilMs: UNTIL_MS }),
    );
  });

  it('new_value', () => {
    const kinds = fc.record({
      kind: fc.constant('new_value' as const),
      fields: fc.constant(['x']),
      learnMs: fc.integer({ min: 1, max: 30 }),
      rememberMs: fc.constantFrom(64, 128),
      missing: fc.constant('skip' as const),
    });
    holds(kinds, traffic(1, lettersOrNone), (matches, kind) =>
      plainNewValue(
        matches.filter(({ value }) => value !== null),
        kind,
      ),
    );
  });

  it('change', () => {
    const kinds = fc.record({
      kind: fc.constant('change' as const),
      fields: fc.constant(['x']),
      withinMs: fc.option(spans, { nil: undefined }),
      missing: fc.constantFrom('skip' as const, 'value' as const),
    });
    holds(kinds, traffic(1, lettersOrNone), (matches, kind) =>
      plainChange(
        matches.filter(({ value }) => kind.missing === 'value' || value !== null),
        kind,
      ),
    );
  });

  const metrics: fc.Arbitrary<Metric> = fc.record({
    aggregate: fc.constantFrom<Metric['aggregate']>(
      ...(['avg', 'sum', 'min', 'max', 'count', 'distinct'] as const),
      { percentile: 50 },
      { percentile: 95 },
    ),
    field: fc.constant('x'),
  });

  it('metric', () => {
    const kinds = fc.record({
      kind: fc.constant('metric' as const),
      metric: metrics,
      above: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
      below: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
      atLeast: fc.integer({ min: 1, max: 3 }),
      withinMs: spans,
    });
    holds(kinds, traffic(1, numbers), plainMetric);
  });

  it('metric, from and to', () => {
    const kinds = fc.record({
      kind: fc.constant('metric' as const),
      metric: metrics,
      above: fc.constant(undefined),
      below: fc.constant(undefined),
      from: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
      to: fc.option(fc.integer({ min: 2, max: 8 }), { nil: undefined }),
      atLeast: fc.integer({ min: 1, max: 3 }),
      withinMs: spans,
    });
    holds(kinds, traffic(1, numbers), plainMetric);
  });

  it('ratio', () => {
    const kinds = fc.record({
      kind: fc.constant('ratio' as const),
      of: fc.constant(() => true),
      ofSource: fc.constant('true'),
      above: fc.option(fc.constantFrom(0, 0.5, 0.7), { nil: undefined }),
      below: fc.option(fc.constantFrom(0.3, 0.5), { nil: undefined }),
      atLeast: fc.integer({ min: 1, max: 4 }),
      withinMs: spans,
    });
    holds(kinds, traffic(2, letters), (matches, { above, below, atLeast, withinMs }) =>
      plainMetric(
        matches.map((match) => ({ ...match, value: match.role })),
        { kind: 'metric', metric: { aggregate: 'avg', field: 'x' }, above, below, atLeast, withinMs },
      ),
    );
  });

  it('spike', () => {
    const kinds = fc.record({
      kind: fc.constant('spike' as const),
      factor: fc.constantFrom(1.5, 2, 3),
      withinMs: fc.integer({ min: 1, max: 12 }),
      direction: fc.constantFrom('up' as const, 'down' as const, 'both' as const),
      atLeast: fc.integer({ min: 1, max: 3 }),
      metric: fc.option(metrics, { nil: undefined }),
    });
    holds(kinds, traffic(1, numbers), (matches, kind) => plainSpike(matches, kind, UNTIL_MS));
  });

  it('spike, `mode: restart`', () => {
    const kinds = fc.record({
      kind: fc.constant('spike' as const),
      factor: fc.constantFrom(1.5, 2, 3),
      withinMs: fc.integer({ min: 1, max: 12 }),
      direction: fc.constantFrom('up' as const, 'down' as const, 'both' as const),
      atLeast: fc.constant(1),
      metric: fc.option(metrics, { nil: undefined }),
      restart: fc.record({
        everyMs: fc.integer({ min: 1, max: 15 }),
        nowAtLeast: fc.constantFrom(0, 1, 2),
        beforeAtLeast: fc.constantFrom(0, 1, 2),
        isKept: fc.boolean(),
      }),
    });
    holds(kinds, traffic(1, numbers), (matches, kind) => plainSpikeRestart(matches, kind, UNTIL_MS));
  });

  it('together, in any order', () => {
    const kinds = fc.record({
      kind: fc.constant('together' as const),
      rules: fc.constant(['a', 'b', 'c']),
      withinMs: spans,
      isOrdered: fc.constant(false),
    });
    const events = traffic(3, letters);
    holds(kinds, events, (matches, { withinMs }) =>
      plainAtLeast(
        matches.map((match) => ({ ...match, value: match.role })),
        { least: 3, spanMs: withinMs + 1, countedOnce: true, mode: 'episode' },
      ),
    );
  });
});

describe('a sequence', () => {
  it('is found where its plain meaning finds it', () => {
    const shapes = fc.constantFrom<readonly boolean[]>(
      [false, false],
      [false, false, false],
      [false, true, false],
      [false, false, true, false],
      [false, true, true, false],
      [false, true],
      [false, false, true],
      [false, true, false, true],
    );
    const event = fc.record({
      step: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 15 })),
      roles: fc.uniqueArray(fc.constantFrom(0, 0, 1, 1, 2, 2, 3, UNTIL), { minLength: 1, maxLength: 2 }),
    });
    let found = 0;
    const check = fc.property(
      shapes,
      fc.integer({ min: 1, max: 25 }),
      fc.array(event, { maxLength: 14 }),
      fc.boolean(),
      (absent, withinMs, list, eager) => {
        let ms = 0;
        const events = list.map(({ step, roles }, place) => {
          ms += step;
          return { ms, id: `e${place}`, roles: roles.filter((role) => role < absent.length) };
        });
        const match = (): boolean => true;
        const steps = absent.map((isAbsent) => ({ match, source: '', by: [], isAbsent }));
        const fold = foldOf({ kind: 'sequence', withinMs, steps, until: match, untilSource: '' });
        if (fold === undefined) throw new Error('no fold');
        const matches = events.flatMap(({ ms: at, id, roles }, place) =>
          roles.map((role) => ({
            order: { createdMs: at, hostId: 'h', bootId: 'b', position: place, id },
            role,
            values: [],
          })),
        );
        const actual = foldMatches(fold, matches.toSorted(byRoles), { untilMs: UNTIL_MS, eager });
        const expected = plainSequence(events, { absent, withinMs, untilMs: UNTIL_MS });
        found += expected.length;
        expect(actual.map(({ eventId, atMs }) => eventId ?? atMs - 1)).toEqual(expected);
      },
    );
    fc.assert(check, RUNS);
    expect(found).toBeGreaterThan(100);
  });
});
