// How a request's body is packed, and what the server is known to unpack. zstd costs a fraction of what gzip costs and packs
// audit events tighter, but Elasticsearch does not take it: it is sent where it was asked for, or where the server says with its
// answers (`accept-encoding`, RFC 7694) that it takes it.
import { constants, gzip, zstdCompress } from 'node:zlib';

export type Compression = 'auto' | 'zstd' | 'gzip' | 'none';
export type Coding = 'zstd' | 'gzip' | 'identity';

/** Below this, compressing costs more than it saves, bytes. */
const COMPRESSED_BYTES_LEAST = 1024;
const ZSTD_LEVEL = 1;
const GZIP_LEVEL = 1;

export interface CodingChoice {
  of(bytes: number): Coding;
  /** What an answer says: its `accept-encoding`, and whether it was 415. */
  learn(accepts: string | undefined, wasRefused: boolean): void;
}

/** `isLocal`: the way is so short that compressing costs more than it saves. */
export function chooseCoding(compression: Compression, isLocal: boolean): CodingChoice {
  let takesZstd = compression === 'zstd';
  return {
    of(bytes) {
      if (bytes < COMPRESSED_BYTES_LEAST || compression === 'none') return 'identity';
      if (compression === 'auto' && isLocal) return 'identity';
      return takesZstd ? 'zstd' : 'gzip';
    },
    learn(accepts, wasRefused) {
      if (wasRefused) takesZstd = false;
      else if (compression === 'auto' && accepts !== undefined && takes(accepts, 'zstd')) takesZstd = true;
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

function takes(header: string, coding: string): boolean {
  return header.split(',').some((part) => {
    const [name, quality] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return name === coding && !/^q=0(\.0*)?$/.test(quality ?? '');
  });
}
