// A segment is a file of frames of one class, `keep-00000042.spool` or `bulk-…`, written once from front to end:
//
//    0  8 bytes  "VEDSPOOL"
//    8  u16      format version (2)
//   10  u8       class: 1 keep, 2 bulk
//   11  u8       zero
//   12  u32      CRC-32 of bytes 0 … 12 and 16 … 64, in this and in every later format
//   16  f64      base: every frame of this segment has a position at or above it, of earlier segments of the class below it
//   24  36 bytes boot_id of the boot that wrote it
//   60  u32      generation: how often the segment was replaced by what an eviction left of it
//   64           frames (frame.ts), and when it is finished a footer (segment-footer.ts)
//
// The checksum tells a damaged head from one of a newer format: the former is mended from the footer or set aside, the latter
// stops the start. Recovery: the last segment of a class may end in a torn frame, which is cut off and told; a new run starts
// new segments.
import { crc32 } from 'node:zlib';

const MAGIC = 'VEDSPOOL';
export const SEGMENT_FORMAT = 2;
export const SEGMENT_HEAD_BYTES = 64;

/** *keep* goes last when the spool is full: exec, identity, modules, USER_*, loss records. *bulk* is the rest. */
export type SpoolClass = 'keep' | 'bulk';
export const SPOOL_CLASSES: readonly SpoolClass[] = ['keep', 'bulk'];

export interface SegmentHead {
  readonly class: SpoolClass;
  readonly base: number;
  readonly bootId: string;
  readonly generation: number;
}

export function segmentName(spoolClass: SpoolClass, number: number): string {
  return `${spoolClass}-${String(number).padStart(8, '0')}.spool`;
}

/** Class and number in a segment's name, or undefined when it is another file. */
export function parseSegmentName(name: string): { readonly class: SpoolClass; readonly number: number } | undefined {
  const match = /^(keep|bulk)-([0-9]{8,12})\.spool$/.exec(name);
  return match === null ? undefined : { class: match[1] as SpoolClass, number: Number(match[2]) };
}

export function encodeSegmentHead(head: SegmentHead): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEAD_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16LE(SEGMENT_FORMAT, 8);
  bytes.writeUInt8(head.class === 'keep' ? 1 : 2, 10);
  bytes.writeDoubleLE(head.base, 16);
  bytes.write(head.bootId, 24, 36, 'latin1');
  bytes.writeUInt32LE(head.generation, 60);
  bytes.writeUInt32LE(headChecksum(bytes), 12);
  return bytes;
}

/** `newer` only where the checksum is right: a flipped bit makes no new format. */
export type HeadRead =
  | { readonly kind: 'head'; readonly head: SegmentHead }
  | { readonly kind: 'newer'; readonly format: number }
  | { readonly kind: 'damaged' };

export function readSegmentHead(bytes: Buffer): HeadRead {
  if (bytes.length < SEGMENT_HEAD_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return { kind: 'damaged' };
  if (headChecksum(bytes) !== bytes.readUInt32LE(12)) return { kind: 'damaged' };
  const format = bytes.readUInt16LE(8);
  if (format > SEGMENT_FORMAT) return { kind: 'newer', format };
  if (format < SEGMENT_FORMAT) return { kind: 'damaged' };
  const bootId = bytes.toString('latin1', 24, 60).replace(/\0+$/, '');
  return {
    kind: 'head',
    head: {
      class: bytes.readUInt8(10) === 1 ? 'keep' : 'bulk',
      base: bytes.readDoubleLE(16),
      bootId,
      generation: bytes.readUInt32LE(60),
    },
  };
}

function headChecksum(bytes: Buffer): number {
  return crc32(bytes.subarray(16, SEGMENT_HEAD_BYTES), crc32(bytes.subarray(0, 12)));
}
