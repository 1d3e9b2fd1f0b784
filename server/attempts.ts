// Counts failed attempts per sender and over all, in windows of a minute: guessing an enrolment secret is hopeless anyway, but it
// shall not cost the server its time. Bounded in memory, whoever knocks.

const ATTEMPTS_WINDOW_MS = 60_000;
export const ATTEMPTS_PER_SENDER_MAX = 10;
export const ATTEMPTS_TOTAL_MAX = 1_000;
/** So many senders are told apart; when there are more, the window's oldest is forgotten. */
export const SENDERS_MAX = 1_024;

export interface Attempts {
  /** True while the sender may try. */
  isAllowed(sender: string, nowMs: number): boolean;
  fail(sender: string, nowMs: number): void;
}

export function createAttempts(): Attempts {
  let windowStartMs = 0;
  let total = 0;
  const bySender = new Map<string, number>();
  const roll = (nowMs: number): void => {
    if (nowMs >= windowStartMs && nowMs - windowStartMs < ATTEMPTS_WINDOW_MS) return;
    windowStartMs = nowMs;
    total = 0;
    bySender.clear();
  };
  return {
    isAllowed(sender, nowMs) {
      roll(nowMs);
      return total < ATTEMPTS_TOTAL_MAX && (bySender.get(sender) ?? 0) < ATTEMPTS_PER_SENDER_MAX;
    },
    fail(sender, nowMs) {
      roll(nowMs);
      total += 1;
      if (!bySender.has(sender) && bySender.size >= SENDERS_MAX) {
        const [oldest] = bySender.keys();
        if (oldest !== undefined) bySender.delete(oldest);
      }
      bySender.set(sender, (bySender.get(sender) ?? 0) + 1);
    },
  };
}
