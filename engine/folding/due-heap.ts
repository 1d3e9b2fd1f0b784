// What falls due by time, the earliest first: a binary heap. Equal times come out in the order of their names, so that what time
// brings about does not hang on how the process was cut into steps.
interface Due<Subject> {
  readonly atMs: number;
  readonly name: string;
  readonly subject: Subject;
}

export interface DueHeap<Subject> {
  push(due: Due<Subject>): void;
  /** The earliest that is due at `nowMs`, taken out. */
  take(nowMs: number): Due<Subject> | undefined;
  /** When the earliest is due; Infinity: nothing is. It may be over. */
  firstMs(): number;
  size(): number;
}

/** With fewer it is not looked for what is over. */
const SWEEP_LEAST = 1_024;

/** @param isOver true of a subject that never falls due any more: a flood of keys that come and go must not be kept until then. */
export function createDueHeap<Subject>(isOver: (subject: Subject) => boolean = () => false): DueHeap<Subject> {
  const heap: Due<Subject>[] = [];
  let sweepAt = SWEEP_LEAST;

  const at = (place: number): Due<Subject> => heap[place] as Due<Subject>;
  const swap = (one: number, other: number): void => {
    const kept = at(one);
    heap[one] = at(other);
    heap[other] = kept;
  };

  const sweep = (): void => {
    const left = heap.filter(({ subject }) => !isOver(subject)).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    heap.length = 0;
    // What is sorted is a heap.
    for (const due of left) heap.push(due);
    sweepAt = Math.max(SWEEP_LEAST, 2 * heap.length);
  };

  return {
    push(due) {
      if (heap.length >= sweepAt) sweep();
      heap.push(due);
      for (let place = heap.length - 1; place > 0; ) {
        const parent = (place - 1) >> 1;
        if (!isBefore(at(place), at(parent))) return;
        swap(place, parent);
        place = parent;
      }
    },
    take(nowMs) {
      const first = heap[0];
      if (first === undefined || first.atMs > nowMs) return undefined;
      const last = heap.pop() as Due<Subject>;
      if (heap.length === 0) return first;
      heap[0] = last;
      for (let place = 0; ; ) {
        let least = place;
        for (const child of [2 * place + 1, 2 * place + 2]) {
          if (child < heap.length && isBefore(at(child), at(least))) least = child;
        }
        if (least === place) return first;
        swap(place, least);
        place = least;
      }
    },
    firstMs: () => heap[0]?.atMs ?? Number.POSITIVE_INFINITY,
    size: () => heap.length,
  };
}

function isBefore(a: Due<unknown>, b: Due<unknown>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.name < b.name);
}
