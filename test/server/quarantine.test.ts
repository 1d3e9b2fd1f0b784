import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { quarantinesOf } from '../../server/quarantine-book.ts';
import type { ControlEntry } from '../../store/state/state-port.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

/** Quadratic in the number of arguments: with a few thousand it runs out of fuel. */
const EVIL = 'process.args[$count($$.process.args[$ != "x"]) > 0]';
const EVIL_RULE = `id: evil
name: An evil rule
severity: high
match: $count(${EVIL}) = 1
by: [host.id]
`;
const WATCH_RULE = `id: rule-watch
name: A rule was quarantined
severity: high
match: event.dataset = "vedette.rule" and event.action = "rule-quarantined"
`;
const ARGS = Array.from({ length: 2_100 }, (_, at) => `-a${at}`);

let server: TestServer | undefined;
afterEach(async () => {
  await server?.end();
  server = undefined;
});

async function serverWithEvil(): Promise<{ readonly server: TestServer; readonly token: string }> {
  const started = await startTestServer();
  server = started;
  writeFileSync(join(started.rulesFolder, 'evil.yaml'), EVIL_RULE);
  writeFileSync(join(started.rulesFolder, 'rule-watch.yaml'), WATCH_RULE);
  await started.running.reloadRules();
  // The rules hold from just past the clock.
  started.clock.ms += 60_000;
  return { server: started, token: await started.enrol('h1') };
}

/** Costly, or such that the rule matches, and cheaply. */
function execs(from: number, count: number, isCostly: boolean, createdMs = START_MS + 20_000) {
  return Array.from({ length: count }, (_, at) => {
    const { id, document } = execEvent('h1', from + at, { createdMs: createdMs + from + at });
    const process = { ...(document['process'] as object), args: isCostly ? ARGS : ['y'] };
    return { id, document: { ...document, process } };
  });
}

const read = async (at: TestServer, path: string) => (await at.call('GET', path, { token: at.tokens.reader })).body;
const ruleOf = async (at: TestServer, id: string) =>
  (await read(at, '/api/v1/rules')).rules.find((rule: { readonly id: string }) => rule.id === id);

describe('a rule that costs too much', () => {
  it('is quarantined, told as an event and an alert, stays so over a restart, and the others go on', async () => {
    const { server, token } = await serverWithEvil();
    const events = execs(1, 30, true);
    expect((await ship(server, token, events, { position: 30, createdMs: START_MS + 21_000 })).status).toBe(200);
    const quarantined = await eventually(async () => {
      const status = await read(server, '/api/v1/status');
      return status.engine.eventsFolded >= 31 ? status.engine.quarantined : undefined;
    });
    expect(quarantined).toEqual([
      expect.objectContaining({ ruleId: 'evil', hostId: 'h1', isCaughtUp: false, reason: expect.any(String) }),
    ]);
    const evil = await ruleOf(server, 'evil');
    expect(evil.health.evaluations).toBeLessThan(20);
    expect(evil.health.evaluations + evil.health.unjudged).toBeGreaterThanOrEqual(30);
    expect(evil.notes[0]).toMatch(/^quarantined for events of host h1: /);
    expect((await ruleOf(server, 'web-server-spawns-shell')).health).toMatchObject({ evaluations: 30, matches: 30 });
    expect(server.notices.filter(({ message }) => message.includes('evil is no longer evaluated'))).toHaveLength(1);
    await eventually(async () => {
      const { alerts } = await read(server, '/api/v1/alerts');
      return alerts.find(({ ruleId }: { ruleId: string }) => ruleId === 'rule-watch');
    });

    const again = await server.restart({});

    try {
      expect((await read(again, '/api/v1/status')).engine.quarantined).toHaveLength(1);
      const after = await ruleOf(again, 'evil');
      expect(after.health).toMatchObject({ evaluations: evil.health.evaluations, errors: evil.health.errors });
    } finally {
      await again.running.close();
    }
  });

  it('once released by an admin judges what it missed, and then a backtest finds what was found live', async () => {
    const { server, token } = await serverWithEvil();
    const found = async () => {
      const { alerts } = await read(server, '/api/v1/alerts?rule=evil&limit=100');
      return alerts.filter(({ ruleId }: { readonly ruleId: string }) => ruleId === 'evil').length;
    };
    await ship(server, token, execs(1, 5, true), { position: 5, createdMs: START_MS + 20_100 });
    await eventually(async () => (await ruleOf(server, 'evil')).quarantines[0]);
    await ship(server, token, execs(6, 30, false), { position: 35, createdMs: START_MS + 21_000 });
    await eventually(async () => (await ruleOf(server, 'evil')).health.unjudged >= 30);
    expect(await found()).toBe(0);
    const differences = async () => {
      const body = { asItWas: true, sinceMs: START_MS, untilMs: START_MS + 60_000 };
      return (await server.call('POST', '/api/v1/backtest', { token: server.tokens.reader, body })).body.differences;
    };
    const release = (id: string, role: 'admin' | 'reader') =>
      server.call('POST', `/api/v1/rules/${id}/release`, { token: server.tokens[role], body: { by: 'maria' } });
    expect((await release('evil', 'reader')).status).toBe(403);
    expect((await release('web-server-spawns-shell', 'admin')).status).toBe(404);
    const { status, body } = await release('evil', 'admin');
    expect([status, body.released[0].released.by]).toEqual([200, 'maria (role:admin)']);
    expect((await read(server, '/api/v1/status')).engine.quarantined).toEqual([]);
    // It waits for all that comes from before the release.
    server.clock.ms += 10_000;
    await ship(server, token, [], { position: 35, createdMs: START_MS + 69_000 });
    await eventually(async () => (await ruleOf(server, 'evil')).quarantines.length === 0);
    expect(await found()).toBe(30);
    expect(await differences()).toMatchObject({ onlyLive: [], onlyBacktest: [], otherDecision: [] });
  });

  it('a new version of it is judged at once', async () => {
    const { server, token } = await serverWithEvil();
    await ship(server, token, execs(1, 10, true), { position: 10, createdMs: START_MS + 21_000 });
    await eventually(async () => (await ruleOf(server, 'evil')).quarantines[0]);
    writeFileSync(
      join(server.rulesFolder, 'evil.yaml'),
      EVIL_RULE.replace(`$count(${EVIL}) = 1`, 'process.name = "bash"'),
    );
    await server.running.reloadRules();
    expect((await read(server, '/api/v1/status')).engine.quarantined).toEqual([]);
    server.clock.ms += 60_000;
    await ship(server, token, execs(11, 10, true, START_MS + 90_000), { position: 20, createdMs: START_MS + 91_000 });
    await eventually(async () => (await ruleOf(server, 'evil')).health.matches >= 10);
  });
});

describe('the control log of quarantines', () => {
  const entry = { fromMs: 100, ruleId: 'a', ruleVersion: 'v', hostId: null, reason: 'r', atMs: 90 };
  it.each<[string, readonly ControlEntry[], object]>([
    ['in force', [{ seq: 1, kind: 'quarantine', ...entry }], { untilMs: undefined, isCaughtUp: false }],
    [
      'released',
      [
        { seq: 1, kind: 'quarantine', ...entry },
        { seq: 2, kind: 'release', fromMs: 200, quarantine: 1, by: 'maria', atMs: 190 },
      ],
      { untilMs: 200, released: { by: 'maria', atMs: 190 }, isCaughtUp: false },
    ],
    [
      'caught up',
      [
        { seq: 1, kind: 'quarantine', ...entry },
        { seq: 2, kind: 'rules', fromMs: 150, rules: [] },
        { seq: 3, kind: 'release', fromMs: 200, quarantine: 1, by: 'maria', atMs: 190 },
        { seq: 4, kind: 'caught-up', fromMs: 100, quarantine: 1 },
      ],
      { untilMs: 200, isCaughtUp: true },
    ],
  ])('%s', (_name, entries, expected) => {
    const records = quarantinesOf(entries);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ ruleId: 'a', hostId: undefined, fromMs: 100, ...expected });
  });
});
