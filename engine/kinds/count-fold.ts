// Counting in a sliding window, for every kind that asks "at least so many" or "fewer than so many": matches (threshold,
// absence) or different values (distinct, together).
//
// At least `least`: an episode begins at the match that brings the count there, and lasts until the count falls below at some
// moment; one episode is one finding. Fewer than `least`: judged from one whole window after the key's first match on; the
// episode begins at the moment the count falls, which time brings about, and lasts until the count is back. A key without a
// match for a whole window is forgotten; when it comes again it is new.
//
// Only the newest `least` sights can matter to the count, so no more are kept: exact, and bounded by the rule alone.
import type { OrderKey } from '../../event/order.ts';
import type { Folded, Found, KindFold, Match } from './kind-fold.ts';
import { timeOrder } from './kind-fold.ts';
import { eventIdsOf } from './sights.ts';

export interface CountFoldOptions {
  readonly side: 'at-least' | 'fewer';
  readonly least: number;
  readonly spanMs: number;
  /** `restart`: the window begins anew after each finding. */
  readonly mode: 'episode' | 'restart';
  readonly fields: readonly string[];
  /** What is counted once however often it comes; undefined where each match counts; null: the match does not count. */
  readonly countedOnce: ((match: Match) => string | null) | undefined;
}

/** The last match with a value (or one match, where each counts). */
type CountedSight = readonly [createdMs: number, id: string, value?: string];

export interface CountState {
  /** The newest, the oldest of them first; at most `least`. */
  readonly sights: readonly CountedSight[];
  readonly sinceMs: number;
  /** True while an episode lasts that was told. */
  readonly isFound: boolean;
  /** Of the newest match, where time may bring about a finding. */
  readonly last?: OrderKey;
}

export function countFold(options: CountFoldOptions): KindFold<CountState> {
  const { side, fields, spanMs } = options;
  return {
    fields,
    memoryMs: spanMs,
    see: (state, match) => (side === 'fewer' ? seeFewer(options, state, match) : seeAtLeast(options, state, match)),
    pass: (state, nowMs) => (side === 'fewer' ? passFewer(options, state, nowMs) : passAtLeast(options, state, nowMs)),
    dueMs: (state) =>
      Math.min(endMs(options, state), side === 'fewer' ? fallMs(options, state) : endMs(options, state)) + 1,
  };
}

function seeAtLeast(options: CountFoldOptions, state: CountState | undefined, match: Match): Folded<CountState> {
  const { least, spanMs, mode } = options;
  const sights = withMatch(options, state, match);
  if (sights === undefined) return { state, found: [] };
  const { createdMs } = match.order;
  const isReached = sights.length >= least;
  const oldest = state?.sights[0];
  const isGoingOn = state?.isFound === true && oldest !== undefined && oldest[0] + spanMs >= createdMs;
  const next: CountState = { sights, sinceMs: state?.sinceMs ?? createdMs, isFound: isReached };
  if (!isReached || isGoingOn) return { state: next, found: [] };
  const [first] = sights as readonly [CountedSight];
  const found: Found = {
    at: match.order,
    identity: first[1],
    eventIds: eventIdsOf(sights),
    firstMs: first[0],
    facts: { count: sights.length },
  };
  return { state: mode === 'restart' ? undefined : next, found: [found] };
}

function passAtLeast(options: CountFoldOptions, state: CountState, nowMs: number): Folded<CountState> {
  return { state: nowMs > endMs(options, state) ? undefined : state, found: [] };
}

function seeFewer(options: CountFoldOptions, state: CountState | undefined, match: Match): Folded<CountState> {
  const { createdMs } = match.order;
  const before = state === undefined ? { state, found: [] } : passFewer(options, state, createdMs);
  const sights = withMatch(options, before.state, match);
  if (sights === undefined) return before;
  const isFound = before.state?.isFound === true && sights.length < options.least;
  const sinceMs = before.state?.sinceMs ?? createdMs;
  return { state: { sights, sinceMs, isFound, last: match.order }, found: before.found };
}

function passFewer(options: CountFoldOptions, state: CountState, nowMs: number): Folded<CountState> {
  const fellMs = fallMs(options, state);
  const { last } = state;
  const found: Found[] = [];
  if (fellMs < nowMs && last !== undefined) {
    const left = state.sights.filter(([ms]) => ms + options.spanMs > fellMs);
    found.push({
      at: timeOrder(fellMs + 1, last),
      identity: last.id,
      eventIds: left.length > 0 ? eventIdsOf(left) : [last.id],
      firstMs: left[0]?.[0] ?? last.createdMs,
      facts: { count: left.length, last_seen: new Date(last.createdMs).toISOString() },
    });
  }
  if (nowMs > endMs(options, state)) return { state: undefined, found };
  return { state: found.length === 0 ? state : { ...state, isFound: true }, found };
}

/** The newest sights with this one among them; undefined when the match does not count. */
function withMatch(
  { least, spanMs, countedOnce }: CountFoldOptions,
  state: CountState | undefined,
  match: Match,
): readonly CountedSight[] | undefined {
  const { createdMs, id } = match.order;
  const value = countedOnce?.(match);
  if (value === null) return undefined;
  const before = state?.sights ?? [];
  let from = 0;
  while (from < before.length && (before[from]?.[0] ?? 0) + spanMs <= createdMs) from += 1;
  const known = value === undefined ? -1 : before.findIndex(([, , other]) => other === value);
  // One more than may stay goes first: a long list is copied once.
  const sights = before.slice(known < from ? Math.max(from, before.length + 1 - least) : from);
  if (known >= from) sights.splice(known - from, 1);
  sights.push(value === undefined ? [createdMs, id] : [createdMs, id, value]);
  return sights;
}

/** When the last sight leaves the window: at that moment, unless another match comes, nothing is left of the key. */
function endMs({ spanMs }: CountFoldOptions, { sights }: CountState): number {
  return (sights.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY) + spanMs;
}

/** The moment at which the count is too small, unless another match comes; Infinity in an episode. */
function fallMs({ least, spanMs }: CountFoldOptions, { sights, sinceMs, isFound }: CountState): number {
  if (isFound) return Number.POSITIVE_INFINITY;
  const [deciding] = sights;
  if (sights.length >= least && deciding !== undefined) return Math.max(sinceMs, deciding[0]) + spanMs;
  // Too small already: the first window is not over, or the newest match came at the moment when it fell.
  return Math.max(sinceMs + spanMs, sights.at(-1)?.[0] ?? sinceMs);
}
