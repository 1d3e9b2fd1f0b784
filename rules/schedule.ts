// Times of day as cron writes them, in UTC: `0 9 * * 1-5`. Pure: a text becomes sets of minutes, hours and days, and a time is asked for the next one.
// As cron does, where both the day of the month and the day of the week are given, either is enough.

export interface Schedule {
  /** As it was written, one blank between two parts. */
  readonly text: string;
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** True where a day has to be in both sets of days, since one of them holds all. */
  readonly daysMeetBoth: boolean;
}

interface Part {
  readonly least: number;
  readonly greatest: number;
  readonly names: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const PARTS = [
  { least: 0, greatest: 59, names: [] },
  { least: 0, greatest: 23, names: [] },
  { least: 1, greatest: 31, names: [] },
  { least: 1, greatest: 12, names: MONTHS },
  { least: 0, greatest: 7, names: WEEKDAYS },
] as const satisfies readonly Part[];
const SHORTHANDS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A 29 February is at most eight years away. */
const DAYS_MAX = 8 * 366 + 1;
const TEXT_LENGTH_MAX = 200;

/** Undefined where it is none, or names no day that ever comes. */
export function parseSchedule(written: string): Schedule | undefined {
  if (written.length > TEXT_LENGTH_MAX) return undefined;
  const text = written.trim().toLowerCase().replace(/\s+/g, ' ');
  const parts = (SHORTHANDS[text] ?? text).split(' ');
  if (parts.length !== PARTS.length) return undefined;
  const sets = PARTS.map((part, at) => setOf(parts[at] ?? '', part));
  const [minutes, hours, daysOfMonth, months, weekdays] = sets;
  if (!minutes || !hours || !daysOfMonth || !months || !weekdays) return undefined;
  const schedule: Schedule = {
    text,
    minutes,
    hours,
    daysOfMonth,
    months,
    daysOfWeek: new Set([...weekdays].map((day) => day % 7)),
    daysMeetBoth: parts[2]?.startsWith('*') === true || parts[4]?.startsWith('*') === true,
  };
  return nextTimeMs(schedule, 0) === undefined ? undefined : schedule;
}

/** The first of its times after `afterMs`, epoch ms. */
export function nextTimeMs(schedule: Schedule, afterMs: number): number | undefined {
  const fromMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
  const firstDayMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  for (let day = 0; day <= DAYS_MAX; day += 1) {
    const dayMs = firstDayMs + day * DAY_MS;
    if (!isDay(schedule, new Date(dayMs))) continue;
    for (const hour of ascending(schedule.hours)) {
      for (const minute of ascending(schedule.minutes)) {
        const timeMs = dayMs + (hour * 60 + minute) * MINUTE_MS;
        if (timeMs >= fromMs) return timeMs;
      }
    }
  }
  return undefined;
}

function isDay({ months, daysOfMonth, daysOfWeek, daysMeetBoth }: Schedule, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const [ofMonth, ofWeek] = [daysOfMonth.has(date.getUTCDate()), daysOfWeek.has(date.getUTCDay())];
  return daysMeetBoth ? ofMonth && ofWeek : ofMonth || ofWeek;
}

function ascending(values: ReadonlySet<number>): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

/** Of `1-5,10`, of a star with a step. */
function setOf(text: string, part: Part): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const member of text.split(',')) {
    const [range = '', stepText, ...more] = member.split('/');
    const step = stepText === undefined ? 1 : wholeOf(stepText);
    if (more.length > 0 || step === undefined || step < 1) return undefined;
    const bounds = boundsOf(range, part, stepText !== undefined);
    if (bounds === undefined) return undefined;
    for (let value = bounds[0]; value <= bounds[1]; value += step) values.add(value);
  }
  return values;
}

function boundsOf(range: string, part: Part, hasStep: boolean): readonly [number, number] | undefined {
  if (range === '*') return [part.least, part.greatest];
  const [from, to, ...more] = range.split('-').map((text) => memberOf(text, part));
  if (from === undefined || more.length > 0) return undefined;
  if (!range.includes('-')) return [from, hasStep ? part.greatest : from];
  return to === undefined || to < from ? undefined : [from, to];
}

function memberOf(text: string, { least, greatest, names }: Part): number | undefined {
  const named = names.indexOf(text);
  const value = named === -1 ? wholeOf(text) : named + least;
  return value === undefined || value < least || value > greatest ? undefined : value;
}

function wholeOf(text: string): number | undefined {
  return /^[0-9]{1,4}$/.test(text) ? Number(text) : undefined;
}
