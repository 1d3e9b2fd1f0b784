// The limits as a table and as properties: which step follows which load, that all of it is told, and that it never flaps.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  budgetOf,
  INITIAL_LIMITS,
  isGivenUp,
  LEVELS,
  type LimitChange,
  type LimitOptions,
  observe,
} from '../../collector/limits.ts';
import { createLimits, LONG_DRAIN_MS, limitsDocument, PAUSE_MS_MAX } from '../../collector/limits-keeper.ts';

const FIFTH: LimitOptions = { cpuShareMax: 0.2, memoryBytesMax: undefined };
const MIB = 1024 ** 2;
const START_MS = 1_795_290_000_000;

/** A process whose load the test sets; a second is one sample. */
function processOf(options: LimitOptions) {
  let state = INITIAL_LIMITS;
  let nowMs = START_MS;
  let cpuUs = 0;
  const told: LimitChange[] = [];
  return {
    told,
    level: () => LEVELS[state.level],
    calmMs: () => state.calmMs,
    samples: () => state.samples.length,
    run(seconds: number, share: number | ((level: number) => number), rssBytes = 50 * MIB) {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1000;
        cpuUs += (typeof share === 'number' ? share : share(state.level)) * 1_000_000;
        const observed = observe(state, { nowMs, cpuUs, rssBytes }, options);
        state = observed.state;
        told.push(...observed.changes);
      }
    },
    jump(ms: number) {
      nowMs += ms;
    },
  };
}

describe('the limits of the collector', () => {
  it('give up hashes, containers, look-ups, short drains, bulk events and reading, in this order, a step at a time', () => {
    const collector = processOf(FIFTH);
    collector.run(60, 0.3);
    expect(collector.told.map((change) => (change.kind === 'level' ? [change.from, change.to] : []))).toEqual([
      ['full', 'no-hashes'],
      ['no-hashes', 'no-containers'],
      ['no-containers', 'no-proc'],
      ['no-proc', 'long-drains'],
      ['long-drains', 'no-bulk'],
      ['no-bulk', 'pauses'],
    ]);
    expect(collector.level()).toBe('pauses');
  });

  const table: readonly [claim: string, seconds: number, share: number, level: string][] = [
    ['nothing below the limit', 120, 0.19, 'full'],
    ['nothing for a second over it', 2, 0.3, 'full'],
    ['one step after two seconds over it', 3, 0.3, 'no-hashes'],
    ['a step a second far over it', 4, 0.9, 'no-proc'],
  ];
  for (const [claim, seconds, share, level] of table) {
    it(`give up ${claim}`, () => {
      const collector = processOf(FIFTH);
      collector.run(seconds, share);
      expect(collector.level()).toBe(level);
    });
  }

  it('take everything up again once it is calm, and say so', () => {
    const collector = processOf(FIFTH);
    collector.run(10, 0.9);
    expect(collector.level()).toBe('pauses');
    collector.run(600, 0.01);
    expect(collector.level()).toBe('full');
    const steps = collector.told.map((change) =>
      change.kind === 'level' ? `${change.from}>${change.to}` : change.kind,
    );
    expect(steps.slice(6)).toEqual([
      'pauses>no-bulk',
      'no-bulk>long-drains',
      'long-drains>no-proc',
      'no-proc>no-containers',
      'no-containers>no-hashes',
      'no-hashes>full',
    ]);
  });

  it('stay where they are between calm and too much', () => {
    const collector = processOf(FIFTH);
    collector.run(3, 0.3);
    const level = collector.level();
    expect(level).not.toBe('full');
    collector.run(1, 0);
    collector.run(600, 0.17);
    expect(collector.level()).toBe(level);
  });

  it('try again less and less often where each try is a relapse', () => {
    const collector = processOf(FIFTH);
    // Without hashes it is calm, with them too much.
    const load = (level: number): number => (level === 0 ? 0.3 : 0.05);
    collector.run(3_600, load);
    const ups = collector.told.filter((change) => change.kind === 'level' && change.from === 'full').length;
    expect(ups).toBeGreaterThan(3);
    expect(ups).toBeLessThan(22);
    expect(collector.calmMs()).toBe(240_000);
  });

  it('take a clock that was set for no load at all', () => {
    const collector = processOf(FIFTH);
    collector.run(10, 0.1);
    collector.jump(-3_600_000);
    collector.run(10, 0.1);
    collector.jump(7_200_000);
    collector.run(10, 0.1);
    expect(collector.told).toEqual([]);
  });

  it('do nothing where none is set', () => {
    const collector = processOf({ cpuShareMax: undefined, memoryBytesMax: undefined });
    collector.run(120, 4, 4_000 * MIB);
    expect(collector.told).toEqual([]);
    expect(collector.level()).toBe('full');
  });

  it('compact the heap first, and end the process only when that did not help', () => {
    const collector = processOf({ cpuShareMax: undefined, memoryBytesMax: 100 * MIB });
    collector.run(3, 0.1, 120 * MIB);
    expect(collector.told).toEqual([]);
    collector.run(1, 0.1, 120 * MIB);
    expect(collector.told.map(({ kind }) => kind)).toEqual(['relieve']);
    collector.run(20, 0.1, 120 * MIB);
    expect(collector.told).toHaveLength(1);
    collector.run(7, 0.1, 120 * MIB);
    expect(collector.told.map(({ kind }) => kind)).toEqual(['relieve', 'restart']);
  });

  it('forget a memory that was over its limit and is no more', () => {
    const collector = processOf({ cpuShareMax: undefined, memoryBytesMax: 100 * MIB });
    for (let round = 0; round < 20; round += 1) {
      collector.run(3, 0.1, 120 * MIB);
      collector.run(1, 0.1, 90 * MIB);
    }
    expect(collector.told).toEqual([]);
  });

  it('never skip a step, never leave the ladder, and keep a bounded number of samples, whatever the load', () => {
    const second = fc.record({
      share: fc.double({ min: 0, max: 4, noNaN: true }),
      ms: fc.integer({ min: -5_000, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(second, { maxLength: 400 }), (seconds) => {
        const collector = processOf(FIFTH);
        let level = 0;
        for (const { share, ms } of seconds) {
          collector.jump(ms);
          collector.run(1, share);
          expect(collector.samples()).toBeLessThanOrEqual(16);
          const change = collector.told.splice(0);
          expect(change.length).toBeLessThanOrEqual(1);
          const now = LEVELS.indexOf(collector.level() ?? 'full');
          expect(Math.abs(now - level)).toBe(change.length);
          level = now;
        }
      }),
    );
  });
});

describe('the budget', () => {
  it('allows at each level what the level has not given up', () => {
    const rows = LEVELS.map((name, level) => {
      const budget = budgetOf(() => level);
      return [name, budget.allows('hash'), budget.allows('container'), budget.allows('proc'), isGivenUp(level, 'bulk')];
    });
    expect(rows).toEqual([
      ['full', true, true, true, false],
      ['no-hashes', false, true, true, false],
      ['no-containers', false, false, true, false],
      ['no-proc', false, false, false, false],
      ['long-drains', false, false, false, false],
      ['no-bulk', false, false, false, true],
      ['pauses', false, false, false, true],
    ]);
  });
});

describe('the limits at work', () => {
  function atWork(options: LimitOptions) {
    const machine = { nowMs: START_MS, cpuUs: 0, rssBytes: 50 * MIB };
    const limits = createLimits({ options, cost: () => machine, now: () => machine.nowMs });
    return {
      limits,
      machine,
      pass(ms: number, share: number) {
        machine.nowMs += ms;
        machine.cpuUs += share * ms * 1000;
      },
    };
  }

  function driveTo(level: string, work: ReturnType<typeof atWork>): void {
    for (let second = 0; second < 60 && work.limits.level() !== level; second += 1) {
      work.pass(1_000, 0.3);
      work.limits.tick(work.machine.nowMs);
    }
    expect(work.limits.level()).toBe(level);
  }

  it('wait as they are asked to while nothing is short, longer when it is', () => {
    const work = atWork(FIFTH);
    expect(work.limits.waitMs(25)).toBe(25);
    driveTo('long-drains', work);
    expect(work.limits.waitMs(25)).toBe(LONG_DRAIN_MS);
    // Where more is waiting already, a longer wait would only lose it.
    expect(work.limits.waitMs(0)).toBe(0);
  });

  it('hold the limit by pauses, whatever a drain costs', () => {
    const work = atWork(FIFTH);
    driveTo('pauses', work);
    const begin = { ...work.machine };
    for (let turn = 0; turn < 500; turn += 1) {
      const busyMs = (turn % 7) * 45;
      work.pass(busyMs, 1);
      const waitMs = work.limits.waitMs(0);
      expect(waitMs).toBeLessThanOrEqual(PAUSE_MS_MAX);
      work.pass(waitMs, 0);
    }
    const share = (work.machine.cpuUs - begin.cpuUs) / (work.machine.nowMs - begin.nowMs) / 1000;
    expect(share).toBeLessThanOrEqual(0.2);
    expect(share).toBeGreaterThan(0.1);
  });

  it('tell how many events were dropped, from when to when, and each of them once', () => {
    const { limits } = atWork(FIFTH);
    expect(limits.takeDropped(1, START_MS)).toBeUndefined();
    for (const timeMs of [10, 20, 30]) limits.dropped(timeMs, START_MS + timeMs);
    expect(limits.takeDropped(7, START_MS + 100)).toMatchObject({
      source: 'limits',
      counter: 7,
      atLeast: 3,
      atMost: 3,
      fromMs: START_MS + 10,
      toMs: START_MS + 30,
      isPlanned: false,
    });
    expect(limits.takeDropped(8, START_MS + 200)).toBeUndefined();
  });

  it('know the last dropped events by their serials, and take no other for one', () => {
    const { limits } = atWork(FIFTH);
    expect(limits.wasDropped(0)).toBe(false);
    for (let serial = 1; serial <= 20_000; serial += 2) limits.dropped(serial, START_MS);
    expect([19_999, 19_001, 20_000, 19_998, 1, 9].map(limits.wasDropped)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('make an event of each change, with both levels and the reason', () => {
    const work = atWork(FIFTH);
    let change: LimitChange | undefined;
    for (let second = 0; second < 10 && change === undefined; second += 1) {
      work.pass(1_000, 0.3);
      change = work.limits.tick(work.machine.nowMs)[0];
    }
    const document = limitsDocument(9, START_MS, change as LimitChange);
    expect(document).toMatchObject({ kind: 'limits', counter: 9 });
    expect(document.event).toMatchObject({ dataset: 'vedette.limits', action: 'changed-limits-level' });
    expect(document.vedette).toEqual({ limits: { from: 'full', to: 'no-hashes', cpu_share: 0.3 } });
    expect(document.message).toBe('The CPU budget is short (30.0 % of a core used, 20.0 % allowed).');
  });
});
