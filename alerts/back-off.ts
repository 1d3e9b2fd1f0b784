// When to try again: exponential with jitter, so that many who fail together do not come back together, for at least a day.

/** After the first failed attempt, ms. */
const RETRY_FIRST_MS = 1_000;
/** The longest wait between two attempts, ms. */
export const RETRY_MAX_MS = 300_000;
/** The longest wait that another side can ask for (Retry-After), ms. */
export const RETRY_AFTER_MAX_MS = 3_600_000;
/** How long a notification is tried at the least, ms. */
export const RETRY_FOR_MS = 86_400_000;
/** The jitter takes away up to this share of a wait. */
const JITTER = 0.2;

/** So many attempts take {@link RETRY_FOR_MS} even when the jitter makes every wait as short as can be. */
export const RETRY_ATTEMPTS_MAX: number = attemptsFor(RETRY_FOR_MS);

/** The wait after the `attempts`-th failed attempt, ms. `random` in [0, 1); `afterMs`: what the other side asked for. */
export function retryDelayMs(attempts: number, random: number, afterMs = 0): number {
  const wait = fullDelayMs(attempts) * (1 - JITTER * random);
  return Math.round(Math.max(wait, Math.min(Math.max(afterMs, 0), RETRY_AFTER_MAX_MS)));
}

function fullDelayMs(attempts: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(Math.max(attempts - 1, 0), 30));
}

function attemptsFor(durationMs: number): number {
  let [attempts, passedMs] = [1, 0];
  while (passedMs < durationMs) {
    passedMs += fullDelayMs(attempts) * (1 - JITTER);
    attempts += 1;
  }
  return attempts;
}
