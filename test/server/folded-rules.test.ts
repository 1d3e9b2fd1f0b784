// Rules on many events on a whole server with the embedded store: across hosts, over a restart, by time alone, too late, and then
// the same once more as a backtest.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Detection } from '../../event/detection.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

const RULES: Readonly<Record<string, string>> = {
  'many-shells': `
threshold: { count: 3, within: 1m }
by: [user.name]`,
  'no-more-shells': `
absence: { fewer_than: 1, within: 10s }
by: [host.id]`,
  'shells-then-silence': `
together: { rules: [many-shells, no-more-shells], within: 1m }`,
};

function textOf(id: string, words: string): string {
  const match = words.includes('together') ? '' : 'match: process.name = "bash"';
  return `id: ${id}
name: ${id}
description: For a test.
severity: low
${match}${words}
alert:
  title: "${id}: {{count}} {{user.name}}"
tests: []
`;
}

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end();
});

async function detectionsOf(server: TestServer): Promise<readonly Detection[]> {
  const { body } = await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader });
  const all: Detection[] = [];
  for (const { id } of body.alerts) {
    const { body: shown } = await server.call('GET', `/api/v1/alerts/${id}`, { token: server.tokens.reader });
    all.push(...shown.detections);
  }
  return all.sort((a, b) =>
    a.ruleId < b.ruleId ? -1 : a.ruleId > b.ruleId ? 1 : a.order.createdMs - b.order.createdMs,
  );
}

const untilThere = (server: TestServer, claim: (found: readonly Detection[]) => boolean) =>
  eventually(async () => {
    const found = await detectionsOf(server);
    return claim(found) ? found : undefined;
  });

describe('rules on many events', () => {
  it('find across hosts, over a restart, by time and too late; a backtest finds the same', async () => {
    let server = await startTestServer({ store: { kind: 'embedded' } });
    for (const [id, words] of Object.entries(RULES)) {
      writeFileSync(join(server.rulesFolder, `${id}.yaml`), textOf(id, words));
    }
    const summary = await server.running.reloadRules();
    expect(summary.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const [one, two] = [await server.enrol('web-1'), await server.enrol('web-2')];
    const shell = (host: string, number: number, createdMs: number) =>
      execEvent(host, number, { user: 'eve', parent: 'sshd', createdMs });
    server.clock.ms += 5_000;
    const atMs = START_MS + 1_000;
    const first = [shell('web-1', 1, atMs), shell('web-1', 2, atMs + 1_000)];
    await ship(server, one, first, { position: 2, createdMs: atMs + 2_500 });
    server = await server.restart();
    servers.push(server);
    await ship(server, two, [shell('web-2', 1, atMs + 2_000)], { position: 1, createdMs: atMs + 2_500 });
    await ship(server, one, first, { position: 2, createdMs: atMs + 2_600 });
    const [many] = await untilThere(server, (found) => found.length === 1);
    expect(many).toMatchObject({ ruleId: 'many-shells', key: '["eve"]', found: { facts: { count: 3 } } });

    server.clock.ms = atMs + 20_000;
    const other = (host: string) => execEvent(host, 3, { name: 'ls', parent: 'sshd', createdMs: atMs + 19_000 });
    await ship(server, one, [other('web-1')], { position: 3, createdMs: atMs + 19_000 });
    await ship(server, two, [other('web-2')], { position: 3, createdMs: atMs + 19_000 });
    const silent = await untilThere(server, (found) => found.length === 4);
    expect(silent.map(({ ruleId, order }) => [ruleId, order.createdMs - atMs])).toEqual([
      ['many-shells', 2_000],
      ['no-more-shells', 11_001],
      ['no-more-shells', 12_001],
      ['shells-then-silence', 11_001],
    ]);

    const three = await server.enrol('web-3');
    await ship(server, three, [shell('web-3', 1, atMs + 1_500)], { position: 1, createdMs: atMs + 19_000 });
    const amended = await untilThere(server, ([changed]) => changed?.amended !== undefined);
    expect(amended[0]).toMatchObject({
      amended: { as: 'changed', because: [shell('web-3', 1, 0).id] },
      order: { createdMs: atMs + 1_500 },
    });

    server.clock.ms += 20_000;
    for (const [host, token] of [
      ['web-1', one],
      ['web-2', two],
      ['web-3', three],
    ] as const) {
      const last = execEvent(host, 9, { name: 'ls', parent: 'sshd', createdMs: atMs + 39_000 });
      await ship(server, token, [last], { position: 9, createdMs: atMs + 39_000 });
    }
    // What was found together began with another event, so it is another detection; the first is kept, and does not hold.
    const all = await untilThere(server, (found) => found.length === 6);
    expect(all.flatMap(({ ruleId, amended: how }) => (how?.as === 'withdrawn' ? [ruleId] : []))).toEqual([
      'shells-then-silence',
    ]);
    const { body: missed } = await server.call('GET', '/api/v1/gaps', { token: server.tokens.reader });
    expect(missed).toEqual({ gaps: [] });
    const { body: asItWas } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { asItWas: true, sinceMs: START_MS - 60_000 },
    });
    expect(asItWas).toMatchObject({
      detections: 5,
      differences: { onlyLive: [], onlyBacktest: [], otherDecision: [] },
    });

    const backtestOf = async (words: string) => {
      const rule = { file: 'asked.yaml', text: textOf('asked', words) };
      const body = { rule, sinceMs: START_MS - 60_000 };
      const answer = await server.call('POST', '/api/v1/backtest', { token: server.tokens.reader, body });
      return answer.body;
    };
    const held = all.filter(({ ruleId, amended }) => ruleId === 'shells-then-silence' && amended?.as !== 'withdrawn');
    const byItself = await backtestOf(RULES['shells-then-silence'] ?? '');
    expect(byItself.alerts.map(({ ruleId }: Detection) => ruleId)).toEqual(held.map(() => 'asked'));
    expect(byItself).toMatchObject({ detections: held.length, isNarrowed: true });
    const unknown = await backtestOf('\ntogether: { rules: [many-shells, no-more-shell], within: 1m }');
    for (const sources of [1, '{}', [1], ['{}'], ['']]) {
      const rule = { file: 'asked.yaml', text: textOf('asked', ''), sources };
      const body = { rule, sinceMs: START_MS };
      const { status } = await server.call('POST', '/api/v1/backtest', { token: server.tokens.reader, body });
      expect(status).toBe(400);
    }
    expect(unknown).toMatchObject({ eventsRead: 0, diagnostics: [{}, { code: 'rule/unknown-rule' }] });
  });
});
