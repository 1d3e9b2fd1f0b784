// Tests of rules about figures of a window: a figure beyond its bound and one within it, a spike and as much as before.
import type { KindOf } from '../kind.ts';
import type { PlainValue } from './foreign-rule.ts';
import type { FlatEvent } from './wished-event.ts';
import { at, EVENTS_MAX, type Proposal, pair, SECOND_MS, times, within } from './wished-tests.ts';
import { variedValue } from './wished-values.ts';

/** Traffic of so many events a window is steady: no moment has much more than another. */
const STEADY_EVENTS = 10;

export function ofMetric(
  { metric, above, below, from, to, atLeast, withinMs }: KindOf<'metric'>,
  base: FlatEvent,
): Proposal | undefined {
  const { aggregate, field } = metric;
  if (field === undefined || from !== undefined || to !== undefined) return undefined;
  const least = Math.max(1, atLeast);
  const name = typeof aggregate === 'object' ? `percentile of ${field}` : `${aggregate} of ${field}`;
  const of = (count: number, value: (nth: number) => PlainValue): readonly FlatEvent[] =>
    Array.from({ length: Math.min(count, EVENTS_MAX + 1) }, (_, nth) => ({ ...base, [field]: value(nth) }));
  const isCount = aggregate === 'count' || aggregate === 'distinct';
  if (above !== undefined) {
    const enough = Math.floor(above) + 1;
    if (isCount) {
      const value = (nth: number): PlainValue => variedValue(field, aggregate === 'distinct' ? nth : 0);
      const few = Math.max(1, enough - 1);
      return pair(
        within(withinMs, of(Math.max(enough, least), value)),
        `a ${name} above ${above}`,
        within(withinMs, of(few, value)),
        `a ${name} of ${few}`,
      );
    }
    const low = aggregate === 'sum' ? Math.floor(above / least) - 1 : Math.floor(above) - 1;
    return pair(
      within(
        withinMs,
        of(least, () => enough),
      ),
      `a ${name} above ${above}`,
      within(
        withinMs,
        of(least, () => low),
      ),
      `a ${name} not above`,
    );
  }
  if (below === undefined || isCount) return undefined;
  const [low, high] = [Math.ceil(below) - 1, Math.ceil(below) + 1];
  if (aggregate !== 'sum')
    return pair(
      within(
        withinMs,
        of(least, () => low),
      ),
      `a ${name} below ${below}`,
      within(
        withinMs,
        of(least, () => high),
      ),
      `a ${name} not below`,
    );
  // A sum is judged from one whole window after the key's first match on, and by then two of three times are in it.
  const each = Math.ceil(least / 2);
  const summed = (value: number): readonly FlatEvent[] =>
    [0, 0.6, 1.2].flatMap((part) => of(each, () => value).map((event) => at(Math.round(part * withinMs), event)));
  const few = Math.ceil(below / (2 * each)) - 1;
  return pair(summed(few), `a ${name} below ${below}`, summed(Math.ceil(below)), `a ${name} not below`);
}

/** After two silent windows: one with few and one with many, and the other way round for less; as much in both is no spike. */
export function ofSpike(
  { factor, withinMs, direction, atLeast, metric, restart }: KindOf<'spike'>,
  base: FlatEvent,
): Proposal | undefined {
  const [nowLeast, beforeLeast] = [restart?.nowAtLeast ?? atLeast, restart?.beforeAtLeast ?? 0];
  const tenth = Math.floor(withinMs / 10);
  const inWindow = (window: number, count: number, event: FlatEvent): readonly FlatEvent[] =>
    times(count, event).map((one) => at(window * (withinMs + tenth), one));
  if (metric !== undefined) {
    const { field, aggregate } = metric;
    if (field === undefined || aggregate === 'distinct' || aggregate === 'count') return undefined;
    const low = Math.max(10, Math.ceil(direction === 'down' ? nowLeast : beforeLeast));
    const high = Math.max(Math.ceil(low * factor), Math.ceil(direction === 'down' ? beforeLeast : nowLeast)) + 1;
    const figures = (before: number, now: number): readonly FlatEvent[] => [
      base,
      ...inWindow(1, 1, { ...base, [field]: before }),
      ...inWindow(2, 1, { ...base, [field]: now }),
    ];
    const asked = direction === 'down' ? figures(high, low) : figures(low, high);
    const same = direction === 'down' ? high : low;
    return pair(asked, 'a spike', figures(same, same), 'as much as before', { afterMs: SECOND_MS });
  }
  if (direction === 'up') {
    const low = Math.max(1, Math.ceil(beforeLeast));
    const high = Math.max(Math.ceil(low * factor), Math.ceil(nowLeast));
    const counts = (now: number): readonly FlatEvent[] => [base, ...inWindow(1, low, base), ...inWindow(2, now, base)];
    return pair(counts(high), 'a spike', counts(low), 'as much as before', { afterMs: SECOND_MS });
  }
  const each = Math.max(STEADY_EVENTS, Math.ceil(beforeLeast) + 1);
  const steady = times(each * 2 + 1, base).map((event, nth) => at(Math.round((nth * withinMs) / each), event));
  return pair(steady, 'nothing more comes', steady, 'as much as before', {
    afterMs: withinMs,
    silentAfterMs: SECOND_MS,
  });
}
