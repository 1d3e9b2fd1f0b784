// A file as lines of bytes: plain, gzip or zstd (told by its first bytes, not its name), read as a stream. A line beyond the bound
// is told by its number and skipped, never held; so a small file that unpacks to a huge one costs time and no memory, and no more
// time than `expansionMax` allows.
import { createReadStream, statSync } from 'node:fs';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without its newline; undefined when it is longer than the bound. */
  readonly bytes: Buffer | undefined;
}

const NEWLINE = 0x0a;
const CHUNK_BYTES = 256 * 1024;
/** A log of many equal lines packs to a hundredth; what unpacks to more than this, and to more than `EXPANDED_BYTES_MIN`, is none. */
const EXPANSION_MAX = 1000;
const EXPANDED_BYTES_MIN = 1024 * 1024 * 1024;
/** The largest window that a zstd file may ask for, as a power of two: 128 MiB. */
const ZSTD_WINDOW_LOG_MAX = 27;

/** How far a packed file may expand. */
export interface Expansion {
  readonly timesMax: number;
  /** Below this many bytes anything goes. */
  readonly bytesMin: number;
}

/** Lines in batches, one for each chunk read. Rejects with the system's error when the file cannot be read. */
export async function* readLines(
  path: string,
  lineBytesMax: number,
  expansion: Expansion = { timesMax: EXPANSION_MAX, bytesMin: EXPANDED_BYTES_MIN },
): AsyncGenerator<readonly FileLine[]> {
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
  for await (const chunk of openFile(path, expansion) as AsyncIterable<Buffer>) {
    const lines: FileLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      lines.push(take());
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    // Of a line that is too long, nothing is kept: no copy of it is needed.
    if (rest.length > 0) hold(isTooLong ? rest : Buffer.from(rest));
    if (lines.length > 0) yield lines;
  }
  if (heldBytes > 0) yield [take()];
}

async function* openFile(path: string, expansion: Expansion): AsyncGenerator<Buffer> {
  const sizes = { packed: 0, unpacked: 0 };
  for (let start = 0, isMore = true; isMore; ) {
    const source: Readable =
      path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES, start });
    const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      const first = await chunks.next();
      if (first.done === true) return;
      const unpack = unpackerOf(first.value);
      if (unpack === undefined) {
        if (start > 0) throw new Error(`holds something else from byte ${start} on`);
        yield* joined(first.value, chunks);
        return;
      }
      yield* expanded(joined(first.value, chunks), unpack, { sizes, expansion });
      // A zstd file may be several frames, and Node's reader stops silently after one: the next is begun where it stopped.
      start += unpack.bytesWritten;
      isMore = path === '-' ? sizes.packed > start : statSync(path).size > start;
      if (isMore && path === '-')
        throw new Error('has several zstd frames: unpack it before (zstd -dc FILE | vedette import -)');
    } finally {
      source.destroy();
    }
  }
}

type Unpacker = Transform & { readonly bytesWritten: number };

/** By the first bytes; undefined for a plain file. Throws for what is packed in a way that cannot be read here. */
function unpackerOf(first: Buffer): Unpacker | undefined {
  const magic = first.toString('latin1', 0, 6);
  if (magic.startsWith('\x1f\x8b')) return createGunzip({ chunkSize: CHUNK_BYTES });
  if (magic.startsWith('\x28\xb5\x2f\xfd'))
    return createZstdDecompress({
      chunkSize: CHUNK_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    });
  const program = magic === '\xfd7zXZ\0' ? 'xz' : magic.startsWith('BZh') ? 'bzip2' : undefined;
  if (program === undefined) return undefined;
  throw new Error(`is packed by ${program}: unpack it first, or pipe it (${program} -dc FILE | vedette import -)`);
}

interface Expanding {
  readonly sizes: { packed: number; unpacked: number };
  readonly expansion: Expansion;
}

async function* expanded(
  packed: AsyncIterable<Buffer>,
  unpack: Transform,
  { sizes, expansion }: Expanding,
): AsyncGenerator<Buffer> {
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of packed) {
      sizes.packed += chunk.length;
      yield chunk;
    }
  };
  // Errors of either side reach the reader of `unpack`, where they are thrown.
  pipeline(counted(), unpack, () => {});
  for await (const chunk of unpack as AsyncIterable<Buffer>) {
    sizes.unpacked += chunk.length;
    if (sizes.unpacked > expansion.bytesMin && sizes.unpacked > sizes.packed * expansion.timesMax)
      throw new Error(`unpacks to more than ${expansion.timesMax} times its size: no log does`);
    yield chunk;
  }
}

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
