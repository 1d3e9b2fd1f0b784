// How long to wait before trying again: doubling, with jitter so that hosts do not come back all at once, and a cap.

const FIRST_RETRY_MS = 200;
export const RETRY_MS_MAX = 30_000;
/** A server that is there again should have its events at once: while the outage is young, the wait stays short. */
export const YOUNG_OUTAGE_MS = 60_000;
export const YOUNG_RETRY_MS_MAX = 1_000;

/**
 * The wait before attempt `attempt` (1 is the first repetition), ms. `outageMs` is how long nothing has got through; `random`
 * in [0, 1). Between half of the full wait and the whole of it.
 */
export function retryDelayMs(attempt: number, outageMs: number, random: number): number {
  const cap = outageMs < YOUNG_OUTAGE_MS ? YOUNG_RETRY_MS_MAX : RETRY_MS_MAX;
  const full = Math.min(cap, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full / 2 + (full / 2) * random);
}
