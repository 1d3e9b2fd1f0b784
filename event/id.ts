// Event ids. An id is a function of the event's content, so every hop may repeat a write (docs/architecture.md, promise 2):
//
//   audit event   HOST.BOOT.TIME.SERIAL.CRC      TIME in ms, SERIAL and CRC in base 36; CRC-32 over each record's type
//                                                number (u16, little-endian) and payload bytes, in order of arrival, without EOE
//   our own       HOST.BOOT.KIND-COUNTER         loss records, heartbeats, silence, clock steps
//   others'       HOST.d.DIGEST                  documents without an id: 26 characters of SHA-256 over their bytes
//
// HOST is `host.id`; BOOT the first 8 hex digits of the kernel's boot_id. Ingest refuses an id whose HOST is not its token's.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What `host.id` may be: it stands in ids, file names and URLs. */
export const HOST_ID_PATTERN: RegExp = /^[A-Za-z0-9_-]{1,64}$/;
/** The longest `_id` that is accepted, in UTF-8 bytes (Elasticsearch's own limit). */
export const EVENT_ID_BYTES_MAX = 512;

/** One record as the id sees it: `type` is the kernel's number, `payload` its bytes without header and padding. */
export interface RecordBytes {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Adds one record to a running CRC-32 (start from 0). */
export function addToCrc(crc: number, record: RecordBytes): number {
  const head = Buffer.from([record.type & 0xff, (record.type >> 8) & 0xff]);
  return crc32(record.payload, crc32(head, crc));
}

/** The id of an audit event. `timeMs` is the kernel's stamp, `crc` from {@link addToCrc} over its records without EOE. */
export function auditEventId(parts: {
  readonly hostId: string;
  readonly bootId: string;
  readonly timeMs: number;
  readonly serial: number;
  readonly crc: number;
}): string {
  const { hostId, bootId, timeMs, serial, crc } = parts;
  return `${auditEventIdHead(hostId, bootId)}${timeMs.toString(36)}.${serial.toString(36)}.${(crc >>> 0).toString(36)}`;
}

/** What the ids of all audit events of one boot begin with, final dot included. */
export function auditEventIdHead(hostId: string, bootId: string): string {
  return `${hostId}.${shortBoot(bootId)}.`;
}

/** The id of a document that Vedette itself makes about a host; `counter` must not repeat for (host, boot, kind). */
export function ownEventId(hostId: string, bootId: string, kind: string, counter: number): string {
  return `${hostId}.${shortBoot(bootId)}.${kind}-${counter.toString(36)}`;
}

/** The id of a foreign document that came without one: the same bytes give the same id. */
export function digestEventId(hostId: string, source: Uint8Array | string): string {
  const digest = createHash('sha256').update(source).digest('base64url').slice(0, 26);
  return `${hostId}.d.${digest}`;
}

/** True when `id` may be stored for this host: its first part is the host's id and it is of a bearable size. */
export function belongsToHost(id: string, hostId: string): boolean {
  return id.startsWith(`${hostId}.`) && Buffer.byteLength(id) <= EVENT_ID_BYTES_MAX;
}

function shortBoot(bootId: string): string {
  return bootId.replaceAll('-', '').slice(0, 8) || '0';
}
