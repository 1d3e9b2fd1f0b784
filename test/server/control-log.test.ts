import { describe, expect, it } from 'vitest';
import type { Rule } from '../../rules/rule.ts';
import { CREATED_AHEAD_MS_MAX, epochsOf, recordRules, withoutQuarantined } from '../../server/control-log.ts';
import type { ControlEntry, ControlLogPort } from '../../store/state/state-port.ts';

function logInMemory(): ControlLogPort & { readonly sources: Map<string, string> } {
  const entries: ControlEntry[] = [];
  const sources = new Map<string, string>();
  return {
    sources,
    entries: () => entries,
    append(entry, added) {
      for (const [version, source] of added) sources.set(version, source);
      const kept = { ...entry, seq: entries.length + 1 };
      entries.push(kept);
      return kept;
    },
    source: (version) => sources.get(version),
  };
}

const rule = (id: string, version: string): Rule => ({ id, version, sourceJson: `${id}/${version}` }) as Rule;
const remake = (source: string): Rule => {
  const [id = '', version = ''] = source.split('/');
  return rule(id, version);
};
const names = (epochs: ReturnType<typeof epochsOf>['epochs']) =>
  epochs.map(({ fromMs, rules }) => [fromMs, rules.map(({ version }) => version)]);

describe('the control log', () => {
  it('begins at 0, and notes only changes', () => {
    const log = logInMemory();
    const times = { nowMs: 1_000, greatestCreatedMs: 0 };
    expect(recordRules(log, [rule('a', '1'), rule('b', '1b')], times)).toBe(true);
    expect(recordRules(log, [rule('b', '1b'), rule('a', '1')], times)).toBe(false);
    expect(recordRules(log, [rule('a', '2'), rule('b', '1b')], times)).toBe(true);
    expect(log.entries().map(({ fromMs }) => fromMs)).toEqual([0, 1_001]);
    expect([...log.sources]).toEqual([
      ['1', 'a/1'],
      ['1b', 'b/1b'],
      ['2', 'a/2'],
    ]);
  });

  it.each([
    ['past the clock', { nowMs: 5_000, greatestCreatedMs: 4_000 }, 5_001],
    ['past what the engine has read', { nowMs: 5_000, greatestCreatedMs: 6_000 }, 6_001],
    ['but not past a clock that is far ahead', { nowMs: 5_000, greatestCreatedMs: 9e12 }, 5_001 + CREATED_AHEAD_MS_MAX],
  ])('a change holds from %s', (_from, times, fromMs) => {
    const log = logInMemory();
    recordRules(log, [rule('a', '1')], { nowMs: 0, greatestCreatedMs: 0 });
    recordRules(log, [rule('a', '2')], times);
    expect(log.entries().at(-1)?.fromMs).toBe(fromMs);
  });

  it('never goes back, though the clock does', () => {
    const log = logInMemory();
    for (const [version, nowMs] of [
      ['1', 0],
      ['2', 9_000],
      ['3', 5_000],
    ] as const) {
      recordRules(log, [rule('a', version)], { nowMs, greatestCreatedMs: 0 });
    }
    expect(log.entries().map(({ fromMs }) => fromMs)).toEqual([0, 9_001, 9_002]);
  });

  it('makes old versions again, each once, and gives the epochs that are still needed', () => {
    const log = logInMemory();
    for (const [version, nowMs] of [
      ['1', 0],
      ['2', 1_000],
      ['3', 2_000],
    ] as const) {
      recordRules(log, [rule('a', version)], { nowMs, greatestCreatedMs: 0 });
    }
    const loaded = [rule('a', '3')];
    const all = epochsOf(log, { sinceMs: 0, loaded, remake });
    expect(names(all.epochs)).toEqual([
      [0, ['1']],
      [1_001, ['2']],
      [2_001, ['3']],
    ]);
    expect(all.epochs[2]?.rules[0]).toBe(loaded[0]);
    // What is older than asked for meets the oldest that is kept: it is judged rather than let pass.
    expect(names(epochsOf(log, { sinceMs: 1_500, loaded, remake }).epochs)).toEqual([
      [0, ['2']],
      [2_001, ['3']],
    ]);
    expect(names(epochsOf(log, { sinceMs: 0, loaded, remake, epochsMax: 1 }).epochs)).toEqual([[0, ['3']]]);
  });

  it('names versions that cannot be made again', () => {
    const log = logInMemory();
    recordRules(log, [rule('a', '1')], { nowMs: 0, greatestCreatedMs: 0 });
    const { epochs, unreadable } = epochsOf(log, { sinceMs: 0, loaded: [], remake: () => undefined });
    expect(names(epochs)).toEqual([[0, []]]);
    expect(unreadable).toEqual(['a 1']);
  });
});

describe('rules on many events that are quarantined', () => {
  const folded = (id: string, version: string): Rule => ({ ...rule(id, version), kind: { kind: 'threshold' } }) as Rule;
  const single = (id: string, version: string): Rule => ({ ...rule(id, version), kind: { kind: 'single' } }) as Rule;
  const quarantine = { ruleId: 'a', ruleVersion: '1', hostId: undefined, fromMs: 100, untilMs: 200, reason: '' };
  const epochs = [
    { fromMs: 0, rules: [folded('a', '1'), single('b', 'b1')] },
    { fromMs: 150, rules: [folded('a', '1'), single('b', 'b2')] },
  ];

  it('come into force anew when they are released, so that their windows are filled', () => {
    expect(names(withoutQuarantined(epochs, [quarantine]))).toEqual([
      [0, ['1', 'b1']],
      [100, ['b1']],
      [150, ['b2']],
      [200, ['1', 'b2']],
    ]);
    expect(names(withoutQuarantined(epochs, [{ ...quarantine, untilMs: undefined }])).at(-1)).toEqual([150, ['b2']]);
  });

  it.each([
    ['for one host', { ...quarantine, hostId: 'h1' }],
    ['of another version', { ...quarantine, ruleVersion: '2' }],
    ['though a rule on single events, which catches up', { ...quarantine, ruleId: 'b', ruleVersion: 'b1' }],
  ])('stay in force where the quarantine is %s', (_name, other) => {
    expect(withoutQuarantined(epochs, [other])).toBe(epochs);
  });

  it('begin no epoch before the first that is needed', () => {
    const later = [{ fromMs: 150, rules: [folded('a', '1')] }];
    expect(names(withoutQuarantined(later, [quarantine]))).toEqual([
      [150, []],
      [200, ['1']],
    ]);
  });
});
