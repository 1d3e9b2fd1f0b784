// A server whose rules are evaluated by engines of their own, in this process: on the memory store, and on documents in memory.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../event/detection.ts';
import { type RunningEngine, startEngine } from '../../server/shared/engine-process.ts';
import type { GroupStatus } from '../../server/shared/engine-replica.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { type UnreliableDocuments, unreliableDocuments } from '../store/shared/unreliable-documents.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

const servers: TestServer[] = [];
const engines: RunningEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  for (const server of servers.splice(0)) await server.end();
});

const GROUPS = 3;
/** Quadratic in the number of arguments: with a few thousand it runs out of fuel. */
const COSTLY = 'process.args[$count($$.process.args[$ != "x"]) > 0]';
const ARGS = Array.from({ length: 2_100 }, (_, at) => `-a${at}`);
const OTHER_RULE =
  'id: other\nname: Other\ndescription: For a test.\nseverity: low\nmatch: process.name = "bash"\nalert: { title: "{{user.name}}" }\ntests: []\n';

/** Cursors of the memory store. */
const hasPassed = (cursor: string, horizon: string): boolean => Number(cursor.slice(3)) >= Number(horizon.slice(3));

interface Shared {
  readonly server: TestServer;
  readonly store: EventStore;
  readonly documents: UnreliableDocuments;
}

async function startShared(): Promise<Shared> {
  const store = await openMemoryStore();
  const documents = unreliableDocuments();
  const server = await startTestServer({
    store: { kind: 'given', store: { ...store, close: async () => {} } },
    sharing: { groups: GROUPS, documents },
  });
  servers.push(server);
  return { server, store, documents };
}

function start({ store, documents, server }: Shared, name: string): RunningEngine {
  const engine = startEngine({
    name,
    documents,
    store: { ...store, horizon: store.end, hasPassed, close: async () => {} },
    channels: { terminal: { writable: new PassThrough().resume() } },
    now: () => server.clock.ms,
    monotonicMs: () => performance.now(),
    onNotice: (notice) => server.notices.push(notice),
    lookEveryMs: 100,
  });
  engines.push(engine);
  return engine;
}

const alertsOf = async (server: TestServer): Promise<readonly Alert[]> =>
  (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body.alerts;
const groupsOf = async (server: TestServer): Promise<readonly GroupStatus[]> =>
  (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body.engine.groups;

describe('a server whose engines are others', () => {
  it('shows what they find, who they are, and what was sent', async () => {
    const shared = await startShared();
    const { server } = shared;
    expect(await groupsOf(server)).toMatchObject([{ owner: null }, { owner: null }, { owner: null }]);
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    start(shared, 'one');
    await eventually(async () => (await groupsOf(server)).every(({ owner }) => owner === 'one') || undefined);
    const [alert] = await eventually(async () => {
      const alerts = await alertsOf(server);
      return alerts.length === 1 ? alerts : undefined;
    });
    expect(alert).toMatchObject({ ruleId: 'web-server-spawns-shell', count: 1 });
    await eventually(async () => {
      const { body } = await server.call('GET', `/api/v1/alerts/${alert?.id}`, { token: server.tokens.reader });
      return body.notifications[0]?.state === 'sent' && body.detections.length === 1 ? true : undefined;
    });
  });

  it('hands groups over to who comes, and takes them back from who goes', async () => {
    const shared = await startShared();
    const { server } = shared;
    const one = start(shared, 'one');
    await eventually(() => one.held().length === GROUPS || undefined);
    const two = start(shared, 'two');
    await eventually(() => (one.held().length === 2 && two.held().length === 1) || undefined);
    engines.splice(engines.indexOf(one), 1);
    await one.close();
    await eventually(() => two.held().length === GROUPS || undefined);
    expect(server.notices.filter(({ kind }) => kind === 'error')).toEqual([]);
  });

  it('a group that one cannot evaluate is left to others, and the rest goes on', async () => {
    const shared = await startShared();
    const { server, documents } = shared;
    const one = start(shared, 'one');
    await eventually(() => one.held().length === GROUPS || undefined);
    engines.splice(engines.indexOf(one), 1);
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    await eventually(async () => (await alertsOf(server)).length === 1 || undefined);
    await one.close();
    // As a newer version would have written it.
    const [id = '', written] =
      [...documents.documents].find(([name, { text }]) => name.endsWith('.state.0') && text.includes('windows:')) ?? [];
    documents.documents.set(id, { number: 0, text: (written?.text ?? '').replaceAll('\\"v\\":1', '\\"v\\":99') });
    const two = start(shared, 'two');
    await eventually(() => two.held().length === GROUPS - 1 || undefined);
    await eventually(() => server.notices.find(({ message }) => message.includes('cannot be evaluated here')));
    await eventually(async () => (await groupsOf(server)).filter(({ owner }) => owner === null).length === 1);
    documents.documents.set(id, { number: 0, text: written?.text ?? '' });
    const three = start(shared, 'three');
    await eventually(() => three.held().length === 1 || undefined);
  });

  it('no event meets rules that no longer hold for it: a change counts from the moment it is made', async () => {
    const shared = await startShared();
    const { server } = shared;
    start(shared, 'one');
    const token = await server.enrol('web-1');
    const shipOne = (number: number) => {
      const event = execEvent('web-1', number, { createdMs: server.clock.ms, user: `u${number}` });
      return ship(server, token, [event], { position: number, createdMs: server.clock.ms });
    };
    await shipOne(1);
    server.clock.ms += 10;
    const file = join(server.rulesFolder, 'web-server-spawns-shell.yaml');
    writeFileSync(file, OTHER_RULE);
    await server.running.reloadRules();
    server.clock.ms += 10;
    await shipOne(2);
    const alerts = await eventually(async () => {
      const some = await alertsOf(server);
      return some.length === 2 ? some : undefined;
    });
    expect(alerts.map(({ ruleId, title }) => [ruleId, title]).sort()).toEqual([
      ['other', 'u2'],
      ['web-server-spawns-shell', 'apache2 spawned bash on web-1-name'],
    ]);
  });

  it('a rule that costs too much is quarantined by its engine, shown by the server, and released for it', async () => {
    const shared = await startShared();
    const { server } = shared;
    writeFileSync(
      join(server.rulesFolder, 'costly.yaml'),
      `id: costly\nname: Costly\nseverity: high\nmatch: $count(${COSTLY}) = 1\nby: [host.id]\n`,
    );
    await server.running.reloadRules();
    start(shared, 'one');
    const token = await server.enrol('web-1');
    server.clock.ms += 60_000;
    const events = Array.from({ length: 30 }, (_, at) => {
      const { id, document } = execEvent('web-1', at + 1, { createdMs: START_MS + 20_000 + at });
      return { id, document: { ...document, process: { ...(document['process'] as object), args: ARGS } } };
    });
    await ship(server, token, events, { position: 30, createdMs: START_MS + 21_000 });
    const quarantined = async () =>
      (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body.engine.quarantined;
    const [held] = await eventually(async () => {
      const some = await quarantined();
      return some.length > 0 ? some : undefined;
    });
    expect(held).toMatchObject({ ruleId: 'costly' });
    const answer = await server.call('POST', '/api/v1/rules/costly/release', {
      token: server.tokens.admin,
      body: { by: 'maria' },
    });
    expect(answer.status).toBe(200);
    await eventually(async () => (await quarantined()).length === 0 || undefined);
  });

  it('goes on after a restart where it was; a second one is refused', async () => {
    const shared = await startShared();
    const { store, documents } = shared;
    start(shared, 'one');
    const token = await shared.server.enrol('web-1');
    await ship(shared.server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    await eventually(async () => (await alertsOf(shared.server)).length === 1 || undefined);
    const again = await shared.server.restart();
    servers.splice(0, 1, again);
    await ship(again, token, [execEvent('web-1', 2, { user: 'other' })], { position: 2, createdMs: START_MS });
    await eventually(async () => (await alertsOf(again)).length === 2 || undefined);
    const stranger = await startTestServer();
    const beside = { store: { kind: 'given' as const, store }, sharing: { groups: GROUPS, documents } };
    const isRefused = expect.objectContaining({ code: 'sharing-unusable' });
    expect(await stranger.restart(beside).catch((error: unknown) => error)).toEqual(isRefused);
    writeFileSync(join(stranger.rulesFolder, 'other.yaml'), OTHER_RULE);
    servers.push(await stranger.restart());
    expect(
      await servers
        .at(-1)
        ?.restart(beside)
        .catch((error: unknown) => error),
    ).toEqual(isRefused);
    servers.splice(1, 1);
  });
});
