// Routing: which channels an alert goes to, and why. Pure, and the reason is part of the answer, so that nobody has to guess
// why a message came, or why it came somewhere else.
import type { Alert } from '../event/detection.ts';

export const TERMINAL = 'terminal';

type RouteReason =
  | 'named by the rule'
  | 'the rule names no channel, so all get it'
  /** With the names that are not configured. */
  | `the rule names ${string}, which is not configured`;

export interface Route {
  readonly channel: string;
  readonly reason: RouteReason;
}

const NAMES_SHOWN_MAX = 5;

/**
 * Each channel once. A rule that names none goes to the terminal and all the others; an empty list goes nowhere. A name that is
 * not configured falls back to the terminal (to all, where there is no terminal): a typing error in a rule must not make its
 * alerts vanish.
 */
export function route(alert: Pick<Alert, 'to'>, configured: readonly string[]): readonly Route[] {
  const all = [...new Set(configured)].sort((a, b) => Number(b === TERMINAL) - Number(a === TERMINAL));
  if (alert.to === undefined) {
    return all.map((channel) => ({ channel, reason: 'the rule names no channel, so all get it' }));
  }
  const named = [...new Set(alert.to)];
  const known = named.filter((channel) => all.includes(channel));
  const unknown = named.filter((channel) => !all.includes(channel));
  const routes: Route[] = known.map((channel) => ({ channel, reason: 'named by the rule' }));
  if (unknown.length === 0) return routes;
  const names = unknown.slice(0, NAMES_SHOWN_MAX).map((name) => JSON.stringify(name.slice(0, 64)));
  const reason: RouteReason = `the rule names ${names.join(', ')}, which is not configured`;
  const fallback = all.includes(TERMINAL) ? [TERMINAL] : all;
  return [...routes, ...fallback.filter((channel) => !known.includes(channel)).map((channel) => ({ channel, reason }))];
}
