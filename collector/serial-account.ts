// Which audit serials are missing. The kernel numbers events without a gap, but they become complete out of order: a serial is
// missing for certain only when it stayed away for longer than any event is held open, and everything that waited in the socket was
// read after that: a reader that was stopped or is too slow has not seen yet what it did not get. What comes late makes a gap smaller,
// never larger. The state is plain data, so that it survives the collector.

/** Longer than the reassembler holds an event open, ms. */
export const CERTAIN_AFTER_MS = 5_000;
/** A reader that never catches up tells what stayed away for so long, ms: longer than the kernel's and the socket's queues hold. */
export const CERTAIN_AT_LAST_MS = 60_000;
/** Gaps watched at a time; beyond it the oldest is taken as certain. */
export const OPEN_GAPS_MAX = 4_096;

/** Serials that did not come: `first` to `last`, both included; 32 bits, may wrap in between. */
export interface Gap {
  readonly first: number;
  readonly last: number;
  /** Kernel time of the serial before, and when the one after was complete: they happened in between, epoch ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly sinceMs: number;
}

export interface SerialState {
  /** The highest serial so far, with its kernel time; undefined before the first. */
  readonly highest: { readonly serial: number; readonly timeMs: number } | undefined;
  readonly gaps: readonly Gap[];
}

/** What may still come. */
export interface Outstanding {
  /** When the socket was last seen empty, epoch ms. */
  readonly emptyMs: number;
  /** Events of which some records have come: they will be seen when they are complete, or have waited long enough. */
  readonly openSerials: Iterable<number>;
}

export interface SerialAccount {
  see(serial: number, timeMs: number, nowMs: number): void;
  /** Gaps that are certain now; each is given once. */
  takeCertain(nowMs: number, outstanding?: Outstanding): readonly Gap[];
  state(): SerialState;
}

/** How many serials a gap spans. */
export function gapCount(gap: Gap): number {
  return distance(gap.first, gap.last) + 1;
}

export function serialAccount(start: SerialState): SerialAccount {
  // Two numbers and no object: this is asked for every event.
  let highest = start.highest?.serial ?? -1;
  let highestMs = start.highest?.timeMs ?? 0;
  const gaps: Gap[] = [...start.gaps];

  /** Takes a serial that came late out of its gap, from the youngest gap backwards. */
  function fill(serial: number): void {
    for (let index = gaps.length - 1; index >= 0; index -= 1) {
      const gap = gaps[index] as Gap;
      const offset = distance(gap.first, serial);
      if (offset > distance(gap.first, gap.last)) continue;
      const parts: Gap[] = [];
      if (serial !== gap.first) parts.push({ ...gap, last: (serial - 1) >>> 0 });
      if (serial !== gap.last) parts.push({ ...gap, first: (serial + 1) >>> 0 });
      gaps.splice(index, 1, ...parts);
      return;
    }
  }

  return {
    see(serial, timeMs, nowMs) {
      if (highest < 0) {
        highest = serial;
        highestMs = timeMs;
        return;
      }
      const step = (serial - highest) | 0;
      if (step < 0) {
        fill(serial);
        return;
      }
      if (step === 0) return;
      if (step > 1) {
        const first = (highest + 1) >>> 0;
        gaps.push({ first, last: (serial - 1) >>> 0, fromMs: highestMs, toMs: nowMs, sinceMs: nowMs });
      }
      highest = serial;
      highestMs = timeMs;
    },
    takeCertain(nowMs, { emptyMs, openSerials } = NOTHING_OUTSTANDING) {
      const isDue = ({ sinceMs }: Gap): boolean =>
        Math.min(nowMs, emptyMs) - sinceMs >= CERTAIN_AFTER_MS || nowMs - sinceMs >= CERTAIN_AT_LAST_MS;
      const due = gaps.filter(isDue);
      const held = due.length === 0 ? new Set<Gap>() : holdersOf(due, openSerials);
      const tooMany = gaps.length - OPEN_GAPS_MAX;
      const isCertain = (gap: Gap, index: number): boolean => index < tooMany || (isDue(gap) && !held.has(gap));
      const certain = gaps.filter(isCertain);
      if (certain.length > 0) gaps.splice(0, gaps.length, ...gaps.filter((gap, index) => !isCertain(gap, index)));
      return certain;
    },
    state: () => ({
      highest: highest < 0 ? undefined : { serial: highest, timeMs: highestMs },
      gaps: [...gaps],
    }),
  };
}

const NOTHING_OUTSTANDING: Outstanding = { emptyMs: Number.POSITIVE_INFINITY, openSerials: [] };

/** Those of the gaps, which are in ascending order, that one of the serials lies in. */
function holdersOf(gaps: readonly Gap[], serials: Iterable<number>): ReadonlySet<Gap> {
  const holders = new Set<Gap>();
  const base = gaps[0]?.first ?? 0;
  for (const serial of serials) {
    let [low, high] = [0, gaps.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (distance(base, (gaps[middle] as Gap).first) <= distance(base, serial)) low = middle;
      else high = middle - 1;
    }
    const gap = gaps[low];
    if (gap !== undefined && distance(gap.first, serial) <= distance(gap.first, gap.last)) holders.add(gap);
  }
  return holders;
}

function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
