// Frames of a class that are not in a file yet: one buffer, in which each is written once at its place. While the disk takes
// nothing it is what memory there is, shared out so that no user takes all of it.
import { FRAME_HEAD_BYTES, type FrameHead, sealFrame } from './frame.ts';
import { OWN } from './owner.ts';
import { addFrame, type SegmentAccount } from './segment-account.ts';
import { FRAME_BYTES_MAX } from './spool-limits.ts';

const START_BYTES = 256 * 1024;
/** An event of one-byte characters takes at most this many bytes a character in UTF-8; of two-byte ones as well. */
const BYTES_OF_CHARACTER_MAX = 3;

export interface PendingFrames {
  bytes(): number;
  /** The payload as text, or as the bytes of UTF-8. False when it was refused: too long, or no room for this owner. */
  add(head: FrameHead, payload: string | Uint8Array): boolean;
  /** The place of the first whole frames after `start` that fit into `room`, and of one at least; `start` when none is left. */
  endOf(start: number, room: number): number;
  /** Valid until the next `add` or `drop`. */
  slice(start: number, end: number): Buffer;
  positionAt(start: number): number;
  account(account: SegmentAccount, start: number, end: number): void;
  /** They are in a file. */
  drop(end: number): void;
}

export function createPendingFrames(bytesMax: number): PendingFrames {
  let buffer = Buffer.allocUnsafeSlow(START_BYTES);
  let view = new DataView(buffer.buffer);
  let used = 0;
  /** Bytes by owner; counted when memory runs short, and forgotten when the disk takes some. */
  let waiting: Map<number, number> | undefined;

  function reserve(bytes: number): void {
    if (used + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(used + bytes, buffer.length * 2));
    buffer.copy(grown, 0, 0, used);
    buffer = grown;
    view = new DataView(grown.buffer);
  }

  /** Whoever has more waiting than is still free waits no more: so whoever comes later finds room. */
  function mayWait(owner: number, bytes: number): boolean {
    if (used + bytes <= bytesMax / 2) return true;
    if (owner === OWN) return used + bytes <= bytesMax;
    waiting ??= waitingByOwner();
    const own = (waiting.get(owner) ?? 0) + bytes;
    if (own > bytesMax - used) return false;
    waiting.set(owner, own);
    return true;
  }

  function waitingByOwner(): Map<number, number> {
    const owners = new Map<number, number>();
    for (let at = 0; at < used; at = frameEnd(at)) {
      const owner = view.getFloat64(at + 40, true);
      owners.set(owner, (owners.get(owner) ?? 0) + frameEnd(at) - at);
    }
    return owners;
  }

  function frameEnd(at: number): number {
    return at + FRAME_HEAD_BYTES + view.getUint32(at, true);
  }

  return {
    bytes: () => used,
    add(head, payload) {
      if (!mayWait(head.owner, FRAME_HEAD_BYTES + payload.length)) return false;
      reserve(FRAME_HEAD_BYTES + payload.length * BYTES_OF_CHARACTER_MAX);
      let payloadBytes = payload.length;
      if (typeof payload === 'string') payloadBytes = buffer.write(payload, used + FRAME_HEAD_BYTES, 'utf8');
      else if (payloadBytes <= FRAME_BYTES_MAX) buffer.set(payload, used + FRAME_HEAD_BYTES);
      if (payloadBytes > FRAME_BYTES_MAX) return false;
      sealFrame({ buffer, view }, used, payloadBytes, head);
      used += FRAME_HEAD_BYTES + payloadBytes;
      return true;
    },
    endOf(start, room) {
      let at = start;
      while (at < used && (at === start || frameEnd(at) - start <= room)) at = frameEnd(at);
      return at;
    },
    slice: (start, end) => buffer.subarray(start, end),
    positionAt: (start) => view.getFloat64(start + 8, true),
    account(account, start, end) {
      for (let at = start; at < end; at = frameEnd(at)) {
        const frame = {
          owner: view.getFloat64(at + 40, true),
          createdMs: view.getFloat64(at + 16, true),
          position: view.getFloat64(at + 8, true),
        };
        addFrame(account, frame, frameEnd(at) - at);
      }
    },
    drop(end) {
      buffer.copyWithin(0, end, used);
      used -= end;
      if (end > 0) waiting = undefined;
    },
  };
}
