// The reading end of the spool: frames of both classes merged by position, in batches as large as one request. What the files
// hold up to `shared.spooled()` is complete, so the end of a file means that nothing below that position is missing. A damaged
// place is passed over and told.
import type { Disk, DiskFile } from './disk.ts';
import { FRAME_HEAD_BYTES, type Frame, nextFrameStart, readFrame } from './frame.ts';
import {
  parseSegmentName,
  readSegmentHead,
  SEGMENT_HEAD_BYTES,
  SPOOL_CLASSES,
  type SpoolClass,
  segmentName,
} from './segment.ts';
import type { SpoolLoss } from './spool-loss.ts';
import type { SpoolShared } from './spool-shared.ts';

/** Events on their way to the server. Its bytes are valid until `next` is called again: one buffer serves all batches. */
export interface SpoolBatch {
  /** The two lines of each event (event/bulk.ts), in order of position: together they are the body of one request. */
  readonly body: Buffer;
  /** The same event by event, as views of `body`. */
  readonly payloads: readonly Buffer[];
  readonly positions: readonly number[];
  readonly bytes: number;
  readonly lastPosition: number;
  readonly lastCreatedMs: number;
  /** The boot that they are of: a batch holds one boot's events only. */
  readonly bootId: string;
  /** `@timestamp` of the first, epoch ms. */
  readonly firstTimeMs: number;
}

export interface SpoolReader {
  /** The next events up to `bytesMax` (one at least), or undefined when everything that is spooled was read. */
  next(bytesMax: number): SpoolBatch | undefined;
  /** Everything up to this position was handed out, or is gone and told. */
  readUpTo(): number;
  /** What was found damaged since the last call. */
  takeLosses(): readonly SpoolLoss[];
  close(): void;
}

const READ_BYTES = 512 * 1024;
const BODY_START_BYTES = 256 * 1024;
const EVENTS_MAX = 10_000;
const SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

interface Cursor {
  readonly spoolClass: SpoolClass;
  number: number;
  file: DiskFile | undefined;
  buffer: Buffer;
  /** Unread bytes are buffer[start, end); the byte after them is at `offset` in the file. */
  start: number;
  end: number;
  offset: number;
  lastPosition: number;
  lastCreatedMs: number;
  head: Frame | undefined;
  bootId: string;
}

export function openSpoolReader(options: {
  readonly disk: Disk;
  readonly shared: SpoolShared;
  /** Events that differ in it are not put into one batch; of `@timestamp`, epoch ms. */
  readonly partition?: (timeMs: number) => number;
}): SpoolReader {
  const { disk, shared, partition = () => 0 } = options;
  const cursors = SPOOL_CLASSES.map((spoolClass) => newCursor(spoolClass));
  let readUpTo = shared.acknowledged();
  const losses: SpoolLoss[] = [];
  /** Grows to the largest batch and stays: fresh memory of this size for each request would cost more than the sending. */
  let body = Buffer.allocUnsafeSlow(BODY_START_BYTES);

  function roomFor(bytes: number, used: number): void {
    if (used + bytes <= body.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(used + bytes, body.length * 2));
    body.copy(grown, 0, 0, used);
    body = grown;
  }

  /** Fills `cursor.head` with its next frame, if there is one in the files. */
  function advance(cursor: Cursor): void {
    while (cursor.head === undefined) {
      if (cursor.file === undefined && !openNext(cursor)) return;
      const read = readFrame(cursor.buffer, cursor.start, cursor.end);
      if (read.kind === 'frame') {
        cursor.start = read.frame.end;
        if (read.frame.isFooter) continue;
        cursor.lastPosition = read.frame.position;
        cursor.lastCreatedMs = read.frame.createdMs;
        if (read.frame.position > readUpTo) cursor.head = read.frame;
      } else if (read.kind === 'corrupt') {
        passDamage(cursor);
      } else if (!fill(cursor) && !finish(cursor)) {
        return;
      }
    }
  }

  /** At the end of a file, perhaps within a frame. False when there is nothing to do but wait for the writer. */
  function finish(cursor: Cursor): boolean {
    const hasRest = cursor.end > cursor.start;
    if (hasRest && nextFrameStart(cursor.buffer, cursor.start, cursor.end) !== undefined) {
      // A frame that is right follows what looked unfinished: its length is damaged.
      passDamage(cursor);
      return true;
    }
    // A newer segment means that this one is finished; but it may have grown since the end was met.
    if (nextNumber(cursor) === undefined) return false;
    if (fill(cursor)) return true;
    if (hasRest) tell(cursor, cursor.end - cursor.start, undefined);
    leave(cursor);
    return true;
  }

  function leave(cursor: Cursor): void {
    cursor.file?.close();
    cursor.file = undefined;
    cursor.start = 0;
    cursor.end = 0;
  }

  function nextNumber(cursor: Cursor): number | undefined {
    if (shared.newest(cursor.spoolClass) <= cursor.number) return undefined;
    let found: number | undefined;
    for (const name of disk.list()) {
      const parsed = parseSegmentName(name);
      if (parsed?.class !== cursor.spoolClass || parsed.number <= cursor.number) continue;
      if (found === undefined || parsed.number < found) found = parsed.number;
    }
    return found;
  }

  function openNext(cursor: Cursor): boolean {
    for (let number = nextNumber(cursor); number !== undefined; number = nextNumber(cursor)) {
      cursor.number = number;
      // Before the file is opened: see spool-shared.ts.
      shared.claim(cursor.spoolClass, number);
      const opened = openSegment(segmentName(cursor.spoolClass, number));
      if (opened === 'gone') continue;
      if (opened === 'unreadable') {
        tell(cursor, undefined, undefined);
        continue;
      }
      // Of a head that was damaged since the start only the boot is missed: it is most likely that of the segment before.
      cursor.bootId = opened.bootId ?? cursor.bootId;
      cursor.file = opened.file;
      cursor.start = 0;
      cursor.end = 0;
      cursor.offset = SEGMENT_HEAD_BYTES;
      return true;
    }
    return false;
  }

  function openSegment(
    name: string,
  ): { readonly file: DiskFile; readonly bootId: string | undefined } | 'gone' | 'unreadable' {
    let file: DiskFile | undefined;
    try {
      file = disk.open(name, 'read');
      if (file === undefined) return 'gone';
      const bytes = Buffer.alloc(SEGMENT_HEAD_BYTES);
      file.read(bytes, 0, bytes.length, 0);
      const read = readSegmentHead(bytes);
      return { file, bootId: read.kind === 'head' ? read.head.bootId : undefined };
    } catch (error) {
      file?.close();
      // Nothing is wrong with the file: whoever starts shipping again finds it.
      if (SHORTAGES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return 'unreadable';
    }
  }

  /** Reads on; false at the end of the file. */
  function fill(cursor: Cursor): boolean {
    if (cursor.file === undefined) return false;
    if (cursor.start > 0) {
      // What was handed out is a copy, so what was read may be overwritten.
      cursor.buffer.copyWithin(0, cursor.start, cursor.end);
      cursor.end -= cursor.start;
      cursor.start = 0;
    }
    if (cursor.end === cursor.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(cursor.buffer.length * 2);
      cursor.buffer.copy(grown, 0, 0, cursor.end);
      cursor.buffer = grown;
    }
    let count = 0;
    try {
      count = cursor.file.read(cursor.buffer, cursor.end, cursor.buffer.length - cursor.end, cursor.offset);
    } catch {
      // A disk that does not give it: told as damage up to the end of the file, and the next segment is read.
      tell(cursor, unreadBytes(cursor), undefined);
      leave(cursor);
      return true;
    }
    cursor.end += count;
    cursor.offset += count;
    return count > 0;
  }

  function passDamage(cursor: Cursor): void {
    while (cursor.file !== undefined && fill(cursor)) {
      // The whole rest of a segment is bounded by the segment's size: take it, then look for a frame that is right.
    }
    if (cursor.file === undefined) return;
    const found = nextFrameStart(cursor.buffer, cursor.start, cursor.end);
    const end = found ?? cursor.end;
    const after = found === undefined ? undefined : readFrame(cursor.buffer, found, cursor.end);
    tell(cursor, end - cursor.start, after?.kind === 'frame' ? after.frame : undefined);
    cursor.start = end;
  }

  function unreadBytes(cursor: Cursor): number {
    try {
      return Math.max(FRAME_HEAD_BYTES, (cursor.file?.size() ?? 0) - cursor.offset + cursor.end - cursor.start);
    } catch {
      return FRAME_HEAD_BYTES;
    }
  }

  /** `bytes`: undefined where nobody knows how many. `after`: the frame that follows, which proves that one is missing. At the end of a file it may be a torn write or a footer. */
  function tell(cursor: Cursor, bytes: number | undefined, after: Frame | undefined): void {
    losses.push({
      reason: 'damaged',
      atLeast: after === undefined || after.isFooter ? 0 : 1,
      atMost: bytes === undefined ? undefined : Math.max(1, Math.floor(bytes / FRAME_HEAD_BYTES)),
      fromMs: cursor.lastCreatedMs === 0 ? undefined : cursor.lastCreatedMs,
      toMs: after?.createdMs,
      firstPosition: cursor.lastPosition + 1,
      lastPosition: after === undefined ? undefined : after.position - 1,
    });
  }

  return {
    next(bytesMax) {
      const limit = shared.spooled();
      if (limit <= readUpTo) return undefined;
      const ends: number[] = [];
      const positions: number[] = [];
      let bytes = 0;
      let lastCreatedMs = 0;
      let firstTimeMs = 0;
      let bootId: string | undefined;
      while (bytes < bytesMax && ends.length < EVENTS_MAX) {
        for (const cursor of cursors) advance(cursor);
        const cursor = cursors.reduce((least, other) => (headPosition(other) < headPosition(least) ? other : least));
        const frame = cursor.head;
        if (frame === undefined || frame.position > limit) break;
        if (ends.length > 0 && bytes + (frame.end - frame.payloadStart) > bytesMax) break;
        if (bootId !== undefined && cursor.bootId !== bootId) break;
        if (bootId === undefined) firstTimeMs = frame.timeMs;
        else if (partition(frame.timeMs) !== partition(firstTimeMs)) break;
        bootId = cursor.bootId;
        roomFor(frame.end - frame.payloadStart, bytes);
        bytes += cursor.buffer.copy(body, bytes, frame.payloadStart, frame.end);
        ends.push(bytes);
        positions.push(frame.position);
        readUpTo = frame.position;
        lastCreatedMs = Math.max(lastCreatedMs, frame.createdMs);
        cursor.head = undefined;
      }
      if (bootId === undefined) readUpTo = limit;
      if (bootId === undefined) return undefined;
      const filled = body.subarray(0, bytes);
      const payloads = ends.map((end, index) => filled.subarray(ends[index - 1] ?? 0, end));
      return { body: filled, payloads, positions, bytes, lastPosition: readUpTo, lastCreatedMs, bootId, firstTimeMs };
    },
    readUpTo: () => readUpTo,
    takeLosses: () => losses.splice(0),
    close() {
      for (const cursor of cursors) cursor.file?.close();
    },
  };
}

function headPosition(cursor: Cursor): number {
  return cursor.head?.position ?? Number.POSITIVE_INFINITY;
}

function newCursor(spoolClass: SpoolClass): Cursor {
  return {
    spoolClass,
    number: 0,
    file: undefined,
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    start: 0,
    end: 0,
    offset: 0,
    lastPosition: 0,
    lastCreatedMs: 0,
    head: undefined,
    bootId: '',
  };
}
