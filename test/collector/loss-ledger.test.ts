import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLossLedger, EMPTY_LEDGER, GAPS_TOLD_MAX, lossOfDowntime } from '../../collector/loss-ledger.ts';
import {
  CERTAIN_AFTER_MS,
  CERTAIN_AT_LAST_MS,
  gapCount,
  OPEN_GAPS_MAX,
  serialAccount,
} from '../../collector/serial-account.ts';

const EMPTY = EMPTY_LEDGER.serials;
const LATER = 1e12;

describe('account of serials', () => {
  it('a late record never makes the loss count grow', () => {
    const account = serialAccount(EMPTY);
    for (const serial of [57, 58, 61]) account.see(serial, 1000, 1000);
    account.see(60, 1000, 1001);
    account.see(59, 1000, 1002);
    account.see(59, 1000, 1003);
    account.see(12, 1000, 1004);
    expect(account.takeCertain(LATER)).toEqual([]);
  });

  it('58, 59, 60, then 57 loses nothing, nor does a serial that comes again (defect of go-libaudit: 4294967292 lost)', () => {
    const account = serialAccount(EMPTY);
    for (const serial of [58, 58, 59, 60, 60, 57]) account.see(serial, 1000, 1000);
    expect(account.takeCertain(LATER)).toEqual([]);
  });

  it('a serial that comes after its gap was told changes nothing', () => {
    const account = serialAccount(EMPTY);
    for (const serial of [1, 5]) account.see(serial, 1000, 1000);
    expect(account.takeCertain(LATER)).toMatchObject([{ first: 2, last: 4 }]);
    account.see(3, 1000, LATER);
    account.see(6, 1000, LATER);
    expect(account.takeCertain(2 * LATER)).toEqual([]);
  });

  it('says nothing before it is certain, and each gap once', () => {
    const account = serialAccount(EMPTY);
    account.see(1, 900, 1000);
    account.see(5, 1100, 1200);
    expect(account.takeCertain(1200 + CERTAIN_AFTER_MS - 1)).toEqual([]);
    expect(account.takeCertain(1200 + CERTAIN_AFTER_MS)).toMatchObject([
      { first: 2, last: 4, fromMs: 900, toMs: 1200 },
    ]);
    expect(account.takeCertain(LATER)).toEqual([]);
  });

  it('says nothing while the reader is behind: what is missing may wait in the socket; but not for ever', () => {
    const behind = serialAccount(EMPTY);
    for (const serial of [1, 5]) behind.see(serial, 1000, 1000);
    const emptyMs = 1000 + CERTAIN_AFTER_MS - 1;
    const outstanding = { emptyMs, openSerials: [] };
    expect(behind.takeCertain(1000 + CERTAIN_AT_LAST_MS - 1, outstanding)).toEqual([]);
    const late = serialAccount(behind.state());
    late.see(3, 1000, 2000);
    expect(late.takeCertain(1000 + CERTAIN_AFTER_MS, { ...outstanding, emptyMs: emptyMs + 1 })).toMatchObject([
      { first: 2, last: 2 },
      { first: 4, last: 4 },
    ]);
    expect(behind.takeCertain(1000 + CERTAIN_AT_LAST_MS, outstanding)).toMatchObject([{ first: 2, last: 4 }]);
  });

  it('says nothing of a gap in which an event is open, whatever the others are', () => {
    const serials = fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(serials, fc.array(fc.integer({ min: 0, max: 410 })), fc.integer({ min: 0 }), (seen, open, offset) => {
        const account = serialAccount(EMPTY);
        for (const serial of seen) account.see((serial + offset) >>> 0, 1, 1);
        const gaps = account.state().gaps;
        const openSerials = open.map((serial) => (serial + offset) >>> 0);
        const holds = (first: number, last: number) =>
          openSerials.some((serial) => (serial - first) >>> 0 <= (last - first) >>> 0);
        expect(account.takeCertain(LATER, { emptyMs: LATER, openSerials })).toEqual(
          gaps.filter(({ first, last }) => !holds(first, last)),
        );
        expect(account.state().gaps).toEqual(gaps.filter(({ first, last }) => holds(first, last)));
      }),
    );
  });

  it('goes on over the wrap at 32 bits', () => {
    const account = serialAccount(EMPTY);
    account.see(0xffff_fffe, 1, 1);
    account.see(1, 2, 2);
    const [gap] = account.takeCertain(LATER);
    expect(gap).toMatchObject({ first: 0xffff_ffff, last: 0 });
    expect(gap && gapCount(gap)).toBe(2);
  });

  it('bounds the gaps that it watches', () => {
    const account = serialAccount(EMPTY);
    for (let serial = 0; serial < 2 * OPEN_GAPS_MAX + 200; serial += 2) account.see(serial, 1, 1);
    expect(account.takeCertain(1).length).toBeGreaterThanOrEqual(99);
    expect(account.state().gaps.length).toBe(OPEN_GAPS_MAX);
  });

  it('tells exactly what is missing, whatever the order and however often it was restarted', () => {
    const seen = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 2 });
    fc.assert(
      fc.property(
        seen,
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        (serials, cut, offset) => {
          const first = serials[0] as number;
          const after = serials.filter((serial) => serial >= first);
          let account = serialAccount(EMPTY);
          for (const [index, serial] of after.entries()) {
            if (index === cut) account = serialAccount(JSON.parse(JSON.stringify(account.state())));
            account.see((serial + offset) >>> 0, 1, 1);
          }
          const told = new Set<number>();
          for (const gap of account.takeCertain(LATER)) {
            for (let step = 0; step < gapCount(gap); step += 1) told.add((gap.first + step) >>> 0);
          }
          const missing = new Set<number>();
          for (let serial = first; serial < Math.max(...after); serial += 1) {
            if (!after.includes(serial)) missing.add((serial + offset) >>> 0);
          }
          expect(told).toEqual(missing);
        },
      ),
    );
  });
});

describe('loss ledger', () => {
  const figures = (lost: number) => ({ lost, backlog: 0, isOwner: true });

  it('counts a missing serial as certain, and a record that the kernel lost as possible', () => {
    const ledger = createLossLedger(EMPTY_LEDGER);
    expect(ledger.checked(figures(7), 1000)).toEqual([]);
    ledger.see(1, 1000, 1000);
    ledger.see(4, 2000, 2000);
    expect(ledger.checked(figures(12), 3000)).toMatchObject([
      { source: 'kernel', atLeast: 0, atMost: 5, fromMs: 1000, toMs: 3000 },
    ]);
    expect(ledger.certain(LATER)).toMatchObject([
      { source: 'sequence', atLeast: 2, atMost: 2, firstSequence: 2, lastSequence: 3, fromMs: 1000, toMs: 2000 },
    ]);
  });

  it('takes a count that was set back for what has been lost since', () => {
    const ledger = createLossLedger({ ...EMPTY_LEDGER, kernelLost: 100, checkedMs: 1 });
    expect(ledger.checked(figures(3), 2)).toMatchObject([{ atMost: 3 }]);
  });

  it('knows no upper bound for an overflow of the multicast socket, and none is lost by one of the unicast socket', () => {
    const ledger = createLossLedger(EMPTY_LEDGER);
    expect(ledger.overflowed(2, true, 5)).toMatchObject([{ source: 'socket', atLeast: 0, atMost: undefined }]);
    expect(ledger.overflowed(2, false, 5)).toEqual([]);
  });

  it('tells many gaps as one record with their sum', () => {
    const ledger = createLossLedger(EMPTY_LEDGER);
    for (let serial = 0; serial <= 2 * (GAPS_TOLD_MAX + 1); serial += 2) ledger.see(serial, serial, serial);
    expect(ledger.certain(LATER)).toMatchObject([
      { atLeast: GAPS_TOLD_MAX + 1, firstSequence: 1, lastSequence: 2 * GAPS_TOLD_MAX + 1 },
    ]);
  });

  it('gives the same fact the same id after a restart', () => {
    const before = createLossLedger(EMPTY_LEDGER);
    before.see(1, 1, 1);
    before.see(3, 2, 2);
    const state = JSON.parse(JSON.stringify(before.state()));
    const [told] = before.certain(LATER);
    const [again] = createLossLedger(state).certain(LATER);
    expect([again?.kind, again?.counter]).toEqual([told?.kind, told?.counter]);
  });

  it('tells a planned pause from a kill', () => {
    const parts = { fromMs: 1000, toMs: 61_000, counter: 1, isNewBoot: false };
    expect(lossOfDowntime({ ...parts, wasPlanned: true })).toMatchObject({ isPlanned: true, atMost: undefined });
    expect(lossOfDowntime({ ...parts, wasPlanned: false }).reason).toBe(
      'Nobody watched for 60 s, because the collector was killed.',
    );
  });
});
