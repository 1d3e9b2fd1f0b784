import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import type { Watermarks } from '../../engine/engine.ts';
import { watermarksOf } from '../../engine/watermark.ts';
import type { Progress } from '../../event/progress.ts';
import type { RuleKind } from '../../rules/kind.ts';
import { eventOf, ruleWith } from './making.ts';

const START_MS = 1_000_000;
const engineOf = (kind: RuleKind) =>
  createEngine({ epochs: [{ fromMs: 0, rules: [ruleWith({ kind, by: ['host.id'] })] }], state: new Map() });
const progressAt = (createdMs: number, position = 1): Progress => ({ bootId: 'b1', position, createdMs });
const matchOf = (host: string, createdMs = START_MS) => eventOf({ host, createdMs });
const hosts = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `h${n}`);

/** How many hosts the engine asks the time of. */
function counting(watermarks: Watermarks): { readonly watermarks: Watermarks; readonly asked: () => number } {
  let asked = 0;
  const hostTimeMs = (hostId: string): number => {
    asked += 1;
    return watermarks.hostTimeMs(hostId);
  };
  return { watermarks: { ...watermarks, hostTimeMs }, asked: () => asked };
}

describe('what a step looks at', () => {
  const threshold: RuleKind = { kind: 'threshold', count: 3, withinMs: 5_000, mode: 'episode' };
  const absence: RuleKind = { kind: 'absence', fewerThan: 1, withinMs: 60_000 };

  it.each([threshold, absence])('$kind: the hosts with something new or due, however many others there are', (kind) => {
    const engine = engineOf(kind);
    const progress = new Map(hosts(1_000).map((host) => [host, progressAt(START_MS)]));
    engine.step(
      hosts(1_000).map((host) => matchOf(host)),
      watermarksOf(progress),
    );
    expect(engine.keys().keys).toBe(1_000);
    const { watermarks, asked } = counting(watermarksOf(progress));
    engine.step([{ ...matchOf('h7', START_MS + 1), id: 'another' }], watermarks);
    expect(asked()).toBeLessThan(10);
  });

  it('a host that nobody waits for is not looked at in each step for what is only to be forgotten', () => {
    const engine = engineOf(threshold);
    engine.step(
      hosts(1_000).map((host) => matchOf(host)),
      watermarksOf(new Map()),
    );
    const onlyOne = (ms: number) => counting(watermarksOf(new Map([['other', progressAt(ms)]])));
    engine.step([], onlyOne(START_MS + 120_000).watermarks);
    const { watermarks, asked } = onlyOne(START_MS + 121_000);
    engine.step([], watermarks);
    expect(asked()).toBeLessThan(10);
  });

  it('what time brings about of a host goes by its own progress, though others lag', () => {
    const engine = engineOf(absence);
    const lagging = ['lags', progressAt(START_MS)] as const;
    engine.step([matchOf('h1'), matchOf('lags')], watermarksOf(new Map([['h1', progressAt(START_MS)], lagging])));
    const at = (ms: number) => engine.step([], watermarksOf(new Map([['h1', progressAt(ms)], lagging])));
    expect(at(START_MS + 59_000).detections).toEqual([]);
    expect(at(START_MS + 60_001).detections.map(({ order }) => order.hostId)).toEqual(['h1']);
    expect(at(START_MS + 70_000).detections).toEqual([]);
  });

  it('a host found ahead of its time is looked at again when it gets there', () => {
    const engine = engineOf(absence);
    const of = (h1Ms: number, h2Ms: number) =>
      watermarksOf(
        new Map([
          ['h1', progressAt(h1Ms)],
          ['h2', progressAt(h2Ms)],
        ]),
      );
    engine.step([matchOf('h1')], of(START_MS, START_MS));
    expect(engine.step([], of(START_MS + 1_000, START_MS + 90_000)).detections).toEqual([]);
    expect(engine.step([], of(START_MS + 60_001, START_MS + 90_000)).detections).toHaveLength(1);
  });

  it('everything is forgotten in time: an engine whose windows are over is idle', () => {
    const engine = engineOf(threshold);
    const at = (ms: number) => watermarksOf(new Map(hosts(3).map((host) => [host, progressAt(ms)])));
    engine.step(
      hosts(3).map((host) => matchOf(host)),
      at(START_MS + 1),
    );
    expect(engine.isIdle()).toBe(false);
    engine.step([], at(START_MS + 3_600_000));
    expect(engine.keys()).toEqual({ keys: 0, kept: 0 });
    expect(engine.isIdle()).toBe(true);
  });
});
