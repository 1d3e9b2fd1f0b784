// The bytes of a `_bulk` request as they come, unpacked where they are gzip or zstd. Bounded on both sides: what comes in, so that a
// header without end brings nothing down, and (by the reader) what it unpacks to.
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import {
  constants,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib';
import { problem } from './api-error.ts';

/** A request, or what is left of one. */
export type BodySource = Readable & { readonly headers: IncomingHttpHeaders };

/** The body's pieces after decompression. Stops reading, without breaking the connection, when the caller stops. */
export async function* bulkStream(request: BodySource, wireBytesMax: number): AsyncGenerator<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  const source = unpacked(request, encoding);
  let wireBytes = 0;
  const count = (chunk: Buffer): void => {
    wireBytes += chunk.length;
    if (wireBytes > wireBytesMax)
      source.destroy(problem(413, 'too-large', 'the request is too large', 'Send less at once.'));
  };
  if (source !== request) request.on('data', count);
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: source !== request })) yield chunk as Buffer;
  } finally {
    request.off('data', count);
    if (source !== request) {
      request.unpipe();
      source.destroy();
    }
    request.resume();
  }
}

/** A body that is one document, on one line or many, as a `_bulk` body: within JSON's texts no line ends. */
export async function* singleDocument(action: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from(`${action}\n`);
  for await (const chunk of chunks) {
    const line = Buffer.from(chunk);
    for (let at = line.indexOf(10); at !== -1; at = line.indexOf(10, at + 1)) line[at] = 32;
    yield line;
  }
}

function unpacked(request: BodySource, encoding: string) {
  if (encoding === 'identity') return request;
  const unpacker = unpackerOf(encoding);
  if (unpacker === undefined) {
    throw problem(
      415,
      'encoding',
      'the request’s Content-Encoding is not known here',
      'Send gzip, deflate, zstd or plain lines.',
    );
  }
  request.once('error', (error) => unpacker.destroy(error));
  request.once('aborted', () => unpacker.destroy(new Error('the connection was lost')));
  return request.pipe(unpacker);
}

/** What is accepted as Content-Encoding, as the header that says so with each answer (RFC 7694). */
export const ACCEPTED_ENCODINGS = 'zstd, gzip, deflate';
/** A zstd stream may ask for a window of 8 MiB, which each of its readers has to hold, and no more. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** What is unpacked at once: a call to another thread for each, which costs as much as some events. */
const CHUNK_BYTES: number = 128 * 1024;

function unpackerOf(encoding: string) {
  if (isGzip(encoding)) return createGunzip({ chunkSize: CHUNK_BYTES });
  if (encoding === 'deflate') return createInflate({ chunkSize: CHUNK_BYTES });
  if (encoding === 'zstd')
    return createZstdDecompress({
      chunkSize: CHUNK_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    });
  return undefined;
}

/** A whole body unpacked at once, into `bytesMax` bytes at the most; undefined where it is not that, or larger. */
export function unpackWhole(body: Uint8Array, encoding: string, bytesMax: number): Buffer | undefined {
  const maxOutputLength = bytesMax;
  try {
    // Of gzip the length is known: in one piece nothing has to be put together.
    if (isGzip(encoding)) return gunzipSync(body, { maxOutputLength, chunkSize: bytesMax + 64 });
    if (encoding === 'zstd')
      return zstdDecompressSync(body, {
        maxOutputLength,
        chunkSize: WHOLE_CHUNK_BYTES,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      });
    return encoding === 'identity' && body.length <= bytesMax
      ? Buffer.from(body.buffer, body.byteOffset, body.length)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes that a body says to unpack to, or may be taken to: then no more than `guessMax`. */
export function unpackedBytes(body: Buffer, encoding: string, guessMax: number): number {
  // The end of gzip: the length before it was packed. Who lies there is read in pieces.
  if (isGzip(encoding)) return body.length < GZIP_BYTES_LEAST ? 0 : body.readUInt32LE(body.length - 4);
  return encoding === 'zstd' ? (zstdContentBytes(body) ?? Math.min(guessMax, ZSTD_RATIO * body.length)) : body.length;
}

function isGzip(encoding: string): boolean {
  return encoding === 'gzip' || encoding === 'x-gzip';
}

/** A gzip file of nothing. */
const GZIP_BYTES_LEAST = 18;
const ZSTD_MAGIC = 0xfd2fb528;

/** What the header of a frame says of its content (RFC 8878, 3.1.1.1), where it does: whoever packs a whole body at once says it. */
function zstdContentBytes(body: Buffer): number | undefined {
  if (body.length < 14 || body.readUInt32LE(0) !== ZSTD_MAGIC) return undefined;
  const descriptor = body.readUInt8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? body.readUInt8(at) : undefined;
    case 1:
      return body.readUInt16LE(at) + 256;
    case 2:
      return body.readUInt32LE(at);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Collectors' events are packed to a tenth or so. */
const ZSTD_RATIO = 24;
const WHOLE_CHUNK_BYTES: number = 1024 * 1024;
