// Times are read as Date reads them, or not at all, and written as Date writes them.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalTime, canonicalTimeMs } from '../../event/canonical-time.ts';

it('reads what toISOString writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (ms) => {
      expect(canonicalTimeMs(new Date(ms).toISOString())).toBe(ms);
    }),
    { numRuns: 2_000 },
  );
});

it('writes what toISOString writes, of any time', () => {
  const days = [0, 951_782_400_000, 951_868_800_000, 4_107_542_400_000, 4_107_456_000_000, 253_402_300_799_999];
  const times = fc.oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.nat(253_402_300_800_000),
    fc.constantFrom(...days),
  );
  fc.assert(
    fc.property(times, fc.integer({ min: -2, max: 2 }), (ms, off) => {
      if (Math.abs(ms + off) > 8.64e15) return;
      expect(canonicalTime(ms + off)).toBe(new Date(ms + off).toISOString());
    }),
    { numRuns: 4_000 },
  );
  expect(() => canonicalTime(Number.NaN)).toThrow(RangeError);
});

it.each([
  '2026-02-29T00:00:00.000Z',
  '2100-02-29T00:00:00.000Z',
  '2026-13-01T00:00:00.000Z',
  '2026-00-01T00:00:00.000Z',
  '2026-01-00T00:00:00.000Z',
  '2026-01-01T24:00:00.000Z',
  '2026-01-01T00:60:00.000Z',
  '2026-01-01T00:00:60.000Z',
  '1969-12-31T23:59:59.999Z',
  '2026-01-01T00:00:00.00Z',
  '2026-01-01 00:00:00.000Z',
  '2026-01-01T00:00:00.000z',
  '+026-01-01T00:00:00.000Z',
  '',
])('does not read %j', (text) => {
  expect(canonicalTimeMs(text)).toBeNaN();
});
