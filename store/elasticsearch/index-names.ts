// Which index an event belongs to. By the day (or hour) of its `@timestamp`; by the month where that is long ago, by the year where it is
// far off, so that clocks that lie cannot make a cluster full of indices:
//
//   PREFIX-2026.11.21    PREFIX-2026.11.21.05    PREFIX-2026.03    PREFIX-1999
//
// What is recent or long ago moves with the clock, and whether indices go by day or hour is configured. So an event has more than one
// possible place, and one that is sent again long after may meet another than the first time: who stores it looks into the others
// that exist (elasticsearch-store.ts).

export type IndexPeriod = 'day' | 'hour';

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Younger than this, in days: an index for each hour, where that is configured. */
const HOURLY_DAYS = 3;
/** Younger than this: an index for each day. */
const DAILY_DAYS = 45;
/** Younger than this: an index for each month. All else, and the future past two days: one for each year. */
const MONTHLY_DAYS = 730;
const FUTURE_DAYS = 2;

/** Characters of an ISO time that name an index. */
const LENGTHS = { year: 4, month: 7, day: 10, hour: 13 } as const;

/** The last part of the name of the index for events of a time, seen from `nowMs`. */
export function placeOf(timestampMs: number, nowMs: number, period: IndexPeriod): string {
  const ageDays = Math.floor(nowMs / DAY_MS) - Math.floor(timestampMs / DAY_MS);
  if (ageDays < -FUTURE_DAYS || ageDays >= MONTHLY_DAYS) return cut(timestampMs, 'year');
  if (ageDays >= DAILY_DAYS) return cut(timestampMs, 'month');
  return cut(timestampMs, period === 'hour' && ageDays < HOURLY_DAYS ? 'hour' : 'day');
}

/** Every place that events of a time may have had. */
export function placesOf(timestampMs: number): readonly string[] {
  return (['hour', 'day', 'month', 'year'] as const).map((unit) => cut(timestampMs, unit));
}

/** From when until before when events of an index are, by its name; undefined where it is none of ours. */
export function spanOf(
  name: string,
  prefix: string,
): { readonly fromMs: number; readonly untilMs: number } | undefined {
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const match = /^([0-9]{4})(?:\.([0-9]{2})(?:\.([0-9]{2})(?:\.([0-9]{2}))?)?)?$/.exec(name.slice(prefix.length + 1));
  if (match === null) return undefined;
  const [year, month, day, hour] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const fromMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0);
  if (hour !== undefined) return { fromMs, untilMs: fromMs + HOUR_MS };
  if (day !== undefined) return { fromMs, untilMs: fromMs + DAY_MS };
  return {
    fromMs,
    untilMs: month === undefined ? Date.UTC((year ?? 0) + 1, 0, 1) : Date.UTC(year ?? 0, month, 1),
  };
}

function cut(timestampMs: number, unit: keyof typeof LENGTHS): string {
  return new Date(timestampMs).toISOString().slice(0, LENGTHS[unit]).replace('T', '.').replaceAll('-', '.');
}
