// From when an engine elsewhere may trust what a host promised, and which rules it evaluates: by place, never by time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochsOfGroup, groupOfRule } from '../../server/shared/group-rules.ts';
import { type ProgressSnapshot, readSnapshot, snapshotText } from '../../server/shared/progress-snapshot.ts';
import { createRemoteFence } from '../../server/shared/remote-fence.ts';
import { hasPassed } from '../../store/elasticsearch/tail-place.ts';
import { rulesArbitrary } from '../engine/folded-rules.ts';

const SETTINGS = { latenessMs: 10_000, staleAfterMs: 90_000, alertOnImports: false, horizonMs: 1 };
const order = (hostId: string, createdMs: number, position: number) => ({
  createdMs,
  hostId,
  bootId: 'b',
  position,
  id: '',
});

function snapshot(createdMs: number, changes: Partial<ProgressSnapshot> = {}): ProgressSnapshot {
  const hosts = [{ hostId: 'h', progress: { bootId: 'b', position: createdMs, createdMs }, atMs: createdMs }];
  return { run: 'r', number: 1, atMs: createdMs, settings: SETTINGS, ownMs: undefined, hosts, ...changes };
}

const fenceAt = (advances: number[] = []) =>
  createRemoteFence({
    hasPassed: (cursor, horizon) => Number(cursor) >= Number(horizon),
    onAdvance: () => advances.push(1),
  });

describe('progress that was published', () => {
  it('holds once its place was read, and not before', () => {
    const fence = fenceAt();
    fence.learn({ snapshot: snapshot(100), horizon: '5' });
    expect(fence.watermarks(0).hostPassed(order('h', 50, 1))).toBe(false);
    fence.read([], '4');
    expect(fence.watermarks(0).hostPassed(order('h', 50, 1))).toBe(false);
    fence.read([], '5');
    expect(fence.watermarks(0).hostPassed(order('h', 50, 1))).toBe(true);
    expect(fence.watermarks(0).hostPassed(order('h', 101, 101))).toBe(false);
    expect(fence.settledMs(0)).toBe(100);
  });

  it('of several the newest that was reached holds', () => {
    const advances: number[] = [];
    const fence = fenceAt(advances);
    fence.read([], '7');
    for (const horizon of [5, 6, 9]) fence.learn({ snapshot: snapshot(100 * horizon), horizon: String(horizon) });
    expect(fence.settledMs(0)).toBe(600);
    expect(advances).toHaveLength(2);
    fence.reached('9');
    expect(fence.settledMs(0)).toBe(900);
  });

  it('holds no more after a return to what is committed, until its place is read again', () => {
    const fence = fenceAt();
    fence.learn({ snapshot: snapshot(100), horizon: '5' });
    fence.read([], '6');
    fence.holdAll(0);
    expect(fence.watermarks(0).allPassed(order('h', 1, 1))).toBe(false);
    fence.read([], '3');
    expect(fence.settledMs(0)).toBe(0);
    fence.read([], '5');
    expect(fence.settledMs(0)).toBe(100);
  });

  it('many that are not reached are thinned out, and the newest stays', () => {
    const fence = fenceAt();
    for (let at = 1; at <= 500; at += 1) fence.learn({ snapshot: snapshot(at), horizon: String(at) });
    fence.read([], '500');
    expect(fence.settledMs(0)).toBe(500);
  });

  it('hosts that are late, silent, or a document of the server’s own that is being stored', () => {
    const others = [
      { hostId: 'late', progress: { bootId: 'b', position: 1, createdMs: 1_000 }, atMs: 20_000 },
      { hostId: 'stale', progress: { bootId: 'b', position: 1, createdMs: 10 }, atMs: 10 },
    ];
    const marks = (changes: Partial<ProgressSnapshot>) => {
      const fence = fenceAt();
      const all = { ...snapshot(100_000), ...changes };
      fence.learn({ snapshot: { ...all, hosts: [...all.hosts, ...others] }, horizon: '0' });
      fence.read([], '0');
      return fence.watermarks(0);
    };
    expect(marks({}).allPassed(order('h', 99_000, 1))).toBe(true);
    expect(marks({}).allPassed(order('h', 99_000, 1), 200_000)).toBe(false);
    expect(marks({ ownMs: 98_000 }).allPassed(order('h', 99_000, 1))).toBe(false);
    expect(marks({}).hostPassed(order('late', 1_500, 2))).toBe(false);
    expect(marks({}).hostPassed(order('stale', 1_500, 2))).toBe(true);
  });

  it('is read as it was written', () => {
    const one = snapshot(100, { ownMs: 5 });
    expect(readSnapshot(snapshotText(one))).toEqual(one);
  });
});

describe('a horizon in Elasticsearch', () => {
  const place = (at: Record<string, readonly number[]>) =>
    JSON.stringify({
      v: 2,
      n: 0,
      at: Object.fromEntries(Object.entries(at).map(([id, numbers]) => [id, [id, numbers, []]])),
    });

  it.each([
    ['every shard is as far', { a: [5, 3], b: [0] }, { a: [5, 3], b: [0] }, true],
    ['a shard is behind', { a: [5, 2] }, { a: [5, 3] }, false],
    ['an index was not met yet', { a: [5] }, { a: [5], b: [0] }, false],
    ['an index without an event', { a: [5] }, { a: [5], b: [-1] }, true],
    ['an index is gone since', { a: [5], b: [9] }, { a: [5] }, true],
  ])('is passed or not: %s', (_what, cursor, horizon, isPassed) => {
    expect(hasPassed(place(cursor), place(horizon))).toBe(isPassed);
  });
});

describe('rule groups', () => {
  it('property: each rule is in its group, with all that it names; and groups are for good', () => {
    const check = fc.property(rulesArbitrary, fc.integer({ min: 1, max: 8 }), (rules, groups) => {
      for (let group = 0; group < groups; group += 1) {
        const some = epochsOfGroup([{ fromMs: 0, rules }], group, groups)[0]?.rules ?? [];
        const ids = new Set(some.map(({ id }) => id));
        for (const rule of rules) if (groupOfRule(rule.id, groups) === group) expect(ids).toContain(rule.id);
        for (const { kind } of some)
          if (kind.kind === 'together') for (const id of kind.rules) expect(ids).toContain(id);
      }
    });
    fc.assert(check);
    expect(['single', 'together', 'rule-threshold'].map((id) => groupOfRule(id, 4))).toEqual([1, 1, 0]);
  });
});
