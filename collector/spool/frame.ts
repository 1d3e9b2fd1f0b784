// A frame is one event in a spool segment. Numbers are little-endian.
//
//    0  u32  length of the payload in bytes
//    4  u32  CRC-32 of bytes 8 … 40 + length
//    8  f64  position: grows by one with each event of the host, over both classes
//   16  f64  event.created, epoch ms
//   24  u32  audit serial
//   28  u8   1: the serial counts (an audit event, not one of our own, not a fragment); else 0
//   29  …31  zero
//   32  f64  @timestamp, epoch ms
//   40       payload: the two lines of the event as `_bulk` takes them
//
// A frame whose checksum is wrong is not read, and reading goes on at the next frame that is right: a flipped bit costs one.
import { crc32 } from 'node:zlib';
import { FRAME_BYTES_MAX } from './spool-limits.ts';

export const FRAME_HEAD_BYTES = 40;

export interface FrameHead {
  readonly position: number;
  readonly createdMs: number;
  readonly timeMs: number;
  readonly serial: number;
  readonly countsSerial: boolean;
}

export interface Frame extends FrameHead {
  /** Where the frame starts and ends, and its payload starts, within the buffer that was read. */
  readonly start: number;
  readonly payloadStart: number;
  readonly end: number;
}

/** Writes a frame whose payload of `payloadBytes` stands already at `start + 40`. */
export function sealFrame(buffer: Buffer, start: number, payloadBytes: number, head: FrameHead): void {
  buffer.writeUInt32LE(payloadBytes, start);
  buffer.writeDoubleLE(head.position, start + 8);
  buffer.writeDoubleLE(head.createdMs, start + 16);
  buffer.writeUInt32LE(head.serial, start + 24);
  buffer.writeUInt32LE(head.countsSerial ? 1 : 0, start + 28);
  buffer.writeDoubleLE(head.timeMs, start + 32);
  const crc = crc32(buffer.subarray(start + 8, start + FRAME_HEAD_BYTES + payloadBytes));
  buffer.writeUInt32LE(crc, start + 4);
}

/** `more`: the frame may go on beyond the buffer. `corrupt`: whatever comes, this is no frame. */
export type FrameRead = { readonly kind: 'frame'; readonly frame: Frame } | { readonly kind: 'more' | 'corrupt' };

/** Reads the frame at `start` of `buffer[0, end)`. */
export function readFrame(buffer: Buffer, start: number, end: number): FrameRead {
  if (start + FRAME_HEAD_BYTES > end) return { kind: 'more' };
  const length = buffer.readUInt32LE(start);
  const position = buffer.readDoubleLE(start + 8);
  if (length > FRAME_BYTES_MAX || !Number.isSafeInteger(position) || position < 1) return { kind: 'corrupt' };
  const payloadStart = start + FRAME_HEAD_BYTES;
  const frameEnd = payloadStart + length;
  if (frameEnd > end) return { kind: 'more' };
  if (crc32(buffer.subarray(start + 8, frameEnd)) !== buffer.readUInt32LE(start + 4)) return { kind: 'corrupt' };
  const createdMs = buffer.readDoubleLE(start + 16);
  const serial = buffer.readUInt32LE(start + 24);
  const countsSerial = buffer.readUInt32LE(start + 28) === 1;
  const timeMs = buffer.readDoubleLE(start + 32);
  return {
    kind: 'frame',
    frame: { position, createdMs, timeMs, serial, countsSerial, start, payloadStart, end: frameEnd },
  };
}

/** The first place after `start` where a whole, right frame begins, or undefined. */
export function nextFrameStart(buffer: Buffer, start: number, end: number): number | undefined {
  for (let at = start + 1; at + FRAME_HEAD_BYTES <= end; at += 1) {
    // The flags are 0 or 1 and the three bytes after them zero: that spares nearly every checksum.
    if (buffer[at + 29] !== 0 || buffer[at + 30] !== 0 || buffer[at + 31] !== 0) continue;
    if (readFrame(buffer, at, end).kind === 'frame') return at;
  }
  return undefined;
}
