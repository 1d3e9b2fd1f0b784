// Rotated siblings of a followed log: `audit.log.1`, `audit.log.2.gz`, `audit.log-20260301.zst`. What was being read when a log was
// rotated is found again by its inode, or, when it was copied or packed, by a checksum of its first bytes.
import {
  closeSync,
  createReadStream,
  fstatSync,
  openSync,
  type ReadStream,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Transform } from 'node:stream';
import { constants, crc32, createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib';

/** Which file it is, and how far it was read. */
export interface FilePosition {
  readonly device: number;
  readonly inode: number;
  /** Bytes read, of the unpacked text. */
  readonly offset: number;
  /** Checksum of the first bytes, at most {@link HEAD_BYTES}. */
  readonly headBytes: number;
  readonly headCrc: number;
}

export interface Archive {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly modifiedMs: number;
  readonly packing: 'gzip' | 'zstd' | undefined;
}

export const HEAD_BYTES = 1024;
/** Siblings that are looked at. */
const SIBLINGS_MAX = 1_000;
/** Of a packed sibling so much is unpacked to see its head. */
const PACKED_HEAD_BYTES = 64 * 1024;
const UNPACKED_BUFFER_BYTES = 1024 * 1024;
/** The largest window that a zstd file may ask for, as a power of two. */
const ZSTD_WINDOW_LOG_MAX = 27;

/** The siblings of a log, the oldest first. */
export function archivesOf(path: string): readonly Archive[] {
  const name = basename(path);
  const found: Archive[] = [];
  for (const entry of namesIn(dirname(path))) {
    if (!entry.startsWith(name) || !/^[.-][A-Za-z0-9_.-]+$/.test(entry.slice(name.length))) continue;
    const sibling = join(dirname(path), entry);
    const kind = statSync(sibling, { throwIfNoEntry: false });
    if (kind?.isFile() !== true || found.length >= SIBLINGS_MAX) continue;
    const packing = entry.endsWith('.gz') ? 'gzip' : entry.endsWith('.zst') ? 'zstd' : undefined;
    found.push({ path: sibling, device: kind.dev, inode: kind.ino, modifiedMs: kind.mtimeMs, packing });
  }
  return found.sort((a, b) => a.modifiedMs - b.modifiedMs);
}

/** The sibling that a position lies in: the same file, else one with the same beginning. */
export function archiveAt(archives: readonly Archive[], position: FilePosition): Archive | undefined {
  const same = archives.find(({ device, inode }) => device === position.device && inode === position.inode);
  if (same !== undefined && hasHead(same, position)) return same;
  return position.headBytes === 0 ? undefined : archives.find((archive) => hasHead(archive, position));
}

/** The first bytes of an open file, as a position has them. */
export function headOf(
  fd: number,
  bytesMax: number = HEAD_BYTES,
): { readonly headBytes: number; readonly headCrc: number } {
  const bytes = Buffer.alloc(Math.min(bytesMax, HEAD_BYTES));
  const headBytes = readSync(fd, bytes, 0, bytes.length, 0);
  return { headBytes, headCrc: crc32(bytes.subarray(0, headBytes)) };
}

function hasHead(archive: Archive, position: FilePosition): boolean {
  const head = archive.packing === undefined ? plainHead(archive.path) : unpackedHead(archive);
  if (head === undefined || head.length < position.headBytes) return false;
  return crc32(head.subarray(0, position.headBytes)) === position.headCrc;
}

function plainHead(path: string, bytesMax = HEAD_BYTES): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const bytes = Buffer.alloc(Math.min(bytesMax, fstatSync(fd).size));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function unpackedHead({ path, packing }: Archive): Buffer | undefined {
  const packed = plainHead(path, PACKED_HEAD_BYTES);
  if (packed === undefined) return undefined;
  const maxOutputLength = 64 * 1024 * 1024;
  try {
    if (packing === 'gzip') return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
    return zstdDecompressSync(packed, {
      finishFlush: constants.ZSTD_e_flush,
      maxOutputLength,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    });
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A packed file, unpacked bit by bit between drains: `read` gives what is there now. */
export interface ArchiveReader {
  read(): Buffer | undefined;
  /** True when all was read; `error` tells why when that was too early. */
  isEnded(): boolean;
  error(): string | undefined;
  close(): void;
}

export function openArchive(archive: Archive): ArchiveReader {
  let start = 0;
  let isEnded = false;
  let problem: string | undefined;
  let part = openPart();

  function openPart(): { readonly source: ReadStream; readonly unpack: Unpacker } {
    const options = { chunkSize: 64 * 1024, highWaterMark: UNPACKED_BUFFER_BYTES };
    const source = createReadStream(archive.path, { start });
    const unpack: Unpacker =
      archive.packing === 'gzip'
        ? createGunzip(options)
        : createZstdDecompress({ ...options, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
    const failed = (error: Error): void => {
      problem ??= error.message;
      isEnded = true;
    };
    source.on('error', failed);
    unpack.on('error', failed);
    unpack.on('end', () => {
      // A zstd file may be several frames, and Node's reader stops silently after one.
      start += unpack.bytesWritten;
      const size = statSync(archive.path, { throwIfNoEntry: false })?.size ?? 0;
      source.destroy();
      if (archive.packing === 'zstd' && unpack.bytesWritten > 0 && start < size) part = openPart();
      else isEnded = true;
    });
    source.pipe(unpack);
    return { source, unpack };
  }

  return {
    read: () => (part.unpack.read() as Buffer | null) ?? undefined,
    isEnded: () => isEnded,
    error: () => problem,
    close() {
      part.source.destroy();
      part.unpack.destroy();
    },
  };
}

type Unpacker = Transform & { readonly bytesWritten: number };
