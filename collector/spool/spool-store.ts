// The files of the spool as its writing end sees them: how many bytes each class and owner takes, and how room is made when it
// is too much: by thinning segments (eviction.ts), each step of it such that a kill before or after leaves every frame either
// there or told.
import { type Disk, replaceOnDisk } from './disk.ts';
import { chooseSegment, excessOf, thin } from './eviction.ts';
import { FRAME_HEAD_BYTES, type Frame } from './frame.ts';
import type { LossJournal } from './loss-journal.ts';
import { encodeSegmentHead, SEGMENT_HEAD_BYTES, type SpoolClass, segmentName } from './segment.ts';
import { addFrame, emptyAccount } from './segment-account.ts';
import { encodeFooter, FOOTER_BYTES_MAX } from './segment-footer.ts';
import { type ClassSegments, readFrames, readWhole, type Segment } from './segment-scan.ts';
import { CLASS_SHARE, OWN_SHARE, segmentBytesFor } from './spool-limits.ts';
import type { SpoolLoss } from './spool-loss.ts';
import type { SpoolShared } from './spool-shared.ts';

/** Room is made for a little more than is needed at once, as a share of what the class holds. */
const SLACK_SHARE = 1 / 16;

export interface SpoolStore {
  bytes(): number;
  /** Segments of the class were written, finished, or removed outside of here: their sizes are asked again. */
  grew(bytes: number): void;
  removeDelivered(): void;
  /** Gives up what is older. */
  giveUpBefore(createdMs: number): void;
  /** Evicts down to the cap. `finish` closes the segment that a class writes, so that it may be thinned as well. */
  makeRoom(finish: (spoolClass: SpoolClass) => void): void;
}

export function createSpoolStore(options: {
  readonly disk: Disk;
  readonly shared: SpoolShared;
  readonly journal: LossJournal;
  readonly classes: ReadonlyMap<SpoolClass, ClassSegments>;
  readonly bytesMax: number;
  /** Of a class; beyond it neighbours are joined. */
  readonly segmentsMax: number;
  /** The segment that is written now, which stays. */
  readonly activeOf: (spoolClass: SpoolClass) => Segment | undefined;
}): SpoolStore {
  const { disk, shared, journal, classes, bytesMax, segmentsMax, activeOf } = options;
  let total = 0;
  /** One buffer for every segment that is thinned; made when the first one is. */
  let scratch: Buffer | undefined;
  for (const { segments } of classes.values()) for (const { bytes } of segments) total += bytes;

  function bytesOf(state: ClassSegments): number {
    return state.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  function closedOf(state: ClassSegments): readonly Segment[] {
    const active = activeOf(state.name);
    return state.segments.filter((segment) => segment !== active);
  }

  function forget(state: ClassSegments, segment: Segment): void {
    state.segments.splice(state.segments.indexOf(segment), 1);
    total -= segment.bytes;
  }

  function read(state: ClassSegments, segment: Segment): Buffer {
    scratch ??= Buffer.allocUnsafeSlow(segmentBytesFor(bytesMax) + FOOTER_BYTES_MAX + 64 * 1024);
    return readWhole(disk, segmentName(state.name, segment.number), scratch);
  }

  /**
   * Replaces a segment by the frames of it that stay. `commit` comes before: it hears what could not be read, and whatever is
   * lost must be on record when it returns. Throws what the disk throws.
   */
  function replace(
    state: ClassSegments,
    segment: Segment,
    bytes: Buffer,
    stays: (frame: Frame) => boolean,
    commit: (damage: readonly SpoolLoss[]) => void,
  ): void {
    const account = emptyAccount();
    let end = SEGMENT_HEAD_BYTES;
    let unreadable = bytes.length - SEGMENT_HEAD_BYTES;
    for (const frame of readFrames(bytes)) {
      unreadable -= frame.end - frame.start;
      if (frame.isFooter || !stays(frame)) continue;
      bytes.copyWithin(end, frame.start, frame.end);
      end += frame.end - frame.start;
      addFrame(account, frame, frame.end - frame.start);
    }
    commit(unreadable === 0 ? [] : [damageOf(state.name, segment, unreadable)]);
    const name = segmentName(state.name, segment.number);
    if (account.lastPosition === 0) {
      disk.remove(name);
      forget(state, segment);
      return;
    }
    const head = { class: state.name, base: segment.base, bootId: segment.bootId, generation: segment.generation + 1 };
    encodeSegmentHead(head).copy(bytes, 0);
    const footer = encodeFooter(head, account);
    replaceOnDisk(disk, name, [bytes.subarray(0, end), footer], 'soon');
    total += end + footer.length - segment.bytes;
    segment.bytes = end + footer.length;
    segment.generation = head.generation;
    segment.account = account;
  }

  function intend(state: ClassSegments, { number, generation }: Segment, losses: readonly SpoolLoss[]): void {
    journal.intend({ class: state.name, number, generation: generation + 1, losses });
  }

  /** Gives up what `excess` says of a segment, or all of it; false when the disk does not let it. */
  function giveUp(
    state: ClassSegments,
    segment: Segment,
    excess: ReadonlyMap<number, number> | undefined,
    reason: 'evicted' | 'aged',
  ): boolean {
    const thinning = thin({
      spoolClass: state.name,
      account: segment.account,
      excess,
      reason,
      acknowledged: shared.acknowledged(),
      sparesFirst: segment.generation === 0,
    });
    try {
      const bytes = read(state, segment);
      replace(
        state,
        segment,
        bytes,
        (frame) => thinning.stays(frame, frame.end - frame.start),
        (damage) => intend(state, segment, [...thinning.losses(), ...damage]),
      );
    } catch {
      journal.cancel();
      return false;
    }
    // The file is gone or replaced: whoever claims the segment from now on finds it so.
    journal.done(!shared.hasClaimed(state.name, segment.number));
    return true;
  }

  /** Joins the two neighbours that are smallest together: many thinned segments would be many files. */
  function joinNeighbours(state: ClassSegments): boolean {
    const closed = closedOf(state);
    let best: number | undefined;
    for (let index = 0; index + 1 < closed.length; index += 1) {
      const [one, next] = [closed[index] as Segment, closed[index + 1] as Segment];
      const sum = one.bytes + next.bytes;
      if (one.bootId !== next.bootId || sum > segmentBytesFor(bytesMax) || shared.hasClaimed(state.name, one.number))
        continue;
      const known =
        best === undefined ? Number.POSITIVE_INFINITY : (closed[best]?.bytes ?? 0) + (closed[best + 1]?.bytes ?? 0);
      if (sum < known) best = index;
    }
    if (best === undefined) return false;
    const [one, next] = [closed[best] as Segment, closed[best + 1] as Segment];
    const bytes = Buffer.concat([
      withoutFooter(readWhole(disk, segmentName(state.name, one.number))),
      withoutFooter(readWhole(disk, segmentName(state.name, next.number))).subarray(SEGMENT_HEAD_BYTES),
    ]);
    replace(
      state,
      one,
      bytes,
      () => true,
      (damage) => intend(state, one, damage),
    );
    journal.done(false);
    // Who claimed the first one just now may read it as it was, and then needs the second one.
    if (shared.hasClaimed(state.name, one.number)) return false;
    disk.remove(segmentName(state.name, next.number));
    forget(state, next);
    return true;
  }

  function evictFrom(state: ClassSegments, needed: number, finish: (spoolClass: SpoolClass) => void): boolean {
    const held = bytesOf(state);
    const owners = new Map<number, number>();
    for (const { account } of state.segments) {
      for (const [owner, { bytes }] of account.owners) owners.set(owner, (owners.get(owner) ?? 0) + bytes);
    }
    const frames = [...owners.values()].reduce((sum, bytes) => sum + bytes, 0);
    const excess = excessOf(owners, frames - Math.max(needed, held * SLACK_SHARE), bytesMax * OWN_SHARE);
    const closed = closedOf(state).map((segment) => ({
      number: segment.number,
      account: segment.account,
      isClaimed: shared.hasClaimed(state.name, segment.number),
      segment,
    }));
    const chosen = chooseSegment(closed, excess);
    const before = total;
    if (chosen !== undefined) return giveUp(state, chosen.segment, excess, 'evicted') && total < before;
    if (activeOf(state.name) === undefined) return false;
    finish(state.name);
    return activeOf(state.name) === undefined;
  }

  return {
    bytes: () => total,
    grew(bytes) {
      total += bytes;
    },
    removeDelivered() {
      const acknowledged = shared.acknowledged();
      for (const state of classes.values()) {
        for (
          let next = state.segments[1];
          next !== undefined && next.base <= acknowledged + 1;
          next = state.segments[1]
        ) {
          const first = state.segments[0] as Segment;
          disk.remove(segmentName(state.name, first.number));
          forget(state, first);
        }
      }
    },
    giveUpBefore(createdMs) {
      for (const state of classes.values()) {
        for (const segment of closedOf(state)) {
          if (segment.account.toMs >= createdMs) break;
          if (!giveUp(state, segment, undefined, 'aged')) break;
        }
      }
    },
    makeRoom(finish) {
      while (total > bytesMax) {
        const bulk = classes.get('bulk') as ClassSegments;
        const keep = classes.get('keep') as ClassSegments;
        const order = bytesOf(bulk) > bytesMax * CLASS_SHARE.bulk ? [bulk, keep] : [keep, bulk];
        if (!order.some((state) => evictFrom(state, total - bytesMax, finish))) return;
      }
      for (const state of classes.values()) {
        try {
          while (state.segments.length > segmentsMax && joinNeighbours(state));
        } catch {
          journal.cancel();
          // A disk that does not take it: more files than one likes, and nothing lost.
        }
      }
    },
  };
}

function withoutFooter(bytes: Buffer): Buffer {
  for (const frame of readFrames(bytes)) if (frame.isFooter) return bytes.subarray(0, frame.start);
  return bytes;
}

/** Bytes of a segment that are no frames. What is certain of them the serials say. */
function damageOf(spoolClass: SpoolClass, segment: Segment, bytes: number): SpoolLoss {
  return {
    reason: 'damaged',
    atLeast: 0,
    atMost: Math.max(1, Math.floor(bytes / FRAME_HEAD_BYTES)),
    fromMs: segment.account.fromMs,
    toMs: segment.account.toMs,
    firstPosition: segment.base,
    lastPosition: segment.account.lastPosition,
    spoolClass,
  };
}
