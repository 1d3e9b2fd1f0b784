// What a flood of matches under one key leaves: the state is bounded by the rule or by the kinds' own limits, a finding says where a
// figure is not exact, and hostile values do no harm.
import { describe, expect, it } from 'vitest';
import { foldOf } from '../../../engine/kinds/fold-of.ts';
import { FOUND_EVENTS_MAX, type Found, type MatchValue } from '../../../engine/kinds/kind-fold.ts';
import {
  KNOWN_GROUPS,
  KNOWN_PER_GROUP_MAX,
  RECENT_MAX,
  SAMPLES_MAX,
  VALUES_MAX,
} from '../../../engine/kinds/limits.ts';
import type { Metric, RuleKind } from '../../../rules/kind.ts';

interface Flooded {
  readonly characters: number;
  readonly found: readonly Found[];
}

/** `count` matches, a millisecond apart. */
function flood(
  kind: RuleKind,
  count: number,
  of: (place: number) => { readonly value?: MatchValue; readonly role?: number } = () => ({}),
): Flooded {
  const fold = foldOf(kind);
  if (fold === undefined) throw new Error('no fold');
  let state: unknown;
  const found: Found[] = [];
  for (let place = 0; place < count; place += 1) {
    const { value = null, role = 0 } = of(place);
    const order = { createdMs: 1_000_000 + place, hostId: 'h1', bootId: 'b1', position: place, id: `e${place}` };
    const seen = fold.see(state, { order, role, values: fold.fields.length === 0 ? [] : [value] });
    state = seen.state;
    found.push(...seen.found);
  }
  return { characters: JSON.stringify(state ?? null).length, found };
}

function metric(aggregate: Metric['aggregate'], above: number, withinMs = 60_000): RuleKind {
  return { kind: 'metric', metric: { aggregate, field: 'x' }, above, below: undefined, atLeast: 1, withinMs };
}

const HOUR_MS = 3_600_000;

describe('a flood under one key', () => {
  it('threshold keeps `count` sights, and names the first and the newest events at most', () => {
    const { characters, found } = flood({ kind: 'threshold', count: 500, withinMs: HOUR_MS, mode: 'episode' }, 5_000);
    expect(characters).toBeLessThan(500 * 40);
    expect(found.length).toBe(1);
    expect(found[0]?.eventIds.length).toBe(FOUND_EVENTS_MAX);
    expect([found[0]?.eventIds[0], found[0]?.eventIds.at(-1)]).toEqual(['e0', 'e499']);
  });

  it('distinct keeps one value more than `above`', () => {
    const kind = { kind: 'distinct', field: 'x', above: 20, below: undefined, withinMs: HOUR_MS } as const;
    const { characters, found } = flood(kind, 5_000, (place) => ({ value: `v${place}` }));
    expect(characters).toBeLessThan(21 * 60 + 100);
    expect(found.length).toBe(1);
  });

  it('a sequence keeps one chain for each step', () => {
    const step = { match: () => true, source: '', by: [], isAbsent: false };
    const kind = {
      kind: 'sequence',
      withinMs: HOUR_MS,
      steps: [step, step, step, step],
      until: undefined,
      untilSource: undefined,
    } as const;
    const { characters } = flood(kind, 5_000, (place) => ({ role: place % 3 }));
    expect(characters).toBeLessThan(1_500);
  });

  it('new_value remembers so many values, forgets the longest unseen, and says so', () => {
    const kind = { kind: 'new_value', fields: ['x'], learnMs: 1, rememberMs: HOUR_MS, missing: 'skip' } as const;
    const most = KNOWN_GROUPS * KNOWN_PER_GROUP_MAX;
    const { characters, found } = flood(kind, 2 * most, (place) => ({ value: `v${place}` }));
    expect(characters).toBeLessThan(most * 30);
    expect(found.at(0)?.facts['values_forgotten']).toBeUndefined();
    expect(found.at(-1)?.facts['values_forgotten']).toBe(true);
  });

  it('a value that chooses its name is a value like others', () => {
    const kind = { kind: 'new_value', fields: ['x'], learnMs: 1, rememberMs: HOUR_MS, missing: 'skip' } as const;
    const names = ['__proto__', 'constructor', 'toString', '["a"]', '', '\ud800', '__proto__'];
    expect(flood(kind, names.length, (place) => ({ value: names[place] ?? null })).found.length).toBe(5);
  });

  it('sums and counts stay exact where moments are put together, and the finding says how coarse their times are', () => {
    const count = 6 * SAMPLES_MAX;
    const { characters, found } = flood(metric('sum', count - 1), count, () => ({ value: 1 }));
    expect(characters).toBeLessThan(SAMPLES_MAX * 40 + RECENT_MAX * 40);
    expect(found.map(({ facts }) => [facts['value'], facts['count']])).toEqual([[count, count]]);
    expect(found[0]?.facts['grain_ms']).toBeGreaterThan(1);
  });

  it('as long as the moments are few nothing is put together', () => {
    const { found } = flood(metric('sum', SAMPLES_MAX - 1), SAMPLES_MAX, () => ({ value: 1 }));
    expect(found[0]?.facts).toEqual({ value: SAMPLES_MAX, count: SAMPLES_MAX });
  });

  it('percentiles and different values rest on the newest, and the finding says from when on', () => {
    const count = 3 * VALUES_MAX;
    const percentile = flood(metric({ percentile: 50 }, count - VALUES_MAX / 2 - 2), count, (place) => ({
      value: place,
    }));
    expect(percentile.found[0]?.facts['value']).toBe(count - VALUES_MAX / 2 - 1);
    expect(percentile.found[0]?.facts['cut_before']).toMatch(/^1970/);
    const different = flood(metric('distinct', VALUES_MAX - 1), count, (place) => ({ value: `v${place}` }));
    expect(different.found[0]?.facts).toEqual({ value: VALUES_MAX, count: VALUES_MAX });
    expect(different.characters).toBeLessThan(VALUES_MAX * 30 + RECENT_MAX * 40);
  });

  it('numbers without measure stay numbers that JSON can say', () => {
    const { characters, found } = flood(metric('sum', 1), 10, () => ({ value: Number.MAX_VALUE }));
    expect(found[0]?.facts['value']).toBe(Number.MAX_VALUE);
    expect(characters).toBeLessThan(2_000);
    expect(flood(metric('avg', 1), 10, () => ({ value: '9' })).found).toEqual([]);
  });

  it('an even flood is no spike', () => {
    const kind = {
      kind: 'spike',
      factor: 3,
      withinMs: 10_000,
      direction: 'up',
      atLeast: 100,
      metric: undefined,
    } as const;
    const { characters, found } = flood(kind, 30_000);
    expect(found).toEqual([]);
    expect(characters).toBeLessThan(SAMPLES_MAX * 25 + RECENT_MAX * 40);
  });
});
