// Reading segments back: what earlier runs left, and what is in a segment that is given up. Damaged places are passed over and
// told; a damaged head is mended from the footer, and where that is not there either the segment is set aside under another
// name. Nothing here stops a start but a segment of a newer format, which must not be deleted.
import { newerFormat } from '../durable-file.ts';
import { type Disk, replaceOnDisk, UNFINISHED } from './disk.ts';
import { FRAME_HEAD_BYTES, type Frame, nextFrameStart, readFrame } from './frame.ts';
import {
  encodeSegmentHead,
  parseSegmentName,
  readSegmentHead,
  SEGMENT_FORMAT,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
  type SpoolClass,
  segmentName,
} from './segment.ts';
import { addFrame, emptyAccount, type SegmentAccount } from './segment-account.ts';
import { decodeFooter, encodeFooter, FOOTER_BYTES_MAX, type Footer } from './segment-footer.ts';
import type { SpoolLoss } from './spool-loss.ts';

/** Segments that nobody can read any more, kept for people to look at. */
export const SET_ASIDE_MAX = 4;
const SET_ASIDE_NAME = /\.damaged$/;

export interface Segment {
  readonly number: number;
  readonly base: number;
  readonly bootId: string;
  generation: number;
  bytes: number;
  account: SegmentAccount;
}

/** What earlier runs left. */
export interface SpoolRecovery {
  readonly lastPosition: number;
  /** The latest `event.created` of a frame of this boot in the last segments; 0 without one. */
  readonly lastCreatedMs: number;
  readonly losses: readonly SpoolLoss[];
}

/** The segments of a class that are there, oldest first, and the number of the next one. */
export interface ClassSegments {
  readonly name: SpoolClass;
  readonly segments: Segment[];
  nextNumber: number;
}

/** Fills in the classes from what the disk holds; cuts off torn tails, finishes what a kill left unfinished. */
export function recover(
  disk: Disk,
  classes: ReadonlyMap<SpoolClass, ClassSegments>,
  bootId: string,
  acknowledged: number,
): SpoolRecovery {
  const losses: SpoolLoss[] = [];
  for (const { class: spoolClass, number } of namesOnDisk(disk)) {
    const state = classes.get(spoolClass) as ClassSegments;
    state.nextNumber = Math.max(state.nextNumber, number + 1);
    const segment = recoverSegment(disk, segmentName(spoolClass, number), number, losses);
    if (segment === undefined) continue;
    const before = state.segments.at(-1);
    if (
      before !== undefined &&
      segment.account.lastPosition > 0 &&
      segment.account.lastPosition <= before.account.lastPosition
    ) {
      // A kill came between joining it to the one before and removing it.
      attempt(() => disk.remove(segmentName(spoolClass, number)));
      continue;
    }
    state.segments.push(segment);
  }
  let lastPosition = acknowledged;
  let lastCreatedMs = 0;
  for (const { segments } of classes.values()) {
    for (const { base, account } of segments) lastPosition = Math.max(lastPosition, base - 1, account.lastPosition);
    const last = segments.at(-1);
    if (last?.bootId === bootId) lastCreatedMs = Math.max(lastCreatedMs, last.account.toMs);
  }
  // Positions grow by one, so those of frames that cannot be read any more lie within their number above what can.
  for (const { reason, atMost } of losses) if (reason === 'damaged') lastPosition += atMost ?? 0;
  return { lastPosition, lastCreatedMs, losses };
}

function namesOnDisk(disk: Disk) {
  const names = disk.list();
  for (const name of names) if (name.endsWith(UNFINISHED)) attempt(() => disk.remove(name));
  const aside = names.filter((name) => SET_ASIDE_NAME.test(name)).sort();
  for (const name of aside.slice(0, -SET_ASIDE_MAX)) attempt(() => disk.remove(name));
  return names
    .map(parseSegmentName)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.number - b.number);
}

function recoverSegment(disk: Disk, name: string, number: number, losses: SpoolLoss[]): Segment | undefined {
  let ends: SegmentEnds;
  try {
    ends = readEnds(disk, name);
  } catch {
    // The disk does not read it: it stays, for a disk that may get better, and is passed over.
    losses.push(unreadable('damaged', sizeOf(disk, name), undefined));
    return undefined;
  }
  const { read, footer, bytes } = ends;
  if (read.kind === 'newer') throw newerFormat(name, read.format, SEGMENT_FORMAT);
  if (read.kind === 'damaged') return mended(disk, name, number, ends, losses);
  const { base, bootId, generation } = read.head;
  if (footer !== undefined) return { number, base, bootId, generation, bytes, account: footer.account };
  return finished(disk, name, { number, base, bootId, generation, bytes, account: emptyAccount() }, read.head, losses);
}

interface SegmentEnds {
  readonly read: ReturnType<typeof readSegmentHead>;
  readonly footer: Footer | undefined;
  readonly bytes: number;
}

function readEnds(disk: Disk, name: string): SegmentEnds {
  const file = disk.open(name, 'read');
  if (file === undefined) return { read: { kind: 'damaged' }, footer: undefined, bytes: 0 };
  try {
    const bytes = file.size();
    const head = Buffer.alloc(Math.min(SEGMENT_HEAD_BYTES, bytes));
    file.read(head, 0, head.length, 0);
    const tail = Buffer.alloc(Math.min(FOOTER_BYTES_MAX, Math.max(0, bytes - SEGMENT_HEAD_BYTES)));
    file.read(tail, 0, tail.length, bytes - tail.length);
    return { read: readSegmentHead(head), footer: decodeFooter(tail), bytes };
  } finally {
    file.close();
  }
}

/** A segment whose head is damaged: written anew where the footer says what the head said, else set aside. */
function mended(
  disk: Disk,
  name: string,
  number: number,
  { footer, bytes }: SegmentEnds,
  losses: SpoolLoss[],
): Segment | undefined {
  // A head that was never whole has no frame after it.
  if (bytes <= SEGMENT_HEAD_BYTES) {
    attempt(() => disk.remove(name));
    return undefined;
  }
  if (footer !== undefined) {
    const isMended = attempt(() => {
      const whole = readWhole(disk, name);
      replaceOnDisk(disk, name, [encodeSegmentHead(footer.head), whole.subarray(SEGMENT_HEAD_BYTES)], 'now');
    });
    const { base, bootId, generation } = footer.head;
    if (isMended) return { number, base, bootId, generation, bytes, account: footer.account };
  }
  attempt(() => disk.rename(name, name.replace(/\.spool$/, '.damaged')));
  losses.push(unreadable('damaged', bytes - SEGMENT_HEAD_BYTES, undefined));
  return undefined;
}

/** A segment without a footer: a kill left it, or its end is damaged. Cut behind its last right frame, and given a footer. */
function finished(disk: Disk, name: string, segment: Segment, head: SegmentHead, losses: SpoolLoss[]): Segment {
  let end = SEGMENT_HEAD_BYTES;
  try {
    for (const frame of readFrames(readWhole(disk, name))) {
      if (frame.isFooter) continue;
      addFrame(segment.account, frame, frame.end - frame.start);
      end = frame.end;
    }
  } catch {
    losses.push(unreadable('damaged', segment.bytes, undefined));
    return segment;
  }
  const torn = segment.bytes - end;
  // The damaged rest is told in any case; on a disk that cannot be written it stays, and the reader passes it over.
  if (torn > 0) losses.push(unreadable('torn', torn, Math.max(segment.base, segment.account.lastPosition + 1)));
  const footer = encodeFooter(head, segment.account);
  attempt(() => {
    const file = disk.open(name, 'write');
    if (file === undefined) return;
    try {
      if (torn > 0) file.truncate(end);
      segment.bytes = end;
      const written = file.append(footer);
      if (written < footer.length) file.truncate(end);
      else segment.bytes = end + written;
    } finally {
      file.close();
    }
  });
  return segment;
}

/**
 * Bytes that are no frames: how many events they were is not known. `atLeast` is 0, because the same events are gaps in the
 * serials as well, and what is certain must not be counted twice.
 */
function unreadable(reason: 'torn' | 'damaged', bytes: number, position: number | undefined): SpoolLoss {
  return {
    reason,
    atLeast: 0,
    atMost: Math.max(1, Math.floor(bytes / FRAME_HEAD_BYTES)),
    fromMs: undefined,
    toMs: undefined,
    firstPosition: position,
    lastPosition: undefined,
  };
}

function sizeOf(disk: Disk, name: string): number {
  let bytes = 0;
  attempt(() => {
    const file = disk.open(name, 'read');
    bytes = file?.size() ?? 0;
    file?.close();
  });
  return bytes;
}

/** True when the disk did it; recovery goes on either way. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

/** The bytes of a file, in `into` where they fit: then they are good until it is used again. Throws what the disk throws. */
export function readWhole(disk: Disk, name: string, into?: Buffer): Buffer {
  const file = disk.open(name, 'read');
  if (file === undefined) return Buffer.alloc(0);
  try {
    const size = file.size();
    const bytes = into !== undefined && into.length >= size ? into : Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const count = file.read(bytes, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    file.close();
  }
}

/** Every frame of a segment's bytes that is right, the footer too, in file order, passing over what is not. */
export function* readFrames(bytes: Buffer): Iterable<Frame> {
  let at: number | undefined = SEGMENT_HEAD_BYTES;
  while (at !== undefined && at < bytes.length) {
    const read = readFrame(bytes, at, bytes.length);
    if (read.kind === 'frame') {
      yield read.frame;
      at = read.frame.end;
    } else {
      at = nextFrameStart(bytes, at, bytes.length);
    }
  }
}
