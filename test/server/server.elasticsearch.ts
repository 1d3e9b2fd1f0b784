// The server on a real Elasticsearch node: what is shipped is stored, found and judged once, also over a restart.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ElasticsearchNode, startElasticsearch } from '../elasticsearch/node.ts';
import { eventually } from '../harness/installation.ts';
import { execEvent, START_MS, ship, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

let node: ElasticsearchNode;
beforeAll(async () => {
  node = await startElasticsearch();
});
afterAll(() => node?.stop());

const alertsOf = async (server: TestServer) =>
  (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body.alerts;

describe('a server on Elasticsearch', () => {
  it('takes, finds, judges, and goes on after a restart where it was', async () => {
    let server = await startTestServer({ store: { kind: 'elasticsearch', node: node.url } });
    const token = await server.enrol('web-1');
    const events = Array.from({ length: 100 }, (_, at) => execEvent('web-1', at + 1, { user: `u${at % 10}` }));
    expect(new Set(statusesOf(await ship(server, token, events, { position: 100, createdMs: START_MS })))).toEqual(
      new Set([201]),
    );
    const counted = (total: number) => async () => {
      const alerts = await alertsOf(server);
      const sum = alerts.reduce((all: number, { count }: { count: number }) => all + count, 0);
      return sum === total ? alerts : undefined;
    };
    expect(await eventually('100 detections', counted(100))).toHaveLength(10);
    server = await server.restart();
    expect(statusesOf(await ship(server, token, events.slice(0, 2)))).toEqual([409, 409]);
    await ship(server, token, [execEvent('web-1', 101, { user: 'u0' })], { position: 101, createdMs: START_MS });
    expect(await eventually('101 detections', counted(101))).toHaveLength(10);
    const { body } = await server.call('POST', '/api/v1/search', {
      token: server.tokens.reader,
      body: { query: 'user.name:u0', sinceMs: START_MS - 60_000 },
    });
    expect(body.events).toHaveLength(11);
    server.clock.ms += 1_000;
    const { body: asItWas } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { asItWas: true, sinceMs: START_MS - 60_000 },
    });
    expect(asItWas).toMatchObject({
      eventsRead: 101,
      detections: 101,
      differences: { onlyLive: [], onlyBacktest: [], otherDecision: [] },
    });
    await server.end();
  });
});
