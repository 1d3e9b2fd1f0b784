// The `_id` of an audit event's document, and of the event that a fragment belongs to (event/id.ts has the format).
import { auditEventId } from '../event/id.ts';
import type { AuditEvent, HostIdentity } from './event.ts';

/** The id of an event, or of a fragment's own document. */
export function eventIdOf(event: AuditEvent, host: HostIdentity): string {
  const { timeMs, serial, crc } = event;
  return auditEventId({ hostId: host.id, bootId: host.bootId, timeMs, serial, crc });
}

/** The id of the event that a fragment supplements; undefined for events that are none. */
export function fragmentOfId(event: AuditEvent, host: HostIdentity): string | undefined {
  const { timeMs, serial, fragmentOf } = event;
  if (fragmentOf === undefined) return undefined;
  return auditEventId({ hostId: host.id, bootId: host.bootId, timeMs, serial, crc: fragmentOf });
}
