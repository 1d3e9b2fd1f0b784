// Matches of so many of the steps under one key, the last at most `within` after the first, in any order: Sigma's `temporal`, told of events and not
// of detections. One event may be several steps. One finding for each episode, in which the newest matches of enough steps lie within `within`.
import type { KindOf } from '../../rules/kind.ts';
import { type CountState, countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';

export function combinationFold({ atLeast, withinMs }: KindOf<'combination'>): KindFold<CountState> {
  return countFold({
    side: 'at-least',
    least: atLeast,
    spanMs: withinMs + 1,
    mode: 'episode',
    fields: [],
    countedOnce: ({ role }) => String(role),
  });
}
