// How far live windows are, as the engine has them.
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import { watermarksOf } from '../../engine/watermark.ts';
import { fieldOf } from '../../event/document.ts';
import type { RuleKind } from '../../rules/kind.ts';
import type { Predicate } from '../../rules/rule.ts';
import { eventOf, ruleWith } from './making.ts';

const START_MS = Date.UTC(2026, 4, 1, 12);
const at = (seconds: number): string => new Date(START_MS + seconds * 1_000).toISOString();

/** Matches of one key, by the user at so many seconds. */
function standing(kind: RuleKind, matches: readonly (readonly [seconds: number, user: string])[], nowSeconds: number) {
  const engine = createEngine({
    epochs: [{ fromMs: 0, rules: [ruleWith({ kind, by: ['host.id'] })] }],
    state: new Map(),
  });
  engine.step(
    matches.map(([seconds, user], position) => eventOf({ createdMs: START_MS + seconds * 1_000, user, position })),
    watermarksOf(new Map()),
  );
  const nowMs = START_MS + nowSeconds * 1_000;
  const live = engine.liveKeys({ ruleId: 'rule', isAsked: () => true, limit: 10, nowMs });
  return live?.keys.flatMap((key) => key.standing);
}

const isUser =
  (name: string): Predicate =>
  (event) =>
    fieldOf(event, 'user.name') === name;
const step = (name: string, isAbsent = false) => ({ match: isUser(name), source: name, by: ['host.id'], isAbsent });
const FIVE_MIN = 300_000;

describe('a live window says', () => {
  it.each<[string, RuleKind, readonly (readonly [number, string])[], number, readonly string[]]>([
    [
      'how many count, and when the oldest leaves',
      { kind: 'threshold', count: 5, withinMs: FIVE_MIN, mode: 'episode' },
      [
        [0, 'a'],
        [100, 'a'],
        [200, 'a'],
      ],
      210,
      [`3 of 5 within 5m; the oldest leaves at ${at(300)}`],
    ],
    [
      'how many are left as time goes on',
      { kind: 'threshold', count: 5, withinMs: FIVE_MIN, mode: 'episode' },
      [
        [0, 'a'],
        [100, 'a'],
        [200, 'a'],
      ],
      399,
      [`2 of 5 within 5m; the oldest leaves at ${at(400)}`],
    ],
    [
      'that it was found',
      { kind: 'threshold', count: 2, withinMs: FIVE_MIN, mode: 'episode' },
      [
        [0, 'a'],
        [100, 'a'],
      ],
      110,
      [`2 of 2 within 5m; found, and goes on; the oldest leaves at ${at(300)}`],
    ],
    [
      'that what was found is over, once too few are left',
      { kind: 'threshold', count: 2, withinMs: FIVE_MIN, mode: 'episode' },
      [
        [0, 'a'],
        [100, 'a'],
      ],
      310,
      [`1 of 2 within 5m; found, and over; the oldest leaves at ${at(400)}`],
    ],
    [
      'when a window is judged that may hold so many and no more',
      { kind: 'threshold', count: 2, atMost: 3, withinMs: FIVE_MIN, mode: 'episode' },
      [
        [0, 'a'],
        [100, 'a'],
      ],
      110,
      [`2 of 2 to 3 within 5m; judged when the window is over, at ${at(300)}`],
    ],
    [
      'between which two a figure must be',
      {
        kind: 'metric',
        metric: { aggregate: 'max', field: 'vedette.position' },
        above: undefined,
        below: undefined,
        from: 7,
        to: 9,
        atLeast: 1,
        withinMs: FIVE_MIN,
      },
      [[0, 'a']],
      5,
      ['0 of 1 within 5m, 7 to 9 is asked, of at least 1'],
    ],
    [
      'how many matches a fall must come from',
      { kind: 'spike', factor: 3, withinMs: FIVE_MIN, direction: 'down', atLeast: 6, metric: undefined },
      [[0, 'a']],
      700,
      ['0 in the last 5m, 0 in the 5m before; 1/3 of it is asked, where the greater has 6 matches'],
    ],
    [
      'which values',
      { kind: 'distinct', field: 'user.name', above: 3, below: undefined, withinMs: FIVE_MIN },
      [
        [0, 'a'],
        [1, 'b'],
        [2, 'a'],
      ],
      10,
      [
        `2 of more than 3 within 5m; the oldest leaves at ${new Date(START_MS + 301_001).toISOString()}`,
        'values of user.name: "b", "a"',
      ],
    ],
    [
      'how many steps, and until when the rest may come',
      {
        kind: 'sequence',
        withinMs: FIVE_MIN,
        steps: [step('a'), step('b'), step('c')],
        until: undefined,
        untilSource: undefined,
      },
      [
        [0, 'a'],
        [10, 'b'],
      ],
      20,
      [`2 of 3 steps within 5m; the rest may come until ${at(300)}`],
    ],
    [
      'what is waited for',
      {
        kind: 'sequence',
        withinMs: FIVE_MIN,
        steps: [step('a'), step('b', true)],
        until: undefined,
        untilSource: undefined,
      },
      [[0, 'a']],
      20,
      [`1 of 1 steps; found at ${at(300)} unless what must not come does`],
    ],
    [
      'when a key was seen last',
      { kind: 'absence', fewerThan: 1, withinMs: FIVE_MIN },
      [
        [0, 'a'],
        [10, 'a'],
      ],
      20,
      [`the last was seen ${at(10)}; fewer than 1 within 5m are found`],
    ],
    [
      'a figure',
      {
        kind: 'metric',
        metric: { aggregate: 'max', field: 'vedette.position' },
        above: 7,
        below: undefined,
        atLeast: 2,
        withinMs: FIVE_MIN,
      },
      [
        [0, 'a'],
        [10, 'a'],
        [20, 'a'],
      ],
      305,
      ['2 of 2 within 5m, more than 7 is asked, of at least 2'],
    ],
    [
      'both windows of a spike',
      { kind: 'spike', factor: 3, withinMs: FIVE_MIN, direction: 'up', atLeast: 1, metric: undefined },
      [
        [0, 'a'],
        [10, 'a'],
        [320, 'a'],
      ],
      320,
      [`1 in the last 5m, 2 in the 5m before; 3 times is asked; silent until ${at(600)}`],
    ],
    [
      'what is known',
      { kind: 'new_value', fields: ['user.name'], learnMs: FIVE_MIN, rememberMs: FIVE_MIN, missing: 'skip' },
      [
        [0, 'a'],
        [10, 'b'],
      ],
      20,
      [`2 known values of user.name; the key is learned until ${at(300)}`],
    ],
    [
      'the last values',
      { kind: 'change', fields: ['user.name'], withinMs: FIVE_MIN, missing: 'skip' },
      [
        [0, 'a'],
        [10, 'b'],
      ],
      20,
      [`the last values of user.name: ["b"], seen ${at(10)}, compared until ${at(310)}`],
    ],
  ])('%s', (_claim, kind, matches, nowSeconds, expected) => {
    expect(standing(kind, matches, nowSeconds)).toEqual(expected);
  });

  it('nothing of a rule on single events; of many keys those seen last, as many as are asked for', () => {
    const kind: RuleKind = { kind: 'threshold', count: 5, withinMs: FIVE_MIN, mode: 'episode' };
    const rules = [ruleWith({ kind, by: ['host.id'] }), ruleWith({ id: 'single' })];
    const engine = createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map() });
    const events = Array.from({ length: 500 }, (_, n) =>
      eventOf({ host: `h${(n * 7) % 500}`, createdMs: START_MS + n }),
    );
    engine.step(events, watermarksOf(new Map()));
    const ask = (ruleId: string, isAsked = (_key: string) => true) =>
      engine.liveKeys({ ruleId, isAsked, limit: 3, nowMs: START_MS + 500 });
    expect(ask('single')).toBeUndefined();
    expect(ask('rule')?.total).toBe(500);
    expect(ask('rule')?.keys.map(({ lastMs }) => lastMs - START_MS)).toEqual([499, 498, 497]);
    expect(ask('rule', (key) => key === '["h7"]')).toMatchObject({
      total: 1,
      keys: [{ key: '["h7"]', lastMs: START_MS + 1 }],
    });
  });
});
