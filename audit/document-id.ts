// The `_id` of an audit event's document, and of the event that a fragment belongs to (event/id.ts has the format).
import { auditEventId, auditEventIdHead } from '../event/id.ts';
import { type Place, writeNumber } from './byte-writer.ts';
import type { AuditEvent, HostIdentity } from './event.ts';

/** The id of an event, or of a fragment's own document. */
export function eventIdOf(event: AuditEvent, host: HostIdentity): string {
  const { timeMs, serial, crc } = event;
  return auditEventId({ hostId: host.id, bootId: host.bootId, timeMs, serial, crc });
}

/** {@link eventIdOf} for many events of one host, into bytes; the id's end. What is the same in all is made once. */
export function createEventIdWriter(host: HostIdentity): (event: AuditEvent, place: Place) => number {
  const head = Buffer.from(auditEventIdHead(host.id, host.bootId), 'latin1');
  return ({ timeMs, serial, crc }, { out, at }) => {
    out.set(head, at);
    const timeEnd = writeNumber(timeMs, 36, { out, at: at + head.length });
    out[timeEnd] = DOT;
    const serialEnd = writeNumber(serial, 36, { out, at: timeEnd + 1 });
    out[serialEnd] = DOT;
    return writeNumber(crc, 36, { out, at: serialEnd + 1 });
  };
}

const DOT = 46;

/** The id of the event that a fragment supplements; undefined for events that are none. */
export function fragmentOfId(event: AuditEvent, host: HostIdentity): string | undefined {
  const { timeMs, serial, fragmentOf } = event;
  if (fragmentOf === undefined) return undefined;
  return auditEventId({ hostId: host.id, bootId: host.bootId, timeMs, serial, crc: fragmentOf });
}
