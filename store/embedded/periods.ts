// Which partition file an event belongs to: by day while it is fresh, by month for older imports, by year for what is far off,
// so that wild clocks cannot make files without end; and by size, as a number at the end of the name.
//
//   events-2026-11-21.1.duckdb    events-2026-02.1.duckdb    events-1999.1.duckdb    events-0000.1.duckdb (strays)
//   events-2026-11-21.1.parquet   the same, cold (cold-folder.ts)

const DAY_MS = 86_400_000;
/** Younger than this: a file for each day. */
export const DAILY_MS: number = 45 * DAY_MS;
/** Younger than this: a file for each month. Anything else, and the future past two days: one for each year. */
export const MONTHLY_MS: number = 730 * DAY_MS;
const FUTURE_MS = 2 * DAY_MS;

/** Events of one load are filed in so many periods at most, those with the most events; the others go to {@link STRAYS}. */
export const PERIODS_PER_LOAD_MAX = 8;
/** The period of events whose times are scattered: a sender of wild times must not make each load open a hundred files. */
export const STRAYS = '0000';

/** The events of one load by period. */
export function byPeriod<T extends { readonly timestampMs: number }>(
  entries: readonly T[],
  nowMs: number,
): ReadonlyMap<string, readonly T[]> {
  // Many events of one load are of one day.
  let lastDay = Number.NaN;
  let lastLength = 0;
  let last = '';
  const periods = Map.groupBy(entries, ({ timestampMs }) => {
    const day = Math.floor(timestampMs / DAY_MS);
    const length = nameLength(timestampMs, nowMs);
    if (day !== lastDay || length !== lastLength) last = periodOf(timestampMs, nowMs);
    [lastDay, lastLength] = [day, length];
    return last;
  });
  if (periods.size <= PERIODS_PER_LOAD_MAX) return periods;
  // The present first, however few its events are: most searches look there, and they should find no strays.
  const present = new Set([periodOf(nowMs, nowMs), periodOf(nowMs - DAY_MS, nowMs)]);
  const rank = ([period, members]: [string, readonly T[]]): number =>
    present.has(period) ? Number.POSITIVE_INFINITY : members.length;
  const ranked = [...periods].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a)));
  const strays = ranked.slice(PERIODS_PER_LOAD_MAX).flatMap(([, members]) => members);
  return new Map([...ranked.slice(0, PERIODS_PER_LOAD_MAX), [STRAYS, strays]]);
}

/** The name of the period in which a time lies, seen from `nowMs`: `2026-11-21`, `2026-02` or `1999`. */
export function periodOf(timestampMs: number, nowMs: number): string {
  return new Date(timestampMs).toISOString().slice(0, nameLength(timestampMs, nowMs));
}

/** How much of its time names an event's period: its year, its month or its day. */
function nameLength(timestampMs: number, nowMs: number): number {
  const ageMs = nowMs - timestampMs;
  if (ageMs < -FUTURE_MS || ageMs >= MONTHLY_MS) return 4;
  return ageMs >= DAILY_MS ? 7 : 10;
}

/** When a period is over, epoch ms. That of the strays always is. */
export function endOfPeriod(period: string): number {
  const [year = 0, month, day] = period.split('-').map(Number);
  if (period === STRAYS) return Number.NEGATIVE_INFINITY;
  if (month === undefined) return Date.UTC(year + 1, 0, 1);
  return day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1);
}

export type Temperature = 'hot' | 'cold';

export function partitionName(period: string, generation: number, temperature: Temperature = 'hot'): string {
  return `events-${period}.${generation}.${temperature === 'hot' ? 'duckdb' : 'parquet'}`;
}

export interface PartitionName {
  readonly period: string;
  readonly generation: number;
  readonly temperature: Temperature;
}

export function parsePartitionName(name: string): PartitionName | undefined {
  const match = /^events-([0-9]{4}(?:-[0-9]{2}){0,2})\.([0-9]{1,6})\.(duckdb|parquet)$/.exec(name);
  if (match === null) return undefined;
  const temperature = match[3] === 'duckdb' ? 'hot' : 'cold';
  return { period: match[1] ?? '', generation: Number(match[2]), temperature };
}
