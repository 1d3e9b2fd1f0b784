// What folds keep of a match, and the window that they share: the `span` before a moment, the moment included. A match at `ms`
// counts for the last time at `ms + span - 1`; where an exact gap shall count too, the span is one millisecond longer.
import { FOUND_EVENTS_MAX, type Match } from './kind-fold.ts';

/** `event.created` and id of a match. */
export type Sight = readonly [createdMs: number, id: string];

export function sightOf(match: Match): Sight {
  return [match.order.createdMs, match.order.id];
}

/** Ids for a finding: all, or the first and the newest where they are too many. */
export function eventIdsOf(sights: readonly (readonly [number, string, ...unknown[]])[]): readonly string[] {
  // An event may be several steps of a combination, or of several roles.
  const ids = [...new Set(sights.map(([, id]) => id))];
  if (ids.length <= FOUND_EVENTS_MAX) return ids;
  return [...ids.slice(0, 1), ...ids.slice(1 - FOUND_EVENTS_MAX)];
}
