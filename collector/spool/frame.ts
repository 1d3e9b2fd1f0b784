// A frame is one event in a spool segment. Numbers are little-endian.
//
//    0  u32  length of the payload in bytes
//    4  u32  CRC-32 of bytes 8 … 48 + length
//    8  f64  position: grows by one with each event of the host, over both classes
//   16  f64  event.created, epoch ms
//   24  u32  audit serial
//   28  u8   flags: 1 the serial counts (an audit event, not one of our own, not a fragment), 2 this is the segment's footer
//   29  u8   0xa7
//   30  u16  sort: events of one user with the same number are alike (event-class.ts)
//   32  f64  @timestamp, epoch ms
//   40  f64  owner: whose event it is (owner.ts)
//   48       payload: the two lines of the event as `_bulk` takes them; of a footer see segment-footer.ts
//
// A frame whose checksum is wrong is not read, and reading goes on at the next frame that is right: a flipped bit costs one. No
// payload can pass for a frame: it is JSON, so each of its bytes is at least 0x20, and no length that large is accepted.
import { crc32 } from 'node:zlib';
import { FRAME_BYTES_MAX } from './spool-limits.ts';

export const FRAME_HEAD_BYTES = 48;
const COUNTS_SERIAL = 1;
const FOOTER = 2;
const FLAGS_MAX = COUNTS_SERIAL | FOOTER;
const MARK = 0xa7;

export interface FrameHead {
  readonly position: number;
  readonly createdMs: number;
  readonly timeMs: number;
  readonly serial: number;
  readonly countsSerial: boolean;
  readonly owner: number;
  readonly sort: number;
}

export interface Frame extends FrameHead {
  readonly isFooter: boolean;
  /** Where the frame starts and ends, and its payload starts, within the buffer that was read. */
  readonly start: number;
  readonly payloadStart: number;
  readonly end: number;
}

/** Writes a frame whose payload of `payloadBytes` stands already at `start + 48`. `view` is that of the whole buffer. */
export function sealFrame(
  { buffer, view }: { readonly buffer: Buffer; readonly view: DataView },
  start: number,
  payloadBytes: number,
  head: FrameHead & { readonly isFooter?: boolean },
): void {
  view.setUint32(start, payloadBytes, true);
  view.setFloat64(start + 8, head.position, true);
  view.setFloat64(start + 16, head.createdMs, true);
  view.setUint32(start + 24, head.serial, true);
  buffer[start + 28] = (head.countsSerial ? COUNTS_SERIAL : 0) | (head.isFooter === true ? FOOTER : 0);
  buffer[start + 29] = MARK;
  view.setUint16(start + 30, head.sort, true);
  view.setFloat64(start + 32, head.timeMs, true);
  view.setFloat64(start + 40, head.owner, true);
  const end = start + FRAME_HEAD_BYTES + payloadBytes;
  view.setUint32(start + 4, crc32(buffer.subarray(start + 8, end)), true);
}

/** `more`: the frame may go on beyond the buffer. `corrupt`: whatever comes, this is no frame. */
export type FrameRead = { readonly kind: 'frame'; readonly frame: Frame } | { readonly kind: 'more' | 'corrupt' };

/** Reads the frame at `start` of `buffer[0, end)`. */
export function readFrame(buffer: Buffer, start: number, end: number): FrameRead {
  if (start + FRAME_HEAD_BYTES > end) return { kind: 'more' };
  const length = buffer.readUInt32LE(start);
  const flags = buffer[start + 28] as number;
  const position = buffer.readDoubleLE(start + 8);
  if (length > FRAME_BYTES_MAX || flags > FLAGS_MAX || buffer[start + 29] !== MARK) return { kind: 'corrupt' };
  if (!Number.isSafeInteger(position) || position < 1) return { kind: 'corrupt' };
  const payloadStart = start + FRAME_HEAD_BYTES;
  const frameEnd = payloadStart + length;
  if (frameEnd > end) return { kind: 'more' };
  if (crc32(buffer.subarray(start + 8, frameEnd)) !== buffer.readUInt32LE(start + 4)) return { kind: 'corrupt' };
  return {
    kind: 'frame',
    frame: {
      position,
      createdMs: buffer.readDoubleLE(start + 16),
      timeMs: buffer.readDoubleLE(start + 32),
      serial: buffer.readUInt32LE(start + 24),
      countsSerial: (flags & COUNTS_SERIAL) !== 0,
      isFooter: (flags & FOOTER) !== 0,
      owner: buffer.readDoubleLE(start + 40),
      sort: buffer.readUInt16LE(start + 30),
      start,
      payloadStart,
      end: frameEnd,
    },
  };
}

/** The first place after `start` where a whole, right frame begins, or undefined. */
export function nextFrameStart(buffer: Buffer, start: number, end: number): number | undefined {
  let mark = buffer.indexOf(MARK, start + 1 + 29);
  while (mark !== -1 && mark < end) {
    const at = mark - 29;
    if (at + FRAME_HEAD_BYTES <= end && readFrame(buffer, at, end).kind === 'frame') return at;
    mark = buffer.indexOf(MARK, mark + 1);
  }
  return undefined;
}
