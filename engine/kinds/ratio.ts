// The share of the matches of the last `within` of which `of` holds too, from 0 to 1, above or below a bound (strictly), where there are
// at least `at_least` matches: the mean of their roles.
import type { KindOf } from '../../rules/kind.ts';
import { type GaugeState, gaugeFold } from './gauge.ts';
import type { KindFold } from './kind-fold.ts';

export function ratioFold({ above, below, atLeast, withinMs }: KindOf<'ratio'>): KindFold<GaugeState> {
  return gaugeFold({
    metric: { aggregate: 'avg', field: undefined },
    above,
    below,
    atLeast,
    withinMs,
    measured: (match) => ({ ...match, values: [match.role] }),
  });
}
