import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import {
  eventually,
  execEvent,
  SPAWN_RULE,
  START_MS,
  ship,
  startTestServer,
  type TestServer,
} from './server-under-test.ts';

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function started(...args: Parameters<typeof startTestServer>): Promise<TestServer> {
  const server = await startTestServer(...args);
  ends.push(() => server.end());
  return server;
}

const alertsOf = async (server: TestServer) =>
  (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body.alerts;
const someAlerts = (server: TestServer, count = 1) =>
  eventually(async () => {
    const alerts = await alertsOf(server);
    return alerts.length >= count ? alerts : undefined;
  });

describe('from the event to the message', () => {
  it('an event brings one alert to the API, the terminal, Slack and e-mail, with its detection and event', async () => {
    const slack = await slackLikeServer();
    const mail = await mailServer();
    const terminal = new PassThrough();
    let printed = '';
    terminal.on('data', (part: Buffer) => {
      printed += part.toString();
    });
    const server = await started({
      channels: {
        terminal: { writable: terminal },
        slack: { token: 'xoxb-test', channel: '#alerts', apiUrl: `http://127.0.0.1:${slack.port}/` },
        email: {
          host: '127.0.0.1',
          port: mail.port,
          secure: false,
          from: 'vedette@example.org',
          to: ['ops@example.org'],
        },
      },
    });
    const token = await server.enrol('web-1');
    const event = execEvent('web-1', 1);
    const near = execEvent('web-1', 2, { parent: 'sshd' });
    await ship(server, token, [event, near], { position: 2, createdMs: START_MS });

    const [alert, ...others] = await someAlerts(server);
    expect(others).toEqual([]);
    expect(alert).toMatchObject({
      ruleId: 'web-server-spawns-shell',
      title: 'apache2 spawned bash on web-1-name',
      count: 1,
    });
    await eventually(() => slack.requests.length === 1 && mail.messages.length === 1 && printed.includes(alert.title));
    expect(JSON.stringify(slack.requests[0])).toContain(alert.title);
    expect(mail.messages[0]).toContain('apache2 spawned bash');

    const detail = await eventually(async () => {
      const { body } = await server.call('GET', `/api/v1/alerts/${alert.id}`, { token: server.tokens.reader });
      return body.notifications.every(({ state }: { state: string }) => state === 'sent') ? body : undefined;
    });
    expect(detail.detections).toMatchObject([{ eventId: event.id, decision: 'opened' }]);
    expect(detail.notifications.map(({ channel }: { channel: string }) => channel).sort()).toEqual([
      'email',
      'slack',
      'terminal',
    ]);
    expect(detail.event.process.parent.name).toBe('apache2');
    expect(detail.sentence).toContain('process.parent.name is "apache2"');
    expect(detail.explanation).toContain('    ✓ process.name = "bash"  process.name is "bash"');
  });

  it('a second event under the same key joins; another user is another alert', async () => {
    const server = await started();
    const token = await server.enrol('web-1');
    const events = [execEvent('web-1', 1), execEvent('web-1', 2), execEvent('web-1', 3, { user: 'nobody' })];
    for (const [at, event] of events.entries())
      await ship(server, token, [event], { position: at + 1, createdMs: START_MS });
    const alerts = await eventually(async () => {
      const found = await alertsOf(server);
      return found.length === 2 && found.some(({ count }: { count: number }) => count === 2) ? found : undefined;
    });
    expect(alerts.map(({ count }: { count: number }) => count).sort()).toEqual([1, 2]);
  });

  it('a suppressed detection waits for its host’s progress, and folds when the progress comes alone', async () => {
    const server = await started();
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1, { parent: 'sshd' })], { position: 1, createdMs: START_MS - 999 });
    // Position 3 comes before position 2 is told of.
    await ship(server, token, [execEvent('web-1', 3)], { position: 1, createdMs: START_MS - 999 });
    const pending = await eventually(async () => {
      const { engine } = (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body;
      return engine.eventsFolded === 2 ? engine.pendingDetections : undefined;
    });
    expect(pending).toBe(1);
    expect(await alertsOf(server)).toEqual([]);
    await ship(server, token, [execEvent('web-1', 2)], { position: 3, createdMs: START_MS });
    const [alert] = await someAlerts(server);
    expect(alert).toMatchObject({ count: 2, firstEventId: execEvent('web-1', 2).id, isLate: false });
  });

  it('a restart repeats no alert and loses none', async () => {
    const { store, open } = keptStore();
    let server = await startTestServer({ store: { kind: 'given', store: open() } });
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    await someAlerts(server);
    // Waits for its progress over the restart.
    await ship(server, token, [execEvent('web-1', 2, { user: 'nobody' })], { position: 1, createdMs: START_MS - 999 });
    server = await server.restart({ store: { kind: 'given', store: open() } });
    ends.push(() => server.end());
    expect(await alertsOf(server)).toHaveLength(1);
    await ship(server, token, [], { position: 2, createdMs: START_MS });
    const alerts = await someAlerts(server, 2);
    expect(alerts).toHaveLength(2);
    const { outbox } = (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body;
    expect(outbox.pending + outbox.sent + outbox.failed).toBe(2);
    expect((await store.statistics()).events).toBe(2);
  });

  it('what was stored while no engine followed is judged after the start', async () => {
    const { store, open } = keptStore();
    const { id, document } = execEvent('web-1', 1);
    await store.append([{ id, document }]);
    const server = await started({ store: { kind: 'given', store: open() } });
    expect(await someAlerts(server)).toHaveLength(1);
  });

  it('people close an alert; a later detection that joins it leaves it closed', async () => {
    const server = await started();
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    const [alert] = await someAlerts(server);
    const path = `/api/v1/alerts/${alert.id}/status`;
    expect((await server.call('POST', path, { token: server.tokens.reader, body: { status: 'closed' } })).status).toBe(
      403,
    );
    expect((await server.call('POST', path, { token: server.tokens.admin, body: { status: 'gone' } })).status).toBe(
      400,
    );
    expect(
      (await server.call('POST', path, { token: server.tokens.admin, body: { status: 'closed' } })).body.status,
    ).toBe('closed');
    await ship(server, token, [execEvent('web-1', 2)], { position: 2, createdMs: START_MS });
    await eventually(async () => ((await alertsOf(server))[0].count === 2 ? true : undefined));
    expect((await alertsOf(server))[0].status).toBe('closed');
  });
});

describe('rules that change while the server runs', () => {
  it('judge what is made from then on; what was made before, and comes late, meets the rules of its time', async () => {
    const server = await started();
    const token = await server.enrol('web-1');
    await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
    await someAlerts(server);
    const changed = SPAWN_RULE.replace('name = "bash"', 'name in ["dash"]').replaceAll(
      '{ name: bash,',
      '{ name: dash,',
    );
    writeFileSync(`${server.rulesFolder}/web-server-spawns-shell.yaml`, changed);
    expect(await server.running.reloadRules()).toMatchObject({ loaded: 1 });
    server.clock.ms += 10_000;
    const late = execEvent('web-1', 2, { user: 'late', createdMs: START_MS });
    const noMore = execEvent('web-1', 3, { user: 'bash-after', createdMs: START_MS + 5_000 });
    const now = execEvent('web-1', 4, { user: 'dash-after', name: 'dash', createdMs: START_MS + 6_000 });
    await ship(server, token, [late, noMore, now], { position: 4, createdMs: START_MS + 7_000 });
    const alerts = await someAlerts(server, 3);
    const keys = alerts.map(({ suppressKey }: { suppressKey: string }) => suppressKey).sort();
    expect(keys).toEqual(['["web-1","dash-after"]', '["web-1","late"]', '["web-1","www-data"]']);
  });

  it('a broken file is told of and stops neither the others nor the server', async () => {
    const server = await started();
    writeFileSync(`${server.rulesFolder}/broken.yaml`, 'id: broken\nmatch: process.name =\nsevrity: high\n');
    const { loaded, diagnostics } = await server.running.reloadRules();
    expect(loaded).toBe(1);
    expect(
      diagnostics.some(({ file, severity, line }) => file.endsWith('broken.yaml') && severity === 'error' && line > 0),
    ).toBe(true);
    const status = (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body;
    expect(status.diagnostics.length).toBe(diagnostics.length);
  });
});

describe('backtests', () => {
  const shipped = async () => {
    const server = await started();
    const token = await server.enrol('web-1');
    const events = [1, 2, 3].map((number) =>
      execEvent('web-1', number, { user: number === 3 ? 'nobody' : 'www-data' }),
    );
    await ship(server, token, events, { position: 3, createdMs: START_MS });
    await someAlerts(server, 2);
    return server;
  };

  it('of a rule’s text find what live would have', async () => {
    const server = await shipped();
    const body = { rule: { file: 'web-server-spawns-shell.yaml', text: SPAWN_RULE }, sinceMs: START_MS - 3_600_000 };
    const answer = await server.call('POST', '/api/v1/backtest', { token: server.tokens.reader, body });
    expect(answer.body).toMatchObject({ eventsRead: 3, detections: 3, alertsTotal: 2, errors: 0, isComplete: true });
    expect((await alertsOf(server)).length).toBe(2);
  });

  it('as it was equal what live decided', async () => {
    const server = await shipped();
    server.clock.ms += 1_000;
    const body = { asItWas: true, sinceMs: START_MS - 3_600_000 };
    const token = server.tokens.reader;
    const answer = await server.call('POST', '/api/v1/backtest', { token, body });
    expect(answer.body).toMatchObject({
      detections: 3,
      differences: { onlyLive: [], onlyBacktest: [], otherDecision: [] },
    });
  });

  it('of a broken rule tell what is wrong with it', async () => {
    const server = await started();
    const body = { rule: { file: 'x.yaml', text: 'id: x\nmatch: 1 +\n' }, sinceMs: 0 };
    const answer = await server.call('POST', '/api/v1/backtest', { token: server.tokens.reader, body });
    expect(answer.status).toBe(200);
    expect(answer.body.diagnostics.length).toBeGreaterThan(0);
  });
});

/** A memory store that outlives the server that uses it. */
function keptStore(): { readonly store: EventStore; readonly open: () => EventStore } {
  const store = openMemoryStore();
  return { store, open: () => ({ ...store, close: async () => undefined }) };
}

async function slackLikeServer() {
  const requests: unknown[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      requests.push({
        url: request.url,
        body: decodeURIComponent(Buffer.concat(parts).toString().replaceAll('+', ' ')),
      });
      response.setHeader('content-type', 'application/json');
      response.end('{"ok":true,"channel":"C1","ts":"1.2","message":{}}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return { requests, port: (server.address() as AddressInfo).port };
}

async function mailServer() {
  const messages: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (part: Buffer) => {
        text += part.toString();
      });
      stream.on('end', () => {
        messages.push(text.replaceAll('=\r\n', ''));
        done();
      });
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ends.push(() => new Promise<void>((resolve) => server.close(resolve)));
  return { messages, port: (server.server.address() as AddressInfo).port };
}
