// `vedette rules health` and `rules release`, and what `status` says of rules, against a server that answers from a table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuleApiRecord, StatusResponse } from '../../server/api.ts';
import { type ApiServer, openApiServer, type Reply } from './api-server.ts';
import { makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

const QUARANTINE = {
  ruleId: 'dear',
  ruleVersion: 'v1',
  hostId: 'h\u001b[2J1',
  reason: 'its expressions cost more than its share',
  fromMs: NOW_MS,
  atMs: NOW_MS,
  isCaughtUp: false,
};

function ruleOf(id: string, changes: Partial<RuleApiRecord> = {}, figures: object = {}): RuleApiRecord {
  return {
    ...{
      id,
      version: 'v1',
      name: `Rule ${id}`,
      severity: 'high',
      status: 'stable',
      kind: 'single',
      file: `${id}.yaml`,
    },
    notes: [],
    unseenFields: [],
    quarantines: [],
    health: {
      ...{ ruleId: id, sinceMs: NOW_MS, evaluations: 100, matches: 2, excepted: 0, errors: 0, lastError: undefined },
      ...{ late: 0, forced: 0, evicted: 0, recomputed: 0, amended: 0, gaps: 0, unjudged: 0 },
      ...{ fuel: 1_000, cpuUs: 150, lastMatchMs: NOW_MS },
      ...figures,
    },
    ...changes,
  };
}

let folder: TestFolder;
let server: ApiServer;
let reply: Reply;

beforeEach(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'data', 'server'), { recursive: true });
  for (const role of ['reader', 'admin'])
    writeFileSync(join(folder.path, 'data', 'server', `${role}.token`), `${role}-token\n`);
  server = await openApiServer(() => reply);
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

const ask = (...words: readonly string[]): Promise<Said> =>
  runHere([...words, '--server', server.url], { cwd: folder.path });

describe('rules health', () => {
  it('shows the dearest rule first, with what an evaluation costs', async () => {
    reply = {
      body: {
        rules: [
          ruleOf('cheap'),
          ruleOf('dear', {}, { cpuUs: 2_500_000 }),
          ruleOf('never', {}, { evaluations: 0, cpuUs: 0 }),
        ],
      },
    };
    const { code, stdout, stderr } = await ask('rules', 'health');
    expect(code).toBe(0);
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines.slice(1, 4).map(([id, evaluated, , , us, cpu]) => [id, evaluated, us, cpu])).toEqual([
      ['dear', '100', '25000', '2.5 s'],
      ['cheap', '100', '1.5', '0.15 ms'],
      ['never', '0', '-', '0 ms'],
    ]);
    expect(stderr).toBe('3 rules, none with a note\n');
  });

  it('ends with 1 where a rule is quarantined or fails, not where it merely cannot fire', async () => {
    const cannotFire = ruleOf('a', { notes: ['cannot fire: …'], unseenFields: ['container.id'] });
    reply = { body: { rules: [cannotFire] } };
    expect((await ask('rules', 'health')).code).toBe(0);
    reply = { body: { rules: [cannotFire, ruleOf('b', {}, { errors: 1, lastError: 'T2009' })] } };
    expect((await ask('rules', 'health')).code).toBe(1);
    reply = { body: { rules: [cannotFire, ruleOf('dear', { quarantines: [QUARANTINE] })] } };
    expect((await ask('rules', 'health')).code).toBe(1);
    const released = { ...QUARANTINE, untilMs: NOW_MS + 1, released: { by: 'maria', atMs: NOW_MS } };
    reply = { body: { rules: [ruleOf('dear', { quarantines: [released] })] } };
    expect((await ask('rules', 'health')).code).toBe(0);
  });

  it('with --notes shows only what wants a look', async () => {
    reply = { body: { rules: [ruleOf('fine'), ruleOf('noted', { notes: ['forgot 3 keys'] })] } };
    const { stdout } = await ask('rules', 'health', '--notes');
    expect(stdout).toMatch(/^noted .* forgot 3 keys$/m);
    expect(stdout).not.toContain('fine');
  });

  it('tells all of one rule, safely for a terminal, and says when there is none', async () => {
    reply = { body: { rules: [ruleOf('dear', { quarantines: [QUARANTINE], notes: ['a note'] }), ruleOf('other')] } };
    const { code, stdout } = await ask('rules', 'health', 'dear');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^quarantined +from \S+ for host h\\x1b\[2J1: its expressions cost more than its share$/m);
    expect(stdout).toMatch(/^note +a note$/m);
    expect(stdout).not.toContain('other');
    const none = await ask('rules', 'health', 'nobody');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no rule of this id is in force')]);
  });
});

describe('rules release', () => {
  it('says what it will catch up on, with who did it', async () => {
    const released = { by: 'maria (role:admin)', atMs: NOW_MS };
    reply = { body: { released: [{ ...QUARANTINE, untilMs: NOW_MS + 1_000, released }] } };
    const { code, stdout } = await ask('rules', 'release', 'dear', '--by', 'maria');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^dear is released for host h\\x1b\[2J1; it catches up on the events from \S+Z to \S+Z\n$/);
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/rules/dear/release',
      token: 'Bearer admin-token',
    });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({ by: 'maria' });
  });
});

describe('status', () => {
  it('names what is quarantined, what cannot fire, and what holds the engine up', async () => {
    const status: StatusResponse = {
      version: '0.1.0',
      startedMs: NOW_MS,
      store: { kind: 'embedded', events: 1, bytes: 2048, oldestMs: undefined, newestMs: undefined, pending: 0 },
      engine: {
        ...{ rules: 2, pendingDetections: 0, eventsFolded: 1, behind: 1_200, lagMs: 31_400, health: [] },
        costliest: { ruleId: 'dear', share: 0.42 },
        cannotFire: ['a', 'b', 'c', 'd'],
        quarantined: [QUARANTINE],
      },
      outbox: { pending: 0, sent: 1, failed: 0 },
      holds: 0,
      channels: ['terminal'],
      diagnostics: [],
    };
    reply = { body: status };
    const { code, stdout } = await ask('status');
    expect(code).toBe(1);
    expect(stdout).toContain('1200 behind, by 31 s, mostly with dear (42 % of a core)');
    expect(stdout).toMatch(/^quarantined +dear for host h\\x1b\[2J1: its expressions cost more than its share/m);
    expect(stdout).toMatch(/^cannot fire +4 rules for want of a field: a, b, c, … /m);
  });
});
