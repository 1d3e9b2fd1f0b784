// More (`above`) or fewer (`below`) different values of a field within `within`; a value seen exactly `within` ago still counts (as
// in ElastAlert's `cardinality`). A match without the field does not count. More: one finding for each episode, named after the
// oldest of the last sights that made it. Fewer: see absence.ts, with values for matches. Between two bounds:
// see whole-window.ts.
import type { KindOf } from '../../rules/kind.ts';
import { countFold } from './count-fold.ts';
import type { KindFold, Match } from './kind-fold.ts';
import { wholeWindowFold } from './whole-window.ts';

export function distinctFold({ field, above, below, withinMs }: KindOf<'distinct'>): KindFold<unknown> {
  const [spanMs, fields] = [withinMs + 1, [field]];
  if (above !== undefined && below !== undefined)
    return wholeWindowFold({ least: above + 1, most: below - 1, spanMs, fields, countedOnce });
  return countFold({
    side: above === undefined ? 'fewer' : 'at-least',
    least: above === undefined ? (below ?? 0) : above + 1,
    spanMs,
    mode: 'episode',
    fields,
    countedOnce,
  });
}

function countedOnce({ values: [value] }: Match): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
