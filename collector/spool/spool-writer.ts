// The writing end of the spool: one thread appends, in position order, and never waits for the reader. Promises: what `flush`
// said is in the files survives the death of the process; positions never repeat; the cap holds; what is given up is told, with
// owner, positions, count and times, also when a kill comes in between. A full, read-only or broken disk stops neither the
// caller nor the counting. docs/decisions/0020 says who loses what when it is full. Longer than 300 lines, because positions, files
// and accounts move in one step; what could be told apart is in pending-frames.ts, spool-store.ts and loss-journal.ts.
import type { Disk, DiskFile } from './disk.ts';
import type { FrameHead } from './frame.ts';
import { openLossJournal } from './loss-journal.ts';
import { NOBODY } from './owner.ts';
import { createPendingFrames, type PendingFrames } from './pending-frames.ts';
import { encodeSegmentHead, SEGMENT_HEAD_BYTES, SPOOL_CLASSES, type SpoolClass, segmentName } from './segment.ts';
import { emptyAccount } from './segment-account.ts';
import { encodeFooter } from './segment-footer.ts';
import {
  type ClassSegments,
  readFrames,
  readWhole,
  recover,
  type Segment,
  type SpoolRecovery,
} from './segment-scan.ts';
import { PENDING_BYTES_MAX, SEGMENTS_MAX, segmentBytesFor } from './spool-limits.ts';
import type { SpoolLoss } from './spool-loss.ts';
import type { SpoolShared } from './spool-shared.ts';
import { createSpoolStore } from './spool-store.ts';

interface SpoolEntry {
  readonly spoolClass: SpoolClass;
  readonly createdMs: number;
  readonly timeMs: number;
  readonly serial: number;
  readonly countsSerial: boolean;
  /** Whose it is (owner.ts); nobody's when absent. */
  readonly owner?: number;
  /** 0 … 65535: events of an owner with the same number are alike. */
  readonly sort?: number;
  /** The two lines of the event (event/bulk.ts), given the position that it gets. */
  readonly lines: (position: number) => string | Uint8Array;
}

export interface SpoolWriter {
  readonly recovery: SpoolRecovery;
  /** The position that the event got, or undefined when it was refused: too long, or the disk is full and memory as well. */
  append(entry: SpoolEntry): number | undefined;
  /**
   * Hands what was appended to the files; the error when the disk takes none: it is kept and tried again. `beforeRemoval` is called
   * where the files are over the cap, when all is in them and nothing has been removed yet.
   */
  flush(beforeRemoval?: () => void): Error | undefined;
  /** Waits until the files are on the disk. */
  sync(): Error | undefined;
  /** Has the files written to the disk without waiting; what the last time came to. */
  syncSoon(): Error | undefined;
  /** Deletes what was delivered, then what is too old, then evicts down to the cap. */
  trim(nowMs: number): void;
  /** What was given up or refused and is to be told now; answer with `lossesKept`. */
  takeLosses(nowMs: number): readonly SpoolLoss[];
  /** Whether what was taken is in the files. */
  lossesKept(areKept: boolean): void;
  /** Bytes of all segments. */
  bytes(): number;
  lastPosition(): number;
  /** `event.created` of the oldest event that waits, by segments; undefined when none does. */
  oldestMs(): number | undefined;
  /** Heads of this boot's frames above a position, in the segments that are there: class by class. */
  framesAfter(position: number, bootId: string): Iterable<FrameHead>;
  close(): void;
}

interface ClassState extends ClassSegments {
  active: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  readonly pending: PendingFrames;
  isDirty: boolean;
}

/** A step of the clock between two trims beyond this is no ageing, ms: a clock that jumps must not empty the spool. */
const AGEING_STEP_MS_MAX = 600_000;

export function openSpoolWriter(options: {
  readonly disk: Disk;
  readonly shared: SpoolShared;
  readonly bootId: string;
  readonly bytesMax: number;
  /** Older events are given up, ms; never when absent. */
  readonly ageMsMax?: number;
  readonly segmentsMax?: number;
}): SpoolWriter {
  const { disk, shared, bootId, bytesMax, ageMsMax, segmentsMax = SEGMENTS_MAX } = options;
  const segmentBytesMax = segmentBytesFor(bytesMax);
  const classes = new Map(SPOOL_CLASSES.map((name) => [name, emptyClass(name)]));
  const keep = classes.get('keep') as ClassState;
  const bulk = classes.get('bulk') as ClassState;
  const recovery = recover(disk, classes, bootId, shared.acknowledged());
  let position = recovery.lastPosition;
  let jumpedMs = 0;
  let trimmedMs: number | undefined;
  let syncError: Error | undefined;
  const journal = openLossJournal(
    disk,
    () => position + 1,
    (intent) => {
      const segment = classes.get(intent.class)?.segments.find(({ number }) => number === intent.number);
      return segment === undefined || segment.generation >= intent.generation;
    },
  );
  const store = createSpoolStore({
    disk,
    shared,
    journal,
    classes,
    bytesMax,
    segmentsMax,
    activeOf: (name) => classes.get(name)?.active?.segment,
  });
  shared.setSpooled(position);
  for (const state of classes.values()) shared.setNewest(state.name, state.segments.at(-1)?.number ?? 0);

  function write(state: ClassState): void {
    const { pending } = state;
    let done = 0;
    try {
      while (done < pending.bytes()) {
        if (state.active !== undefined && state.active.segment.bytes >= segmentBytesMax) finish(state);
        if (state.active === undefined) {
          state.active = startSegment(disk, state, pending.positionAt(done), bootId);
          store.grew(state.active.segment.bytes);
          shared.setNewest(state.name, state.active.segment.number);
        }
        const { segment, file } = state.active;
        const end = pending.endOf(done, segmentBytesMax - segment.bytes);
        appendWhole(state, segment, file, pending.slice(done, end));
        pending.account(segment.account, done, end);
        segment.bytes += end - done;
        store.grew(end - done);
        state.isDirty = true;
        done = end;
      }
    } finally {
      pending.drop(done);
    }
  }

  /** All of it or nothing: what a disk took of a write that failed is cut off, or the segment is left as it is. */
  function appendWhole(state: ClassState, segment: Segment, file: DiskFile, bytes: Buffer): void {
    try {
      const written = file.append(bytes);
      if (written < bytes.length) {
        throw Object.assign(new Error('the disk took only a part of a write'), { code: 'ENOSPC' });
      }
    } catch (error) {
      try {
        file.truncate(segment.bytes);
      } catch {
        state.active = undefined;
        file.close();
      }
      throw error;
    }
  }

  /** Ends the segment that is written with its footer; without it where the disk does not take it. */
  function finish(state: ClassState): void {
    const active = state.active;
    if (active === undefined) return;
    state.active = undefined;
    state.isDirty = false;
    const { segment, file } = active;
    const { base, generation } = segment;
    try {
      const footer = encodeFooter({ class: state.name, base, bootId, generation }, segment.account);
      const written = file.append(footer);
      if (written < footer.length) file.truncate(segment.bytes);
      else {
        segment.bytes += written;
        store.grew(written);
      }
    } catch {
      // The next start reads the segment instead.
    }
    file.syncSoon(noteSync);
    file.close();
  }

  function noteSync(error: Error | undefined): void {
    syncError = error;
  }

  function refuse(state: ClassState, entry: SpoolEntry): undefined {
    journal.add([
      {
        reason: 'refused',
        atLeast: 1,
        atMost: 1,
        fromMs: entry.createdMs,
        toMs: entry.createdMs,
        firstPosition: undefined,
        lastPosition: undefined,
        owner: entry.owner ?? NOBODY,
        spoolClass: state.name,
      },
    ]);
    return undefined;
  }

  return {
    recovery,
    append(entry) {
      const state = entry.spoolClass === 'keep' ? keep : bulk;
      const next = position + 1;
      const head = {
        position: next,
        createdMs: entry.createdMs,
        timeMs: entry.timeMs,
        serial: entry.serial,
        countsSerial: entry.countsSerial,
        owner: entry.owner ?? NOBODY,
        sort: entry.sort ?? 0,
      };
      if (!state.pending.add(head, entry.lines(next))) return refuse(state, entry);
      position = next;
      return next;
    },
    flush(beforeRemoval) {
      try {
        // The one that goes last is written first: what fits of a full disk is its own.
        write(keep);
        write(bulk);
        shared.setSpooled(position);
        if (store.bytes() > bytesMax) {
          beforeRemoval?.();
          store.removeDelivered();
          store.makeRoom((name) => finish(classes.get(name) as ClassState));
        }
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
    syncSoon() {
      for (const state of classes.values()) {
        if (!state.isDirty || state.active === undefined) continue;
        state.isDirty = false;
        state.active.file.syncSoon(noteSync);
      }
      return syncError;
    },
    trim(nowMs) {
      const stepMs = nowMs - (trimmedMs ?? nowMs);
      trimmedMs = nowMs;
      if (stepMs < 0 || stepMs > AGEING_STEP_MS_MAX) jumpedMs += stepMs;
      try {
        store.removeDelivered();
        if (ageMsMax !== undefined) {
          const oldestMs = nowMs - jumpedMs - ageMsMax;
          for (const state of classes.values()) {
            const account = state.active?.segment.account;
            if (account !== undefined && account.toMs > 0 && account.toMs < oldestMs) finish(state);
          }
          store.giveUpBefore(oldestMs);
        }
        store.makeRoom((name) => finish(classes.get(name) as ClassState));
      } catch {
        // A disk that removes nothing now is asked again at the next trim.
      }
    },
    takeLosses: journal.take,
    lossesKept(areKept) {
      if (areKept) journal.kept();
      else journal.untold();
    },
    bytes: store.bytes,
    lastPosition: () => position,
    oldestMs() {
      let oldestMs: number | undefined;
      for (const { segments } of classes.values()) {
        const waiting = segments.find(({ account }) => account.lastPosition > shared.acknowledged());
        const fromMs = waiting?.account.fromMs ?? 0;
        if (fromMs > 0 && (oldestMs === undefined || fromMs < oldestMs)) oldestMs = fromMs;
      }
      return oldestMs;
    },
    *framesAfter(after, ofBoot) {
      for (const state of classes.values()) {
        for (const segment of state.segments) {
          if (segment.bootId !== ofBoot || segment.account.lastPosition <= after) continue;
          for (const frame of readFrames(readWhole(disk, segmentName(state.name, segment.number)))) {
            if (!frame.isFooter && frame.position > after) yield frame;
          }
        }
      }
    },
    close() {
      for (const state of classes.values()) {
        try {
          state.active?.file.sync();
        } catch {
          // Told by the last sync.
        }
        finish(state);
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
    pending: createPendingFrames(PENDING_BYTES_MAX[name]),
    isDirty: false,
  };
}

function startSegment(disk: Disk, state: ClassState, base: number, bootId: string): NonNullable<ClassState['active']> {
  const number = state.nextNumber;
  const name = segmentName(state.name, number);
  const head = encodeSegmentHead({ class: state.name, base, bootId, generation: 0 });
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
  const segment: Segment = { number, base, bootId, generation: 0, bytes: SEGMENT_HEAD_BYTES, account: emptyAccount() };
  state.segments.push(segment);
  return { segment, file };
}
