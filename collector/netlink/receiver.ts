// Drains a netlink audit socket: 64 datagrams a call into one buffer. An audit message is at most 8,970 bytes, so a slot of
// 9,216 holds each one.

import type { AuditRecord } from '../../audit/event.ts';
import { createFrameReader, type ReceivedRecord } from '../../audit/record.ts';
import type { Drained } from '../source.ts';
import { createBatch, ERRNO, SO_RCVBUF, SO_RCVBUFFORCE, setSocketOption, socketOption } from './libc.ts';
import { AUDIT_REPLACE, decodeMessage, errorCode, NLMSG_ERROR } from './message.ts';

const BATCH_DATAGRAMS = 64;
const SLOT_BYTES = 9216;
/** Batches in one drain, 512 records: then what was read goes to the spool's files, for a kill costs what is in between. */
const DRAIN_BATCHES_MAX = 8;
/** Overflows in one drain before it returns, so that a socket that only says ENOBUFS does not hold the thread. */
const DRAIN_OVERFLOWS_MAX = 8;
/** Holds about 145,000 records. */
const RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;
/** Attempts to take the socket that are kept until somebody asks. */
const REPLACEMENTS_MAX = 16;
/** Below 1000 netlink's own messages; 1000–1004 and 1010–1019 are replies and orders, not events. */
const FIRST_RECORD_TYPE = 1005;

export interface Receiver {
  drain(onRecord: (record: AuditRecord) => void): Drained;
  /** The errno of an order that was sent on this socket, negative; 0 when acknowledged; undefined when no answer came yet. */
  takeAnswer(): number | undefined;
  /** The pids that tried to become the owner of this socket's stream since the last call, the oldest first; so many at most. */
  takeReplacements(): readonly number[];
}

/** Makes the socket's queue as big as it may be. */
export function growQueue(fd: number): void {
  if (setSocketOption(fd, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES) < 0)
    setSocketOption(fd, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
}

/** Bytes that the socket's queue may hold. */
export function queueBytes(fd: number): number {
  return socketOption(fd, SO_RCVBUF);
}

export function createReceiver(fd: number): Receiver {
  const batch = createBatch(BATCH_DATAGRAMS, SLOT_BYTES);
  const readFrame = createFrameReader();
  /** The last batch's records: their texts may still lie in the buffer. */
  let held: ReceivedRecord[] = [];
  let answer: number | undefined;
  let replacements: number[] = [];
  return {
    drain(onRecord) {
      let records = 0;
      let overflows = 0;
      let unreadable = 0;
      for (let round = 0; round < DRAIN_BATCHES_MAX; round += 1) {
        for (const record of held) record.detach();
        held = [];
        const count = batch.receive(fd);
        if (count === -ERRNO.ENOBUFS) {
          overflows += 1;
          if (overflows >= DRAIN_OVERFLOWS_MAX) break;
          continue;
        }
        if (count < 0) throw new Error(`the audit socket failed with errno ${-count}`);
        for (let index = 0; index < count; index += 1) {
          const start = index * batch.slotBytes;
          const end = start + batch.lengthOf(index);
          const type = end - start >= 16 ? typeAt(batch.buffer, start) : 0;
          if (isEvent(type)) {
            const record = readFrame(batch.buffer, start, end);
            if (record === undefined || batch.wasCut(index)) unreadable += 1;
            if (record !== undefined) {
              records += 1;
              held.push(record);
              onRecord(record);
            }
          } else if (type === AUDIT_REPLACE) {
            if (replacements.length < REPLACEMENTS_MAX)
              replacements.push(end - start >= 20 ? batch.buffer.readUInt32LE(start + 16) : 0);
          } else if (type === NLMSG_ERROR) {
            const message = decodeMessage(batch.buffer.subarray(start, end));
            if (message !== undefined) answer = errorCode(message.payload);
          }
        }
        if (count < BATCH_DATAGRAMS) return { records, overflows, unreadable, hasMore: false };
      }
      return { records, overflows, unreadable, hasMore: true };
    },
    takeAnswer() {
      const taken = answer;
      answer = undefined;
      return taken;
    },
    takeReplacements() {
      const taken = replacements;
      replacements = [];
      return taken;
    },
  };
}

/** nlmsg_type. */
function typeAt(buffer: Buffer, start: number): number {
  return (buffer[start + 4] as number) | ((buffer[start + 5] as number) << 8);
}

function isEvent(type: number): boolean {
  return type >= FIRST_RECORD_TYPE && !(type >= 1010 && type <= 1019) && type !== AUDIT_REPLACE;
}
