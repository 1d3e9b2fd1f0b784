// One log, followed: over rotation (renamed and made anew, or copied and truncated), over the reader's own absence, and over the end of
// a line that is not there yet. It says of each line which file it stands in and where it ends, so that reading can be taken up there.
// Longer than 200 lines, because each way of changing files has to leave the same few facts in order.
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import {
  type Archive,
  type ArchiveReader,
  archiveAt,
  archivesOf,
  type FilePosition,
  HEAD_BYTES,
  headOf,
  openArchive,
} from './file-source-archive.ts';
import { createLineSplitter } from './file-source-lines.ts';

type OnLine = (line: string | undefined, position: FilePosition) => void;

export interface Tail {
  readonly path: string;
  /** Reads on, about `bytesMax` bytes; true when there is more at once. */
  read(bytesMax: number, nowMs: number, onLine: OnLine): boolean;
  /** Where reading stands: after the last whole line. Undefined while there was nothing to read. */
  position(): FilePosition | undefined;
  /** What of the log was not found again, as sentences; told once. */
  takeGaps(): readonly string[];
  close(): void;
}

export interface TailOptions {
  readonly path: string;
  /** Where an earlier reader was, and when it said so. */
  readonly kept: { readonly position: FilePosition; readonly keptMs: number } | undefined;
  readonly start: 'beginning' | 'end';
}

/** The log is looked up by its name again so often, ms. */
const LOOK_EVERY_MS = 250;
/** Who wrote the log may go on writing into the renamed file for so long, ms: until it is told to open the new one. */
const OLD_FILE_MS = 2_000;
const CHUNK_BYTES = 256 * 1024;

interface OpenFile {
  readonly identity: { readonly device: number; readonly inode: number };
  /** Undefined for a packed one. */
  readonly fd: number | undefined;
  readonly reader: ArchiveReader | undefined;
  head: { readonly headBytes: number; readonly headCrc: number };
  /** Bytes read, and where the last whole line ended. */
  offset: number;
  lineEnd: number;
  /** Unpacked bytes that were read before. */
  skip: number;
  /** A rotated file: nothing is written to it any more. */
  readonly isOver: boolean;
}

export function createTail({ path, kept, start }: TailOptions): Tail {
  const splitter = createLineSplitter();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let current: OpenFile | undefined;
  let waiting: (Archive & { readonly from: number })[] = [];
  let resume = kept;
  let gaps: string[] = [];
  let lookedMs = Number.NEGATIVE_INFINITY;
  let leftMs: number | undefined;
  let isFirst = true;
  let skipsLine = false;

  const positionIn = (file: OpenFile, offset: number): FilePosition => ({ ...file.identity, offset, ...file.head });

  function openPlain(file: string, from: number, isOver: boolean): OpenFile | undefined {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch {
      return undefined;
    }
    const { dev: device, ino: inode } = fstatSync(fd);
    const rest = { reader: undefined, head: headOf(fd), offset: from, lineEnd: from, skip: 0, isOver };
    return { identity: { device, inode }, fd, ...rest };
  }

  function openPacked(archive: Archive, from: number): OpenFile {
    const { device, inode } = archive;
    const rest = { fd: undefined, offset: 0, lineEnd: from, skip: from, isOver: true };
    return { identity: { device, inode }, reader: openArchive(archive), head: { headBytes: 0, headCrc: 0 }, ...rest };
  }

  function leave(): void {
    if (current?.fd !== undefined) closeSync(current.fd);
    current?.reader?.close();
    current = undefined;
    leftMs = undefined;
    splitter.nextFile();
  }

  /** What lies between a position and the log as it is now: the rest of the file it is in, then the files rotated after that. */
  function archivesAfter(position: FilePosition, keptMs: number): (Archive & { readonly from: number })[] {
    const archives = archivesOf(path);
    const old = archiveAt(archives, position);
    if (old === undefined)
      gaps.push(`${path} was rotated, and what was in it past byte ${position.offset} is not found.`);
    const sinceMs = old?.modifiedMs ?? keptMs;
    const newer = archives.filter((each) => each !== old && each.modifiedMs > sinceMs);
    const distinct = newer.filter(
      (each) => each.packing === undefined || !newer.some((other) => other.path === plainName(each)),
    );
    return [
      ...(old === undefined ? [] : [{ ...old, from: position.offset }]),
      ...distinct.map((each) => ({ ...each, from: 0 })),
    ];
  }

  function openNext(): void {
    const next = waiting.shift();
    if (next !== undefined) {
      current = next.packing === undefined ? openPlain(next.path, next.from, true) : openPacked(next, next.from);
      if (current === undefined) gaps.push(`${next.path} went away before it was read.`);
      return;
    }
    const file = openPlain(path, 0, false);
    if (file === undefined) return;
    if (resume !== undefined) {
      const { position, keptMs } = resume;
      resume = undefined;
      isFirst = false;
      if (isAt(file, position)) {
        file.offset = position.offset;
        file.lineEnd = position.offset;
      } else {
        closeSync(file.fd as number);
        waiting = archivesAfter(position, keptMs);
        if (waiting.length > 0) openNext();
        return;
      }
    } else if (isFirst && start === 'end') startAtEnd(file);
    isFirst = false;
    current = file;
  }

  function startAtEnd(file: OpenFile): void {
    const fd = file.fd as number;
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    file.offset = size;
    file.lineEnd = size;
    // A line that is being written now is not taken for a whole one.
    skipsLine = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  }

  /** Whether the open log is still the one of that name, and has only grown. */
  function look(file: OpenFile, nowMs: number): void {
    lookedMs = nowMs;
    const named: Stats | undefined = statSync(path, { throwIfNoEntry: false });
    if (named === undefined) return;
    if (named.ino !== file.identity.inode || named.dev !== file.identity.device) {
      leftMs ??= nowMs;
      return;
    }
    leftMs = undefined;
    if (isAt(file, positionIn(file, file.offset))) {
      if (file.head.headBytes < HEAD_BYTES && named.size > file.head.headBytes) file.head = headOf(file.fd as number);
      return;
    }
    // Truncated, and perhaps written again: what was not read yet is in the copy, if there is one.
    const position = positionIn(file, file.offset);
    const copies = archivesOf(path);
    const copy = archiveAt(copies, position);
    waiting = copy === undefined ? [] : [{ ...copy, from: position.offset }];
    if (copy === undefined) gaps.push(`${path} was truncated, and what was not read of it by then is gone.`);
    leave();
    openNext();
  }

  function moveOn(): void {
    const file = current as OpenFile;
    const position = positionIn(file, file.offset);
    leave();
    if (!file.isOver) {
      // More than one rotation may have passed: what came after the file that was just read to its end.
      const archives = archivesOf(path);
      const self = archives.find((each) => each.inode === position.inode && each.device === position.device);
      if (self !== undefined)
        waiting = archives.filter((each) => each.modifiedMs > self.modifiedMs).map((each) => ({ ...each, from: 0 }));
    }
    openNext();
  }

  function deliver(file: OpenFile, bytes: Buffer, onLine: OnLine): void {
    file.offset += bytes.length;
    splitter.push(bytes, file.offset, (line, offset) => {
      file.lineEnd = offset;
      if (skipsLine) skipsLine = false;
      else onLine(line, positionIn(file, offset));
    });
  }

  function readPacked(file: OpenFile, reader: ArchiveReader, onLine: OnLine): boolean {
    const bytes = reader.read();
    if (bytes === undefined) {
      if (!reader.isEnded()) return true;
      if (reader.error() !== undefined)
        gaps.push(`A packed log of ${path} cannot be unpacked to its end (${reader.error()}).`);
      moveOn();
      return true;
    }
    if (file.offset === 0 && file.head.headBytes === 0) file.head = headOfBytes(bytes);
    const skipped = Math.min(file.skip, bytes.length);
    file.skip -= skipped;
    file.offset += skipped;
    if (skipped < bytes.length) deliver(file, bytes.subarray(skipped), onLine);
    return true;
  }

  // At once: from now on it is followed, whatever its name is when it is read.
  openNext();
  return {
    path,
    read(bytesMax, nowMs, onLine) {
      if (current === undefined) openNext();
      if (current === undefined) return false;
      if (current.reader !== undefined) return readPacked(current, current.reader, onLine);
      if (!current.isOver && (nowMs - lookedMs >= LOOK_EVERY_MS || nowMs < lookedMs)) {
        const before = current;
        look(current, nowMs);
        if (current !== before) return true;
      }
      for (let left = bytesMax; left > 0; ) {
        const count = readSync(current.fd as number, chunk, 0, Math.min(left, CHUNK_BYTES), current.offset);
        if (count > 0) {
          deliver(current, chunk.subarray(0, count), onLine);
          left -= count;
          continue;
        }
        if (!current.isOver && (leftMs === undefined || nowMs - leftMs < OLD_FILE_MS)) return false;
        moveOn();
        return current !== undefined;
      }
      return true;
    },
    position: () => (current === undefined ? resume?.position : positionIn(current, current.lineEnd)),
    takeGaps() {
      const told = gaps;
      gaps = [];
      return told;
    },
    close() {
      leave();
    },
  };
}

/** True when the open file is the position's, and still holds what was read of it. */
function isAt(file: OpenFile, position: FilePosition): boolean {
  const fd = file.fd as number;
  const { dev, ino, size } = fstatSync(fd);
  if (dev !== position.device || ino !== position.inode || size < position.offset) return false;
  const head = headOf(fd, position.headBytes);
  return head.headBytes === position.headBytes && head.headCrc === position.headCrc;
}

function headOfBytes(bytes: Buffer): { readonly headBytes: number; readonly headCrc: number } {
  const headBytes = Math.min(HEAD_BYTES, bytes.length);
  return { headBytes, headCrc: crc32(bytes.subarray(0, headBytes)) };
}

/** `audit.log.1` of `audit.log.1.gz`. */
function plainName({ path }: Archive): string {
  return path.replace(/\.(?:gz|zst)$/, '');
}
