import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client, Exchange, ExchangeRequest } from '../../cli/client.ts';
import { type Outcome, succeed } from '../../cli/failure.ts';
import { readLines } from '../../cli/import/lines.ts';
import { BATCH_BYTES, openShipment, type Rejection } from '../../cli/import/shipment.ts';
import { makeFolder, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

async function linesOf(bytes: Buffer | string, lineBytesMax = 1000): Promise<readonly (string | undefined)[]> {
  const path = join(folder.path, 'x.log');
  writeFileSync(path, bytes);
  const lines: (string | undefined)[] = [];
  let number = 0;
  for await (const batch of readLines(path, lineBytesMax)) {
    for (const line of batch) {
      expect(line.number).toBe(++number);
      lines.push(line.bytes?.toString('latin1'));
    }
  }
  return lines;
}

describe('lines of a file', () => {
  it('are the same plain and compressed, with or without a newline at the end', async () => {
    for (const text of ['a\nb\n\nc', 'a\nb\n\nc\n']) {
      expect(await linesOf(text)).toEqual(['a', 'b', '', 'c']);
      expect(await linesOf(gzipSync(text))).toEqual(['a', 'b', '', 'c']);
    }
    expect(await linesOf('')).toEqual([]);
  });

  it('are whole across the borders of chunks', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `${index} ${'x'.repeat(index % 700)}`);
    expect(await linesOf(lines.join('\n'))).toEqual(lines);
  });

  it('beyond the bound are told and not held', async () => {
    expect(await linesOf(`a\n${'x'.repeat(600_000)}\nb\n${'y'.repeat(1001)}`)).toEqual([
      'a',
      undefined,
      'b',
      undefined,
    ]);
  });

  it('of a torn archive end with the system’s error', async () => {
    const torn = gzipSync('x'.repeat(100_000)).subarray(0, 60);
    await expect(linesOf(torn)).rejects.toThrow(/unexpected end/);
  });

  it('of a file that is not there end with the system’s error', async () => {
    await expect(readLines(join(folder.path, 'gone'), 10).next()).rejects.toThrow(/ENOENT/);
  });
});

function clientOf(reply: (request: ExchangeRequest) => Outcome<Exchange>): {
  client: Client;
  bodies: ExchangeRequest[];
} {
  const bodies: ExchangeRequest[] = [];
  const never = (): never => {
    throw new Error('not used');
  };
  const exchange = async (request: ExchangeRequest): Promise<Outcome<Exchange>> => {
    bodies.push(request);
    return reply(request);
  };
  return { bodies, client: { url: 'http://x', get: never, post: never, lines: never, exchange } };
}

function answer(status: number, body: unknown, retryAfterMs?: number): Outcome<Exchange> {
  return succeed({ status, text: JSON.stringify(body), retryAfterMs });
}

const UNREACHABLE: Outcome<Exchange> = {
  isOk: false,
  failure: { code: 'client/unreachable', message: 'm', remedy: 'r', exitCode: 3 },
};

describe('a shipment', () => {
  it('counts what became of each document, and tells the place of what was rejected', async () => {
    const items = [201, 409, 400, 403].map((status) => ({
      create: { status, ...(status === 400 ? { error: { reason: 'bad time' } } : {}) },
    }));
    const { client } = clientOf(() => answer(200, { items }));
    const rejections: Rejection[] = [];
    const shipment = openShipment({ client, onRejected: (one) => rejections.push(one) });
    for (let line = 1; line <= 4; line += 1) await shipment.add(`id${line}`, '{}', { file: 'f', line });
    expect(await shipment.finish()).toEqual({ isOk: true, value: undefined });
    expect(shipment.counts()).toEqual({ stored: 1, duplicate: 1, rejected: 2 });
    expect(rejections).toEqual([
      { file: 'f', line: 3, reason: 'bad time' },
      { file: 'f', line: 4, reason: 'status 403' },
    ]);
  });

  it('goes in bounded batches', async () => {
    const { client, bodies } = clientOf(() => answer(200, { items: [{ create: { status: 201 } }] }));
    const shipment = openShipment({ client, onRejected: () => {} });
    const large = JSON.stringify({ x: 'x'.repeat(BATCH_BYTES) });
    for (let line = 1; line <= 3; line += 1) await shipment.add(`id${line}`, large, { file: 'f', line });
    expect(bodies).toHaveLength(3);
    await shipment.finish();
    expect(bodies).toHaveLength(3);
    expect(shipment.counts().stored).toBe(3);
  });

  it('waits as long as a busy server asks, and sends the same again', async () => {
    const replies = [
      answer(429, {}, 7000),
      answer(503, {}),
      UNREACHABLE,
      answer(200, { items: [{ create: { status: 201 } }] }),
    ];
    const waits: number[] = [];
    const { client, bodies } = clientOf(() => replies.shift() ?? UNREACHABLE);
    const wait = async (ms: number): Promise<void> => void waits.push(ms);
    const shipment = openShipment({ client, onRejected: () => {}, wait });
    await shipment.add('id', '{}', { file: 'f', line: 1 });
    // The third try fails: nobody is there, and the person hears it.
    expect((await shipment.finish()).isOk).toBe(false);
    expect(waits).toEqual([7000, 1000]);
    expect(new Set(bodies.map(({ body }) => String(body))).size).toBe(1);
  });

  it('gives up on a server that stays busy, within a bound', async () => {
    const waits: number[] = [];
    const { client, bodies } = clientOf(() =>
      answer(429, { error: { code: 'busy', message: 'busy', remedy: 'later' } }, 1e9),
    );
    const shipment = openShipment({ client, onRejected: () => {}, wait: async (ms) => void waits.push(ms) });
    await shipment.add('id', '{}', { file: 'f', line: 1 });
    expect(await shipment.finish()).toMatchObject({ isOk: false, failure: { code: 'busy' } });
    expect(bodies).toHaveLength(8);
    expect(Math.max(...waits)).toBe(30_000);
  });

  it('does not take half an answer for a whole one', async () => {
    const { client } = clientOf(() => answer(200, { items: [] }));
    const shipment = openShipment({ client, onRejected: () => {} });
    await shipment.add('id', '{}', { file: 'f', line: 1 });
    expect(await shipment.finish()).toMatchObject({ isOk: false, failure: { code: 'import/answer' } });
  });
});
