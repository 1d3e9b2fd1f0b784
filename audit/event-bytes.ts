// The bytes of one event's records one after the other, gathered once for all who read them: the checksum (reassembler.ts) and the shape
// (event-shape.ts). They hold until the next event is gathered.
//
//   type (u16, little-endian), payload, type, payload, …        as event/id.ts sums them up; behind them room for what is decoded
import type { AuditRecord } from './event.ts';
import { ReceivedRecord } from './record.ts';

/** Bytes before each record. */
export const TYPE_BYTES = 2;
/** Records whose ends are kept: events with more have no shape. */
export const ENDS_MAX = 12;
/** Events up to this size are kept here; behind them is as much room again. */
const HELD_BYTES_MAX = 64 * 1024;

export interface EventBytes {
  readonly bytes: Buffer;
  /** The bytes that are used. */
  readonly size: number;
  /** Where each of the first records ends. */
  readonly ends: Int32Array;
  /** Gathers the records. The bytes, which are `bytes` where they fit. */
  gather(records: readonly AuditRecord[], payloadEnd?: (record: AuditRecord) => number): Buffer;
  /** True when it was these records that were gathered last, whole. */
  holds(records: readonly AuditRecord[]): boolean;
}

export function createEventBytes(): EventBytes {
  const held = Buffer.allocUnsafeSlow(HELD_BYTES_MAX * 2);
  const ends = new Int32Array(ENDS_MAX);
  let holder: readonly AuditRecord[] | undefined;
  let size = 0;
  return {
    bytes: held,
    ends,
    get size() {
      return size;
    },
    gather(records, payloadEnd) {
      let needed = 0;
      for (const record of records) needed += recordBytes(record) + TYPE_BYTES;
      const bytes = needed <= HELD_BYTES_MAX ? held : Buffer.allocUnsafe(needed);
      let at = 0;
      for (let index = 0; index < records.length; index++) {
        const record = records[index] as AuditRecord;
        const { type } = record;
        bytes[at++] = type & 0xff;
        bytes[at++] = (type >> 8) & 0xff;
        if (record instanceof ReceivedRecord) {
          record.copyTo(bytes, at);
          at += record.length;
        } else {
          const text = payloadEnd === undefined ? record.text : record.text.slice(0, payloadEnd(record));
          at += bytes.write(text, at, 'latin1');
        }
        if (index < ENDS_MAX) ends[index] = at;
      }
      size = at;
      holder = bytes === held && payloadEnd === undefined ? records : undefined;
      return bytes;
    },
    holds: (records) => holder === records,
  };
}

/** A record's length without making its text. */
export function recordBytes(record: AuditRecord): number {
  return record instanceof ReceivedRecord ? record.length : record.text.length;
}
