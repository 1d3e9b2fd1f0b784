// Times are read as Date reads them, or not at all.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalTimeMs } from '../../event/canonical-time.ts';

it('reads what toISOString writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (ms) => {
      expect(canonicalTimeMs(new Date(ms).toISOString())).toBe(ms);
    }),
    { numRuns: 2_000 },
  );
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
