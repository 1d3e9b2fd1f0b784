// `event.created`: when an event was complete on its host. Never decreases within a boot, over restarts of the collector too,
// and also when the wall clock steps back; a step back is reported once, so that it can be told.

/** Smaller steps back are a time daemon's work and pass in silence, ms. */
export const STEP_BACK_LEAST_MS = 1_000;

export interface CreatedClock {
  /** The stamp for what is complete now. */
  stamp(): number;
  /** How far the clock stepped back since the last call, ms; 0 when it did not. */
  takeStepBack(): number;
}

/** `lastMs`: the latest stamp of an earlier run of this boot, 0 without one. */
export function createdClock(now: () => number, lastMs: number): CreatedClock {
  let last = lastMs;
  let lastSeen = lastMs;
  let stepBack = 0;
  return {
    stamp() {
      const nowMs = now();
      if (nowMs < lastSeen - STEP_BACK_LEAST_MS) stepBack = Math.max(stepBack, lastSeen - nowMs);
      lastSeen = nowMs;
      last = Math.max(last, nowMs);
      return last;
    },
    takeStepBack() {
      const taken = stepBack;
      stepBack = 0;
      return taken;
    },
  };
}
