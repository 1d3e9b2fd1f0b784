// What each kind of rule is to the engine: a pure fold over the matches of one rule and one key, in reference order. The engine
// keeps the states, says how far time has passed, makes ids, renders and suppresses; a kind only counts and compares.
//
//   see    one more match; the engine gives each once, in reference order (those of one event by `compareRoles`)
//   pass   every event before `nowMs` was seen: what time alone brings about (absence; the end of an episode)
//
// A state is plain JSON: it is stored as text, copied as a snapshot, and computed again from one when an event comes late. Its
// size is bounded by the rule's own numbers and by engine/limits.ts, never by the traffic.
import type { OrderKey } from '../../event/order.ts';

export type MatchValue = string | number | boolean | null;

/** One event as the fold of one rule sees it. */
export interface Match {
  readonly order: OrderKey;
  /** What the event is to the rule: the step of a sequence (UNTIL for its end), 1 where a ratio's `of` holds, the place of the
   *  rule in `together`; else 0. */
  readonly role: number;
  /** The values that the kind asked for (`fields`), in that order; canonical JSON of what is no plain value; null where missing. */
  readonly values: readonly MatchValue[];
}

/** The role of an event that ends sequences. */
export const UNTIL = -1;

/** Event ids that a finding names at most; the first and the last are always among them. */
export const FOUND_EVENTS_MAX = 100;

/** A detection to be: the engine adds rule, version, key, id and text. */
export interface Found {
  /** Where it stands in the reference order: the match that completed it, or, found by time, that time (see `timeOrder`). */
  readonly at: OrderKey;
  /** With rule, version and key it makes the detection's id: mostly the id of the event that began it. */
  readonly identity: string;
  /** Events that it rests on, the oldest first. */
  readonly eventIds: readonly string[];
  /** `event.created` of the first of what it rests on, epoch ms. */
  readonly firstMs: number;
  /** Figures for people and for explain: `count`, `value`, `reference`, … */
  readonly facts: Readonly<Record<string, MatchValue>>;
}

export interface Folded<State> {
  /** Undefined: as if the key had never been seen. */
  readonly state: State | undefined;
  readonly found: readonly Found[];
}

export interface KindFold<State> {
  /** Fields whose values each match has to carry. */
  readonly fields: readonly string[];
  see(state: State | undefined, match: Match): Folded<State>;
  pass(state: State, nowMs: number): Folded<State>;
  /** The least time at which `pass` changes anything, epoch ms; Infinity: never. The engine calls it no later than the next match. */
  dueMs(state: State): number;
  /** How far back an event can still matter to what comes after it, ms; Infinity: for ever (new_value without end). */
  readonly memoryMs: number;
}

/** The order of something that time brought about: after every event before that time, and before every event of it. */
export function timeOrder(atMs: number, last: OrderKey): OrderKey {
  return { createdMs: atMs, hostId: last.hostId, bootId: '', position: -1, id: last.id };
}

/** In which order the matches of one event are seen: the end of sequences first, then the later steps before the earlier, so
 *  that no event is two steps of one sequence. */
export function compareRoles(a: number, b: number): number {
  const rank = (role: number): number => (role === UNTIL ? Number.MAX_SAFE_INTEGER : role);
  return rank(b) - rank(a);
}
