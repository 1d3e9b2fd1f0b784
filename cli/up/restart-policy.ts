// When a child that died is started again. Pure: (how long it ran, how often it failed) → delay.

/** A child that ran for so long was sound: its next death starts the count anew. */
export const SOUND_AFTER_MS = 30_000;
const FIRST_DELAY_MS = 1_000;
export const DELAY_MAX_MS = 30_000;

export interface Restart {
  readonly delayMs: number;
  /** Deaths in a row, this one included. */
  readonly failures: number;
}

/** The first restart is immediate; then 1 s, 2 s, 4 s … 30 s. `failures`: deaths in a row before this one. */
export function nextRestart(failures: number, ranMs: number): Restart {
  const before = ranMs >= SOUND_AFTER_MS ? 0 : failures;
  const delayMs = before === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** Math.min(before - 1, 16), DELAY_MAX_MS);
  return { delayMs, failures: before + 1 };
}
