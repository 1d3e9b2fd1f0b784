import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  execEvent,
  SPAWN_RULE,
  START_MS,
  ship,
  startTestServer,
  statusesOf,
  type TestServer,
} from './server-under-test.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end();
});

const alertsOf = async (server: TestServer) =>
  (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body.alerts;

describe('a server on the embedded store', () => {
  it('takes, stores, finds, judges, and goes on after a restart where it was', async () => {
    let server = await startTestServer({ store: { kind: 'embedded' } });
    const token = await server.enrol('web-1');
    const events = Array.from({ length: 200 }, (_, at) => execEvent('web-1', at + 1, { user: `u${at % 10}` }));
    const answer = await ship(server, token, events, { position: 200, createdMs: START_MS });
    expect(new Set(statusesOf(answer))).toEqual(new Set([201]));
    const before = await eventually(async () => {
      const alerts = await alertsOf(server);
      const joined = alerts.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
      return alerts.length === 10 && joined === 200 ? alerts : undefined;
    });

    server = await server.restart();
    servers.push(server);
    expect(statusesOf(await ship(server, token, events.slice(0, 3)))).toEqual([409, 409, 409]);
    await ship(server, token, [execEvent('web-1', 201, { user: 'u0' })], { position: 201, createdMs: START_MS });
    const joined = await eventually(async () => {
      const alerts = await alertsOf(server);
      return alerts.some(({ count }: { count: number }) => count === 21) ? alerts : undefined;
    });
    expect(joined.map(({ id }: { id: string }) => id).sort()).toEqual(
      before.map(({ id }: { id: string }) => id).sort(),
    );

    const { body: found } = await server.call('POST', '/api/v1/search', {
      token: server.tokens.reader,
      body: { query: 'user.name:u0 AND process.name:ba*', sinceMs: START_MS - 60_000, limit: 5 },
    });
    expect(found.events).toHaveLength(5);
    expect(found.total).toBeGreaterThanOrEqual(found.isTotalExact ? 21 : 5);
    expect(found.events[0].id).toBe(execEvent('web-1', 201).id);
    const id = encodeURIComponent(execEvent('web-1', 7).id);
    const { body: one } = await server.call('GET', `/api/v1/events/${id}`, { token: server.tokens.reader });
    expect(one.document.user.name).toBe('u6');

    server.clock.ms += 1_000;
    const { body: asItWas } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { asItWas: true, sinceMs: START_MS - 60_000 },
    });
    expect(asItWas).toMatchObject({
      eventsRead: 201,
      detections: 201,
      alertsTotal: 10,
      differences: { onlyLive: [], onlyBacktest: [], otherDecision: [] },
    });
    const { body: one10 } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { rule: { file: 'a.yaml', text: SPAWN_RULE }, sinceMs: START_MS - 60_000, limit: 2 },
    });
    expect(one10).toMatchObject({ alertsTotal: 10, alerts: [{}, {}] });
    const { body: status } = await server.call('GET', '/api/v1/status', { token: server.tokens.reader });
    expect(status).toMatchObject({
      store: { kind: 'embedded', events: 201 },
      engine: { rules: 1, pendingDetections: 0, behind: 0 },
    });
  });

  it('serves many hosts at once, each event once', async () => {
    const server = await startTestServer({ store: { kind: 'embedded' } });
    servers.push(server);
    const hosts = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => ({ id: `h${at}`, token: await server.enrol(`h${at}`) })),
    );
    const answers = await Promise.all(
      hosts.flatMap(({ id, token }) =>
        [0, 1, 2, 3].map((part) => {
          // Each part repeats the last event of the one before.
          const numbers = Array.from({ length: 26 }, (_, at) => part * 25 + at);
          const events = numbers.map((number) => execEvent(id, number, { user: `u${number}` }));
          return ship(server, token, events, { position: part * 25 + 25, createdMs: START_MS });
        }),
      ),
    );
    const statuses = answers.flatMap(statusesOf);
    expect(statuses.filter((status) => status === 201)).toHaveLength(8 * 101);
    expect(statuses.filter((status) => status === 409)).toHaveLength(8 * 3);
    await eventually(async () => {
      const { body } = await server.call('GET', '/api/v1/alerts?limit=10000', { token: server.tokens.reader });
      return body.alerts.length === 8 * 101 ? true : undefined;
    });
  });
});
