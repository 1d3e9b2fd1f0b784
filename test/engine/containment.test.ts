import { describe, expect, it } from 'vitest';
import {
  CONTAINMENT_LIMITS,
  type ContainmentLimits,
  createContainment,
  NOTHING_DECIDED,
  type Quarantine,
} from '../../engine/containment.ts';
import { createEngine } from '../../engine/create-engine.ts';
import { EVERYTHING_PASSED, passedUntil } from '../../engine/watermark.ts';
import type { OrderKey } from '../../event/order.ts';
import { ExpressionError, type Predicate } from '../../rules/rule.ts';
import { eventOf, ruleWith } from './making.ts';

const { fuelAtOnce, fuelPerEvent, fuelPerAlert } = CONTAINMENT_LIMITS;
/** What one evaluation has at the most. */
const WHOLE_FUEL = 4_000_000;
const costing =
  (fuel: number): Predicate =>
  (_event, _nowMs, meter) => {
    if (meter !== undefined) meter.spent += fuel;
    return false;
  };
const exhausting: Predicate = (_event, _nowMs, meter) => {
  if (meter !== undefined) meter.spent += WHOLE_FUEL;
  throw new ExpressionError('fuel', 'fuel');
};
const EVIL = { id: 'evil', version: 'v1' };
const evil = (match: Predicate) => ruleWith({ ...EVIL, match });
const OTHER = ruleWith({
  id: 'other',
  alert: { suppress: { forMs: 1_000_000, by: ['host.id'], growMs: undefined } },
});
const order = (hostId: string, createdMs: number): OrderKey => ({
  createdMs,
  hostId,
  bootId: 'b1',
  position: 1,
  id: '',
});

function engineWith(match: Predicate, quarantines: readonly Quarantine[] = []) {
  const rules = [evil(match), OTHER];
  return createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map(), quarantines });
}
const containmentOf = (limits: ContainmentLimits, ...quarantines: readonly Quarantine[]) =>
  createContainment({ limits, quarantines, judgedMs: 0, onUnjudged: () => undefined });
const traffic = (host: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at) => eventOf({ host, position: from + at, createdMs: from + at }));
const healthOf = (engine: ReturnType<typeof createEngine>, id: string) =>
  engine.health().find(({ ruleId }) => ruleId === id);

describe('a rule that spends all its fuel on every event', () => {
  it('is kept from further events within the step, and the others go on', () => {
    const engine = engineWith(exhausting);
    const { quarantined, detections } = engine.step(traffic('h1', 1, 1_500), EVERYTHING_PASSED);
    expect(quarantined).toEqual([
      { ruleId: 'evil', ruleVersion: 'v1', hostId: 'h1', fromMs: 5, untilMs: undefined, reason: expect.any(String) },
    ]);
    expect(detections.filter(({ ruleId }) => ruleId === 'other')).toHaveLength(1_500);
    expect(healthOf(engine, 'evil')).toMatchObject({
      evaluations: 4,
      errors: 4,
      unjudged: 1_496,
      fuel: 4 * WHOLE_FUEL,
    });
    expect(engine.step(traffic('h1', 2_000, 10), EVERYTHING_PASSED).quarantined).toEqual([]);
  });

  it('is kept from one host’s events where that host is the cause, and from all where it is the rule', () => {
    const mine: Predicate = (event, nowMs, meter) =>
      (event['host'] as { readonly id: string }).id === 'h1' ? exhausting(event, nowMs, meter) : false;
    const engine = engineWith(mine);
    const mixed = traffic('h1', 1, 20).flatMap((one, at) => [one, ...traffic('h2', at + 1, 1)]);
    expect(engine.step(mixed, EVERYTHING_PASSED).quarantined.map(({ hostId }) => hostId)).toEqual(['h1']);
    engine.step(traffic('h2', 100, 10), EVERYTHING_PASSED);
    expect(healthOf(engine, 'evil')).toMatchObject({ evaluations: 20 + 10 + 4 });

    const everywhere = engineWith(exhausting);
    const many = Array.from({ length: 40 }, (_, at) => eventOf({ host: `h${at}`, createdMs: at + 1 }));
    expect(everywhere.step(many, EVERYTHING_PASSED).quarantined.map(({ hostId }) => hostId)).toEqual([undefined]);
  });

  it('is kept from all hosts once many of them were the cause, one after the other', () => {
    const engine = engineWith(exhausting);
    const events = Array.from({ length: 12 }, (_, at) => traffic(`h${at}`, 1 + at * 100, 50)).flat();
    const hosts = engine.step(events, EVERYTHING_PASSED).quarantined.map(({ hostId }) => hostId);
    expect(hosts).toEqual(['h0', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', undefined]);
    expect(healthOf(engine, 'evil')?.evaluations).toBeLessThan(50);
  });

  it('judges what comes from before the quarantine only while that costs little', () => {
    const engine = engineWith(exhausting);
    engine.step(traffic('h1', 1_000, 10), EVERYTHING_PASSED);
    const before = healthOf(engine, 'evil')?.evaluations ?? 0;
    engine.step(traffic('h1', 1, 900), EVERYTHING_PASSED);
    const late = (healthOf(engine, 'evil')?.evaluations ?? 0) - before;
    expect(late).toBe(Math.ceil(fuelAtOnce / (WHOLE_FUEL - fuelPerEvent)));
    expect(healthOf(engine, 'evil')?.unjudged).toBe(6 + 900 - late);
  });
});

describe('a rule that spends more than its share on every event', () => {
  it('is quarantined when it has spent what it may at once, and what it spent is counted once', () => {
    const containment = containmentOf(CONTAINMENT_LIMITS);
    const fuel = 1.5 * fuelPerEvent;
    let at = 0;
    while (containment.takeDecided().length === 0 && at < 100_000) {
      at += 1;
      containment.sees(at);
      containment.charge(EVIL, order(`h${at % 20}`, at), fuel);
    }
    expect(at).toBe(Math.floor((fuelAtOnce - fuel) / (fuel - fuelPerEvent)) + 2);
  });
});

describe('what is no cause for a quarantine', () => {
  it.each([
    ['a rule within its share on every event', costing(fuelPerEvent), 6_000],
    ['errors on every event', () => { throw new ExpressionError('T2009', 'a text and a number'); }, 5_000], // biome-ignore format: one line a case
  ] as const)('%s', (_name, match, count) => {
    const engine = engineWith(match);
    expect(engine.step(traffic('h1', 1, count), EVERYTHING_PASSED).quarantined).toEqual([]);
  });

  it('costly events with enough cheap ones between them', () => {
    const containment = containmentOf(CONTAINMENT_LIMITS);
    const between = Math.ceil(WHOLE_FUEL / fuelPerEvent);
    for (let at = 0; at < 50 * between; at += 1) {
      containment.sees(at);
      if (at % between === 0) containment.charge(EVIL, order('h1', at), WHOLE_FUEL);
    }
    expect(containment.takeDecided()).toEqual([]);
  });

  it('alerts for up to half of all events; an alert for nearly every event is', () => {
    const alerting = (share: number) => {
      const containment = containmentOf(CONTAINMENT_LIMITS);
      for (let at = 0; at < 20_000; at += 1) {
        containment.sees(at);
        if (at % 100 < share) containment.chargeAlert(EVIL, order('h1', at));
      }
      return containment.takeDecided().map(({ reason }) => reason);
    };
    expect(alerting((100 * fuelPerEvent) / fuelPerAlert)).toEqual([]);
    expect(alerting(95)).toEqual(['it opens an alert for nearly every event']);
  });
});

describe('what the control log says', () => {
  const quarantine: Quarantine = {
    ruleId: 'evil',
    ruleVersion: 'v1',
    hostId: undefined,
    fromMs: 100,
    untilMs: 200,
    reason: '',
  };
  const judgedAt = (one: Quarantine, host = 'h1', version = 'v1') =>
    [99, 100, 199, 200].filter((createdMs) =>
      containmentOf(NOTHING_DECIDED, one).mayJudge({ id: 'evil', version }, order(host, createdMs)),
    );

  it('holds from its event time until its release', () => {
    expect(judgedAt(quarantine)).toEqual([99, 200]);
    expect(judgedAt({ ...quarantine, untilMs: undefined })).toEqual([99]);
  });

  it('holds of its host and of its version alone', () => {
    expect(judgedAt({ ...quarantine, hostId: 'h1' })).toEqual([99, 200]);
    expect(judgedAt({ ...quarantine, hostId: 'h1' }, 'h2')).toEqual([99, 100, 199, 200]);
    expect(judgedAt(quarantine, 'h1', 'v2')).toEqual([99, 100, 199, 200]);
  });

  it('a quarantine never holds from before what was judged in an earlier life', () => {
    const rules = [evil(exhausting)];
    const engine = createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map(), judgedMs: 9_000 });
    expect(engine.step(traffic('h1', 1, 20), EVERYTHING_PASSED).quarantined.map(({ fromMs }) => fromMs)).toEqual([
      9_001,
    ]);
  });

  it('a released rule catches up on what it missed, and no other rule judges that again', () => {
    const events = traffic('h1', 100, 5);
    const epochs = [{ fromMs: 0, rules: [evil(() => true), OTHER] }];
    const released = { ...quarantine, fromMs: 102 };
    const engine = createEngine({ epochs, state: new Map(), quarantines: [released] });
    const idsOf = (step: ReturnType<typeof engine.step>) =>
      step.detections.map(({ ruleId, eventId }) => `${ruleId} ${eventId}`);
    expect(idsOf(engine.step(events, EVERYTHING_PASSED))).toHaveLength(5 + 2);
    const caughtUp = engine.step(events.slice(2), EVERYTHING_PASSED, { ruleId: 'evil', ruleVersion: 'v1' });
    expect(idsOf(caughtUp)).toEqual(['evil h1.b1.102', 'evil h1.b1.103', 'evil h1.b1.104']);
  });

  it('makes a replay judge what live judged, though the replay decides nothing', () => {
    const events = traffic('h1', 1, 500);
    const costly: Predicate = (_event, _nowMs, meter) => {
      if (meter !== undefined) meter.spent += WHOLE_FUEL;
      return true;
    };
    const live = engineWith(costly).step(events, EVERYTHING_PASSED);
    const replay = createEngine({
      epochs: [{ fromMs: 0, rules: [evil(costly), OTHER] }],
      state: new Map(),
      quarantines: live.quarantined,
      containment: NOTHING_DECIDED,
    }).step(events.toReversed(), EVERYTHING_PASSED);
    const idsOf = (step: typeof live) => step.detections.map(({ id }) => id).sort();
    expect(live.quarantined).toHaveLength(1);
    expect(idsOf(replay)).toEqual(idsOf(live));
    expect(replay.quarantined).toEqual([]);
  });
});

describe('a rule on many events that is quarantined', () => {
  const HOUR_MS = 3_600_000;
  const silent = ruleWith({
    id: 'silent',
    by: ['host.id'],
    kind: { kind: 'absence', fewerThan: 1, withinMs: HOUR_MS },
  });
  const other = ruleWith({ id: 'other', alert: { suppress: { forMs: HOUR_MS, by: ['host.id'], growMs: undefined } } });
  const found = (quarantines: readonly Quarantine[]) => {
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: [silent, other] }], state: new Map(), quarantines });
    const detections = [];
    for (let hour = 0; hour < 6; hour += 1) {
      const events = ['h1', 'h2'].flatMap((host) =>
        Array.from({ length: 10 }, (_, at) =>
          eventOf({ host, position: hour * 10 + at, createdMs: hour * HOUR_MS + at * 360_000 }),
        ),
      );
      // The first host falls silent after three hours.
      const sent = events.filter(({ id }) => hour < 3 || !id.startsWith('h1.'));
      detections.push(...engine.step(sent, passedUntil((hour + 1) * HOUR_MS)).detections);
    }
    return detections.filter(({ ruleId }) => ruleId === 'silent').map(({ order }) => order.hostId);
  };
  const quarantine = { ruleId: 'silent', ruleVersion: 'v1', hostId: undefined, reason: '' };

  it('finds nothing for want of what it was kept from', () => {
    expect([...new Set(found([]))]).toEqual(['h1']);
    expect(found([{ ...quarantine, fromMs: HOUR_MS, untilMs: undefined }])).toEqual([]);
  });

  it('says so of one host alone where it is quarantined for that', () => {
    expect(found([{ ...quarantine, fromMs: HOUR_MS, untilMs: undefined, hostId: 'h2' }])).toEqual(found([]));
  });
});
