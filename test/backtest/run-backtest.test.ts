import { describe, expect, it } from 'vitest';
import { behindGaps, compareDetections } from '../../backtest/compare.ts';
import { type BacktestOptions, runBacktest } from '../../backtest/run-backtest.ts';
import { createEngine } from '../../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../../engine/watermark.ts';
import type { NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import { ExpressionError } from '../../rules/rule.ts';
import type { TimeRange } from '../../store/port.ts';
import { eventOf, ruleWith } from '../engine/making.ts';

const rule = ruleWith({ alert: { suppress: { forMs: 10, by: ['user.name'], growMs: undefined } } });
const epochs = [{ fromMs: 0, rules: [rule] }];
const events = Array.from({ length: 100 }, (_, place) =>
  eventOf({ host: `h${place % 3}`, position: place, createdMs: 1_000 + place, user: place % 2 === 0 ? 'a' : 'b' }),
);

/** A store's scan over these events: in reference order, in batches, also where asked to narrow. */
function storeOf(stored: readonly NewEvent[], batch = 7): BacktestOptions['store'] {
  return {
    async *scan(range: TimeRange) {
      const found = stored
        .map((event) => ({ event, order: orderKeyOf(event.id, event.document) }))
        .filter(({ order }) => order.createdMs >= range.fromMs && order.createdMs < range.untilMs)
        .sort((a, b) => compareOrder(a.order, b.order))
        .map(({ event }) => event);
      for (let at = 0; at < found.length; at += batch) yield found.slice(at, at + batch);
    },
  };
}

const whole = { fromMs: 0, untilMs: 10_000 };

describe('runBacktest', () => {
  it('leaves a rule out that costs too much, as live would, and says so; as it was, it decides nothing anew', async () => {
    const costly = ruleWith({
      match: (_event, _nowMs, meter) => {
        if (meter !== undefined) meter.spent += 4_000_000;
        return true;
      },
    });
    const asked = { store: storeOf(events), epochs: [{ fromMs: 0, rules: [costly] }], range: whole };
    const run = await runBacktest(asked);
    expect(run.tooCostly).toEqual(['rule']);
    expect(run.detectionsTotal).toBeLessThan(50);
    const replay = await runBacktest({ ...asked, quarantines: [] });
    expect([replay.tooCostly, replay.detectionsTotal]).toEqual([[], 100]);
    const quarantine = {
      ruleId: 'rule',
      ruleVersion: 'v1',
      hostId: 'h1',
      fromMs: 1_050,
      untilMs: undefined,
      reason: '',
    };
    const asItWas = await runBacktest({ ...asked, quarantines: [quarantine] });
    expect(asItWas.detections.some(({ order }) => order.hostId === 'h1' && order.createdMs >= 1_050)).toBe(false);
    expect(asItWas.detectionsTotal).toBe(100 - 16);
  });

  it('how much a rule alerts is no reason to leave it out', async () => {
    const many = Array.from({ length: 3_000 }, (_, at) => eventOf({ position: at, createdMs: 1_000 + at }));
    const run = await runBacktest({
      store: storeOf(many, 3_000),
      epochs: [{ fromMs: 0, rules: [ruleWith()] }],
      range: whole,
    });
    expect([run.tooCostly, run.alertsTotal]).toEqual([[], 3_000]);
  });

  it('makes what the live engine made, whatever the batches', async () => {
    const live = createEngine({ epochs, state: new Map() }).step(events, EVERYTHING_PASSED);
    for (const batch of [1, 7, 100]) {
      const run = await runBacktest({ store: storeOf(events, batch), epochs, range: whole });
      expect(run.detections).toEqual(live.detections);
      expect(new Set(run.alerts)).toEqual(new Set(live.alerts));
      expect(run).toMatchObject({
        eventsRead: 100,
        detectionsTotal: 100,
        alertsTotal: 20,
        errors: 0,
        isComplete: true,
      });
    }
  });

  it('reports the range only; the warm-up opens the windows that were open at its start', async () => {
    const range = { fromMs: 1_015, untilMs: 1_020 };
    const cold = await runBacktest({ store: storeOf(events), epochs, range });
    const warm = await runBacktest({ store: storeOf(events), epochs, range, warmupMs: 1_000 });
    expect(cold.detections.map(({ decision }) => decision)).toEqual(['opened', 'opened', 'joined', 'joined', 'joined']);
    expect(warm.detections.map(({ decision }) => decision)).toEqual(['joined', 'joined', 'joined', 'joined', 'joined']);
    expect(warm).toMatchObject({ eventsRead: 5, detectionsTotal: 5, alertsTotal: 2 });
    expect(warm.alerts.map(({ openedMs, count }) => [openedMs, count])).toEqual([
      [1_011, 5],
      [1_010, 5],
    ]);
  });

  it('bounds what it returns, and counts the rest', async () => {
    const limits = { alertsMax: 3, detectionsMax: 5 };
    const run = await runBacktest({ store: storeOf(events), epochs, range: whole, limits });
    expect([run.alerts.length, run.detections.length]).toEqual([3, 5]);
    expect(run).toMatchObject({ alertsTotal: 20, detectionsTotal: 100 });
    expect(run.alerts.map(({ count }) => count)).toEqual([5, 5, 5]);
  });

  it('leaves out what live does not evaluate', async () => {
    const isEvaluated = (event: NewEvent) => !event.id.startsWith('h1.');
    const run = await runBacktest({ store: storeOf(events), epochs, range: whole, isEvaluated });
    expect(run.detectionsTotal).toBe(67);
    expect(run.eventsRead).toBe(100);
  });

  it('counts failing evaluations', async () => {
    const failing = ruleWith({
      match: () => {
        throw new ExpressionError('fuel', 'too much');
      },
    });
    const run = await runBacktest({ store: storeOf(events), epochs: [{ fromMs: 0, rules: [failing] }], range: whole });
    expect(run).toMatchObject({ errors: 100, detectionsTotal: 0 });
  });

  it('ends after the batch at hand when told to, says so, and tells its progress', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ eventsRead }: { eventsRead: number }) => {
      seen.push(eventsRead);
      if (eventsRead >= 14) abort.abort();
    };
    const run = await runBacktest({ store: storeOf(events), epochs, range: whole, onProgress, signal: abort.signal });
    expect(seen).toEqual([7, 14]);
    expect(run).toMatchObject({ eventsRead: 14, isComplete: false });
  });

  it('lets other work run between batches', async () => {
    let turns = 0;
    const timer = setInterval(() => undefined, 1);
    const count = () => {
      turns += 1;
      setImmediate(count).unref();
    };
    setImmediate(count);
    await runBacktest({ store: storeOf(events, 1), epochs, range: whole });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(50);
  });
});

describe('compareDetections', () => {
  const { detections } = createEngine({ epochs, state: new Map() }).step(events, EVERYTHING_PASSED);

  it('finds nothing when live was exact, in whatever order it is read', () => {
    const comparison = compareDetections([...detections].reverse(), detections);
    expect(comparison).toMatchObject({
      compared: 100,
      onlyLive: [],
      onlyBacktest: [],
      otherDecision: [],
      isComplete: true,
    });
  });

  it('tells missing, surplus and otherwise decided detections apart', () => {
    const [first, second, third] = detections;
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are detections.');
    const live = [second, { ...third, alertId: 'another' }];
    expect(compareDetections(live, [first, third])).toMatchObject({
      onlyLive: [second.id],
      onlyBacktest: [first.id],
      otherDecision: [third.id],
      explainedByLateness: [],
      totals: { onlyLive: 1, onlyBacktest: 1, otherDecision: 1 },
    });
  });

  it('says which differences a late detection of the same rule and key explains', () => {
    const live = createEngine({ epochs, state: new Map() });
    const [lateOne, ...others] = events as [NewEvent, ...NewEvent[]];
    const found = [
      ...live.step(others, EVERYTHING_PASSED).detections,
      ...live.step([lateOne], EVERYTHING_PASSED).detections,
    ];
    const comparison = compareDetections(found, detections);
    expect(comparison.otherDecision.length).toBeGreaterThan(0);
    expect(comparison.explainedByLateness).toEqual(comparison.otherDecision);
    expect(comparison).toMatchObject({ onlyLive: [], onlyBacktest: [] });
  });

  it('bounds its lists and counts the rest', () => {
    const one = detections[0];
    if (one === undefined) throw new Error('There are detections.');
    const many = Array.from({ length: 1_500 }, (_, place) => ({ ...one, id: String(place) }));
    const comparison = compareDetections([], many);
    expect(comparison.onlyBacktest).toHaveLength(1_000);
    expect(comparison.totals.onlyBacktest).toBe(1_500);
    expect(comparison.isComplete).toBe(true);
  });

  it('says what a gap explains: from it on, and under its key alone', () => {
    const gap = { ruleVersion: 'v1', key: '["h1"]', fromMs: 1_000 };
    const found = (id: string, createdMs: number, of = gap) => ({
      ...of,
      id,
      order: { createdMs, hostId: 'h1', bootId: 'b1', position: 1, id },
    });
    const differing = [
      found('before', 999),
      found('in it', 1_000),
      found('later', 9_000),
      found('other key', 9_000, { ...gap, key: '["h2"]' }),
      found('other version', 9_000, { ...gap, ruleVersion: 'v2' }),
    ];
    expect(behindGaps(differing, [{ ...gap, fromMs: 5_000 }, gap])).toEqual(['in it', 'later']);
  });

  it('says when there was more than it compares', () => {
    const limits = { comparedMax: 10, differencesMax: 10 };
    expect(compareDetections([], detections, limits)).toMatchObject({ compared: 10, isComplete: false });
    expect(compareDetections(detections, [], limits)).toMatchObject({ isComplete: false, totals: { onlyLive: 10 } });
    expect(compareDetections(detections.slice(0, 10), detections.slice(0, 10), limits).isComplete).toBe(true);
  });
});

describe('a backtest of rules on many events', () => {
  const silent = ruleWith({ id: 'silent', by: ['host.id'], kind: { kind: 'absence', fewerThan: 1, withinMs: 500 } });
  const many = ruleWith({
    id: 'many',
    version: 'many-v1',
    by: ['user.name'],
    kind: { kind: 'threshold', count: 4, withinMs: 10, mode: 'episode' },
  });
  const folded = [{ fromMs: 0, rules: [silent, many] }];

  it('makes the same whatever the batches, and time passes to the end of its range', async () => {
    const whenLong = await runBacktest({ store: storeOf(events, 100), epochs: folded, range: whole });
    expect(whenLong.detections.map(({ ruleId }) => ruleId)).toEqual(['many', 'many', 'silent', 'silent', 'silent']);
    for (const batch of [1, 7]) {
      const run = await runBacktest({ store: storeOf(events, batch), epochs: folded, range: whole });
      expect(run.detections).toEqual(whenLong.detections);
    }
    const cut = await runBacktest({ store: storeOf(events), epochs: folded, range: { fromMs: 0, untilMs: 1_300 } });
    expect(cut.detections.map(({ ruleId }) => ruleId)).toEqual(['many', 'many']);
  });

  it('raises in its range only, with windows that the warm-up filled', async () => {
    const range = { fromMs: 1_003, untilMs: 1_200 };
    const cold = await runBacktest({ store: storeOf(events), epochs: folded, range });
    const warm = await runBacktest({ store: storeOf(events), epochs: folded, range, warmupMs: 10 });
    expect(cold.detections.map(({ order }) => order.createdMs)).toEqual([1_009, 1_010]);
    expect(warm.detections.map(({ order }) => order.createdMs)).toEqual([1_006, 1_007]);
  });
});
