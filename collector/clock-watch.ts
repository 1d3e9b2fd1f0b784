// Three clocks side by side tell apart what one cannot: a wall clock that was set forward, a host that slept, a collector that
// stood still. The monotonic clock stops while the host sleeps, the boot clock goes on, the wall clock may be set. Pure. (A wall
// clock that goes back is created-clock.ts's: it must never reach `event.created`.)

export interface Clocks {
  readonly wallMs: number;
  /** CLOCK_MONOTONIC. */
  readonly monotonicMs: number;
  /** CLOCK_BOOTTIME. */
  readonly bootMs: number;
}

export type ClockChange =
  /** The wall clock was set forward by `byMs`. */
  | { readonly kind: 'set-forward'; readonly byMs: number }
  | { readonly kind: 'slept'; readonly byMs: number }
  /** Nothing ran here for `byMs`: stopped by a signal, or without a processor or a disk. */
  | { readonly kind: 'stood-still'; readonly byMs: number };

/** Smaller steps are a time daemon's work, ms. */
export const STEP_LEAST_MS = 1_000;
/** Looks come once a second; so much later is more than a busy machine explains, ms. */
export const STILL_LEAST_MS = 3_000;

export interface ClockWatch {
  /** Call once a second. */
  look(clocks: Clocks): readonly ClockChange[];
}

export function clockWatch(first: Clocks): ClockWatch {
  let before = first;
  return {
    look(clocks) {
      const ran = clocks.monotonicMs - before.monotonicMs;
      const slept = clocks.bootMs - before.bootMs - ran;
      const set = clocks.wallMs - before.wallMs - (clocks.bootMs - before.bootMs);
      before = clocks;
      const changes: ClockChange[] = [];
      if (slept >= STEP_LEAST_MS) changes.push({ kind: 'slept', byMs: Math.round(slept) });
      if (set >= STEP_LEAST_MS) changes.push({ kind: 'set-forward', byMs: Math.round(set) });
      if (ran >= STILL_LEAST_MS) changes.push({ kind: 'stood-still', byMs: Math.round(ran) });
      return changes;
    },
  };
}
