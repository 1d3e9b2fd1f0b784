// What someone with one host's token, or with none, may try: nothing of it reaches another host, the other senders, or the server's
// own health.
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ENROLL_BODY_BYTES_MAX } from '../../server/routes-hosts.ts';
import { startTestServer, type TestServer } from './server-under-test.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.end());

/** Sends bytes as they are and answers the status line that comes back. */
function rawStatus(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.running.port, '127.0.0.1');
    socket.setTimeout(5_000, () => {
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
