// Reads times in the one form in which collectors write them, as `Date.prototype.toISOString` does: each event has several, and
// `Date.parse` takes ten times as long.

const LENGTH = 24;
const ZERO = 0x30;
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
