// More (`above`) or fewer (`below`) different values of a field within `within`; a value seen exactly `within` ago still counts (as
// in ElastAlert's `cardinality`). A match without the field does not count. More: one finding for each episode, named after the
// oldest of the last sights that made it. Fewer: see absence.ts, with values for matches.
import type { KindOf } from '../../rules/kind.ts';
import { type CountState, countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';

export function distinctFold({ field, above, below, withinMs }: KindOf<'distinct'>): KindFold<CountState> {
  return countFold({
    side: above === undefined ? 'fewer' : 'at-least',
    least: above === undefined ? (below ?? 0) : above + 1,
    spanMs: withinMs + 1,
    mode: 'episode',
    fields: [field],
    countedOnce: ({ values: [value] }) => (value === null || value === undefined ? null : JSON.stringify(value)),
  });
}
