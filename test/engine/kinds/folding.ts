// Runs one fold over the matches of one key as the engine does: in reference order, time told before each match, the state through
// JSON between every two steps. With `eager`, time is told at every millisecond, which must change nothing.

import {
  compareRoles,
  type Found,
  type KindFold,
  type Match,
  type MatchValue,
} from '../../../engine/kinds/kind-fold.ts';
import type { OrderKey } from '../../../event/order.ts';

export interface Moment {
  readonly ms: number;
  readonly role?: number;
  readonly values?: readonly MatchValue[];
  /** Else `e` and the place in the list. */
  readonly id?: string;
}

export interface FoldedFinding {
  readonly atMs: number;
  /** The event that completed it; undefined: found by time. */
  readonly eventId: string | undefined;
  readonly identity: string;
  readonly eventIds: readonly string[];
  readonly facts: Found['facts'];
}

export function matchesOf(moments: readonly Moment[]): readonly Match[] {
  return moments.map(({ ms, role = 0, values = [], id }, place) => ({
    order: orderAt(ms, id ?? `e${place}`, place),
    role,
    values,
  }));
}

function orderAt(createdMs: number, id: string, position: number): OrderKey {
  return { createdMs, hostId: 'h', bootId: 'b', position, id };
}

export function foldMatches(
  fold: KindFold<unknown>,
  matches: readonly Match[],
  { untilMs, eager = false }: { readonly untilMs: number; readonly eager?: boolean },
): readonly FoldedFinding[] {
  const findings: Found[] = [];
  let state: unknown;
  let nowMs = matches[0]?.order.createdMs ?? 0;
  const tell = (ms: number): void => {
    if (state === undefined || (!eager && fold.dueMs(state) > ms)) return;
    const passed = fold.pass(state, ms);
    findings.push(...passed.found);
    // Where time changed nothing, it went through JSON already.
    if (passed.state !== state) state = throughJson(passed.state);
  };
  const passTo = (ms: number): void => {
    for (; eager && nowMs < ms; nowMs += 1) tell(nowMs);
    tell(ms);
  };
  for (const match of matches) {
    passTo(match.order.createdMs);
    const seen = fold.see(state, match);
    findings.push(...seen.found);
    state = throughJson(seen.state);
  }
  passTo(untilMs);
  const ids = new Set(findings.map(({ identity }) => identity));
  if (ids.size < findings.length) throw new Error(`two findings of one identity: ${JSON.stringify(findings)}`);
  return findings.map(({ at, identity, eventIds, facts }) => ({
    atMs: at.createdMs,
    eventId: at.position < 0 ? undefined : at.id,
    identity,
    eventIds,
    facts,
  }));
}

/** The matches of one event stand together and are seen in this order. */
export function byRoles(a: Match, b: Match): number {
  return a.order.createdMs - b.order.createdMs || a.order.position - b.order.position || compareRoles(a.role, b.role);
}

function throughJson(state: unknown): unknown {
  return state === undefined ? undefined : JSON.parse(JSON.stringify(state));
}
