// At least `count` matches within `within`; an exact gap is too long (as in ElastAlert's `frequency`). One finding for each
// episode, named after its first match; with `at_most` one for each window that is over (whole-window.ts). With `mode: restart` each `count` matches are a finding, and none is counted twice.
import type { KindOf } from '../../rules/kind.ts';
import { countFold } from './count-fold.ts';
import type { KindFold } from './kind-fold.ts';
import { wholeWindowFold } from './whole-window.ts';

export function thresholdFold(kind: KindOf<'threshold'>): KindFold<unknown> {
  const { count, withinMs, mode, atMost } = kind;
  if (atMost !== undefined)
    return wholeWindowFold({ least: count, most: atMost, spanMs: withinMs, fields: [], countedOnce: undefined });
  return countFold({ side: 'at-least', least: count, spanMs: withinMs, mode, fields: [], countedOnce: undefined });
}
