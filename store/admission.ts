// What any store takes: the checks that do not depend on where events are kept, so that all adapters refuse the same things
// with the same words. What is refused here can never be stored; everything else must survive unchanged.
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { type EventDocument, isPlainObject, type NewEvent, timeOf } from '../event/document.ts';
import { EVENT_ID_BYTES_MAX } from '../event/id.ts';

/** The deepest nesting of objects and arrays in a document. */
const DOCUMENT_DEPTH_MAX = 100;
/** `@timestamp` must not be before this, epoch ms (1970-01-01). */
const TIMESTAMP_MS_MIN = 0;
/** `@timestamp` must be before this, epoch ms (2200-01-01). */
const TIMESTAMP_MS_MAX: number = Date.UTC(2200, 0, 1);

export type Admission =
  | { readonly kind: 'admitted'; readonly json: string; readonly timestampMs: number }
  | { readonly kind: 'rejected'; readonly reason: string };

/** Checks one event and writes its document as one line of JSON. */
export function admit(event: NewEvent): Admission {
  const idProblem = problemOfId(event.id);
  if (idProblem !== undefined) return { kind: 'rejected', reason: idProblem };
  if (!isPlainObject(event.document)) return { kind: 'rejected', reason: 'the document is not an object' };
  if (isDeeperThan(event.document, DOCUMENT_DEPTH_MAX)) {
    return { kind: 'rejected', reason: `the document nests deeper than ${DOCUMENT_DEPTH_MAX} levels` };
  }
  const timestampMs = timestampOf(event.document);
  if (timestampMs === undefined)
    return { kind: 'rejected', reason: '@timestamp is missing, or not a time from 1970 to 2199' };
  const json = JSON.stringify(event.document);
  if (json.length > BULK_LINE_BYTES_MAX) {
    return { kind: 'rejected', reason: `the document is larger than ${BULK_LINE_BYTES_MAX} bytes` };
  }
  return { kind: 'admitted', json, timestampMs };
}

/** `@timestamp` as whole epoch ms, or undefined when the document has none that a store could file it under. */
export function timestampOf(document: EventDocument): number | undefined {
  const ms = timeOf(document, '@timestamp');
  if (ms === undefined) return undefined;
  const whole = Math.floor(ms);
  return isStorableTime(whole) ? whole : undefined;
}

/** True of a time that a store can file an event under. */
export function isStorableTime(ms: number): boolean {
  return ms >= TIMESTAMP_MS_MIN && ms < TIMESTAMP_MS_MAX;
}

/** Why the id is none; undefined where it is one. */
export function problemOfId(id: string): string | undefined {
  if (typeof id !== 'string' || id === '') return 'the id is missing';
  if (Buffer.byteLength(id) > EVENT_ID_BYTES_MAX) return `the id is longer than ${EVENT_ID_BYTES_MAX} bytes`;
  // Printable text only: an id stands in URLs, logs and terminals.
  return /[\u0000-\u001f\u007f-\u009f]/.test(id) || !id.isWellFormed() ? 'the id holds control characters' : undefined;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const members = value as { readonly [key: string]: unknown };
  for (const key of Object.keys(members)) if (isDeeperThan(members[key], levels - 1)) return true;
  return false;
}
