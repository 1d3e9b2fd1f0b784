// Epoch milliseconds as ISO 8601, as text or straight into bytes. The second before the point is remembered: events come in order, many to the second.
import { type Place, writeAscii } from './byte-writer.ts';

const TIME_MS_MAX = 8_640_000_000_000_000;

/** `2026-11-21T21:43:42.123Z`; times that no calendar holds are cut to the last one that it does. */
export function createClockText(): (timeMs: number) => string {
  let second = Number.NaN;
  let prefix = '';
  return (timeMs) => {
    const bounded = boundedTime(timeMs);
    const ms = bounded % 1000;
    const floor = bounded - ms;
    if (floor !== second) {
      second = floor;
      prefix = new Date(floor).toISOString().slice(0, -4);
    }
    return `${prefix}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
  };
}

/** The same into bytes: 24 of them, or 27 past the year 9999; their end. One for each clock: two that differ by a second would
 * take turns in what is remembered. */
export function createClockWriter(): (timeMs: number, place: Place) => number {
  let second = Number.NaN;
  let prefix: Uint8Array = new Uint8Array();
  return (timeMs, { out, at }) => {
    const bounded = boundedTime(timeMs);
    const ms = bounded % 1000;
    const floor = bounded - ms;
    if (floor !== second) {
      second = floor;
      const text = new Date(floor).toISOString().slice(0, -4);
      prefix = new Uint8Array(text.length);
      writeAscii(text, { out: prefix, at: 0 });
    }
    out.set(prefix, at);
    const end = at + prefix.length;
    const tens = ms % 100;
    out[end] = DIGIT_0 + (ms - tens) / 100;
    out[end + 1] = DIGIT_0 + (tens - (tens % 10)) / 10;
    out[end + 2] = DIGIT_0 + (tens % 10);
    out[end + 3] = LETTER_Z;
    return end + 4;
  };
}

const DIGIT_0 = 48;
const LETTER_Z = 90;

function boundedTime(timeMs: number): number {
  return Number.isFinite(timeMs) ? Math.min(Math.max(Math.trunc(timeMs), 0), TIME_MS_MAX) : 0;
}
