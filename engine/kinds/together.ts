// Detections of all the rules under one key, the last at most `within` after the first: Sigma's `temporal` and, `ordered`, its
// `temporal_ordered`. A match is a detection here; its role is the place of its rule. In any order: one finding for each episode, in
// which the newest detections of all rules lie within `within`; in order: see sequence.ts; with `count`: so many of
// whichever rules.
import type { KindOf } from '../../rules/kind.ts';
import { countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';
import { sequenceFold } from './sequence.ts';

export function togetherFold({ rules, withinMs, isOrdered, count }: KindOf<'together'>): KindFold<unknown> {
  if (isOrdered) return sequenceFold({ absent: rules.map(() => false), withinMs });
  return countFold({
    side: 'at-least',
    least: count ?? rules.length,
    // A count is a threshold's, of detections: an exact gap is too long there.
    spanMs: count === undefined ? withinMs + 1 : withinMs,
    mode: 'episode',
    fields: [],
    countedOnce: count === undefined ? ({ role }) => String(role) : undefined,
  });
}
