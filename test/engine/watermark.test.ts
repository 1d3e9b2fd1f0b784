import { describe, expect, it } from 'vitest';
import { EVERYTHING_PASSED, watermarksOf } from '../../engine/watermark.ts';
import type { OrderKey } from '../../event/order.ts';
import type { Progress } from '../../event/progress.ts';

const order = (hostId: string, createdMs: number, position: number, bootId = 'b1'): OrderKey => ({
  createdMs,
  hostId,
  bootId,
  position,
  id: `${hostId}.${position}`,
});
const at = (createdMs: number, position: number): Progress => ({ bootId: 'b1', position, createdMs });

describe('watermarks of one host', () => {
  const { hostPassed } = watermarksOf(new Map([['h1', at(1_000, 7)]]));
  it.each([
    ['an earlier time is passed', order('h1', 999, 99, 'b2'), true],
    ['the very position of the progress is passed at once', order('h1', 1_000, 7), true],
    ['the next position in the same millisecond is not', order('h1', 1_000, 8), false],
    ['another boot in the same millisecond is not', order('h1', 1_000, 1, 'b2'), false],
    ['a delivered position is passed though its time is ahead of a capped progress', order('h1', 5_000, 6), true],
    ['a host that nobody waits for is passed', order('h2', 9_999, 1), true],
  ])('%s', (_claim, key, expected) => {
    expect(hostPassed(key)).toBe(expected);
  });
});

describe('watermarks across hosts', () => {
  const progress = new Map([
    ['h1', at(1_000, 7)],
    ['h3', at(2_000, 1)],
  ]);
  it.each([
    ['before the host that is furthest behind is passed', order('h3', 999, 1), true],
    ['in its millisecond, a host that sorts before it is passed', order('h0', 1_000, 50), true],
    ['in its millisecond, a host that sorts after it is not', order('h2', 1_000, 1), false],
    ['its own position is passed', order('h1', 1_000, 7), true],
    ['its next position is not', order('h1', 1_000, 8), false],
    ['what only the other host has passed is not', order('h3', 1_500, 1), false],
  ])('%s', (_claim, key, expected) => {
    expect(watermarksOf(progress).allPassed(key)).toBe(expected);
  });

  it('an overdue host holds the others up no longer, but its own detections still wait for it', () => {
    const marks = watermarksOf(progress, new Set(['h1']));
    expect(marks.allPassed(order('h3', 1_500, 1))).toBe(true);
    expect(marks.hostPassed(order('h1', 1_500, 8))).toBe(false);
  });

  it('nobody to wait for means that everything is passed', () => {
    expect(watermarksOf(new Map()).allPassed(order('h1', 1e15, 1))).toBe(true);
    expect(EVERYTHING_PASSED.allPassed(order('h1', 1e15, 1))).toBe(true);
  });
});
