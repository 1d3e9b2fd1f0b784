// Where the lines of one log segment begin, by number, and their `event.created` where it is known without parsing them: eight bytes an
// event, because millions may wait in the log.

export interface Offsets {
  /** The number after the last line's; 0 while there is none. */
  readonly nextSeq: number;
  /** Numbers ascend; one that is left out has no line. */
  push(seq: number, at: number, createdMs?: number): void;
  /** `event.created` of the line of a number, epoch ms; undefined where it was not told. */
  createdMs(seq: number): number | undefined;
  /** The lines after a number: from where to where they stand, at least one; undefined when there is none. `end`: of the last line. */
  range(
    after: number,
    atMost: { readonly events: number; readonly bytes: number; readonly end: number },
  ): { readonly from: number; readonly to: number; readonly lastSeq: number; readonly events: number } | undefined;
}

/** No line begins there: a header does. */
const NONE = 0;
/** Times are kept as what they differ by from the first of their segment. */
const NO_TIME: number = -(2 ** 31);

export function createOffsets(): Offsets {
  let starts = new Uint32Array(256);
  let times = new Int32Array(256);
  let count = 0;
  let baseSeq = 0;
  let baseMs = Number.NaN;

  const startAt = (index: number): number => starts[index] ?? NONE;

  const timeOf = (createdMs: number | undefined): number => {
    if (createdMs === undefined) return NO_TIME;
    if (Number.isNaN(baseMs)) baseMs = createdMs;
    const time = createdMs - baseMs;
    return Math.abs(time) < -NO_TIME ? time : NO_TIME;
  };

  return {
    get nextSeq() {
      return count === 0 ? 0 : baseSeq + count;
    },
    push(seq, at, createdMs) {
      if (count === 0) baseSeq = seq;
      const index = seq - baseSeq;
      if (index >= starts.length) {
        const larger = new Uint32Array(Math.max(index + 1, starts.length * 2));
        larger.set(starts);
        starts = larger;
        const largerTimes = new Int32Array(starts.length);
        largerTimes.set(times);
        times = largerTimes;
      }
      starts[index] = at;
      times[index] = timeOf(createdMs);
      count = index + 1;
    },
    createdMs(seq) {
      const index = seq - baseSeq;
      const time = index >= 0 && index < count ? (times[index] ?? NO_TIME) : NO_TIME;
      return time === NO_TIME ? undefined : baseMs + time;
    },
    range(after, { events: eventsMax, bytes: bytesMax, end }) {
      let index = Math.max(0, after + 1 - baseSeq);
      while (index < count && startAt(index) === NONE) index++;
      if (index >= count) return undefined;
      const from = startAt(index);
      let events = 0;
      let lastSeq = after;
      for (; index < count; index++) {
        const start = startAt(index);
        if (start === NONE) continue;
        if (events > 0 && (events >= eventsMax || start - from >= bytesMax))
          return { from, to: start, lastSeq, events };
        events++;
        lastSeq = baseSeq + index;
      }
      return { from, to: end, lastSeq, events };
    },
  };
}
