// At least `count` matches within `within`; an exact gap is too long (as in ElastAlert's `frequency`). One finding for each
// episode, named after its first match. With `mode: restart` each `count` matches are a finding, and none is counted twice.
import type { KindOf } from '../../rules/kind.ts';
import { type CountState, countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';

export function thresholdFold(kind: KindOf<'threshold'>): KindFold<CountState> {
  const { count, withinMs, mode } = kind;
  return countFold({ side: 'at-least', least: count, spanMs: withinMs, mode, fields: [], countedOnce: undefined });
}
