// Epoch milliseconds as ISO 8601 text. The second before the point is remembered: events come in order, many to the second.

const TIME_MS_MAX = 8_640_000_000_000_000;

/** `2026-11-21T21:43:42.123Z`; times that no calendar holds are cut to the last one that it does. */
export function createClockText(): (timeMs: number) => string {
  let second = Number.NaN;
  let prefix = '';
  return (timeMs) => {
    const bounded = Number.isFinite(timeMs) ? Math.min(Math.max(Math.trunc(timeMs), 0), TIME_MS_MAX) : 0;
    const ms = bounded % 1000;
    const floor = bounded - ms;
    if (floor !== second) {
      second = floor;
      prefix = new Date(floor).toISOString().slice(0, -4);
    }
    return `${prefix}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
  };
}
