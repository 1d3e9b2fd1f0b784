// The writing end of the spool: one thread appends, in position order, and never waits for the reader. Promises: what `flush`
// said is in the files survives the death of the process; positions never repeat; the cap holds; what is given up is told, with
// positions, count and times. A full or read-only disk stops neither the caller nor the counting.
import type { Disk, DiskFile } from './disk.ts';
import { FRAME_HEAD_BYTES, type FrameHead, sealFrame } from './frame.ts';
import { encodeSegmentHead, SPOOL_CLASSES, type SpoolClass, segmentName } from './segment.ts';
import { type ClassSegments, readHeads, recover, type Segment, type SpoolRecovery, summarise } from './segment-scan.ts';
import { CLASS_SHARE, FRAME_BYTES_MAX, PENDING_BYTES_MAX, segmentBytesFor } from './spool-limits.ts';
import type { SpoolLoss } from './spool-loss.ts';
import type { SpoolShared } from './spool-shared.ts';

interface SpoolEntry {
  readonly spoolClass: SpoolClass;
  readonly createdMs: number;
  readonly timeMs: number;
  readonly serial: number;
  readonly countsSerial: boolean;
  /** The two lines of the event (event/bulk.ts), given the position that it gets. */
  readonly lines: (position: number) => string;
}

export interface SpoolWriter {
  readonly recovery: SpoolRecovery;
  /** The position that the event got, or undefined when it was refused: too long, or the disk is full and memory as well. */
  append(entry: SpoolEntry): number | undefined;
  /** Hands what was appended to the files; the error when the disk takes none: it is kept and tried again. */
  flush(): Error | undefined;
  /** Waits until the files are on the disk. */
  sync(): Error | undefined;
  /** Deletes what was delivered, then evicts down to the cap; what was lost by that. */
  trim(): readonly SpoolLoss[];
  /** Bytes of all segments. */
  bytes(): number;
  lastPosition(): number;
  /** Heads of this boot's frames above a position, in the segments that are there: class by class. */
  framesAfter(position: number, bootId: string): Iterable<FrameHead>;
  close(): void;
}

interface ClassState extends ClassSegments {
  active: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  pending: Buffer;
  pendingBytes: number;
  isDirty: boolean;
}

const PENDING_START_BYTES = 256 * 1024;

export function openSpoolWriter(options: {
  readonly disk: Disk;
  readonly shared: SpoolShared;
  readonly bootId: string;
  readonly bytesMax: number;
}): SpoolWriter {
  const { disk, shared, bootId, bytesMax } = options;
  const segmentBytesMax = segmentBytesFor(bytesMax);
  const classes = new Map(SPOOL_CLASSES.map((name) => [name, emptyClass(name)]));
  const classOf = (name: SpoolClass): ClassState => classes.get(name) as ClassState;
  const recovery = recover(disk, classes, bootId, shared.acknowledged());
  let position = recovery.lastPosition;
  shared.setSpooled(position);
  for (const state of classes.values()) shared.setNewest(state.name, state.segments.at(-1)?.number ?? 0);

  function write(state: ClassState): void {
    let done = 0;
    try {
      while (done < state.pendingBytes) {
        if (state.active !== undefined && state.active.segment.bytes >= segmentBytesMax) closeActive(state);
        if (state.active === undefined) {
          state.active = startSegment(disk, state, firstPosition(state, done), bootId);
          shared.setNewest(state.name, state.active.segment.number);
        }
        const { segment, file } = state.active;
        const end = wholeFramesEnd(state.pending, done, state.pendingBytes, segmentBytesMax - segment.bytes);
        const written = file.append(state.pending.subarray(done, end));
        if (written < end - done) {
          file.truncate(segment.bytes);
          throw Object.assign(new Error('the disk took only a part of a write'), { code: 'ENOSPC' });
        }
        segment.bytes += written;
        state.isDirty = true;
        done = end;
      }
    } finally {
      state.pending.copyWithin(0, done, state.pendingBytes);
      state.pendingBytes -= done;
    }
  }

  function closeActive(state: ClassState): void {
    const active = state.active;
    if (active === undefined) return;
    state.active = undefined;
    active.file.sync();
    active.file.close();
  }

  function totalBytes(): number {
    let sum = 0;
    for (const state of classes.values()) for (const segment of state.segments) sum += segment.bytes;
    return sum;
  }

  function drop(state: ClassState, segment: Segment): void {
    disk.remove(segmentName(state.name, segment.number));
    state.segments.splice(state.segments.indexOf(segment), 1);
  }

  function removeDelivered(): void {
    const acknowledged = shared.acknowledged();
    for (const state of classes.values()) {
      for (
        let next = state.segments[1];
        next !== undefined && next.base <= acknowledged + 1;
        next = state.segments[1]
      ) {
        drop(state, state.segments[0] as Segment);
      }
    }
  }

  /** The oldest segment of the class to give up next; never the one that is written. */
  function victim(): { readonly state: ClassState; readonly segment: Segment } | undefined {
    const over = (name: SpoolClass): boolean =>
      classOf(name).segments.reduce((sum, segment) => sum + segment.bytes, 0) > bytesMax * CLASS_SHARE[name];
    const order: readonly SpoolClass[] = over('bulk') ? ['bulk', 'keep'] : ['keep', 'bulk'];
    for (const name of order) {
      const state = classOf(name);
      const segment = state.segments[0];
      if (state.segments.length > 1 && segment !== undefined) return { state, segment };
    }
    return undefined;
  }

  function evict(): SpoolLoss | undefined {
    const found = victim();
    if (found === undefined) return undefined;
    const { state, segment } = found;
    const isUnread = shared.giveUp(state.name, segment.number);
    const summary = summarise(disk, segmentName(state.name, segment.number), shared.acknowledged());
    drop(state, segment);
    return {
      reason: 'evicted',
      atLeast: isUnread ? summary.count : 0,
      atMost: summary.count + summary.unreadableAtMost,
      fromMs: summary.fromMs,
      toMs: summary.toMs,
      firstPosition: summary.firstPosition,
      lastPosition: summary.lastPosition,
    };
  }

  return {
    recovery,
    append(entry) {
      const state = classOf(entry.spoolClass);
      if (state.pendingBytes > PENDING_BYTES_MAX[entry.spoolClass]) return undefined;
      const next = position + 1;
      const text = entry.lines(next);
      const start = state.pendingBytes;
      reserve(state, FRAME_HEAD_BYTES + text.length * 3);
      const payloadBytes = state.pending.write(text, start + FRAME_HEAD_BYTES, 'utf8');
      if (payloadBytes > FRAME_BYTES_MAX) return undefined;
      sealFrame(state.pending, start, payloadBytes, { ...entry, position: next });
      state.pendingBytes = start + FRAME_HEAD_BYTES + payloadBytes;
      position = next;
      return next;
    },
    flush() {
      try {
        for (const state of classes.values()) if (state.pendingBytes > 0) write(state);
        shared.setSpooled(position);
        return undefined;
      } catch (error) {
        return error as Error;
      }
    },
    sync() {
      try {
        for (const state of classes.values()) {
          if (!state.isDirty || state.active === undefined) continue;
          state.active.file.sync();
          state.isDirty = false;
        }
        return undefined;
      } catch (error) {
        return error as Error;
      }
    },
    trim() {
      removeDelivered();
      const losses: SpoolLoss[] = [];
      while (totalBytes() > bytesMax) {
        const loss = evict();
        if (loss === undefined) break;
        if (loss.atMost > 0) losses.push(loss);
      }
      return losses;
    },
    bytes: totalBytes,
    lastPosition: () => position,
    *framesAfter(after, ofBoot) {
      for (const state of classes.values()) {
        for (const [index, segment] of state.segments.entries()) {
          const next = state.segments[index + 1];
          if (segment.bootId !== ofBoot || (next !== undefined && next.base <= after + 1)) continue;
          for (const head of readHeads(disk, segmentName(state.name, segment.number))) {
            if (head.position > after) yield head;
          }
        }
      }
    },
    close() {
      for (const state of classes.values()) {
        try {
          closeActive(state);
        } catch {
          state.active = undefined;
        }
      }
    },
  };
}

function emptyClass(name: SpoolClass): ClassState {
  return {
    name,
    segments: [],
    nextNumber: 1,
    active: undefined,
    pending: Buffer.allocUnsafeSlow(PENDING_START_BYTES),
    pendingBytes: 0,
    isDirty: false,
  };
}

function reserve(state: ClassState, bytes: number): void {
  const needed = state.pendingBytes + bytes;
  if (needed <= state.pending.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, state.pending.length * 2));
  state.pending.copy(grown, 0, 0, state.pendingBytes);
  state.pending = grown;
}

function firstPosition(state: ClassState, at: number): number {
  return state.pending.readDoubleLE(at + 8);
}

/** The end of as many whole frames as fit into `room`, and of one at least. */
function wholeFramesEnd(pending: Buffer, start: number, end: number, room: number): number {
  let at = start;
  while (at < end) {
    const next = at + FRAME_HEAD_BYTES + pending.readUInt32LE(at);
    if (next - start > room && at > start) break;
    at = next;
  }
  return at;
}

function startSegment(disk: Disk, state: ClassState, base: number, bootId: string): NonNullable<ClassState['active']> {
  const number = state.nextNumber;
  const name = segmentName(state.name, number);
  const head = encodeSegmentHead({ class: state.name, base, bootId });
  state.nextNumber = number + 1;
  const file = disk.create(name);
  let written = 0;
  try {
    written = file.append(head);
  } finally {
    if (written < head.length) {
      file.close();
      disk.remove(name);
    }
  }
  if (written < head.length) throw Object.assign(new Error('the disk took only a part of a head'), { code: 'ENOSPC' });
  const segment: Segment = { number, base, bootId, bytes: head.length };
  state.segments.push(segment);
  return { segment, file };
}
