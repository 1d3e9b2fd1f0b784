// A segment is a file of frames of one class, `keep-00000042.spool` or `bulk-…`, written once from front to end:
//
//    0  8 bytes  "VEDSPOOL"
//    8  u16      format version (1)
//   10  u8       class: 1 keep, 2 bulk
//   11  u8       zero
//   12  u32      CRC-32 of bytes 16 … 64
//   16  f64      base: every frame of this segment has a position at or above it, of earlier segments of the class below it
//   24  36 bytes boot_id of the boot that wrote it
//   60  4 bytes  zero
//   64           frames (frame.ts)
//
// Recovery: the last segment of a class may end in a torn frame, which is cut off and told; a new run starts new segments.
import { crc32 } from 'node:zlib';

const MAGIC = 'VEDSPOOL';
export const SEGMENT_FORMAT = 1;
export const SEGMENT_HEAD_BYTES = 64;

/** *keep* goes last when the spool is full: exec, identity, modules, USER_*, loss records. *bulk* is the rest. */
export type SpoolClass = 'keep' | 'bulk';
export const SPOOL_CLASSES: readonly SpoolClass[] = ['keep', 'bulk'];

export interface SegmentHead {
  readonly class: SpoolClass;
  readonly base: number;
  readonly bootId: string;
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
  bytes.writeUInt32LE(crc32(bytes.subarray(16)), 12);
  return bytes;
}

/** The format of a segment when it is a newer one than this release reads. */
export function newerSegmentFormat(bytes: Buffer): number | undefined {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  const version = bytes.readUInt16LE(8);
  return version > SEGMENT_FORMAT ? version : undefined;
}

/** The head of a segment, or undefined when the bytes are no head of this version. */
export function decodeSegmentHead(bytes: Buffer): SegmentHead | undefined {
  if (bytes.length < SEGMENT_HEAD_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (bytes.readUInt16LE(8) !== SEGMENT_FORMAT) return undefined;
  if (crc32(bytes.subarray(16, SEGMENT_HEAD_BYTES)) !== bytes.readUInt32LE(12)) return undefined;
  const bootId = bytes.toString('latin1', 24, 60).replace(/\0+$/, '');
  return { class: bytes.readUInt8(10) === 1 ? 'keep' : 'bulk', base: bytes.readDoubleLE(16), bootId };
}
