import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSequence,
  OPEN_GAPS_MAX,
  type SequenceOptions,
  type SequenceReport,
  TOLD_GAPS_MAX,
} from '../../audit/sequence.ts';

/** Feeds serials, one a millisecond, and the end. */
function account(serials: readonly number[], options: SequenceOptions = {}) {
  const sequence = createSequence(options);
  const reports = serials.map((serial, index) => sequence.see(serial, index));
  reports.push(sequence.end());
  return { sequence, gaps: reports.flatMap(({ gaps }) => gaps), late: reports.flatMap(({ late }) => late) };
}

const ranges = (reports: { readonly gaps: SequenceReport['gaps'] }) =>
  reports.gaps.map((gap) => [gap.firstSequence, gap.lastSequence, gap.count]);

describe('a sequence', () => {
  it('without holes loses nothing, however often a serial comes', () => {
    expect(account([5, 5, 5, 6, 6, 7]).gaps).toEqual([]);
  });

  it('58, 59, 60, then 57 loses nothing (defect of go-libaudit: 4294967292 lost)', () => {
    const { gaps, sequence } = account([58, 59, 60, 57]);
    expect(gaps).toEqual([]);
    expect(sequence.missing).toBe(0);
  });

  it('tells a hole once, with its bounds and when it was noticed', () => {
    expect(account([1, 2, 6, 7]).gaps).toEqual([{ firstSequence: 3, lastSequence: 5, count: 3, noticedMs: 2 }]);
  });

  it('waits: what comes within the window was never lost', () => {
    expect(account([1, 4, 3, 2, 5]).gaps).toEqual([]);
    expect(ranges(account([1, 5, 3, 6]))).toEqual([
      [2, 2, 1],
      [4, 4, 1],
    ]);
  });

  it('is certain after so many serials, or so long', () => {
    const bySerials = createSequence({ windowSerials: 3, windowMs: 1e9 });
    bySerials.see(1, 0);
    expect(bySerials.see(3, 0).gaps).toEqual([]);
    expect(bySerials.see(4, 0).gaps).toEqual([]);
    expect(bySerials.see(5, 0).gaps).toHaveLength(1);
    const byTime = createSequence({ windowSerials: 1e9, windowMs: 100 });
    byTime.see(1, 0);
    byTime.see(3, 50);
    expect(byTime.flush(149).gaps).toEqual([]);
    expect(byTime.flush(150).gaps).toHaveLength(1);
    expect(byTime.flush(1000).gaps).toEqual([]);
  });

  it('a late record never makes the loss grow: it makes it smaller', () => {
    const sequence = createSequence({ windowSerials: 1 });
    sequence.see(1, 0);
    sequence.see(5, 0);
    expect(sequence.see(6, 0).gaps).toEqual([]);
    expect(sequence.missing).toBe(3);
    expect(sequence.see(3, 1)).toEqual({ gaps: [], late: [3] });
    expect(sequence.missing).toBe(2);
    expect(sequence.see(3, 2)).toEqual({ gaps: [], late: [] });
    expect(sequence.missing).toBe(2);
  });

  it('goes on over the wrap of 32 bits', () => {
    expect(ranges(account([0xffff_fffe, 0xffff_ffff, 0, 1, 4]))).toEqual([[2, 3, 2]]);
    expect(ranges(account([0xffff_fffd, 2]))).toEqual([[0xffff_fffe, 1, 4]]);
    expect(account([0xffff_ffff, 1, 0]).gaps).toEqual([]);
  });

  it('continues an earlier run of the same boot', () => {
    expect(ranges(account([20, 21], { lastSerial: 10 }))).toEqual([[11, 19, 9]]);
    expect(account([11, 12], { lastSerial: 10 }).gaps).toEqual([]);
    expect(account([7, 11], { lastSerial: 10 }).gaps).toEqual([]);
  });

  it('keeps a bounded number of holes', () => {
    const sequence = createSequence({ windowSerials: 1e9, windowMs: 1e9 });
    let told = 0;
    for (let index = 0; index <= OPEN_GAPS_MAX + 10; index++) told += sequence.see(index * 2, 0).gaps.length;
    expect(told).toBe(10);
    expect(sequence.end().gaps).toHaveLength(OPEN_GAPS_MAX);
    // The oldest told gaps are forgotten: a serial that late changes nothing.
    expect(TOLD_GAPS_MAX).toBeLessThan(OPEN_GAPS_MAX + 10);
    expect(sequence.see(1, 0).late).toEqual([]);
    expect(sequence.see(OPEN_GAPS_MAX * 2 - 1, 0).late).toEqual([OPEN_GAPS_MAX * 2 - 1]);
  });

  it('tells exactly what never came, in whatever order the rest did', () => {
    const order = fc.tuple(
      fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 150 }),
      fc.integer({ min: 1, max: 300 }),
    );
    fc.assert(
      fc.property(order, fc.integer({ min: 0, max: 0xffff_ffff }), ([seen, windowSerials], base) => {
        const at = (offset: number) => (base + offset) % 2 ** 32;
        const { gaps, late, sequence } = account(seen.map(at), { windowSerials });
        const first = seen[0] ?? 0;
        const truth = new Set<number>();
        for (let offset = first; offset < Math.max(...seen); offset++)
          if (!seen.includes(offset)) truth.add(at(offset));
        const told = new Set(
          gaps.flatMap((gap) => Array.from({ length: gap.count }, (_, index) => (gap.firstSequence + index) % 2 ** 32)),
        );
        for (const serial of late) told.delete(serial);
        expect(told).toEqual(truth);
        expect(sequence.missing).toBe(truth.size);
      }),
    );
  });
});
