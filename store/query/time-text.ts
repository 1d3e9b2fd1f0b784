// Times as people write them in queries: dates to any precision (`2026-01-31`, `2026-01-31T12:00+02:00`), milliseconds since
// 1970, and date math (`now-1h`, `now/d`, `2026-01-31||+1M`). A time covers all that its precision leaves open: a date is a day.

/** What a written time covers, epoch ms, both ends inclusive. */
export interface Moment {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What a Date can hold, ms to either side of 1970. */
const TIME_MS_MAX = 8.64e15;
const STEPS_MAX = 16;

const DATE =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/;
const STEP = /([+-])(\d{1,6})([yMwdhHms])|\/([yMwdhHms])/y;

/** Undefined where the text is no time. */
export function readMoment(text: string, nowMs: number): Moment | undefined {
  const separator = text.indexOf('||');
  if (separator >= 0) return moved(readDate(text.slice(0, separator)), text.slice(separator + 2));
  if (text.startsWith('now')) return moved({ firstMs: nowMs, lastMs: nowMs }, text.slice(3));
  return readDate(text);
}

function readDate(text: string): Moment | undefined {
  if (/^-?\d{5,16}$/.test(text)) return checked({ firstMs: Number(text), lastMs: Number(text) });
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction, zone = 'Z'] = match;
  const ms = (fraction ?? '').padEnd(3, '0').slice(0, 3);
  // Fourth of April and thirtieth of February alike must be told from what Date.parse makes of them.
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const firstMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}${zone}`);
  if (Number.isNaN(firstMs)) return undefined;
  const unit = (['y', 'M', 'd', 'h', 'm', 's'] as const)[
    match.slice(1, 7).filter((part) => part !== undefined).length - 1
  ];
  return fraction !== undefined || unit === undefined
    ? checked({ firstMs, lastMs: firstMs })
    : checked({ firstMs, lastMs: added(firstMs, 1, unit) - 1 });
}

type Unit = 'y' | 'M' | 'w' | 'd' | 'h' | 'H' | 'm' | 's';

const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, H: 3_600_000, m: 60_000, s: 1_000 } as const;

/** The moment after the steps of date math. */
function moved(from: Moment | undefined, steps: string): Moment | undefined {
  let moment = from;
  let count = 0;
  STEP.lastIndex = 0;
  for (let at = 0; at < steps.length; at = STEP.lastIndex) {
    const match = STEP.exec(steps);
    if (match === null || moment === undefined || ++count > STEPS_MAX) return undefined;
    const [, sign, amount, unit, rounded] = match;
    if (rounded === undefined) {
      const by = Number(amount) * (sign === '-' ? -1 : 1);
      const { firstMs, lastMs }: Moment = moment;
      moment = checked({ firstMs: added(firstMs, by, unit as Unit), lastMs: added(lastMs, by, unit as Unit) });
    } else {
      const firstMs: number = floored(moment.firstMs, rounded as Unit);
      moment = checked({ firstMs, lastMs: added(firstMs, 1, rounded as Unit) - 1 });
    }
  }
  return moment;
}

function added(ms: number, by: number, unit: Unit): number {
  if (unit !== 'y' && unit !== 'M') return ms + by * UNIT_MS[unit];
  const date = new Date(ms);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + (unit === 'y' ? 12 * by : by));
  // The 31st of a month that has none is its last day.
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, days));
}

function floored(ms: number, unit: Unit): number {
  const date = new Date(ms);
  if (unit === 'y') return Date.UTC(date.getUTCFullYear(), 0);
  if (unit === 'M') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  // Weeks begin on Mondays; 1970 began on a Thursday.
  const offset = unit === 'w' ? 3 * UNIT_MS.d : 0;
  return Math.floor((ms + offset) / UNIT_MS[unit]) * UNIT_MS[unit] - offset;
}

function checked(moment: Moment): Moment | undefined {
  return Math.abs(moment.firstMs) <= TIME_MS_MAX && Math.abs(moment.lastMs) <= TIME_MS_MAX ? moment : undefined;
}
