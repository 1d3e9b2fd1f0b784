// A file as lines of bytes: plain or gzip (told by its first bytes, not its name), read as a stream. A line beyond the bound is
// told by its number and skipped, never held.
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without its newline; undefined when it is longer than the bound. */
  readonly bytes: Buffer | undefined;
}

const NEWLINE = 0x0a;
const CHUNK_BYTES = 256 * 1024;

/** Lines in batches, one for each chunk read. Rejects with the system's error when the file cannot be read. */
export async function* readLines(path: string, lineBytesMax: number): AsyncGenerator<readonly FileLine[]> {
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isTooLong = false;
  const hold = (part: Buffer): void => {
    heldBytes += part.length;
    isTooLong ||= heldBytes > lineBytesMax;
    if (isTooLong) held = [];
    else held.push(part);
  };
  const take = (): FileLine => {
    const line = { number: ++number, bytes: isTooLong ? undefined : Buffer.concat(held) };
    [held, heldBytes, isTooLong] = [[], 0, false];
    return line;
  };
  for await (const chunk of openFile(path) as AsyncIterable<Buffer>) {
    const lines: FileLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      lines.push(take());
      from = end + 1;
    }
    if (from < chunk.length) hold(Buffer.from(chunk.subarray(from)));
    if (lines.length > 0) yield lines;
  }
  if (heldBytes > 0) yield [take()];
}

async function* openFile(path: string): AsyncGenerator<Buffer> {
  const source: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done === true) return;
  if (first.value[0] === 0x1f && first.value[1] === 0x8b) {
    const gunzip = createGunzip();
    // Errors of either side reach the reader of `gunzip`, where they are thrown.
    pipeline(joined(first.value, chunks), gunzip, () => {});
    yield* gunzip as AsyncIterable<Buffer>;
    return;
  }
  yield* joined(first.value, chunks);
}

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
