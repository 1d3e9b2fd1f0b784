// Which audit serials are missing. The kernel numbers events without a gap, but they become complete out of order: a serial is
// missing for certain only when it stayed away for longer than any event is held open. What comes late makes a gap smaller,
// never larger: one that comes after its gap was told is stored as every event is, and not subtracted, so a told count is at most too high.
// The state is plain data, so that it survives the collector.

/** Longer than the reassembler holds an event open, ms. */
export const CERTAIN_AFTER_MS = 5_000;
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

export interface SerialAccount {
  see(serial: number, timeMs: number, nowMs: number): void;
  /** Gaps that are certain now; each is given once. */
  takeCertain(nowMs: number): readonly Gap[];
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
    takeCertain(nowMs) {
      const isCertain = (gap: Gap, index: number): boolean =>
        nowMs - gap.sinceMs >= CERTAIN_AFTER_MS || gaps.length - index > OPEN_GAPS_MAX;
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

function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
