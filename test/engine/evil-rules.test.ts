// Rules and events that are made to hold the engine up: each is bounded, named, and slows nothing else. Counts and memory, no times.
import { describe, expect, it } from 'vitest';
import { CONTAINMENT_LIMITS } from '../../engine/containment.ts';
import { createEngine } from '../../engine/create-engine.ts';
import { ENGINE_LIMITS } from '../../engine/limits.ts';
import { EVERYTHING_PASSED } from '../../engine/watermark.ts';
import type { NewEvent } from '../../event/document.ts';
import { FUEL_PER_EVALUATION } from '../../rules/expression/evaluation.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { eventOf } from './making.ts';

const ruleFrom = (id: string, match: string, more = '') => {
  const text = `id: ${id}\nname: ${id}\nseverity: low\nmatch: |\n  ${match}\n${more}`;
  const { rules, diagnostics } = readRuleText(`${id}.yaml`, text, new Map());
  const [rule] = rules;
  if (rule === undefined) throw new Error(JSON.stringify(diagnostics));
  return rule;
};
const GOOD = ruleFrom('good', 'user.name = "root"', 'by: [host.id]\nalert: { suppress: { for: 1h } }\n');
const EVENTS = 300;
/** Little, so that the tests take no longer than they must. */
const CONTAINMENT = { ...CONTAINMENT_LIMITS, fuelAtOnce: 1_000_000 };
const traffic = (fields: Readonly<Record<string, unknown>>) =>
  Array.from({ length: EVENTS }, (_, at) => eventOf({ position: at + 1, createdMs: 1_000 + at, fields }));

const LONG_TEXT = 'a'.repeat(100_000);
const args = (count: number) => ({ process: { args: Array.from({ length: count }, (_, at) => `-${at}`) } });

/** Of some nothing is wrong with the rule: only an event makes it dear. */
const EVIL: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  [
    'an expression that backtracks elsewhere',
    '$matches(process.command_line, /^(a+)+$/)',
    { process: { command_line: `${LONG_TEXT}!` } },
  ],
  ['endless recursion', '($f := function($x) { 1 + $f($x + 1) }; $f(1)) = 1', {}],
  ['endless recursion in place', '($f := function($x) { $f($x + 1) }; $f(1)) = 1', {}],
  ['a range of a thousand million', '$sum([1..1e9]) = 1', {}],
  ['many ranges', '$count($map([1..9999], function($i) { $sum([1..9999]) })) = 1', {}],
  ['a list of many members', '$not("x" in process.args)', args(20_000)],
  ['a list for each member of a list', '$count(process.args[$count($$.process.args[$ != "x"]) > 0]) = 1', args(3_000)],
  ['sorting what is large', '$count($sort(process.args)) = 1', args(50_000)],
  [
    'a text that doubles',
    '($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $length($d("ab", 60))) = 1',
    {},
  ],
  [
    'a list that doubles',
    '($d := function($s, $n) { $n = 0 ? $s : $d($append($s, $s), $n - 1) }; $count($d([1, 2], 60))) = 1',
    {},
  ],
];

describe('a rule that is made to hold the engine up', () => {
  it.each(EVIL)('%s', (_name, match, fields) => {
    const evil = ruleFrom('evil', match);
    const engine = createEngine({
      epochs: [{ fromMs: 0, rules: [evil, GOOD] }],
      state: new Map(),
      containment: CONTAINMENT,
    });
    const { detections } = engine.step(traffic(fields), EVERYTHING_PASSED);
    expect(detections.filter(({ ruleId }) => ruleId === 'good')).toHaveLength(EVENTS);
    const row = engine.health().find(({ ruleId }) => ruleId === 'evil');
    expect(row?.fuel).toBeLessThan(
      EVENTS * CONTAINMENT.fuelPerEvent + CONTAINMENT.fuelAtOnce + 2 * FUEL_PER_EVALUATION,
    );
    expect((row?.evaluations ?? 0) + (row?.unjudged ?? 0)).toBe(EVENTS);
    if (row?.errors === 0) return;
    expect(row?.lastError).toMatch(/^[A-Z]?[a-z0-9]+: /);
  });

  it('with all the others at once, bounded alike', () => {
    const evils = EVIL.map(([, match], at) => ruleFrom(`evil-${at}`, match));
    const engine = createEngine({
      epochs: [{ fromMs: 0, rules: [...evils, GOOD] }],
      state: new Map(),
      containment: CONTAINMENT,
    });
    const { process } = args(3_000);
    const { detections } = engine.step(
      traffic({ process: { ...process, command_line: LONG_TEXT } }),
      EVERYTHING_PASSED,
    );
    expect(detections.filter(({ ruleId }) => ruleId === 'good')).toHaveLength(EVENTS);
    const fuel = engine.health().reduce((sum, row) => sum + row.fuel, 0);
    const most = EVENTS * CONTAINMENT.fuelPerEvent + CONTAINMENT.fuelAtOnce + 2 * FUEL_PER_EVALUATION;
    expect(fuel).toBeLessThan(evils.length * most);
  });
});

describe('keys that attackers choose', () => {
  const BY_USER = 'by: [host.id, user.name]\nalert: { suppress: { for: 1h } }\n';
  const KINDS = [
    ['suppression', BY_USER],
    ['threshold', `threshold: { count: 2, within: 1h }\n${BY_USER}`],
    ['distinct', `distinct: { field: user.name, above: 9999, within: 1h }\n${BY_USER}`],
    ['new_value', `new_value: { fields: [user.name], learn: 1d }\n${BY_USER}`],
    [
      'sequence',
      `sequence: { within: 1h, steps: [{ match: user.name != "x" }, { match: user.name = "x" }] }\n${BY_USER}`,
    ],
  ] as const;
  const limits = { keysPerRuleAndHostMax: 50 };
  const at = (position: number, host: string, user: string): NewEvent =>
    eventOf({ host, position, createdMs: 1_000 + position, user });

  it.each(KINDS)(
    'are bounded for each rule and host (%s), and one host’s flood pushes out none of another’s',
    (_name, words) => {
      const rule = ruleFrom('flooded', '$exists(user.name)', words);
      const entries = new Map<string, string>();
      const engine = createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state: new Map(), limits });
      const step = (events: readonly NewEvent[]) => {
        for (const [key, text] of engine.step(events, EVERYTHING_PASSED).state) {
          if (text === undefined) entries.delete(key);
          else entries.set(key, text);
        }
      };
      step([at(1, 'victim', 'root')]);
      const before = [...entries.keys()];
      for (let turn = 0; turn < 10; turn += 1) {
        step(Array.from({ length: 300 }, (_, place) => at(10 + turn * 300 + place, 'flooding', `u${turn}-${place}`)));
      }
      expect(before.filter((key) => !entries.has(key))).toEqual([]);
      // A key, and what is kept of it.
      expect(entries.size).toBeLessThanOrEqual(3 * (limits.keysPerRuleAndHostMax + 1) + before.length);
      expect(engine.health()[0]?.evicted).toBeGreaterThanOrEqual(3_000 - 51);
    },
  );

  it('without anything behind them push out no other host’s either, when there are as many as there may be in all', () => {
    const rule = ruleFrom(
      'flooded',
      '$exists(user.name)',
      `change: { fields: [process.name], within: 1h }\n${BY_USER}`,
    );
    const engine = createEngine({
      epochs: [{ fromMs: 0, rules: [rule] }],
      state: new Map(),
      limits: { foldedKeysMax: 100 },
    });
    const entries = new Set<string>();
    const step = (events: readonly NewEvent[]) => {
      for (const [key, text] of engine.step(events, EVERYTHING_PASSED).state) {
        if (text === undefined) entries.delete(key);
        else entries.add(key);
      }
    };
    step([eventOf({ host: 'victim', position: 1, createdMs: 1, fields: { process: { name: 'bash' } } })]);
    const before = [...entries];
    step(Array.from({ length: 1_000 }, (_, place) => at(10 + place, 'flooding', `u${place}`)));
    expect(before.length).toBeGreaterThan(0);
    expect(before.filter((key) => !entries.has(key))).toEqual([]);
    expect(engine.keys().keys).toBe(100);
  });

  it('of all rules and hosts together are bounded too', () => {
    const rules = Array.from({ length: 4 }, (_, number) => ruleFrom(`r${number}`, '$exists(user.name)', BY_USER));
    const engine = createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map(), limits: { keysMax: 100 } });
    const entries = new Set<string>();
    for (let host = 0; host < 20; host += 1) {
      const events = Array.from({ length: 40 }, (_, place) => at(host * 40 + place, `h${host}`, `u${place}`));
      for (const [key, text] of engine.step(events, EVERYTHING_PASSED).state) {
        if (text === undefined) entries.delete(key);
        else entries.add(key);
      }
    }
    expect(entries.size).toBeLessThanOrEqual(100);
    expect(ENGINE_LIMITS.keysMax).toBeLessThanOrEqual(100_000);
  });
});
