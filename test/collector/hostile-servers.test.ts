// What servers, proxies and networks do to a request, on real connections: no event is lost to it, none is set aside that a
// sound server would take, and nothing blocks the queue for good.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { SMALL_EVENT_BYTES } from '../../collector/ship/attempt.ts';
import { readBulkAnswer } from '../../collector/ship/bulk-answer.ts';
import { createHttpClient, type HttpClient } from '../../collector/ship/http-client.ts';
import { FAILURES_MAX, LOST_MAX, PROGRESS_EVERY_MS } from '../../collector/ship/shipper.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import { type RigOptions, type ShipperRig, shipperRig } from './shipper-rig.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function bulkServer(): Promise<BulkServer> {
  const server = await startBulkServer();
  closing.push(() => server.close());
  return server;
}

/** A TCP server that does with each connection what the test says; `number` counts them from 1. */
async function rawServer(onConnection: (socket: Socket, number: number) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket, sockets.size);
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

function clientOf(url: string, requestMsMax = 3_000): HttpClient {
  const client = createHttpClient(url, { now: Date.now, compression: 'none', requestMsMax });
  closing.push(() => client.close());
  return client;
}

/** Runs a shipper until its queue is empty, letting at most `rounds` waits pass. */
async function drained(rig: ShipperRig, rounds: number, upTo: number): Promise<number> {
  let waited = rig.idle();
  void rig.shipper.run();
  let round = 0;
  for (; round < rounds && rig.shared.acknowledged() < upTo; round += 1) {
    await waited;
    waited = rig.idle();
    rig.pass(100);
  }
  return round;
}

function rig(url: string, more: RigOptions = {}): ShipperRig {
  const one = shipperRig(url, more);
  closing.push(() => one.shipper.stop());
  return one;
}

const POST = { path: '/_bulk', headers: {}, body: Buffer.from('{"create":{"_id":"a"}}\n{}\n') };
const OK = '{"items":[{"create":{"_id":"a","status":201}}]}';
const answering = (text: string | Buffer, head = ''): string =>
  `HTTP/1.1 200 OK\r\n${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n`;
const namesOf = (server: BulkServer): readonly unknown[] => [...server.documents.values()].map(({ name }) => name);

describe('an answer', () => {
  it.each([
    ['gzip', gzipSync(OK)],
    ['x-gzip', gzipSync(OK)],
    ['zstd', zstdCompressSync(OK)],
    ['identity', Buffer.from(OK)],
  ])('that somebody packed in %s unasked is read', async (coding, body) => {
    const url = await rawServer((socket) =>
      socket.on('data', () => {
        socket.write(answering(body, `content-encoding: ${coding}\r\n`));
        socket.write(body);
      }),
    );
    expect(await clientOf(url).post(POST)).toMatchObject({ kind: 'answer', status: 200, body: OK });
  });

  it.each([
    ['a bomb', 'gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024))],
    ['what is no gzip', 'gzip', Buffer.from(OK)],
    ['what nobody asked for', 'compress', Buffer.from(OK)],
  ])('packed as %s is a failure', async (_, coding, body) => {
    const url = await rawServer((socket) =>
      socket.on('data', () => {
        socket.write(answering(body, `content-encoding: ${coding}\r\n`));
        socket.write(body);
      }),
    );
    expect((await clientOf(url).post(POST)).kind).toBe('unreachable');
  });

  it('in chunks, after 100 and 103, is read', async () => {
    const url = await rawServer((socket) =>
      socket.on('data', () => {
        socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        for (const letter of OK) socket.write(`1\r\n${letter}\r\n`);
        socket.write('0\r\n\r\n');
      }),
    );
    expect(await clientOf(url).post(POST)).toMatchObject({ status: 200, body: OK });
  });

  it.each([
    ['is cut off in the middle', `${answering(OK)}${OK.slice(0, 20)}`],
    ['is cut off in its head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['never comes', ''],
    ['ends within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc'],
  ])('that %s is a failure at once', async (_, text) => {
    const url = await rawServer((socket) => socket.on('data', () => socket.end(text)));
    // Were it waited for, the test itself would take too long.
    expect((await clientOf(url, 600_000).post(POST)).kind).toBe('unreachable');
  });

  it('that changes the protocol is a failure, and does not leave us waiting for ever', async () => {
    const url = await rawServer((socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
      ),
    );
    expect((await clientOf(url).post(POST)).kind).toBe('unreachable');
  });

  it('that sends us elsewhere is not followed: neither token nor events go there', async () => {
    const elsewhere = await bulkServer();
    const server = await bulkServer();
    server.answer = () => ({ status: 307, headers: { location: `${elsewhere.url}/_bulk` } });
    const one = rig(server.url);
    one.append('a');
    await drained(one, 5, 1);
    expect(elsewhere.requests).toEqual([]);
    expect([one.shared.acknowledged(), one.aside]).toEqual([0, []]);
    expect(one.notices[0]?.text).toContain('307');
  });
});

describe('a connection', () => {
  it('that the server had closed while it was idle costs no outage', async () => {
    const url = await rawServer((socket, number) => {
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        // The first connection answers one request, and is reset by the second.
        if (number === 1 && requests === 2) socket.resetAndDestroy();
        else socket.write(`${answering(OK)}${OK}`);
      });
    });
    const client = clientOf(url);
    expect((await client.post(POST)).kind).toBe('answer');
    expect(await client.post(POST)).toMatchObject({ kind: 'answer', status: 200 });
  });

  it('that is reset at every request is a failure, not an endless repetition', async () => {
    let connections = 0;
    const url = await rawServer((socket) => {
      connections += 1;
      socket.on('data', () => socket.resetAndDestroy());
    });
    expect(await clientOf(url).post(POST)).toMatchObject({ kind: 'unreachable', reason: 'ECONNRESET' });
    expect(connections).toBe(1);
  });

  it('that a proxy cuts when a body is large has the batch halved until it passes', async () => {
    const server = await bulkServer();
    const largest = 40_000;
    // A proxy that counts the body and resets past its limit, without a word.
    const url = await rawServer((socket) => {
      let bytes = 0;
      let forward: Socket | undefined;
      socket.on('data', (part) => {
        bytes += part.length;
        if (bytes > largest) {
          forward?.destroy();
          socket.resetAndDestroy();
          return;
        }
        forward ??= connectTo(server.url, socket);
        forward.write(part);
      });
    });
    const one = rig(url, { compression: 'none' });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) one.append(name, 'x'.repeat(15_000));
    await drained(one, 20 * LOST_MAX, 6);
    expect([...new Set(namesOf(server))].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(one.aside).toEqual([]);
  });

  it('that one huge event never survives does not block the queue: it alone is set aside', async () => {
    const server = await bulkServer();
    const url = await rawServer((socket) => {
      let bytes = 0;
      let forward: Socket | undefined;
      socket.on('data', (part) => {
        bytes += part.length;
        if (bytes > 2 * SMALL_EVENT_BYTES) {
          forward?.destroy();
          socket.resetAndDestroy();
          return;
        }
        forward ??= connectTo(server.url, socket);
        forward.write(part);
      });
    });
    const one = rig(url, { compression: 'none' });
    one.append('before');
    one.append('huge', 'x'.repeat(16 * 1024 * 1024));
    one.append('after');
    await drained(one, 100, 3);
    expect(one.aside.map(({ position, status }) => [position, status])).toEqual([[2, 413]]);
    expect(one.aside[0]?.lines.length).toBeGreaterThan(16 * 1024 * 1024);
    expect([...new Set(namesOf(server))].sort()).toEqual(['after', 'before']);
    expect(one.shared.acknowledged()).toBe(3);
  });

  function connectTo(url: string, back: Socket): Socket {
    const { port } = new URL(url);
    const forward = new (back.constructor as new () => Socket)();
    forward.on('error', () => {});
    forward.connect(Number(port), '127.0.0.1');
    forward.pipe(back);
    closing.push(() => forward.destroy());
    return forward;
  }
});

describe('a refusal', () => {
  it.each([
    ['an HTML page of a TLS port', '<html><h1>The plain HTTP request was sent to HTTPS port</h1></html>'],
    ['nothing', ''],
    ['JSON of somebody else', '{"message":"no Route matched"}'],
  ])('400 with %s is waited out: it says nothing of an event', async (_, body) => {
    const server = await bulkServer();
    server.answer = () => ({ status: 400, body });
    const one = rig(server.url);
    one.append('a');
    one.append('b');
    await drained(one, 3 * FAILURES_MAX, 2);
    expect([one.aside, one.shared.acknowledged()]).toEqual([[], 0]);
    expect(one.notices[0]).toMatchObject({ code: 'not-delivered' });
    server.answer = () => undefined;
    await one.shipper.stop();
    expect(namesOf(server)).toEqual(['a', 'b']);
  });

  it('413 of a small event is waited out: a limit that small is a mistake of somebody’s', async () => {
    const server = await bulkServer();
    server.answer = () => ({ status: 413, body: '<html>' });
    const one = rig(server.url);
    for (const name of ['a', 'b', 'c']) one.append(name);
    await drained(one, 3 * FAILURES_MAX, 3);
    expect([one.aside, one.shared.acknowledged()]).toEqual([[], 0]);
    server.answer = () => undefined;
    await one.shipper.stop();
    expect(namesOf(server)).toEqual(['a', 'b', 'c']);
  });

  it('400 by a server that cannot unpack is the packing’s fault, found out once', async () => {
    const server = await bulkServer();
    const refusal = { status: 400, body: '{"error":{"type":"illegal_argument_exception","reason":"malformed"}}' };
    server.answer = ({ headers }) => (headers['content-encoding'] === undefined ? undefined : refusal);
    const one = rig(server.url, { compression: 'zstd' });
    one.append('a', 'x'.repeat(5_000));
    await drained(one, 5, 1);
    one.append('b', 'x'.repeat(5_000));
    const waited = one.idle();
    one.pass(PROGRESS_EVERY_MS);
    await waited;
    await one.shipper.stop();
    expect(namesOf(server)).toEqual(['a', 'b']);
    expect(one.aside).toEqual([]);
    const codings = server.requests
      .filter(({ ids }) => ids.length > 0)
      .map(({ headers }) => headers['content-encoding']);
    expect(codings).toEqual(['zstd', undefined, 'gzip', undefined]);
  });

  it('415 to whatever is packed ends in bodies as they are', async () => {
    const server = await bulkServer();
    server.answer = ({ headers }) => (headers['content-encoding'] === undefined ? undefined : { status: 415 });
    const one = rig(server.url, { compression: 'zstd' });
    one.append('a', 'x'.repeat(5_000));
    await drained(one, 5, 1);
    expect(namesOf(server)).toEqual(['a']);
    expect(server.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['zstd', 'gzip', undefined]);
  });

  it('of poison at both ends of a batch sets those two aside, and holds up nothing', async () => {
    const server = await bulkServer();
    server.answer = ({ ids }) => {
      const items = ids.map((id) => ({ create: { _id: id, status: id.includes('poison') ? 500 : 201 } }));
      return { status: 200, body: JSON.stringify({ items }) };
    };
    const one = rig(server.url);
    for (const name of ['poison-1', 'a', 'b', 'poison-2']) one.append(name);
    await drained(one, 4 * FAILURES_MAX, 4);
    expect(one.aside.map(({ position }) => position)).toEqual([1, 4]);
    expect(one.shared.acknowledged()).toBe(4);
  });

  it('of a batch that is poison alone does not block the queue', async () => {
    const server = await bulkServer();
    server.answer = ({ ids }) => {
      const items = ids.map((id) => ({ create: { _id: id, status: id.includes('poison') ? 500 : 201 } }));
      return { status: 200, body: JSON.stringify({ items }) };
    };
    const one = rig(server.url);
    for (const name of ['poison-1', 'poison-2', 'poison-3']) one.append(name);
    await drained(one, 8 * FAILURES_MAX, 3);
    expect(one.aside.map(({ position }) => position)).toEqual([1, 2, 3]);
    one.append('a');
    await drained(one, FAILURES_MAX, 4);
    expect(one.shared.acknowledged()).toBe(4);
  });

  it('that names events in another order sets none aside', async () => {
    const server = await bulkServer();
    let isMixedUp = true;
    server.answer = ({ ids }) => {
      if (!isMixedUp) return undefined;
      const items = [...ids].reverse().map((id) => ({ create: { _id: id, status: id.endsWith('bad') ? 400 : 201 } }));
      return { status: 200, body: JSON.stringify({ items }) };
    };
    const one = rig(server.url);
    for (const name of ['good', 'bad']) one.append(name);
    await drained(one, 10, 2);
    expect([one.aside, one.shared.acknowledged()]).toEqual([[], 0]);
    isMixedUp = false;
    await drained(one, 10, 2);
    expect(namesOf(server)).toEqual(['good', 'bad']);
  });

  it('of too few or too many events is no verdict on any', () => {
    const item = { create: { status: 400, error: 'no' } };
    for (const items of [[], [item], [item, item, item]]) {
      expect(readBulkAnswer(JSON.stringify({ items }), { count: 2 })).toBeUndefined();
    }
  });

  it('with Retry-After does not hold up the server that is next', async () => {
    const server = await bulkServer();
    const answer = { kind: 'answer', status: 503, body: '', retryAfterMs: 300_000, hasOther: true } as const;
    const next = createHttpClient(server.url, { now: Date.now });
    let requests = 0;
    const client: HttpClient = {
      post: async (request) => (++requests === 1 ? answer : next.post(request)),
      close: () => next.close(),
    };
    const one = rig(server.url, { client });
    one.append('a');
    await drained(one, 3, 1);
    expect(one.delays[0]).toBeLessThan(1_000);
    expect(namesOf(server)).toEqual(['a']);
  });
});

describe('a clock that is set back', () => {
  it('does not silence the progress of an idle host', async () => {
    const server = await bulkServer();
    const one = rig(server.url);
    let waited = one.idle();
    void one.shipper.run();
    await waited;
    const before = server.requests.length;
    waited = one.idle();
    one.pass(-86_400_000);
    await waited;
    expect(server.requests.length).toBe(before + 1);
    expect(server.requests.at(-1)?.headers['vedette-progress']).toBeDefined();
  });
});
