// The figures of a key's newest matches, by their time: what metric, ratio and spike measure. Matches of one millisecond are one
// sample, and counts, sums, least and greatest values are exact. Where a key has more than SAMPLES_MAX samples, neighbours are put
// together: totals stay exact, and the moment at which they leave a window is coarser by the grain. Different values and percentiles need
// each value: there VALUES_MAX are kept, and the oldest given up. Both are functions of the matches in their order, and a finding says either.
import type { Metric } from '../../rules/kind.ts';
import type { Match, MatchValue } from './kind-fold.ts';
import { SAMPLES_MAX, VALUES_MAX } from './limits.ts';

/** Counts, or counts with sum, least, greatest, or one value. */
type Sample =
  | readonly [ms: number, count: number]
  | readonly [ms: number, count: number, sum: number, least: number, greatest: number]
  | readonly [ms: number, count: 1, value: MatchValue];

export interface Series {
  /** Oldest first. */
  readonly samples: readonly Sample[];
  readonly grainMs: number;
  /** Everything up to this was given up. */
  readonly cutMs?: number;
}

export const EMPTY_SERIES: Series = { samples: [], grainMs: 1 };

/** What lies in a window: how many matches, and what they come to; undefined where there is nothing to measure. */
export interface Measured {
  readonly count: number;
  readonly value: number | undefined;
  readonly firstMs: number | undefined;
}

/** With one more match; undefined when it has nothing to measure (no number where one is needed). */
export function seriesWith(
  { aggregate, field }: Metric,
  { order: { createdMs }, values }: Match,
  samples: Series,
): Series | undefined {
  const [value = null] = values;
  if (field !== undefined && value === null) return undefined;
  if (aggregate === 'count') return withSample(samples, [createdMs, 1]);
  if (aggregate === 'distinct') return withSample(samples, [createdMs, 1, value]);
  if (typeof value !== 'number') return undefined;
  return withSample(
    samples,
    typeof aggregate === 'object' ? [createdMs, 1, value] : [createdMs, 1, value, value, value],
  );
}

/** Without what is as old as `fromMs` or older. */
export function after(series: Series, fromMs: number): Series {
  const { samples } = series;
  let from = 0;
  while (from < samples.length && (samples[from]?.[0] ?? 0) <= fromMs) from += 1;
  if (from === 0) return series;
  const kept = samples.slice(from);
  return { ...series, samples: kept, grainMs: kept.length < SAMPLES_MAX / 4 ? 1 : series.grainMs };
}

/** Of the samples behind `afterMs` up to `untilMs`. */
export function measure({ aggregate }: Metric, { samples }: Series, afterMs: number, untilMs: number): Measured {
  let [from, until] = [0, samples.length];
  while (from < until && (samples[from]?.[0] ?? 0) <= afterMs) from += 1;
  while (until > from && (samples[until - 1]?.[0] ?? 0) > untilMs) until -= 1;
  let count = 0;
  for (let at = from; at < until; at += 1) count += samples[at]?.[1] ?? 0;
  const firstMs = until > from ? samples[from]?.[0] : undefined;
  if (aggregate === 'count') return { count, value: count, firstMs };
  if (aggregate === 'distinct' || typeof aggregate === 'object') {
    const window = samples.slice(from, until).map((sample) => sample[2]);
    if (aggregate === 'distinct') return { count, value: new Set(window).size, firstMs };
    return { count, value: window.length === 0 ? undefined : percentile(window, aggregate.percentile), firstMs };
  }
  if (until === from) return { count, value: aggregate === 'sum' ? 0 : undefined, firstMs };
  let [sum, least, greatest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = from; at < until; at += 1) {
    const [, , more, low, high] = samples[at] as readonly [number, number, number, number, number];
    sum = finite(sum + more);
    if (low < least) least = low;
    if (high > greatest) greatest = high;
  }
  const value = { sum, avg: sum / count, min: least, max: greatest }[aggregate];
  return { count, value, firstMs };
}

/** For people: that a figure is not exact, and how. */
export function cutFacts({ grainMs, cutMs }: Series, afterMs: number): Readonly<Record<string, MatchValue>> {
  return {
    ...(grainMs > 1 ? { grain_ms: grainMs } : {}),
    ...(cutMs !== undefined && cutMs > afterMs ? { cut_before: new Date(cutMs).toISOString() } : {}),
  };
}

/** Nearest rank: the least value that at least so many percent of the values do not exceed. */
function percentile(window: readonly unknown[], percent: number): number {
  const values = Float64Array.from(window as readonly number[]).sort();
  const rank = Math.min(values.length, Math.max(1, Math.ceil((percent / 100) * values.length)));
  return values[rank - 1] ?? 0;
}

function withSample(series: Series, sample: Sample): Series {
  const { samples, grainMs } = series;
  const last = samples.at(-1);
  const merged = last === undefined ? undefined : together(last, sample, grainMs);
  if (merged !== undefined) return { ...series, samples: samples.with(-1, merged) };
  const longer = [...samples, sample];
  const max = sample.length === 3 ? VALUES_MAX : SAMPLES_MAX;
  return longer.length <= max ? { ...series, samples: longer } : shortened({ ...series, samples: longer });
}

function shortened(series: Series): Series {
  if (series.samples[0]?.length === 3) {
    return { ...series, samples: series.samples.slice(1), cutMs: series.samples[0][0] };
  }
  let { samples, grainMs } = series;
  while (samples.length > SAMPLES_MAX / 2) {
    grainMs *= 2;
    const coarser: Sample[] = [];
    for (const sample of samples) {
      const last = coarser.at(-1);
      const merged = last === undefined ? undefined : together(last, sample, grainMs);
      if (merged === undefined) coarser.push(sample);
      else coarser[coarser.length - 1] = merged;
    }
    samples = coarser;
  }
  return { ...series, samples, grainMs };
}

/** Two neighbours as one, at the time of the later; undefined where they lie further apart or each value is needed. */
function together(a: Sample, b: Sample, grainMs: number): Sample | undefined {
  if (Math.floor(a[0] / grainMs) !== Math.floor(b[0] / grainMs)) return undefined;
  if (a.length === 2 && b.length === 2) return [b[0], a[1] + b[1]];
  if (a.length !== 5 || b.length !== 5) return undefined;
  return [b[0], a[1] + b[1], finite(a[2] + b[2]), Math.min(a[3], b[3]), Math.max(a[4], b[4])];
}

/** State is JSON, which has no Infinity. */
function finite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}
