// How events get to servers that fail in every way: real HTTP and TLS on loopback.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chooseCoding } from '../../collector/ship/body-coding.ts';
import { bulkPath, isPassing } from '../../collector/ship/destination.ts';
import {
  createHttpClient,
  type HttpAnswer,
  type HttpClient,
  RETRY_AFTER_MS_MAX,
} from '../../collector/ship/http-client.ts';
import { createServerPool, REST_MS_LEAST, REST_MS_MAX, RETURN_AFTER_MS } from '../../collector/ship/server-pool.ts';
import { TLS_LOOK_EVERY_MS } from '../../collector/ship/tls-files.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';

const EVENT = Buffer.from(`{"create":{"_id":"h.b.1"}}\n${JSON.stringify({ text: 'y'.repeat(5000) })}\n`);
const POST = { path: '/_bulk', headers: { authorization: 'Bearer vdt_h_secret' }, body: EVENT };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function bulkServer(...given: Parameters<typeof startBulkServer>): Promise<BulkServer> {
  const server = await startBulkServer(...given);
  closing.push(() => server.close());
  return server;
}

/** A client that behaves as to a server elsewhere. */
function clientOf(url: string, more: Partial<Parameters<typeof createHttpClient>[1]> = {}): HttpClient {
  const client = createHttpClient(url, { now: Date.now, ...more });
  closing.push(() => client.close());
  return client;
}

/** A TCP server that does with each connection what the test says. */
async function rawServer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('packing', () => {
  it.each([
    ['gzip, zstd', 'zstd'],
    ['zstd;q=0, gzip', 'gzip'],
    [undefined, 'gzip'],
  ] as const)('is gzip until the server says that it takes zstd: %s', (accepts, then) => {
    const choice = chooseCoding('auto', false);
    expect(choice.of(EVENT.length)).toBe('gzip');
    choice.learn(accepts);
    expect(choice.of(EVENT.length)).toBe(then);
    expect(choice.of(100)).toBe('identity');
    expect(chooseCoding('gzip', false).of(EVENT.length)).toBe('gzip');
    expect(chooseCoding('auto', true).of(EVENT.length)).toBe('identity');
    expect(chooseCoding('none', false).of(EVENT.length)).toBe('identity');
  });

  it('is zstd where asked for, and gzip for a server that answers 415 to it', async () => {
    const server = await bulkServer();
    server.answer = ({ headers }) => (headers['content-encoding'] === 'zstd' ? { status: 415 } : undefined);
    const client = clientOf(server.url, { compression: 'zstd' });
    expect(await client.post(POST)).toMatchObject({ status: 200 });
    await client.post(POST);
    expect(server.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['zstd', 'gzip', 'gzip']);
    expect(server.requests[0]?.body).toBe(EVENT.toString());
  });
});

describe('a server that fails', () => {
  it('is given up when it answers a byte at a time', async () => {
    const url = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await clientOf(url, { requestMsMax: 100 }).post(POST)).toEqual({
      kind: 'unreachable',
      reason: 'no answer within 100 ms',
    });
  });

  it('is given up when it takes the connection and says nothing', async () => {
    const url = await rawServer(() => {});
    expect(await clientOf(url, { requestMsMax: 100 }).post(POST)).toMatchObject({ kind: 'unreachable' });
  });

  it('is given up when the TLS handshake never ends', async () => {
    const url = (await rawServer(() => {})).replace('http:', 'https:');
    expect(await clientOf(url, { connectMsMax: 100 }).post(POST)).toEqual({
      kind: 'unreachable',
      reason: 'no connection within 100 ms',
    });
  });

  it.each([
    [
      'an answer without end',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      `100000\r\n${'x'.repeat(1 << 20)}\r\n`,
    ],
    ['headers without end', 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(60_000)}\r\n`],
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', ''],
  ])('makes no more of %s than a failure', async (_, head, more) => {
    const url = await rawServer((socket) => {
      socket.write(head);
      const next = (): void => {
        if (more !== '' && !socket.destroyed) socket.write(more, next);
      };
      next();
    });
    expect(await clientOf(url).post(POST)).toMatchObject({ kind: 'unreachable' });
  });

  it.each([
    ['3', 3_000],
    ['99999999', RETRY_AFTER_MS_MAX],
    ['Thu, 01 Jan 1970 00:00:09 GMT', 4_000],
    ['soon', undefined],
    ['-5', undefined],
  ])('puts us off by Retry-After: %s', async (value, expected) => {
    const server = await bulkServer();
    server.answer = () => ({ status: 429, headers: { 'retry-after': value } });
    expect(await clientOf(server.url, { now: () => 5_000 }).post(POST)).toMatchObject({ retryAfterMs: expected });
  });
});

describe('several servers of one store', () => {
  const ok: HttpAnswer = { kind: 'answer', status: 200, body: '', retryAfterMs: undefined };
  const dead: HttpAnswer = { kind: 'unreachable', reason: 'ECONNREFUSED' };
  const busy: HttpAnswer = { ...ok, status: 429 };

  function pool(answers: HttpAnswer[]) {
    const clock = { nowMs: 1_000_000 };
    const asked: number[] = [];
    const moves: number[] = [];
    const clients = answers.map((_, index) => ({
      post: async () => {
        asked.push(index + 1);
        return answers[index] as HttpAnswer;
      },
      close() {},
    }));
    const one = createServerPool(clients, { now: () => clock.nowMs, onMove: (server) => moves.push(server) });
    return { clock, asked, moves, answers, post: () => one.post(POST) };
  }

  it('keep to the first until it fails, then to the next', async () => {
    const { post, asked, moves } = pool([dead, ok, ok]);
    expect(await post()).toMatchObject({ kind: 'unreachable', hasOther: true });
    expect(await post()).toEqual(ok);
    expect(await post()).toEqual(ok);
    expect([asked, moves]).toEqual([[1, 2, 2], [2]]);
  });

  it('are each left alone longer the more often they failed, and waited for when all did', async () => {
    const { post, asked, clock } = pool([dead, { ...ok, status: 503 }]);
    expect(await post()).toMatchObject({ hasOther: true });
    clock.nowMs += 1;
    expect(await post()).toMatchObject({ hasOther: false });
    clock.nowMs += REST_MS_LEAST;
    expect(await post()).toMatchObject({ hasOther: true });
    expect(asked).toEqual([1, 2, 1]);
    for (let attempt = 0; attempt < 30; attempt += 1) await post();
    clock.nowMs += REST_MS_MAX;
    expect(await post()).toMatchObject({ hasOther: true });
  });

  it('return to the first after a while', async () => {
    const { post, asked, clock, answers } = pool([dead, ok]);
    await post();
    await post();
    answers[0] = ok;
    clock.nowMs += RETURN_AFTER_MS;
    await post();
    await post();
    expect(asked).toEqual([1, 2, 1, 1]);
  });

  it('are not left because one is busy', async () => {
    const { post, asked } = pool([busy, ok]);
    await post();
    await post();
    expect(asked).toEqual([1, 1]);
  });

  it('take over from one that is gone, over real connections', async () => {
    const [first, second] = [await bulkServer(), await bulkServer()];
    await first.close();
    const clients = [first, second].map(({ url }) => clientOf(url));
    const one = createServerPool(clients, { now: Date.now, onMove() {} });
    expect(await one.post(POST)).toMatchObject({ kind: 'unreachable', reason: 'ECONNREFUSED', hasOther: true });
    expect(await one.post(POST)).toMatchObject({ status: 200 });
    expect(second.documents.size).toBe(1);
  });
});

describe('Elasticsearch', () => {
  it('gets events in the index of their day, and answers no more than is read', () => {
    expect(bulkPath('elasticsearch', Date.UTC(2026, 1, 3, 23, 59))).toMatch(
      /^\/vedette-events-2026\.02\.03\/_bulk\?filter_path=/,
    );
    expect(bulkPath('vedette', 0)).toBe('/_bulk');
  });

  it.each([
    [429, 'es_rejected_execution_exception', true],
    [503, 'unavailable_shards_exception', true],
    [403, 'cluster_block_exception', true],
    [404, 'index_not_found_exception', true],
    [400, 'index_closed_exception', true],
    [400, 'document_parsing_exception', false],
    [400, 'strict_dynamic_mapping_exception', false],
    [413, 'x', false],
  ])('%d %s is the cluster’s state and not the event’s fault: %s', (status, type, expected) => {
    expect(isPassing('elasticsearch', status, type)).toBe(expected);
  });

  it('says 403 of a single event as a Vedette server: it is another host’s, for good', () => {
    expect(isPassing('vedette', 403, 'security_exception')).toBe(false);
  });
});

describe('TLS', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { stdio: 'ignore' });
  };
  function authority(name: string): void {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.crt`),
    );
  }
  function certificate(name: string, by: string): void {
    writeFileSync(at(`${name}.ext`), 'subjectAltName=IP:127.0.0.1');
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    );
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at(`${by}.crt`),
      '-CAkey',
      at(`${by}.key`),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.crt`),
    );
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-tls-'));
    for (const name of ['ca', 'other']) authority(name);
    certificate('server', 'ca');
    certificate('host', 'ca');
    certificate('stranger', 'other');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const read = (name: string): Buffer => readFileSync(at(name));
  const tlsServer = (): Promise<BulkServer> =>
    bulkServer(0, {
      key: read('server.key'),
      cert: read('server.crt'),
      ca: read('ca.crt'),
      requestCert: true,
      rejectUnauthorized: true,
    });

  it('trusts the authority of the CA file, and shows the host’s certificate', async () => {
    const server = await tlsServer();
    const tls = { caFile: at('ca.crt'), certFile: at('host.crt'), keyFile: at('host.key') };
    expect(await clientOf(server.url, { tls }).post(POST)).toMatchObject({ status: 200 });
    expect(server.documents.size).toBe(1);
  });

  it('sends nothing to a server of another authority, and gets nothing from one that does not know the host', async () => {
    const server = await tlsServer();
    const mistrusting = { caFile: at('other.crt'), certFile: at('host.crt'), keyFile: at('host.key') };
    const unknown = { caFile: at('ca.crt'), certFile: at('stranger.crt'), keyFile: at('stranger.key') };
    for (const tls of [mistrusting, unknown, { caFile: at('ca.crt') }, {}]) {
      const answer = await clientOf(server.url, { tls }).post(POST);
      expect(answer.kind).toBe('unreachable');
      expect(JSON.stringify(answer)).not.toContain('vdt_h_secret');
    }
    expect(server.requests).toEqual([]);
  });

  it('takes up a certificate that was replaced, and keeps the old one while only half of the new is there', async () => {
    const server = await tlsServer();
    for (const end of ['crt', 'key']) writeFileSync(at(`mine.${end}`), read(`stranger.${end}`));
    let nowMs = 1_000_000;
    const problems: string[] = [];
    const tls = { caFile: at('ca.crt'), certFile: at('mine.crt'), keyFile: at('mine.key') };
    const client = clientOf(server.url, { tls, now: () => nowMs, onProblem: (text) => problems.push(text) });
    expect((await client.post(POST)).kind).toBe('unreachable');
    const replace = (end: string): void => {
      writeFileSync(at('fresh'), read(`host.${end}`));
      renameSync(at('fresh'), at(`mine.${end}`));
    };
    replace('crt');
    nowMs += TLS_LOOK_EVERY_MS;
    expect((await client.post(POST)).kind).toBe('unreachable');
    expect(problems).toEqual([expect.stringContaining('not usable together')]);
    replace('key');
    nowMs += TLS_LOOK_EVERY_MS;
    expect(await client.post(POST)).toMatchObject({ status: 200 });
  });

  it('says which file is wrong, and nothing of what is in it', () => {
    writeFileSync(at('wrong.key'), '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n');
    const open = (tls: Parameters<typeof createHttpClient>[1]['tls']) => () =>
      createHttpClient('https://127.0.0.1:1', { now: Date.now, ...(tls === undefined ? {} : { tls }) });
    expect(open({ caFile: at('missing.crt') })).toThrow(/missing\.crt cannot be read \(ENOENT\)/);
    expect(open({ certFile: at('host.crt'), keyFile: at('wrong.key') })).toThrow(/not usable together .*wrong\.key/);
    try {
      open({ certFile: at('host.crt'), keyFile: at('wrong.key') })();
    } catch (error) {
      expect(String(error)).not.toContain('c2VjcmV0');
    }
    expect(open({ certFile: at('host.crt'), keyFile: at('server.key') })).toThrow('not usable together');
  });

  it('is not asked of a plain server', async () => {
    const plain = createHttpServer((_, response) => response.end('{}'));
    await new Promise<void>((resolve) => {
      plain.listen(0, '127.0.0.1', resolve);
    });
    closing.push(() => plain.close());
    const url = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    expect(await clientOf(url).post(POST)).toMatchObject({ kind: 'unreachable' });
  });
});
