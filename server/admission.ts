// What becomes of one event before it is stored: who may write it, its id, its times, its bounds. Pure. It promises that nobody
// writes as another host, and that `event.created` never lies ahead of the server's clock (docs/architecture.md, promise 3).

import type { EventDocument, NewEvent } from '../event/document.ts';
import { isPlainObject, toNested } from '../event/document.ts';
import { belongsToHost, digestEventId, HOST_ID_PATTERN } from '../event/id.ts';
import type { BulkDocument } from './bulk-reader.ts';

/** Objects and arrays may nest so deep; a dotted name counts as its parts. */
export const DOCUMENT_DEPTH_MAX = 20;
/** The most field names of one document. */
export const DOCUMENT_FIELDS_MAX = 20_000;
/** The longest field name, characters. */
export const FIELD_NAME_LENGTH_MAX = 1_024;
/** `host.boot.id` of what the server itself stores about a host; no host may use it. */
export const SERVER_BOOT_ID = 'server';
/** `@timestamp` must lie before this: the year 2100. */
export const TIMESTAMP_MS_MAX: number = Date.UTC(2100, 0, 1);

/** Who writes, and when. */
export interface Admission {
  /** The token's host; undefined for an importer, who writes for any. */
  readonly hostId: string | undefined;
  readonly hostName: string | undefined;
  /** The server's clock, epoch ms. */
  readonly nowMs: number;
  /** `event.created` of documents that bring none, epoch ms. */
  readonly stampMs: number;
}

export type Admitted =
  | {
      readonly kind: 'admitted';
      readonly event: NewEvent;
      /** True when `event.created` was the sender's own. */
      readonly hasOwnTime: boolean;
      /** True when the sender's `event.created` lay ahead of the server's clock, and was set back to it. */
      readonly isAhead: boolean;
    }
  | { readonly kind: 'refused'; readonly status: 400 | 403; readonly type: string; readonly reason: string };

/** Admits or refuses one event. The item's document is consumed: it may be changed and given back. */
export function admit(item: BulkDocument, admission: Admission): Admitted {
  const shape = shapeOf(item.document);
  if (typeof shape === 'string') return refused(shape);
  const document = shape.hasDottedNames ? { ...toNested(item.document) } : item.document;
  const host = section(document, 'host');
  const event = section(document, 'event');
  const vedette = section(document, 'vedette');
  if (host === undefined || event === undefined || vedette === undefined) {
    return refused('`host`, `event` and `vedette` must be objects');
  }
  const hostId = hostIdOf(host, admission);
  if (typeof hostId !== 'string') return hostId;
  const id = item.id ?? digestEventId(hostId, item.source ?? '');
  if (!belongsToHost(id, hostId)) return foreign(`_id [${id}] does not belong to host [${hostId}]`);

  const timestamp = document['@timestamp'] ?? admission.nowMs;
  const timestampMs = timeIn(timestamp);
  if (timestampMs === undefined) return refused('@timestamp is no time between 1970 and 2100');
  const ownCreated = event['created'] ?? undefined;
  const ownCreatedMs = ownCreated === undefined ? undefined : timeIn(ownCreated);
  if (ownCreated !== undefined && ownCreatedMs === undefined)
    return refused('event.created is no time between 1970 and 2100');

  if (admission.hostId !== undefined) {
    const reserved = reservedOf(id, hostId, host);
    if (reserved !== undefined) return foreign(reserved);
    if (admission.hostName !== undefined && host['name'] === undefined) host['name'] = admission.hostName;
    delete vedette['imported'];
  } else vedette['imported'] = true;

  const isAhead = ownCreatedMs !== undefined && ownCreatedMs > admission.nowMs;
  if (isAhead) vedette['created_at_host'] = ownCreated;
  host['id'] = hostId;
  if (ownCreatedMs === undefined) event['created'] = isoOf(createdOf(timestampMs, admission));
  else event['created'] = isAhead ? isoOf(admission.nowMs) : withZone(ownCreated);
  event['ingested'] = isoOf(admission.nowMs);
  document['@timestamp'] = withZone(timestamp);
  document['host'] = host;
  document['event'] = event;
  if (Object.keys(vedette).length > 0) document['vedette'] = vedette;
  else delete document['vedette'];
  return { kind: 'admitted', event: { id, document }, hasOwnTime: ownCreatedMs !== undefined, isAhead };
}

function hostIdOf(host: Record<string, unknown>, admission: Admission): string | Admitted {
  const named = host['id'] ?? undefined;
  if (named !== undefined && typeof named !== 'string') return refused('host.id is not text');
  if (admission.hostId === undefined) {
    if (named === undefined) return refused('host.id is missing, and the token is not a host’s');
    return HOST_ID_PATTERN.test(named) ? named : refused('host.id must be 1 to 64 letters, digits, `_` or `-`');
  }
  if (named !== undefined && named !== admission.hostId) return foreign('host.id is not the host of the token');
  return admission.hostId;
}

/** `event.created` of a document without one: now; of an import, when it happened, so that its windows mean what they meant. */
function createdOf(timestampMs: number, { hostId, nowMs, stampMs }: Admission): number {
  return hostId === undefined ? Math.min(timestampMs, nowMs) : stampMs;
}

/** Why the id or boot is the server's own; a host that took those could keep the word of its silence from being stored. */
function reservedOf(id: string, hostId: string, host: Record<string, unknown>): string | undefined {
  if (id.startsWith(`${hostId}.${SERVER_BOOT_ID}.`)) return `_id [${id}] is of a form that only the server writes`;
  const boot = host['boot'];
  return isPlainObject(boot) && boot['id'] === SERVER_BOOT_ID ? 'host.boot.id `server` is the server’s own' : undefined;
}

/** The named object of a document as a mutable one; a new one where it is missing; undefined where it is something else. */
function section(document: EventDocument, name: string): Record<string, unknown> | undefined {
  const value = Object.hasOwn(document, name) ? document[name] : undefined;
  if (value === undefined || value === null) return {};
  return isPlainObject(value) ? { ...value } : undefined;
}

/** ISO 8601 with any fraction of a second; a time without a zone is UTC, as Elasticsearch reads it. */
const ISO_TIME =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$/;
const HAS_ZONE = /(Z|[+-][0-9]{2}:?[0-9]{2})$/;

/** True of what is taken for `@timestamp` and `event.created`. */
export function isTime(value: unknown): boolean {
  return timeIn(value) !== undefined;
}

function timeIn(value: unknown): number | undefined {
  const ms = typeof value === 'number' ? value : Date.parse(String(withZone(value)));
  return ms >= 0 && ms < TIMESTAMP_MS_MAX ? ms : undefined;
}

/** The time in a form that every reader takes for the same moment; left as it came where it is one already. */
function withZone(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) < TIMESTAMP_MS_MAX ? isoOf(value) : value;
  if (typeof value !== 'string' || value.length > 40 || !ISO_TIME.test(value)) return undefined;
  return value.includes('T') && !HAS_ZONE.test(value) ? `${value}Z` : value;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function refused(reason: string): Admitted {
  return { kind: 'refused', status: 400, type: 'document_parsing_exception', reason };
}

function foreign(reason: string): Admitted {
  return { kind: 'refused', status: 403, type: 'security_exception', reason };
}

/** Whether the document uses dotted names, or why it is out of bounds. */
function shapeOf(document: Record<string, unknown>): { readonly hasDottedNames: boolean } | string {
  let fields = 0;
  let hasDottedNames = false;
  const visit = (value: unknown, depth: number): string | undefined => {
    // 1e999 parses as infinity, which JSON cannot say again: live would see another event than the store keeps.
    if (typeof value === 'number' && !Number.isFinite(value)) return 'a number is out of range';
    if (typeof value !== 'object' || value === null) return undefined;
    if (depth > DOCUMENT_DEPTH_MAX) return `the document nests deeper than ${DOCUMENT_DEPTH_MAX}`;
    if (Array.isArray(value)) {
      for (const member of value) {
        const problem = visit(member, depth + 1);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    const members = value as { readonly [name: string]: unknown };
    for (const name of Object.keys(members)) {
      const inner = members[name];
      fields += 1;
      if (fields > DOCUMENT_FIELDS_MAX) return `the document has more than ${DOCUMENT_FIELDS_MAX} fields`;
      if (name.length > FIELD_NAME_LENGTH_MAX)
        return `a field’s name is longer than ${FIELD_NAME_LENGTH_MAX} characters`;
      let parts = 1;
      for (let at = name.indexOf('.'); at !== -1; at = name.indexOf('.', at + 1)) parts += 1;
      if (parts > 1) hasDottedNames = true;
      if (depth + parts - 1 > DOCUMENT_DEPTH_MAX) return `the document nests deeper than ${DOCUMENT_DEPTH_MAX}`;
      const problem = visit(inner, depth + parts);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return visit(document, 1) ?? { hasDottedNames };
}
