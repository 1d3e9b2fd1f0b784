// How a request's body is packed, and what the server is known to unpack. zstd costs a fraction of what gzip costs and packs
// audit events tighter, but Elasticsearch does not take it: it is sent where it was asked for, or where the server says with its
// answers (`accept-encoding`, RFC 7694) that it takes it. Answers are asked for plain; a proxy that packs them all the same is read.
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';

export type Compression = 'auto' | 'zstd' | 'gzip' | 'none';
export type Coding = 'zstd' | 'gzip' | 'identity';

/** Below this, compressing costs more than it saves, bytes. */
const COMPRESSED_BYTES_LEAST = 1024;
const ZSTD_LEVEL = 1;
const GZIP_LEVEL = 1;

export interface CodingChoice {
  of(bytes: number): Coding;
  /** What an answer says in its `accept-encoding`. */
  learn(accepts: string | undefined): void;
  /** The server does not unpack it. */
  refuse(coding: Coding): void;
}

/** `isLocal`: the way is so short that compressing costs more than it saves. */
export function chooseCoding(compression: Compression, isLocal: boolean): CodingChoice {
  let takesZstd = compression === 'zstd';
  let takesGzip = true;
  return {
    of(bytes) {
      if (bytes < COMPRESSED_BYTES_LEAST || compression === 'none') return 'identity';
      if (compression === 'auto' && isLocal) return 'identity';
      if (takesZstd) return 'zstd';
      return takesGzip ? 'gzip' : 'identity';
    },
    learn(accepts) {
      if (compression === 'auto' && accepts !== undefined && takes(accepts, 'zstd')) takesZstd = true;
    },
    refuse(coding) {
      if (coding === 'zstd') takesZstd = false;
      else takesGzip = false;
    },
  };
}

/** Packs in Node's thread pool: the event loop goes on meanwhile. */
export function packed(body: Buffer, coding: Coding): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void => {
      if (error === null) resolve(result);
      else reject(error);
    };
    if (coding === 'identity') resolve(body);
    else if (coding === 'gzip') gzip(body, { level: GZIP_LEVEL }, done);
    else zstdCompress(body, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }, done);
  });
}

/** A body as it was before the other side packed it; at most `bytesMax`. Rejects for what is longer, damaged, or packed in another way. */
export function unpacked(body: Buffer, coding: string | undefined, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void => {
      if (error === null) resolve(result);
      else reject(new Error('the answer cannot be unpacked'));
    };
    const name = (coding ?? 'identity').trim().toLowerCase();
    if (name === 'identity' || name === '' || body.length === 0) resolve(body);
    else if (name === 'gzip' || name === 'x-gzip') gunzip(body, { maxOutputLength: bytesMax }, done);
    else if (name === 'zstd') zstdDecompress(body, { maxOutputLength: bytesMax }, done);
    else reject(new Error('the answer is packed in a way that nobody asked for'));
  });
}

function takes(header: string, coding: string): boolean {
  return header.split(',').some((part) => {
    const [name, quality] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return name === coding && !/^q=0(\.0*)?$/.test(quality ?? '');
  });
}
