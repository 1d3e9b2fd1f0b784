// How near a rule on many events came: counted by the same folds that run live.
import { describe, expect, it } from 'vitest';
import { explainWindow, keysOfEvent } from '../../backtest/explain-window.ts';
import type { NewEvent } from '../../event/document.ts';
import type { RuleKind } from '../../rules/kind.ts';
import type { Predicate, Rule } from '../../rules/rule.ts';
import { readRuleText } from '../../rules/rule-files.ts';

const START_MS = Date.UTC(2026, 4, 1, 10);

function ruleOf(kind: RuleKind, extra = ''): Rule {
  const text = `id: r\nname: R\nseverity: low\nmatch: process.name in ["a", "b", "c", "x"]\nby: [host.id]\n${extra}`;
  const [rule] = readRuleText('r.yaml', text, new Map()).rules;
  if (rule === undefined) throw new Error('no rule');
  return { ...rule, kind };
}

/** One event a second offset: `name` is the process's, `host` its host. */
function event(seconds: number, name: string, more: { readonly host?: string; readonly pid?: number } = {}): NewEvent {
  const { host = 'h1', pid = 1 } = more;
  const created = new Date(START_MS + seconds * 1_000).toISOString();
  return {
    id: `${host}.${seconds}.${name}`,
    document: { event: { created }, host: { id: host }, process: { name, pid } },
  };
}

function remarks(kind: RuleKind, events: readonly NewEvent[], untilSeconds = 3_600): readonly string[] {
  const { keys } = explainWindow({ rule: ruleOf(kind), events, untilMs: START_MS + untilSeconds * 1_000 });
  return keys.flatMap(({ found, remarks: own }) => own.map((remark) => `${found.length}: ${remark}`));
}

const named =
  (name: string): Predicate =>
  ({ process: own }) =>
    (own as { name?: string } | undefined)?.name === name;

describe('a window of events', () => {
  const threshold: RuleKind = { kind: 'threshold', count: 5, withinMs: 60_000, mode: 'episode' };

  it('of a threshold: the most that came within it', () => {
    expect(
      remarks(
        threshold,
        [0, 10, 20, 100, 110].map((at) => event(at, 'a')),
      ),
    ).toEqual(['0: 3 of 5 within 1m at the most']);
    expect(
      remarks(
        threshold,
        [0, 10, 20, 30, 40].map((at) => event(at, 'a')),
      ),
    ).toEqual(['1: count 5']);
  });

  it('of distinct values', () => {
    const kind: RuleKind = { kind: 'distinct', field: 'process.pid', above: 3, below: undefined, withinMs: 60_000 };
    expect(
      remarks(
        kind,
        [1, 1, 2].map((pid, at) => event(at, 'a', { pid })),
      ),
    ).toEqual(['0: 2 different values of process.pid within 1m at the most; more than 3 are needed']);
  });

  it('keeps keys apart, those with the most matches first, and gives those asked for', () => {
    const events = [event(0, 'a'), event(1, 'a', { host: 'h2' }), event(2, 'b', { host: 'h2' }), event(3, 'other')];
    const rule = ruleOf(threshold);
    const question = { rule, events, untilMs: START_MS };
    expect(explainWindow(question).keys.map(({ key, matches }) => [key, matches])).toEqual([
      ['["h2"]', 2],
      ['["h1"]', 1],
    ]);
    expect(explainWindow({ ...question, isAsked: (key) => key === '["h1"]' }).keysTotal).toBe(1);
    expect(keysOfEvent(rule, event(0, 'a'))).toEqual(['["h1"]']);
    expect(keysOfEvent(rule, event(0, 'other'))).toEqual([]);
  });

  it('leaves out what an exception hides, by the event’s time', () => {
    const rule = ruleOf(threshold, 'except: [{ match: process.pid = 9, expires: 2026-05-01T10:00:30Z }]\n');
    const events = [event(0, 'a', { pid: 9 }), event(40, 'a', { pid: 9 })];
    expect(explainWindow({ rule, events, untilMs: START_MS }).keys.map(({ matches }) => matches)).toEqual([1]);
  });
});

describe('a sequence', () => {
  const step = (name: string, isAbsent = false) => ({ match: named(name), source: name, by: ['host.id'], isAbsent });
  const sequence = (more: Partial<Extract<RuleKind, { kind: 'sequence' }>> = {}): RuleKind => ({
    kind: 'sequence',
    withinMs: 60_000,
    steps: [step('a'), step('b'), step('c')],
    until: undefined,
    untilSource: undefined,
    ...more,
  });

  it('says how many steps came, and what the last was late by', () => {
    expect(remarks(sequence(), [event(0, 'a'), event(10, 'b')])).toEqual(['0: 2 of 3 steps']);
    expect(remarks(sequence(), [event(0, 'a'), event(10, 'b'), event(64, 'c')])).toEqual([
      '0: 2 of 3 steps; the last came 4s too late (64s after the first, 1m is allowed)',
    ]);
    expect(remarks(sequence(), [event(0, 'c'), event(10, 'b')])).toEqual(['0: none of 3 steps in their order']);
    expect(remarks(sequence(), [event(0, 'a'), event(10, 'b'), event(20, 'c')])).toEqual(['1: steps 3, took ms 20000']);
  });

  it('names `until`, and a step that must not come, where they were it', () => {
    const until = sequence({ until: named('x') });
    expect(remarks(until, [event(0, 'a'), event(10, 'b'), event(15, 'x'), event(20, 'c')])).toEqual([
      '0: 2 of 3 steps; `until` ended it before',
    ]);
    const absent = sequence({ steps: [step('a'), step('b', true), step('c')] });
    expect(remarks(absent, [event(0, 'a'), event(10, 'b'), event(20, 'c')])).toEqual([
      '0: 1 of 2 steps; a step came that must not',
    ]);
  });
});

describe('what came near', () => {
  const step = (name: string) => ({ match: named(name), source: name, by: ['host.id'], isAbsent: false });

  it('of a combination: how many of its steps', () => {
    const kind: RuleKind = {
      kind: 'combination',
      withinMs: 60_000,
      steps: [step('a'), step('b'), step('c')],
      atLeast: 3,
    };
    expect(remarks(kind, [event(0, 'c'), event(10, 'a'), event(70, 'b')])).toEqual([
      '0: 2 of 3 steps within 1m at the most; 3 are needed',
    ]);
    expect(remarks(kind, [event(0, 'c'), event(10, 'a'), event(60, 'b')])).toEqual(['1: count 3']);
  });

  it('of an upper bound: that no window is over with so many', () => {
    const kind: RuleKind = { kind: 'threshold', count: 2, atMost: 2, withinMs: 60_000, mode: 'episode' };
    expect(remarks(kind, [event(0, 'a'), event(10, 'a'), event(20, 'a')], 100)).toEqual([
      '0: no window of 1m that a match began is over with 2 to 2 matches in it',
    ]);
    expect(remarks(kind, [event(0, 'a'), event(10, 'a')], 100)).toEqual(['1: count 2']);
  });
});

describe('figures', () => {
  it('of an absence, a metric, a ratio, a spike, a new value', () => {
    const at = [0, 10, 20, 30].map((seconds) => event(seconds, 'a', { pid: seconds }));
    expect(remarks({ kind: 'absence', fewerThan: 1, withinMs: 60_000 }, at, 40)).toEqual([
      '0: never fewer than 1 within 1m; 4 in the last 1m of it',
    ]);
    const metric: RuleKind = {
      kind: 'metric',
      metric: { aggregate: 'avg', field: 'process.pid' },
      above: 100,
      below: undefined,
      atLeast: 1,
      withinMs: 60_000,
    };
    expect(remarks(metric, at)[0]).toMatch(
      /^0: .*15.*; more than 100 is asked, among at least 1 \(the last 1m has 4\)$/,
    );
    const ratio: RuleKind = {
      kind: 'ratio',
      of: ({ process: own }) => (own as { pid: number }).pid > 15,
      ofSource: 'process.pid > 15',
      above: 0.9,
      below: undefined,
      atLeast: 2,
      withinMs: 60_000,
    };
    expect(remarks(ratio, at)[0]).toMatch(/^0: .*0\.5.*; more than 0\.9 is asked/);
    const spike: RuleKind = {
      kind: 'spike',
      factor: 3,
      withinMs: 15_000,
      direction: 'up',
      atLeast: 2,
      metric: undefined,
    };
    expect(remarks(spike, at)[0]).toMatch(
      /^0: 2 in the last 15s, [12] in the 15s before; 3 times is asked, of at least 2$/,
    );
  });
});
