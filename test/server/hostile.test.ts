// What someone with one host's token, or with none, may try: nothing of it reaches another host, the other senders, or the server's
// own health.
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ENROLL_BODY_BYTES_MAX } from '../../server/routes-hosts.ts';
import { START_MS, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

let server: TestServer;
let hostToken: string;
beforeAll(async () => {
  server = await startTestServer();
  hostToken = await server.enrol('evil');
  await server.enrol('victim');
});
afterAll(() => server.end());

/** Sends bytes as they are and answers the status line that comes back. */
function rawStatus(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.running.port, '127.0.0.1');
    socket.setTimeout(50_000, () => {
      socket.destroy();
      reject(new Error('no answer'));
    });
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString('latin1').split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write(head);
  });
}

describe('without a token', () => {
  it.each([
    ['POST /nowhere', 404],
    ['POST /api/v1/nowhere', 404],
    ['POST /_bulk', 401],
    ['PUT /x/_bulk', 401],
    ['POST /api/v1/search', 401],
    ['POST /api/v1/backtest', 401],
    ['POST /api/v1/alerts/x/status', 401],
    ['POST /api/v1/hosts/x/revoke', 401],
  ])('%s is answered before its body has come', async (line, status) => {
    const head = `${line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{`;
    expect(await rawStatus(head)).toContain(` ${status} `);
  });

  it('an enrolment may be only so long', async () => {
    const head = `POST /api/v1/enroll HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    expect(await rawStatus(`${head}content-length: ${ENROLL_BODY_BYTES_MAX + 1}\r\n\r\n{`)).toContain(' 413 ');
  });
});

describe('with a host’s token', () => {
  const lineOf = (id: string, json: string) => `{"create":{"_id":"${id}"}}\n${json}\n`;
  const write = async (token: string, raw: string, headers: Record<string, string> = {}) =>
    server.call('POST', '/_bulk', { token, raw, headers: { 'content-type': 'application/x-ndjson', ...headers } });
  const time = `"@timestamp":"${new Date(START_MS).toISOString()}"`;

  it.each([
    ['a number beyond all numbers', `{${time},"a":1e999}`, 400],
    ['a time beyond all times', `{"@timestamp":1e999}`, 400],
    ['the year 2100', `{"@timestamp":"2100-01-01T00:00:00Z"}`, 400],
    ['the name of another host', `{${time},"host":{"id":"victim"}}`, 403],
    ['another host in dotted form', `{${time},"host.id":"victim"}`, 403],
    ['two host ids, the second of another host', `{${time},"host":{"id":"evil"},"host.id":"victim"}`, 403],
    ['the same key twice, the last of another host', `{${time},"host":{"id":"evil","id":"victim"}}`, 403],
    ['the server’s own boot', `{${time},"host":{"boot":{"id":"server"}}}`, 403],
    ['a host that is a list', `{${time},"host":["victim"]}`, 400],
    ['names that reach for a prototype', `{${time},"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}`, 201],
    ['half a character, and a NUL', `{${time},"a":"\\ud800\\u0000"}`, 201],
  ])('%s', async (name, json, status) => {
    const token = hostToken;
    const id = `evil.b.${name.replace(/[^a-z]/gi, '')}`;
    const answer = await write(token, lineOf(id, json));
    expect(statusesOf(answer)).toEqual([status]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    const read = await server.call('GET', `/api/v1/events/${id}`, { token: server.tokens.reader });
    expect(read.status).toBe(status === 201 ? 200 : 404);
    if (status === 201) expect(read.body.document.host.id).toBe('evil');
  });

  it('neither another host’s id nor its sign-off can be had', async () => {
    expect(statusesOf(await write(hostToken, lineOf('victim.b.1', `{${time}}`)))).toEqual([403]);
    const signOff = await write(hostToken, '', {
      'vedette-sign-off': '1',
      'vedette-progress': 'v1;boot=b;position=9;created=9',
    });
    expect(signOff.status).toBe(200);
    const { body } = await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader });
    const states = body.hosts.map(({ id, state }: { id: string; state: string }) => [id, state]);
    expect(Object.fromEntries(states)).toEqual({ evil: 'signed-off', victim: 'live' });
  });

  it('a progress of the year 9999 is worth no more than now', async () => {
    const progress = { 'vedette-progress': 'v1;boot=b;position=999999999999999;created=253402300799999' };
    expect((await write(hostToken, '', progress)).status).toBe(200);
    const { body } = await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader });
    const { progress: held } = body.hosts.find(({ id }: { id: string }) => id === 'evil');
    expect(held.createdMs).toBeLessThanOrEqual(server.clock.ms);
  });

  it.each(['/api/v1/status', '/api/v1/hosts', '/api/v1/alerts', '/api/v1/events/x'])(
    '%s is not for it',
    async (path) => {
      expect((await server.call('GET', path, { token: hostToken })).status).toBe(403);
    },
  );
});

describe('a connection that is kept', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  afterEach(() => {
    agent.destroy();
    process.off('warning', onWarning);
  });

  it('collects nothing from request to request', async () => {
    process.on('warning', onWarning);
    const search = () =>
      new Promise<number>((resolve, reject) => {
        const headers = { authorization: `Bearer ${server.tokens.reader}`, 'content-type': 'application/json' };
        const outgoing = request(`${server.running.url}/api/v1/search`, { method: 'POST', agent, headers });
        outgoing.on('error', reject);
        outgoing.on('response', (incoming: IncomingMessage) => {
          incoming.resume();
          incoming.on('end', () => resolve(incoming.statusCode ?? 0));
        });
        outgoing.end(JSON.stringify({ query: '', sinceMs: 0 }));
      });
    for (let n = 0; n < 30; n++) expect(await search()).toBe(200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(({ message }) => message)).toEqual([]);
  });
});
