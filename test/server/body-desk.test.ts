// Which bodies are given to the thread for bodies, what is reserved meanwhile, and that every other is left whole to be read.
import { Readable } from 'node:stream';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createBodyDesk } from '../../server/body-desk.ts';
import { createBodyScan } from '../../server/body-scan.ts';
import { NoRoom } from '../../server/bulk-reader.ts';
import { unpackedBytes, unpackWhole } from '../../server/bulk-stream.ts';
import type { Account } from '../../store/state/state-port.ts';
import { bulkOf, execEvent } from './server-under-test.ts';

const HOST: Account = { id: 'web-1', role: 'host', isRevoked: false, createdMs: 0 };
const BODY = Buffer.from(bulkOf(Array.from({ length: 1_000 }, (_, at) => execEvent('web-1', at + 1))));
const OTHER = Buffer.from(`${' '.repeat(20_000)}\n`);
/** Of which the length cannot be told by its end. */
const NOISE = Buffer.concat([gzipSync(BODY).subarray(0, 5_000), Buffer.from([0, 0, 0, 127])]);

function deskOf() {
  const scan = createBodyScan();
  const asked: { readonly encoding: string; readonly bytesMax: number }[] = [];
  const desk = createBodyDesk({
    async read(body, encoding, bytesMax) {
      asked.push({ encoding, bytesMax });
      const bytes = unpackWhole(body, encoding, bytesMax);
      return bytes === undefined ? undefined : scan(bytes);
    },
  });
  return { desk, asked };
}

function roomOf(bytesMax: number) {
  const room = {
    held: 0,
    most: 0,
    reserve(bytes: number): boolean {
      if (room.held + bytes > bytesMax) return false;
      room.held += bytes;
      room.most = Math.max(room.most, room.held);
      return true;
    },
    giveBack(bytes: number): void {
      room.held -= bytes;
    },
  };
  return room;
}

function bodyOf(bytes: Buffer, encoding?: string, headers: Record<string, string> = {}) {
  const half = bytes.length >> 1;
  return Object.assign(Readable.from([bytes.subarray(0, half), bytes.subarray(half)]), {
    headers: {
      'content-length': String(bytes.length),
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      ...headers,
    },
  });
}

async function textOf(body: Readable): Promise<Buffer> {
  return Buffer.concat(await body.toArray());
}

describe('the desk for bodies', () => {
  it('has collectors’ bodies read by the thread, and holds what they unpack to', async () => {
    for (const [packed, encoding] of [
      [gzipSync(BODY), 'gzip'],
      [gzipSync(BODY), 'X-GZIP'],
      [zstdCompressSync(BODY), 'zstd'],
      [BODY, undefined],
    ] as const) {
      const { desk } = deskOf();
      const room = roomOf(Number.POSITIVE_INFINITY);
      const taken = await desk.take({ account: HOST, body: bodyOf(packed, encoding) }, room);
      expect(taken.kind === 'read' && taken.documents.length).toBe(1_000);
      expect(room.held).toBe(BODY.length);
      expect(room.most).toBe(packed.length + BODY.length);
    }
  });

  it('leaves small ones, those of others, and those without a length as they are', async () => {
    const { desk, asked } = deskOf();
    const room = roomOf(0);
    for (const [account, body] of [
      [HOST, bodyOf(BODY.subarray(0, 1_000))],
      [{ ...HOST, role: 'importer' }, bodyOf(BODY)],
      [HOST, bodyOf(BODY, undefined, { 'content-length': 'many' })],
      [HOST, bodyOf(BODY, undefined, { 'content-length': '9999999' })],
    ] as const) {
      expect(await desk.take({ account: account as Account, body }, room)).toEqual({ kind: 'unread', body });
    }
    expect(asked).toEqual([]);
  });

  it('gives back what was no collector’s, whole, and does not try its sender for a while', async () => {
    const { desk, asked } = deskOf();
    const room = roomOf(Number.POSITIVE_INFINITY);
    const take = (bytes: Buffer, account = HOST) => desk.take({ account, body: bodyOf(bytes) }, room);
    const first = await take(OTHER);
    expect(first.kind === 'unread' && (await textOf(first.body)).equals(OTHER)).toBe(true);
    expect(first.kind === 'unread' && first.body.headers['content-length']).toBe(String(OTHER.length));
    expect(room.held).toBe(0);
    let untried = 0;
    while ((await take(BODY)).kind === 'unread') untried++;
    expect(untried).toBe(64);
    expect(asked).toHaveLength(2);
    await take(OTHER);
    expect((await take(BODY, { ...HOST, id: 'web-2' })).kind).toBe('read');
  });

  it('does not try what says that it unpacks to more than the thread should hold', async () => {
    const { desk, asked } = deskOf();
    const room = roomOf(Number.POSITIVE_INFINITY);
    const taken = await desk.take({ account: HOST, body: bodyOf(NOISE, 'gzip') }, room);
    expect(taken.kind === 'unread' && (await textOf(taken.body)).equals(NOISE)).toBe(true);
    expect(asked).toEqual([]);
    expect(room.held).toBe(0);
    expect((await desk.take({ account: HOST, body: bodyOf(gzipSync(BODY), 'gzip') }, room)).kind).toBe('read');
  });

  it('knows how much a body unpacks to, or guesses', () => {
    for (const length of [0, 1, 255, 256, 257, 65_791, 65_792, 3_000_000]) {
      const bytes = Buffer.alloc(length, 'ab');
      expect(unpackedBytes(gzipSync(bytes), 'gzip', 0)).toBe(length);
      const packed = zstdCompressSync(bytes);
      if (packed.length >= 14) expect(unpackedBytes(packed, 'zstd', 0)).toBe(length);
    }
    const stream = zstdCompressSync(BODY, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
    expect(unpackedBytes(stream, 'zstd', 1e9)).toBe(24 * stream.length);
    expect(unpackedBytes(stream, 'zstd', 7)).toBe(7);
    expect(unpackedBytes(Buffer.from('too short'), 'zstd', 7)).toBe(7);
    expect(unpackedBytes(Buffer.from('short'), 'gzip', 7)).toBe(0);
  });

  it('takes nothing for which there is no room, packed or unpacked', async () => {
    const packed = gzipSync(BODY);
    for (const bytesMax of [0, packed.length - 1, packed.length + BODY.length - 1]) {
      const { desk, asked } = deskOf();
      const taking = desk.take({ account: HOST, body: bodyOf(packed, 'gzip') }, roomOf(bytesMax));
      await expect(taking).rejects.toThrow(NoRoom);
      expect(asked).toEqual([]);
    }
  });
});
