import { describe, expect, it } from 'vitest';
import {
  RETRY_AFTER_MAX_MS,
  RETRY_ATTEMPTS_MAX,
  RETRY_FOR_MS,
  RETRY_MAX_MS,
  retryDelayMs,
} from '../../alerts/back-off.ts';

describe('retryDelayMs', () => {
  it.each([
    ['the first wait is a second', 1, 0, undefined, 1_000],
    ['it doubles', 4, 0, undefined, 8_000],
    ['it never exceeds five minutes', 1_000_000, 0, undefined, RETRY_MAX_MS],
    ['jitter only shortens it, by a fifth at most', 1, 0.999_999, undefined, 800],
    ['a longer wait that was asked for is kept', 1, 0, 60_000, 60_000],
    ['a shorter one is not', 9, 0, 1_000, 256_000],
    ['but nobody can ask for more than an hour', 1, 0, 1e12, RETRY_AFTER_MAX_MS],
  ])('%s', (_claim, attempts, random, afterMs, expected) => {
    expect(retryDelayMs(attempts, random, afterMs)).toBe(expected);
  });

  it('all attempts together last a day at the least, and not two', () => {
    const lasting = (random: number) =>
      Array.from({ length: RETRY_ATTEMPTS_MAX - 1 }, (_, place) => retryDelayMs(place + 1, random)).reduce(
        (a, b) => a + b,
        0,
      );
    expect(lasting(0.999_999)).toBeGreaterThanOrEqual(RETRY_FOR_MS - 1_000);
    expect(lasting(0)).toBeLessThan(2 * RETRY_FOR_MS);
  });
});
