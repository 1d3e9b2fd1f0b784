// Reading segments back: what earlier runs left, and what is in a segment that is given up. Damaged places are passed over,
// and told by the caller.
import { newerFormat } from '../durable-file.ts';
import type { Disk } from './disk.ts';
import { FRAME_HEAD_BYTES, type FrameHead, nextFrameStart, readFrame } from './frame.ts';
import {
  decodeSegmentHead,
  newerSegmentFormat,
  parseSegmentName,
  SEGMENT_FORMAT,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
  type SpoolClass,
  segmentName,
} from './segment.ts';
import type { SpoolLoss } from './spool-loss.ts';

export interface Segment {
  readonly number: number;
  readonly base: number;
  readonly bootId: string;
  bytes: number;
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

/** Fills in the classes from what the disk holds; cuts off torn tails. */
export function recover(
  disk: Disk,
  classes: ReadonlyMap<SpoolClass, ClassSegments>,
  bootId: string,
  acknowledged: number,
): SpoolRecovery {
  const losses: SpoolLoss[] = [];
  let lastPosition = acknowledged;
  let lastCreatedMs = 0;
  const named = disk
    .list()
    .map(parseSegmentName)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.number - b.number);
  for (const { class: spoolClass, number } of named) {
    const state = classes.get(spoolClass) as ClassSegments;
    state.nextNumber = Math.max(state.nextNumber, number + 1);
    const name = segmentName(spoolClass, number);
    const opened = openSegment(disk, name);
    if (opened === undefined) {
      // A head that was never whole has no frame after it; a damaged one makes its frames unreadable for good.
      const size = sizeOf(disk, name);
      disk.remove(name);
      if (size > SEGMENT_HEAD_BYTES) losses.push(unreadable('damaged', size - SEGMENT_HEAD_BYTES, undefined));
      continue;
    }
    state.segments.push({ number, base: opened.head.base, bootId: opened.head.bootId, bytes: opened.bytes });
    lastPosition = Math.max(lastPosition, opened.head.base - 1);
  }
  for (const state of classes.values()) {
    const last = state.segments.at(-1);
    if (last === undefined) continue;
    const name = segmentName(state.name, last.number);
    const tail = lastWholeFrame(disk, name);
    lastPosition = Math.max(lastPosition, tail.lastPosition);
    if (last.bootId === bootId) lastCreatedMs = Math.max(lastCreatedMs, tail.lastCreatedMs);
    if (tail.end < last.bytes) {
      const file = disk.open(name, 'write');
      file?.truncate(tail.end);
      file?.close();
      losses.push(unreadable('torn', last.bytes - tail.end, lastPosition + 1));
      last.bytes = tail.end;
    }
  }
  return { lastPosition, lastCreatedMs, losses };
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

function openSegment(disk: Disk, name: string): { readonly head: SegmentHead; readonly bytes: number } | undefined {
  const file = disk.open(name, 'read');
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(SEGMENT_HEAD_BYTES);
    if (file.read(bytes, 0, bytes.length, 0) < bytes.length) return undefined;
    const newer = newerSegmentFormat(bytes);
    if (newer !== undefined) throw newerFormat(name, newer, SEGMENT_FORMAT);
    const head = decodeSegmentHead(bytes);
    return head === undefined ? undefined : { head, bytes: file.size() };
  } finally {
    file.close();
  }
}

function sizeOf(disk: Disk, name: string): number {
  const file = disk.open(name, 'read');
  try {
    return file?.size() ?? 0;
  } finally {
    file?.close();
  }
}

function readWhole(disk: Disk, name: string): Buffer {
  const file = disk.open(name, 'read');
  if (file === undefined) return Buffer.alloc(0);
  try {
    const bytes = Buffer.allocUnsafeSlow(file.size());
    let filled = 0;
    while (filled < bytes.length) {
      const count = file.read(bytes, filled, bytes.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    file.close();
  }
}

/** Every frame that is right, in file order, passing over what is not. */
export function* readHeads(disk: Disk, name: string): Iterable<FrameHead & { readonly end: number }> {
  const bytes = readWhole(disk, name);
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

function lastWholeFrame(disk: Disk, name: string) {
  let end = SEGMENT_HEAD_BYTES;
  let lastPosition = 0;
  let lastCreatedMs = 0;
  for (const head of readHeads(disk, name)) {
    end = head.end;
    lastPosition = Math.max(lastPosition, head.position);
    lastCreatedMs = Math.max(lastCreatedMs, head.createdMs);
  }
  return { end, lastPosition, lastCreatedMs };
}

/** What a segment holds beyond what was acknowledged. */
export function summarise(disk: Disk, name: string, acknowledged: number) {
  let count = 0;
  let frameBytes = 0;
  let fromMs: number | undefined;
  let toMs: number | undefined;
  let firstPosition: number | undefined;
  let lastPosition: number | undefined;
  let end = SEGMENT_HEAD_BYTES;
  for (const head of readHeads(disk, name)) {
    frameBytes += head.end - end;
    end = head.end;
    if (head.position <= acknowledged) continue;
    count += 1;
    fromMs ??= head.createdMs;
    firstPosition ??= head.position;
    toMs = head.createdMs;
    lastPosition = head.position;
  }
  const unreadableAtMost = Math.floor((sizeOf(disk, name) - end) / FRAME_HEAD_BYTES);
  return {
    count,
    frameBytes,
    fromMs,
    toMs,
    firstPosition,
    lastPosition,
    unreadableAtMost: Math.max(0, unreadableAtMost),
  };
}
