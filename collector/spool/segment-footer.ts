// The last frame of a finished segment says what the segment holds, so that a start reads a few hundred bytes of each instead
// of all of it, and says again what the head says, so that a damaged head can be mended. Its payload, little-endian:
//
//    0  f64 base, 8 f64 createdMs of the first frame, 16 f64 of the last, 24 f64 last position
//   32  u32 generation, 36 36 bytes boot_id, 72 u8 class, 73 three zero bytes, 76 u32 number of owners
//   80  per owner: f64 owner, f64 bytes, u32 frames
//   end − 4  u32 length of the whole footer frame
import { FRAME_HEAD_BYTES, readFrame, sealFrame } from './frame.ts';
import { OWN } from './owner.ts';
import type { SegmentHead } from './segment.ts';
import { emptyAccount, SEGMENT_OWNERS_MAX, type SegmentAccount } from './segment-account.ts';

const FIXED_BYTES = 80;
const OWNER_BYTES = 20;
/** The longest footer, bytes: as many owners as are told apart, the shared accounts, and our own. */
export const FOOTER_BYTES_MAX: number =
  FRAME_HEAD_BYTES + FIXED_BYTES + (SEGMENT_OWNERS_MAX + 16 + 1) * OWNER_BYTES + 4;

export function encodeFooter(head: SegmentHead, account: SegmentAccount): Buffer {
  const payloadBytes = FIXED_BYTES + account.owners.size * OWNER_BYTES + 4;
  const buffer = Buffer.alloc(FRAME_HEAD_BYTES + payloadBytes);
  let at = FRAME_HEAD_BYTES;
  buffer.writeDoubleLE(head.base, at);
  buffer.writeDoubleLE(account.fromMs, at + 8);
  buffer.writeDoubleLE(account.toMs, at + 16);
  buffer.writeDoubleLE(account.lastPosition, at + 24);
  buffer.writeUInt32LE(head.generation, at + 32);
  buffer.write(head.bootId, at + 36, 36, 'latin1');
  buffer.writeUInt8(head.class === 'keep' ? 1 : 2, at + 72);
  buffer.writeUInt32LE(account.owners.size, at + 76);
  at += FIXED_BYTES;
  for (const [owner, { bytes, count }] of account.owners) {
    buffer.writeDoubleLE(owner, at);
    buffer.writeDoubleLE(bytes, at + 8);
    buffer.writeUInt32LE(count, at + 16);
    at += OWNER_BYTES;
  }
  buffer.writeUInt32LE(buffer.length, at);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  sealFrame({ buffer, view }, 0, payloadBytes, {
    position: Math.max(head.base, account.lastPosition + 1),
    createdMs: account.toMs,
    timeMs: account.toMs,
    serial: 0,
    countsSerial: false,
    owner: OWN,
    sort: 0,
    isFooter: true,
  });
  return buffer;
}

export interface Footer {
  readonly head: SegmentHead;
  readonly account: SegmentAccount;
  readonly bytes: number;
}

/** The footer at the end of `tail`, the last bytes of a segment; undefined where there is none that is right. */
export function decodeFooter(tail: Buffer): Footer | undefined {
  if (tail.length < FRAME_HEAD_BYTES + FIXED_BYTES + 4) return undefined;
  const bytes = tail.readUInt32LE(tail.length - 4);
  const start = tail.length - bytes;
  if (start < 0 || bytes < FRAME_HEAD_BYTES + FIXED_BYTES + 4) return undefined;
  const read = readFrame(tail, start, tail.length);
  if (read.kind !== 'frame' || !read.frame.isFooter || read.frame.end !== tail.length) return undefined;
  const at = read.frame.payloadStart;
  const account = emptyAccount();
  const count = tail.readUInt32LE(at + 76);
  if (FIXED_BYTES + count * OWNER_BYTES + 4 !== tail.length - at) return undefined;
  for (let index = 0; index < count; index += 1) {
    const place = at + FIXED_BYTES + index * OWNER_BYTES;
    account.owners.set(tail.readDoubleLE(place), {
      bytes: tail.readDoubleLE(place + 8),
      count: tail.readUInt32LE(place + 16),
    });
  }
  account.fromMs = tail.readDoubleLE(at + 8);
  account.toMs = tail.readDoubleLE(at + 16);
  account.lastPosition = tail.readDoubleLE(at + 24);
  return {
    head: {
      class: tail.readUInt8(at + 72) === 1 ? 'keep' : 'bulk',
      base: tail.readDoubleLE(at),
      bootId: tail.toString('latin1', at + 36, at + 72).replace(/\0+$/, ''),
      generation: tail.readUInt32LE(at + 32),
    },
    account,
    bytes,
  };
}
