// A body that is looked through whole gives just the events that reading it line by line gives, and a request is answered the same.
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBodyScan, documentsOfBody } from '../../server/body-scan.ts';
import { createBodyThread } from '../../server/body-thread.ts';
import { BULK_LIMITS, type BulkDocument, type BulkItem, readBulk } from '../../server/bulk-reader.ts';
import { bulkOf, execEvent, ship, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

const scan = createBodyScan();

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function lineByLine(body: Buffer): Promise<readonly BulkItem[]> {
  const read = await readBulk(once(body), BULK_LIMITS);
  return read.kind === 'read' ? read.items : [];
}

const plainOf = (item: BulkItem) => {
  const { id, action, index, scanned } = item as BulkDocument;
  return { kind: item.kind, id, action, index, ...scanned, line: scanned?.line.toString('utf8') };
};

const bodyOf = (count: number): Buffer =>
  Buffer.from(bulkOf(Array.from({ length: count }, (_, at) => execEvent('web-1', at + 1))));

describe('a body', () => {
  it('of a collector is known whole, event by event as line by line', async () => {
    for (const count of [1, 2, 5_000]) {
      const body = bodyOf(count);
      const scanned = scan(body);
      if (scanned === undefined) throw new Error('it was not known');
      const documents = documentsOfBody(scanned);
      expect(documents).toHaveLength(count);
      expect(documents.map(plainOf)).toEqual((await lineByLine(body)).map(plainOf));
      expect(documents.at(-1)?.document).toEqual(execEvent('web-1', count).document);
    }
  });

  it('with any byte changed, left out or put in is known only as what line by line gives', async () => {
    const body = bodyOf(3);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(body.length - 1),
        fc.nat(2),
        fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\n\r"\\{}[],: 0'))),
        async (at, left, byte) => {
          const changed = Buffer.concat([body.subarray(0, at), Buffer.from([byte]), body.subarray(at + left)]);
          const scanned = scan(changed);
          if (scanned === undefined) return;
          expect(documentsOfBody(scanned).map(plainOf)).toEqual((await lineByLine(changed)).map(plainOf));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('of other shippers, or cut off, is left to be read line by line', () => {
    const body = bodyOf(2).toString();
    for (const other of [
      body.slice(0, -1),
      `${body}\n`,
      body.replace('{"create"', '{"index"'),
      body.replace('{"create":{', '{"create":{"_index":"x",'),
      body.replaceAll('\n', '\r\n'),
      `${body}{"create":{"_id":"a"}}\n`,
      body.replace('"event"', '"ev.ent"'),
    ]) {
      expect(scan(Buffer.from(other))).toBeUndefined();
    }
  });
});

describe('the thread for bodies', () => {
  it('unpacks and tells what it knows, and nothing of anything else', async () => {
    const thread = createBodyThread();
    const body = bodyOf(300);
    const known = [
      { packed: gzipSync(body), encoding: 'gzip' },
      { packed: zstdCompressSync(body), encoding: 'zstd' },
      { packed: body, encoding: 'identity' },
    ];
    for (const { packed, encoding } of known) {
      const scanned = await thread.read(packed, encoding, body.length);
      expect(scanned?.events).toBe(300);
      expect(scanned?.bytes.equals(body)).toBe(true);
      expect(await thread.read(packed, encoding, body.length - 1)).toBeUndefined();
    }
    expect(await thread.read(deflateSync(body), 'deflate', body.length)).toBeUndefined();
    expect(await thread.read(gzipSync(body).subarray(0, 500), 'gzip', body.length)).toBeUndefined();
    expect(await thread.read(Buffer.from('no gzip at all'), 'gzip', 1_000)).toBeUndefined();
    expect(await thread.read(gzipSync('no lines'), 'gzip', 0)).toBeUndefined();
    await thread.close();
    expect(await thread.read(body, 'identity', body.length)).toBeUndefined();
  });
});

describe('a thread for bodies that ends', () => {
  it('is made anew some times, and nothing waits for it', async () => {
    const ending = createBodyThread(new URL('data:text/javascript,process.exit(1)'));
    for (let count = 0; count < 12; count++) expect(await ending.read(bodyOf(1), 'identity', 10_000)).toBeUndefined();
    await ending.close();
  });
});

describe('a large request', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer();
    token = await server.enrol('web-1', 'web one');
  });
  afterEach(() => server.end());

  const send = (raw: Buffer, encoding: string) =>
    server.call('POST', '/_bulk', {
      token,
      raw,
      headers: {
        'content-type': 'application/x-ndjson',
        'content-length': String(raw.length),
        ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
      },
    });

  it('is stored, its repeat is known, and whoever lies about its length is served all the same', async () => {
    const body = bodyOf(2_000);
    const first = await send(gzipSync(body), 'gzip');
    expect(first.body.errors).toBe(false);
    expect(statusesOf(first)).toEqual(Array.from({ length: 2_000 }, () => 201));
    const ids = Array.from({ length: 2_000 }, (_, at) => execEvent('web-1', at + 1).id);
    expect(first.body.items.map((item: { create: { _id: string } }) => item.create._id)).toEqual(ids);
    const again = [
      await send(zstdCompressSync(body), 'zstd'),
      await send(body, 'identity'),
      // Two members: the length at the end is of the second alone.
      await send(Buffer.concat([gzipSync(body), gzipSync(bodyOf(1))]), 'gzip'),
    ];
    for (const answer of again) expect(new Set(statusesOf(answer))).toEqual(new Set([409]));
    expect(statusesOf(again.at(-1) ?? first)).toHaveLength(2_001);
    const { counters } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body.hosts[0];
    expect(counters).toMatchObject({ events: 2_000, duplicates: 6_001, requests: 4 });
  });

  it('with one bad line loses that event alone, and another host’s events are refused', async () => {
    const good = bodyOf(500).toString();
    const other = execEvent('web-2', 1);
    const mixed = Buffer.from(`${good}{"create":{"_id":"web-1.x"}}\n{broken\n${bulkOf([other])}`);
    const statuses = statusesOf(await send(gzipSync(mixed), 'gzip'));
    expect(statuses.slice(0, 500)).toEqual(Array.from({ length: 500 }, () => 201));
    expect(statuses.slice(500)).toEqual([400, 403]);
    const broken = await send(gzipSync(Buffer.from(good)).subarray(0, -40), 'gzip');
    expect(broken.status).toBe(400);
    const event = execEvent('web-1', 501);
    expect(statusesOf(await ship(server, token, [event]))).toEqual([201]);
  });
});
