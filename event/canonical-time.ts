// Reads and writes times in the one form in which collectors write them, as `Date.prototype.toISOString` does: each event has several;
// `Date.parse` takes ten times as long, and `toISOString` four times.

const LENGTH = 24;
const ZERO = 0x30;
const [MINUS, DOT, COLON, LETTER_T, LETTER_Z] = [0x2d, 0x2e, 0x3a, 0x54, 0x5a];
const DAY_MS = 86_400_000;
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/** Days that leap years added before 1970. */
const LEAP_DAYS_1970 = 477;

/** Epoch ms of `2026-11-22T03:54:10.904Z`, from 1970 to 9999; NaN of any other text, though it may be a time. */
export function canonicalTimeMs(text: string): number {
  if (text.length !== LENGTH || text[10] !== 'T' || text[23] !== 'Z') return Number.NaN;
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':' || text[19] !== '.') return Number.NaN;
  const year = numberAt(text, 0, 4);
  const month = numberAt(text, 5, 2);
  const day = numberAt(text, 8, 2);
  const hour = numberAt(text, 11, 2);
  const minute = numberAt(text, 14, 2);
  const second = numberAt(text, 17, 2);
  const ms = numberAt(text, 20, 3);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const isTime =
    year >= 1970 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= (month === 2 && isLeap ? 29 : (DAYS_OF_MONTH[month - 1] ?? 0)) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    ms >= 0;
  if (!isTime) return Number.NaN;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - LEAP_DAYS_1970;
  const ofYear = (DAYS_BEFORE_MONTH[month - 1] ?? 0) + (month > 2 && isLeap ? 1 : 0) + day - 1;
  return ((year - 1970) * 365 + leapDays + ofYear) * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1_000 + ms;
}

/** From 0000-03-01, with which years of 400 begin whose leap days stand at their ends, to 1970-01-01. */
const DAYS_TO_1970 = 719_468;
const DAYS_OF_400_YEARS = 146_097;
const YEAR_10000_MS = 253_402_300_800_000;

/** What `toISOString` writes of whole epoch ms that a Date can hold. */
export function canonicalTime(ms: number): string {
  if (!Number.isInteger(ms) || ms < 0 || ms >= YEAR_10000_MS) return new Date(ms).toISOString();
  const days = Math.floor(ms / DAY_MS) + DAYS_TO_1970;
  const era = Math.floor(days / DAYS_OF_400_YEARS);
  const ofEra = days - era * DAYS_OF_400_YEARS;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const hour = Math.floor(ms / 3_600_000) % 24;
  const minute = Math.floor(ms / 60_000) % 60;
  const second = Math.floor(ms / 1_000) % 60;
  // biome-ignore format: a line for each part of the time
  return String.fromCharCode(
    digit(year, 1_000), digit(year, 100), digit(year, 10), digit(year, 1), MINUS,
    digit(month, 10), digit(month, 1), MINUS, digit(day, 10), digit(day, 1), LETTER_T,
    digit(hour, 10), digit(hour, 1), COLON, digit(minute, 10), digit(minute, 1), COLON,
    digit(second, 10), digit(second, 1), DOT, digit(ms, 100), digit(ms, 10), digit(ms, 1), LETTER_Z,
  );
}

/** The code of the decimal digit that stands for so many. */
function digit(number: number, place: number): number {
  return ZERO + (Math.floor(number / place) % 10);
}

/** NaN where one is no digit. */
function numberAt(text: string, at: number, length: number): number {
  let number = 0;
  for (let place = at; place < at + length; place++) {
    const digit = text.charCodeAt(place) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
