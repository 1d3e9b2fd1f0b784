// Counting with an upper bound: so many matches (or different values) and no more. While a window slides, its count passes through every number on
// its way up and down, so "no more" can only be said of windows that are over. A key's window begins at its first match, and the next one at the
// first match after that; at its end it is judged, by time. So exactly three of a kind are found, and three out of a hundred are not.
//
// A finding is named after the match that its window began with. Nothing is kept over a window's end, and no more than one more than may come.
import type { OrderKey } from '../../event/order.ts';
import { type Folded, type KindFold, type Match, timeOrder } from './kind-fold.ts';
import { eventIdsOf } from './sights.ts';

export interface WholeWindowOptions {
  readonly least: number;
  readonly most: number;
  readonly spanMs: number;
  readonly fields: readonly string[];
  /** As of a count (count-fold.ts): undefined where each match counts, null: this one does not. */
  readonly countedOnce: ((match: Match) => string | null) | undefined;
}

type CountedSight = readonly [createdMs: number, id: string, value?: string];

export interface WholeWindowState {
  /** The first of each value, or each match; one more than may come, at most. */
  readonly sights: readonly CountedSight[];
  readonly last: OrderKey;
}

export function wholeWindowFold(options: WholeWindowOptions): KindFold<WholeWindowState> {
  const { least, most, spanMs, fields, countedOnce } = options;
  const endMs = ({ sights }: WholeWindowState): number => (sights[0]?.[0] ?? 0) + spanMs;

  const pass = (state: WholeWindowState, nowMs: number): Folded<WholeWindowState> => {
    const { sights, last } = state;
    const [first] = sights;
    if (nowMs < endMs(state)) return { state, found: [] };
    if (first === undefined || sights.length < least || sights.length > most) return { state: undefined, found: [] };
    const found = {
      at: timeOrder(endMs(state), last),
      identity: first[1],
      eventIds: eventIdsOf(sights),
      firstMs: first[0],
      facts: { count: sights.length },
    };
    return { state: undefined, found: [found] };
  };

  return {
    fields,
    memoryMs: spanMs,
    pass,
    dueMs: endMs,
    see(before, match) {
      const { order } = match;
      const passed = before === undefined ? { state: undefined, found: [] } : pass(before, order.createdMs);
      const value = countedOnce?.(match);
      if (value === null) return passed;
      const sights = passed.state?.sights ?? [];
      const isCounted = sights.length > most || (value !== undefined && sights.some(([, , other]) => other === value));
      const sight: CountedSight =
        value === undefined ? [order.createdMs, order.id] : [order.createdMs, order.id, value];
      return { state: { sights: isCounted ? sights : [...sights, sight], last: order }, found: passed.found };
    },
  };
}
