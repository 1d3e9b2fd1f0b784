// Which events cannot be stored yet, told without asking the database: a host's events mostly come in the order of their times, so
// one that is newer than all of its host's in a partition is not there. Exact, because an id has its host as its first part, and an
// event keeps its `@timestamp` however often it is sent.
import { idHostSql, type Layout } from './columns.ts';
import type { SqlValue } from './session.ts';

/** The greatest `@timestamp` of each host's events, epoch ms. `many`: too many hosts to hold. */
export type NewestByHost = ReadonlyMap<string, number> | 'many';

const HOSTS_MAX = 20_000;
export const NONE_STORED: NewestByHost = new Map();

/** The part of an id that tells its host; '' where it has no parts. */
function hostOfId(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf('.')));
}

export function newestOf(events: readonly { readonly id: string; readonly timestampMs: number }[]): NewestByHost {
  const newest = new Map<string, number>();
  for (const { id, timestampMs } of events) {
    const host = hostOfId(id);
    if (timestampMs > (newest.get(host) ?? Number.NEGATIVE_INFINITY)) newest.set(host, timestampMs);
  }
  return newest.size > HOSTS_MAX ? 'many' : newest;
}

export function joined(a: NewestByHost, b: NewestByHost): NewestByHost {
  if (a === 'many' || b === 'many') return 'many';
  const both = new Map(a);
  for (const [host, ms] of b) both.set(host, Math.max(ms, both.get(host) ?? ms));
  return both.size > HOSTS_MAX ? 'many' : both;
}

/** False when the event is certainly not among those. */
export function mayHold(newest: NewestByHost, event: { readonly id: string; readonly timestampMs: number }): boolean {
  if (newest === 'many') return true;
  const ms = newest.get(hostOfId(event.id));
  return ms !== undefined && event.timestampMs <= ms;
}

/** SQL for what a partition holds, and how its answer is read. */
export const newestSql = (schema: string, layout: Layout): string =>
  `SELECT ${idHostSql(layout)} AS host, max(_ts) FROM ${schema}.events GROUP BY host LIMIT ${HOSTS_MAX + 1}`;

export function newestOfRows(rows: readonly (readonly SqlValue[])[]): NewestByHost {
  return rows.length > HOSTS_MAX ? 'many' : new Map(rows.map(([host, ms]) => [String(host), Number(ms)]));
}
