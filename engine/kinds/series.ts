// The figures of a key's newest matches, by their time: what metric, ratio and spike measure. Matches of one millisecond are one
// sample, and counts, sums, least and greatest values are exact. Where a key has more than SAMPLES_MAX samples, neighbours are put
// together: totals stay exact, and the moment at which they leave a window is coarser by the grain. Different values and percentiles need
// each value: there the oldest are given up. Both are functions of the matches in their order, and a finding says either.
import type { Metric } from '../../rules/kind.ts';
import type { Match, MatchValue } from './kind-fold.ts';
import { SAMPLES_MAX } from './limits.ts';

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
  if (samples.length === 0 || (samples[0]?.[0] ?? 0) > fromMs) return series;
  const kept = samples.filter(([ms]) => ms > fromMs);
  return { ...series, samples: kept, grainMs: kept.length < SAMPLES_MAX / 4 ? 1 : series.grainMs };
}

/** Of the samples behind `afterMs` up to `untilMs`. */
export function measure({ aggregate }: Metric, { samples }: Series, afterMs: number, untilMs: number): Measured {
  const window = samples.filter(([ms]) => ms > afterMs && ms <= untilMs);
  let count = 0;
  for (const sample of window) count += sample[1];
  const firstMs = window[0]?.[0];
  if (aggregate === 'count') return { count, value: count, firstMs };
  if (aggregate === 'distinct') return { count, value: new Set(window.map((sample) => sample[2])).size, firstMs };
  if (window.length === 0) return { count, value: aggregate === 'sum' ? 0 : undefined, firstMs };
  if (typeof aggregate === 'object') return { count, value: percentile(window, aggregate.percentile), firstMs };
  let [sum, least, greatest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const sample of window as readonly (readonly [number, number, number, number, number])[]) {
    sum = finite(sum + sample[2]);
    least = Math.min(least, sample[3]);
    greatest = Math.max(greatest, sample[4]);
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
function percentile(window: readonly Sample[], percent: number): number {
  const values = Float64Array.from(window.map((sample) => sample[2] as number)).sort();
  const rank = Math.min(values.length, Math.max(1, Math.ceil((percent / 100) * values.length)));
  return values[rank - 1] ?? 0;
}

function withSample(series: Series, sample: Sample): Series {
  const { samples, grainMs } = series;
  const last = samples.at(-1);
  const merged = last === undefined ? undefined : together(last, sample, grainMs);
  if (merged !== undefined) return { ...series, samples: [...samples.slice(0, -1), merged] };
  const longer = [...samples, sample];
  return longer.length <= SAMPLES_MAX ? { ...series, samples: longer } : shortened({ ...series, samples: longer });
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
