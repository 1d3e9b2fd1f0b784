import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RuleHealth } from '../../engine/engine.ts';
import { noFigures } from '../../engine/health-book.ts';
import type { StoredEvent } from '../../event/document.ts';
import { neededFields } from '../../rules/needed-fields.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { createCostWatch } from '../../server/cost-watch.ts';
import { createHealthLedger } from '../../server/health-ledger.ts';
import { notesOf } from '../../server/rule-notes.ts';
import { createSeenFields, MISSING_AFTER_MS } from '../../server/seen-fields.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

const counted = (changes: Partial<RuleHealth>): RuleHealth => ({ ...noFigures('a'), ...changes });

let server: TestServer | undefined;
afterEach(async () => {
  await server?.end();
  server = undefined;
});

describe('the ledger of figures', () => {
  const saving = (state: Map<string, string>, changes: ReadonlyMap<string, string | undefined>) => {
    for (const [key, text] of changes) {
      if (text === undefined) state.delete(key);
      else state.set(key, text);
    }
  };

  it('adds up over engines and restarts: counters are summed, of times the later counts, of errors the newest', () => {
    const state = new Map<string, string>();
    const first = createHealthLedger(state, () => 100);
    saving(state, first.entries([counted({ evaluations: 5, lastMatchMs: 9_000, lastError: 'old' })]));
    first.absorb([counted({ evaluations: 7, lastMatchMs: 9_000, lastError: 'old' })]);
    saving(state, first.entries([counted({ evaluations: 1 })]));
    const second = createHealthLedger(state, () => 500);
    expect(second.totals([counted({ evaluations: 2, errors: 1, lastMatchMs: 8_000, lastError: 'new' })])).toEqual(
      [counted({ evaluations: 10, errors: 1, lastMatchMs: 9_000, lastError: 'new' })].map((row) => ({
        ...row,
        sinceMs: 100,
      })),
    );
  });

  it('saves what changed, and nothing else', () => {
    const ledger = createHealthLedger(new Map(), () => 100);
    const rows = [counted({ ruleId: 'a' }), counted({ ruleId: 'b' })];
    expect([...ledger.entries(rows).keys()]).toEqual(['runner:health:a', 'runner:health:b']);
    expect([...ledger.entries([counted({ ruleId: 'a', matches: 1 }), counted({ ruleId: 'b' })]).keys()]).toEqual([
      'runner:health:a',
    ]);
  });

  it('takes damaged figures for none', () => {
    const saved = new Map([
      ['runner:health:a', '{"v":1'],
      ['runner:health:b', '{"v":9,"sinceMs":1,"row":{}}'],
    ]);
    expect(createHealthLedger(saved, () => 7).totals([counted({ matches: 1 })])).toEqual([
      { ...counted({ matches: 1 }), sinceMs: 7 },
    ]);
  });
});

describe('which rule costs most of late', () => {
  it('is told by what it cost since the look before last, not by all it ever cost', () => {
    let nowMs = 0;
    const watch = createCostWatch(() => nowMs);
    const costs = (a: number, b: number) => [{ ruleId: 'a', cpuUs: a }, { ruleId: 'b', cpuUs: b }]; // biome-ignore format: two in a line
    expect(watch.costliest(costs(9e6, 1e6))).toBeUndefined();
    nowMs = 10_000;
    expect(watch.isDue()).toBe(true);
    watch.look(costs(9e6, 1e6));
    nowMs = 20_000;
    watch.look(costs(9e6, 3e6));
    nowMs = 30_000;
    expect(watch.costliest(costs(9.1e6, 11e6))).toEqual({ ruleId: 'b', share: 0.5 });
  });
});

describe('fields that a rule needs', () => {
  const ruleOf = (match: string) => {
    const text = `id: a\nname: A\nseverity: low\nmatch: |\n  ${match}\n`;
    const [rule] = readRuleText('a.yaml', text, new Map()).rules;
    if (rule === undefined) throw new Error('no rule');
    return rule;
  };

  it.each([
    ['event.action = "executed" and $has(container.id)', ['container.id', 'event.action']],
    ['process.name = "a" or (process.name = "b" and user.name = "c")', ['process.name']],
    ['process.name = "a" or user.name = "c"', []],
    ['$not(container.id = "x")', []],
  ])('%s', (match, fields) => {
    expect([...neededFields(ruleOf(match))].sort()).toEqual(fields);
  });

  it('none of a rule that is off', () => {
    expect([...neededFields({ ...ruleOf('user.name = "x"'), status: 'off' })]).toEqual([]);
  });
});

describe('fields that were seen', () => {
  const event = (document: object) => ({ id: 'x', seq: 1, document }) as StoredEvent;
  const DAY_MS = 86_400_000;

  it('are missing only once the store was asked', async () => {
    const fields = createSeenFields(new Map(), () => START_MS);
    fields.want(['process.name', 'container.id', 'user.name']);
    fields.look([event({ process: [{ name: 'bash' }] })]);
    expect(fields.missingSince('container.id')).toBeUndefined();
    const asked: unknown[] = [];
    await fields.ask((query) => Promise.resolve(asked.push(query) === 2));
    expect(asked).toEqual(['container.id', 'user.name'].map((field) => ({ kind: 'exists', field })));
    expect(['process.name', 'container.id', 'user.name'].map((field) => fields.missingSince(field))).toEqual([
      undefined,
      'never',
      undefined,
    ]);
    fields.look([event({ 'container.id': 'c1' })]);
    expect(fields.missingSince('container.id')).toBeUndefined();
  });

  it('and no longer come are told with the last day, over restarts', async () => {
    const state = new Map<string, string>();
    const before = createSeenFields(state, () => START_MS);
    before.want(['container.id']);
    before.look([event({ container: { id: 'c1' } })]);
    for (const [key, text] of before.entries()) state.set(key, text);
    const after = createSeenFields(state, () => START_MS + MISSING_AFTER_MS + DAY_MS);
    after.want(['container.id']);
    after.look([event({ container: { id: null } })]);
    await after.ask(() => Promise.resolve(false));
    expect(after.missingSince('container.id')).toBe(START_MS);
  });
});

describe('what is noted of a rule', () => {
  const found = { quarantines: [], unseenFields: [] };
  const rule = { version: 'v1', status: 'stable' as const, kind: { kind: 'single' as const } };
  const quarantine = {
    ruleId: 'a',
    ruleVersion: 'v1',
    hostId: undefined,
    fromMs: 1,
    untilMs: undefined,
    reason: 'why',
  };
  it.each<[string, Parameters<typeof notesOf>, readonly string[]]>([
    ['nothing where all is well', [rule, counted({ evaluations: 5 }), found], []],
    ['nothing where it is off', [{ ...rule, status: 'off' }, undefined, { ...found, quarantines: [quarantine] }], []],
    [
      'a rule that always fails',
      [rule, counted({ evaluations: 20, errors: 20, lastError: 'T2009' }), found],
      ['fails on every event: T2009'],
    ],
    [
      'one that failed',
      [rule, counted({ evaluations: 19, errors: 19, lastError: 'x' }), found],
      ['failed on 19 of 19 events: x'],
    ],
    ['a quarantine', [rule, undefined, { ...found, quarantines: [quarantine] }], ['quarantined: why']],
    [
      'of one host, again while it caught up',
      [
        rule,
        undefined,
        {
          ...found,
          quarantines: [
            { ...quarantine, hostId: 'h1', untilMs: 2 },
            { ...quarantine, hostId: 'h2', untilMs: 2 },
            { ...quarantine, hostId: 'h1', fromMs: 3 },
          ],
        },
      ],
      [
        'was released for events of host h1, and quarantined again before it had caught up',
        'catches up for events of host h2 on what it missed while quarantined',
        'quarantined for events of host h1: why',
      ],
    ],
    [
      'of an earlier version',
      [{ ...rule, version: 'v2' }, undefined, { ...found, quarantines: [quarantine] }],
      ['an earlier version is quarantined'],
    ],
    [
      'keys that were forgotten',
      [rule, counted({ evicted: 3 }), found],
      ['forgot 3 keys before their time, as there were too many: some alerts came again'],
    ],
    [
      'a field',
      [rule, undefined, { ...found, unseenFields: [{ field: 'container.id', lastSeenMs: START_MS }] }],
      ['cannot fire: it needs container.id, and no event has had it since 2026-03-01'],
    ],
  ])('%s', (_name, parameters, notes) => {
    expect(notesOf(...parameters)).toEqual(notes);
  });
});

describe('the figures of rules', () => {
  const rule = async (at: TestServer) => {
    const { body } = await at.call('GET', '/api/v1/rules', { token: at.tokens.reader });
    return body.rules.find(({ id }: { readonly id: string }) => id === 'web-server-spawns-shell');
  };

  it('outlast a reload and a restart, and tell the last match', async () => {
    const at = await startTestServer();
    server = at;
    const token = await at.enrol('h1');
    await ship(at, token, [execEvent('h1', 1), execEvent('h1', 2)], { position: 2, createdMs: START_MS });
    await eventually(async () => (await rule(at)).health.matches === 2);
    writeFileSync(
      join(at.rulesFolder, 'other.yaml'),
      'id: other\nname: Other\nseverity: low\nmatch: user.name = "x"\n',
    );
    await at.running.reloadRules();
    expect((await rule(at)).health).toMatchObject({ evaluations: 2, matches: 2, lastMatchMs: START_MS - 998 });
    const again = await at.restart();
    server = again;
    expect((await rule(again)).health).toMatchObject({ evaluations: 2, matches: 2, lastMatchMs: START_MS - 998 });
  });
});
