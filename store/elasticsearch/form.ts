// In which form a document goes into Elasticsearch: as it came wherever that is exact, else wrapped: as text in one field, with
// `@timestamp` and `event.created` beside it so that it stands in its place. Readers get the document back either way.
import { type EventDocument, fieldOf, isPlainObject } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import { WRAPPED_FIELD } from './mapping.ts';

/** The JSON to store for a document. `json` is the document's own. */
export function storedForm(id: string, document: EventDocument, json: string, timestampMs: number): string {
  return maySendAsIs(document, json) ? json : wrappedForm(id, document, json, timestampMs);
}

/** The wrapped form: also for documents that the mapping turned out to refuse. */
export function wrappedForm(id: string, document: EventDocument, json: string, timestampMs: number): string {
  const created = Math.floor(Math.max(-8.64e15, Math.min(orderKeyOf(id, document).createdMs, 8.64e15)));
  return JSON.stringify({
    '@timestamp': new Date(timestampMs).toISOString(),
    event: { created },
    [WRAPPED_FIELD]: json,
    [`${WRAPPED_FIELD}_mark`]: 'yes',
  });
}

/** The document of a stored `_source`. */
export function documentOf(source: EventDocument): EventDocument {
  const wrapped = Object.hasOwn(source, WRAPPED_FIELD) ? source[WRAPPED_FIELD] : undefined;
  return typeof wrapped === 'string' ? JSON.parse(wrapped) : source;
}

function maySendAsIs(document: EventDocument, json: string): boolean {
  // A lone surrogate is escaped in JSON, and Elasticsearch would replace it.
  if (/\\ud[89a-f]/i.test(json) || json.includes(WRAPPED_FIELD)) return false;
  if (Object.keys(document).some((key) => key.startsWith('event.') || key.startsWith('@timestamp.'))) return false;
  const event = Object.hasOwn(document, 'event') ? document['event'] : undefined;
  const created = isPlainObject(event) && Object.hasOwn(event, 'created') ? event['created'] : undefined;
  return (
    isCanonicalTime(document['@timestamp']) &&
    fieldOf(document, 'event.created') === created &&
    (created === undefined || isCanonicalTime(created))
  );
}

/** True of a time as `toISOString` writes it: it means the same to everyone. */
function isCanonicalTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[0-9]{4}-[0-9T:.-]{19}Z$/.test(value)) return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}
