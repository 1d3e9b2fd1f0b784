// What falls due by time, the earliest first: a binary heap. Equal times come out in the order of their names, so that what time
// brings about does not hang on how the process was cut into steps. Times and subjects lie in two lists: there is one for each
// live key, and an object around each would cost more than both.

export interface DueHeap<Subject> {
  push(atMs: number, subject: Subject): void;
  /** The earliest that is due at `nowMs`, taken out; it was due at {@link firstMs}. */
  take(nowMs: number): Subject | undefined;
  /** When the earliest is due; Infinity: nothing is. It may be over. */
  firstMs(): number;
  size(): number;
}

/** With fewer it is not looked for what is over. */
const SWEEP_LEAST = 1_024;

/** @param isOver true of a subject that never falls due any more: a flood of keys that come and go must not be kept until then. */
export function createDueHeap<Subject>(
  nameOf: (subject: Subject) => string,
  isOver: (subject: Subject) => boolean = () => false,
): DueHeap<Subject> {
  let times: number[] = [];
  let subjects: Subject[] = [];
  let sweepAt = SWEEP_LEAST;

  const isBefore = (one: number, other: number): boolean => {
    const [a, b] = [times[one] as number, times[other] as number];
    return a < b || (a === b && nameOf(subjects[one] as Subject) < nameOf(subjects[other] as Subject));
  };
  const swap = (one: number, other: number): void => {
    const [time, subject] = [times[one] as number, subjects[one] as Subject];
    times[one] = times[other] as number;
    subjects[one] = subjects[other] as Subject;
    times[other] = time;
    subjects[other] = subject;
  };
  const rise = (from: number): void => {
    for (let place = from; place > 0; ) {
      const parent = (place - 1) >> 1;
      if (!isBefore(place, parent)) return;
      swap(place, parent);
      place = parent;
    }
  };

  const sweep = (): void => {
    const [oldTimes, oldSubjects] = [times, subjects];
    [times, subjects] = [[], []];
    for (const [place, subject] of oldSubjects.entries()) {
      if (isOver(subject)) continue;
      times.push(oldTimes[place] as number);
      subjects.push(subject);
      rise(times.length - 1);
    }
    sweepAt = Math.max(SWEEP_LEAST, 2 * times.length);
  };

  return {
    push(atMs, subject) {
      if (times.length >= sweepAt) sweep();
      times.push(atMs);
      subjects.push(subject);
      rise(times.length - 1);
    },
    take(nowMs) {
      const [firstMs = Number.POSITIVE_INFINITY] = times;
      if (times.length === 0 || !(firstMs <= nowMs)) return undefined;
      const first = subjects[0] as Subject;
      const [time, subject] = [times.pop() as number, subjects.pop() as Subject];
      if (times.length === 0) return first;
      times[0] = time;
      subjects[0] = subject;
      for (let place = 0; ; ) {
        let least = place;
        const [left, right] = [2 * place + 1, 2 * place + 2];
        if (left < times.length && isBefore(left, least)) least = left;
        if (right < times.length && isBefore(right, least)) least = right;
        if (least === place) return first;
        swap(place, least);
        place = least;
      }
    },
    firstMs: () => times[0] ?? Number.POSITIVE_INFINITY,
    size: () => times.length,
  };
}
