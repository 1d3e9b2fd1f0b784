import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import { StateUnreadable } from '../../engine/state-unreadable.ts';
import { EVERYTHING_PASSED, watermarksOf } from '../../engine/watermark.ts';
import { LATE_MEMORY_MS } from '../../engine/windows-book.ts';
import { fieldOf } from '../../event/document.ts';
import { ExpressionError, type Rule } from '../../rules/rule.ts';
import { committed, eventOf, ruleWith } from './making.ts';

const perHost = { suppress: { forMs: 100, by: ['host.id', 'user.name'], growMs: undefined } };
const acrossHosts = { suppress: { forMs: 100, by: ['user.name'], growMs: undefined } };
const engineOf = (...rules: readonly Rule[]) => createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map() });
const NEVER = (): number => Number.NEGATIVE_INFINITY;
const NOTHING_PASSED = {
  hostPassed: () => false,
  allPassed: () => false,
  hostTimeMs: NEVER,
  allTimeMs: NEVER,
  latestMs: NEVER,
};

describe('matching', () => {
  it('an event is evaluated by the rules in force at its event.created', () => {
    const epochs = [
      { fromMs: 100, rules: [ruleWith({ version: 'v1' })] },
      { fromMs: 200, rules: [ruleWith({ version: 'v2' })] },
    ];
    const events = [99, 100, 199, 200].map((createdMs, position) => eventOf({ createdMs, position }));
    const { detections } = createEngine({ epochs, state: new Map() }).step(events, EVERYTHING_PASSED);
    expect(detections.map(({ eventId, ruleVersion }) => [eventId, ruleVersion])).toEqual([
      ['h1.b1.1', 'v1'],
      ['h1.b1.2', 'v1'],
      ['h1.b1.3', 'v2'],
    ]);
  });

  it('a failing expression is no match, is counted with its event, and stops no other rule', () => {
    const failing = ruleWith({
      id: 'failing',
      match: () => {
        throw new ExpressionError('T2009', 'T2009: a text and\na number');
      },
    });
    const broken = ruleWith({
      id: 'broken',
      match: () => {
        throw new TypeError('a bug');
      },
    });
    const engine = engineOf(failing, broken, ruleWith());
    const { detections } = engine.step([eventOf()], EVERYTHING_PASSED);
    expect(detections.map(({ ruleId }) => ruleId)).toEqual(['rule']);
    const [first, second, third] = engine.health();
    expect(first).toMatchObject({ errors: 1, matches: 0, lastError: 'T2009: a text and\\x0aa number (event h1.b1.1)' });
    expect(second).toMatchObject({ errors: 1, lastError: 'TypeError: a bug (event h1.b1.1)' });
    expect(third).toMatchObject({ evaluations: 1, matches: 1, errors: 0, lastError: undefined });
  });

  it('what it costs is measured now and then: each measured evaluation stands for those since the last', () => {
    let ms = 0;
    const rule = ruleWith({
      match: (_event, _nowMs, meter) => {
        ms += 0.5;
        if (meter !== undefined) meter.spent += 3;
        return false;
      },
    });
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state: new Map(), stopwatch: () => ms });
    const events = (count: number) => Array.from({ length: count }, (_, position) => eventOf({ position }));
    const costs: unknown[] = [];
    for (const count of [7, 1, 63, 1]) {
      engine.step(events(count), EVERYTHING_PASSED);
      costs.push(...engine.health().map(({ fuel, cpuUs }) => [fuel, cpuUs]));
    }
    expect(costs).toEqual([[21, 0], [24, 8 * 500], [213, 8 * 500], [216, 72 * 500]]); // biome-ignore format: one line
  });

  it('an exception holds until it expires, by the event’s time, and counts what it hid', () => {
    const match = (event: Parameters<Rule['match']>[0]) => fieldOf(event, 'user.name') === 'backup';
    const exception = { match, source: '', reason: '', owner: '', expiresMs: 500 };
    const engine = engineOf(ruleWith({ except: [exception] }));
    const events = [
      eventOf({ position: 1, createdMs: 499, user: 'backup' }),
      eventOf({ position: 2, createdMs: 500, user: 'backup' }),
      eventOf({ position: 3, createdMs: 499, user: 'root' }),
    ];
    expect(engine.step(events, EVERYTHING_PASSED).detections.map(({ eventId }) => eventId)).toEqual([
      'h1.b1.3',
      'h1.b1.2',
    ]);
    expect(engine.health()[0]).toMatchObject({ matches: 3, excepted: 1 });
  });

  it('a failing exception hides nothing', () => {
    const match = () => {
      throw new ExpressionError('D1', 'no');
    };
    const engine = engineOf(ruleWith({ except: [{ match, source: '', reason: '', owner: '', expiresMs: undefined }] }));
    expect(engine.step([eventOf()], EVERYTHING_PASSED).detections).toHaveLength(1);
    expect(engine.health()[0]).toMatchObject({ excepted: 0, errors: 1 });
  });

  it('expressions see the event’s time as now', () => {
    const seen: number[] = [];
    engineOf(ruleWith({ match: (_event, nowMs) => seen.push(nowMs) > 0 })).step(
      [eventOf({ createdMs: 77 })],
      EVERYTHING_PASSED,
    );
    expect(seen).toEqual([77]);
  });
});

describe('alerts', () => {
  it('a rule without suppression opens one alert per detection, at once', () => {
    const { alerts, opened, state } = engineOf(ruleWith()).step([eventOf(), eventOf({ position: 2 })], NOTHING_PASSED);
    expect(alerts).toHaveLength(2);
    expect(opened).toEqual(alerts);
    expect(state.size).toBe(0);
  });

  it('a rule in test makes detections at once and never an alert', () => {
    const rule = ruleWith({ status: 'test', alert: perHost });
    const result = engineOf(rule).step([eventOf()], NOTHING_PASSED);
    expect(result.detections).toMatchObject([{ decision: 'test', alertId: undefined }]);
    expect([result.alerts, result.opened, result.state.size]).toEqual([[], [], 0]);
  });

  it('says what people need to know', () => {
    const rule = ruleWith({
      risk: 73,
      by: ['user.name'],
      alert: { title: '{{user.name}} on {{host.name}}', include: ['user.name'] },
    });
    const { detections, alerts } = engineOf(rule).step([eventOf({ createdMs: 5_000 })], EVERYTHING_PASSED);
    expect(alerts[0]).toMatchObject({
      title: 'root on name of h1',
      hostId: 'h1',
      hostName: 'name of h1',
      fields: [{ name: 'user.name', value: 'root' }],
      firstEventId: 'h1.b1.1',
      timestampMs: 5_000,
      openedMs: 5_000,
      count: 1,
      risk: 73,
      status: 'open',
      suppressKey: '["root"]',
    });
    expect(detections[0]).toMatchObject({ key: '["root"]', decision: 'opened', alertId: alerts[0]?.id, isLate: false });
  });

  it('a host’s own progress, down to the position, lets its detection alert in the step that brought it', () => {
    const engine = engineOf(ruleWith({ alert: perHost }));
    const progress = new Map([
      ['h1', { bootId: 'b1', position: 1, createdMs: 1_000 }],
      ['h2', { bootId: 'b1', position: 0, createdMs: 0 }],
    ]);
    expect(engine.step([eventOf()], watermarksOf(progress)).opened).toHaveLength(1);
  });

  it('a key that spans hosts waits for the others', () => {
    const engine = engineOf(ruleWith({ alert: acrossHosts }));
    const behind = new Map([['h2', { bootId: 'b1', position: 0, createdMs: 0 }]]);
    expect(engine.step([eventOf()], watermarksOf(behind)).opened).toHaveLength(0);
    expect(engine.pending()).toBe(1);
    const ahead = new Map([['h2', { bootId: 'b1', position: 9, createdMs: 1_001 }]]);
    expect(engine.step([], watermarksOf(ahead)).opened).toHaveLength(1);
    expect(engine.pending()).toBe(0);
  });

  it('a step’s changed alert appears once, as it stands after the step', () => {
    const result = engineOf(ruleWith({ alert: perHost })).step(
      [eventOf(), eventOf({ position: 2 })],
      EVERYTHING_PASSED,
    );
    expect(result.alerts).toMatchObject([{ count: 2 }]);
    expect(result.opened).toMatchObject([{ count: 2 }]);
  });

  it('a detection behind a folded one is late: counted, and its alert says so', () => {
    const engine = engineOf(ruleWith({ alert: perHost }));
    engine.step([eventOf({ createdMs: 5_000, position: 2 })], EVERYTHING_PASSED);
    const { detections, opened } = engine.step([eventOf({ createdMs: 1_000 })], EVERYTHING_PASSED);
    expect(detections).toMatchObject([{ isLate: true, decision: 'opened' }]);
    expect(opened).toMatchObject([{ isLate: true }]);
    expect(engine.health()[0]).toMatchObject({ late: 1 });
  });
});

describe('durable state', () => {
  it('what waits survives a kill, though its event and its rule are gone', () => {
    const state = new Map<string, string>();
    committed(state, engineOf(ruleWith({ alert: perHost })).step([eventOf()], NOTHING_PASSED).state);
    expect(state.size).toBe(1);
    const next = createEngine({ epochs: [], state });
    expect(next.pending()).toBe(1);
    const result = next.step([], EVERYTHING_PASSED);
    expect(result.opened).toMatchObject([{ ruleId: 'rule', title: 'Title', count: 1 }]);
    expect([...committed(state, result.state).keys()]).toEqual([expect.stringMatching(/^windows:/)]);
  });

  it('the same event given twice while it waits is folded once', () => {
    const engine = engineOf(ruleWith({ alert: perHost }));
    engine.step([eventOf(), eventOf()], NOTHING_PASSED);
    expect(engine.step([eventOf()], EVERYTHING_PASSED).alerts).toMatchObject([{ count: 1 }]);
  });

  it.each([
    ['another format', 'windows:x', '{"v":2}', 'it has format 2, this version reads 1'],
    ['no JSON', 'windows:x', '{', 'it is not JSON'],
    ['another kind', 'what:x', '{"v":1}', 'it is of no known kind'],
  ])('%s stops the start and names the entry', (_claim, key, text, cause) => {
    const start = () => createEngine({ epochs: [], state: new Map([[key, text]]) });
    expect(start).toThrow(StateUnreadable);
    expect(start).toThrow(`${key} cannot be read: ${cause}`);
  });
});

describe('bounds', () => {
  it.each([
    ['of one host', perHost, { pendingPerHostMax: 3 }],
    ['across hosts', acrossHosts, { pendingAcrossHostsMax: 3 }],
  ])('too many waiting detections %s are folded early, the earliest first, and counted', (_which, alert, limits) => {
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: [ruleWith({ alert })] }], state: new Map(), limits });
    const events = [5, 4, 3, 2, 1].map((position) => eventOf({ position, createdMs: position * 1_000 }));
    const { detections } = engine.step(events, NOTHING_PASSED);
    expect(detections.map(({ eventId }) => eventId)).toEqual(['h1.b1.1', 'h1.b1.2']);
    expect(engine.pending()).toBe(3);
    expect(engine.health()[0]).toMatchObject({ forced: 2 });
  });

  it('too many waiting in all: each host keeps an equal share', () => {
    const epochs = [{ fromMs: 0, rules: [ruleWith({ alert: perHost })] }];
    const engine = createEngine({ epochs, state: new Map(), limits: { pendingMax: 4 } });
    const flood = [1, 2, 3, 4, 5, 6].map((position) => eventOf({ host: 'h1', position, createdMs: position }));
    const { detections } = engine.step([...flood, eventOf({ host: 'h2' })], NOTHING_PASSED);
    expect(detections.map(({ eventId }) => eventId)).toEqual(['h1.b1.1', 'h1.b1.2', 'h1.b1.3', 'h1.b1.4']);
    expect(engine.pending()).toBe(3);
  });

  it('the state’s size is bounded too, whatever the alerts hold', () => {
    const rule = ruleWith({ alert: { ...perHost, include: ['long'] } });
    const limits = { keysCharactersMax: 10_000 };
    const state = new Map<string, string>();
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state, limits });
    const fields = { long: 'x'.repeat(900) };
    for (let position = 1; position <= 50; position += 1) {
      const event = eventOf({ position, user: `u${position}`, fields: { ...fields, user: { name: `u${position}` } } });
      committed(state, engine.step([event], EVERYTHING_PASSED).state);
    }
    const characters = [...state.values()].reduce((sum, text) => sum + text.length, 0);
    expect(characters).toBeLessThanOrEqual(10_000);
    expect(characters).toBeGreaterThan(5_000);
    expect(engine.health()[0]?.evicted).toBe(50 - state.size);
  });

  it('one host’s flood of keys pushes out its own only, expired ones first, and what was pushed out early is counted', () => {
    const limits = { keysPerRuleAndHostMax: 2 };
    const engine = createEngine({
      epochs: [{ fromMs: 0, rules: [ruleWith({ alert: perHost })] }],
      state: new Map(),
      limits,
    });
    const at = (host: string, user: string, createdMs: number) =>
      engine.step([eventOf({ host, user, createdMs, position: createdMs })], EVERYTHING_PASSED).detections[0]?.decision;
    at('h2', 'quiet', 1_000);
    for (const [user, createdMs] of [
      ['a', 1_000],
      ['b', 1_001],
      ['c', 1_002],
    ] as const)
      at('h1', user, createdMs);
    expect(engine.health()[0]).toMatchObject({ evicted: 1 });
    expect(at('h2', 'quiet', 1_050)).toBe('joined');
    expect(at('h1', 'c', 1_051)).toBe('joined');
    expect(at('h1', 'a', 1_052)).toBe('opened');
    expect(engine.health()[0]).toMatchObject({ evicted: 2 });
    at('h1', 'd', 2_000);
    expect(engine.health()[0]).toMatchObject({ evicted: 2 });
  });

  it('keys in all are bounded, and what is long over leaves the state', () => {
    const limits = { keysMax: 5 };
    const engine = createEngine({
      epochs: [{ fromMs: 0, rules: [ruleWith({ alert: acrossHosts })] }],
      state: new Map(),
      limits,
    });
    const state = new Map<string, string>();
    const run = (position: number, createdMs: number) =>
      committed(state, engine.step([eventOf({ position, createdMs, user: `u${position}` })], EVERYTHING_PASSED).state);
    for (let position = 1; position <= 20; position += 1) run(position, 1_000);
    expect(state.size).toBe(5);
    expect(engine.health()[0]).toMatchObject({ evicted: 15 });
    run(21, 1_000 + 200 + LATE_MEMORY_MS - 1);
    expect(state.size).toBe(5);
    run(22, 1_000 + 200 + LATE_MEMORY_MS);
    expect(state.size).toBe(2);
    expect(engine.health()[0]).toMatchObject({ evicted: 15 });
  });
});
