// A figure of a field (avg, sum, min, max, percentile, number of different values) or the number of matches within the last `within`, above or
// below a bound: strictly, as in ElastAlert's `metric_aggregation` and Sigma's value_* correlations, but over a sliding window and not over buckets, so
// that a burst astride a boundary is seen whole. A match without the field (or with what is no number) does not count.
import type { KindOf } from '../../rules/kind.ts';
import { type GaugeState, gaugeFold } from './gauge.ts';
import type { KindFold } from './kind-fold.ts';

export function metricFold(kind: KindOf<'metric'>): KindFold<GaugeState> {
  return gaugeFold({ ...kind, measured: undefined });
}
