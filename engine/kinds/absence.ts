// Fewer than `fewer_than` matches within `within`, of keys that have been seen: found at the moment when the count falls, once for
// as long as it lasts, and named after the last match that was seen. With `fewer_than: 1` that is a key gone silent; it is then
// forgotten, and new when it comes again.
import type { KindOf } from '../../rules/kind.ts';
import { type CountState, countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';

export function absenceFold({ fewerThan, withinMs }: KindOf<'absence'>): KindFold<CountState> {
  return countFold({
    side: 'fewer',
    least: fewerThan,
    spanMs: withinMs,
    mode: 'episode',
    fields: [],
    countedOnce: undefined,
  });
}
