// A figure of the matches in a sliding window, judged at each match: what metric and ratio have in common. An episode begins at the
// match that brings the figure above or below its bound, or between two, and ends at the first match that finds it back; it is named after the
// match that began it. Figures that grow with the matches (count, sum, distinct) are below a bound at first always: they are
// judged `below` (and `to`) only from one whole window after the key's first match on. A key without a match for a window is forgotten.
import type { Metric } from '../../rules/kind.ts';
import type { Folded, KindFold, Match } from './kind-fold.ts';
import { RECENT_MAX } from './limits.ts';
import { after, cutFacts, EMPTY_SERIES, measure, type Series, seriesWith } from './series.ts';
import { type Sight, sightOf } from './sights.ts';

export interface GaugeOptions {
  readonly metric: Metric;
  readonly above: number | undefined;
  readonly below: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly atLeast: number;
  readonly withinMs: number;
  /** The match as it is measured, where that is not its own value. */
  readonly measured: ((match: Match) => Match) | undefined;
}

export interface GaugeState {
  readonly sinceMs: number;
  readonly series: Series;
  readonly recent: readonly Sight[];
  readonly isFound: boolean;
}

export function gaugeFold(options: GaugeOptions): KindFold<GaugeState> {
  const { metric, above, below, from = Number.NEGATIVE_INFINITY, to, atLeast, withinMs } = options;
  const hasRange = options.from !== undefined || to !== undefined;
  const doesGrow = metric.aggregate === 'count' || metric.aggregate === 'sum' || metric.aggregate === 'distinct';
  const endMs = ({ series }: GaugeState): number => (series.samples.at(-1)?.[0] ?? 0) + withinMs + 1;
  const pass = (state: GaugeState, nowMs: number): Folded<GaugeState> => ({
    state: nowMs >= endMs(state) ? undefined : state,
    found: [],
  });
  return {
    fields: metric.field === undefined ? [] : [metric.field],
    memoryMs: withinMs + 1,
    pass,
    dueMs: endMs,
    see(before, match) {
      const { order } = match;
      const { createdMs } = order;
      const state = before === undefined ? undefined : pass(before, createdMs).state;
      const kept = after(state?.series ?? EMPTY_SERIES, createdMs - withinMs);
      const series = seriesWith(metric, options.measured?.(match) ?? match, kept);
      if (series === undefined) return { state, found: [] };
      const sinceMs = state?.sinceMs ?? createdMs;
      const { count, value, firstMs } = measure(metric, series, createdMs - withinMs, createdMs);
      const mayBeBelow = !doesGrow || createdMs - sinceMs >= withinMs;
      const isAbove = above !== undefined && value !== undefined && value > above;
      const isBelow = below !== undefined && value !== undefined && value < below && mayBeBelow;
      const isAmong =
        hasRange && value !== undefined && value >= from && (to === undefined || (value <= to && mayBeBelow));
      const isFound = count >= atLeast && (isAbove || isBelow || isAmong);
      const recent = [...(state?.recent ?? []).filter(([ms]) => ms > createdMs - withinMs), sightOf(match)].slice(
        -RECENT_MAX,
      );
      const next = { sinceMs, series, recent, isFound };
      if (!isFound || state?.isFound === true) return { state: next, found: [] };
      const found = {
        at: order,
        identity: order.id,
        eventIds: recent.map(([, id]) => id),
        firstMs: firstMs ?? createdMs,
        facts: { value: value ?? null, count, ...cutFacts(series, createdMs - withinMs) },
      };
      return { state: next, found: [found] };
    },
  };
}
