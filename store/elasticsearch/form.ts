// In which form a document goes into Elasticsearch: as it came wherever that is exact, else wrapped: as text in one field, with
// `@timestamp` and `event.created` beside it so that it stands in its place. Readers get the document back either way, and every
// search looks at the wrapped ones. Wrapped is what the index would understand otherwise than the search language does:
// times that are not written as everyone does, names that mean two things, several values in a field that has one.
import { isIP } from 'node:net';
import { FIELDS, type FieldType } from '../../event/catalogue.ts';
import { type EventDocument, fieldOf, isPlainObject } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import { INDEXED_MS_MAX, INDEXED_MS_MIN, WORD_CHARS_MAX, WRAPPED_FIELD, WRAPPED_MARK } from './mapping.ts';

/** More values of one field than this make more groups than an event counts in (store/query/count.ts). */
const VALUES_MAX = 1_000;

/** The JSON to store for a document. `json` is the document's own. */
export function storedForm(id: string, document: EventDocument, json: string, timestampMs: number): string {
  return maySendAsIs(document, json) ? json : wrappedForm(id, document, json, timestampMs);
}

/** The wrapped form: also for documents that the mapping turned out to refuse. */
export function wrappedForm(id: string, document: EventDocument, json: string, timestampMs: number): string {
  // Years of five digits have no place in the format; such events sort at its ends.
  const created = Math.max(INDEXED_MS_MIN, Math.min(Math.floor(orderKeyOf(id, document).createdMs), INDEXED_MS_MAX));
  return JSON.stringify({
    '@timestamp': new Date(timestampMs).toISOString(),
    event: { created: new Date(created).toISOString() },
    [WRAPPED_FIELD]: json,
    [WRAPPED_MARK]: 'yes',
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
    (created === undefined || isCanonicalTime(created)) &&
    isPlain(document, CATALOGUE)
  );
}

/** True of a time as `toISOString` writes it: it means the same to everyone. */
function isCanonicalTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[0-9]{4}-[0-9T:.-]{18}Z$/.test(value)) return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}

/** The catalogue by the parts of its names. */
interface Branch {
  readonly below: Map<string, Branch>;
  field: { readonly type: FieldType; readonly isArray: boolean } | undefined;
}

const CATALOGUE: Branch = branches();

function branches(): Branch {
  const root: Branch = { below: new Map(), field: undefined };
  for (const { name, type, isArray } of FIELDS) {
    let branch = root;
    for (const part of name.split('.')) {
      const next: Branch = branch.below.get(part) ?? { below: new Map(), field: undefined };
      branch.below.set(part, next);
      branch = next;
    }
    branch.field = { type, isArray };
  }
  return root;
}

/** True when what is indexed of an object is what searches see in it (store/query/values.ts). */
function isPlain(object: EventDocument, branch: Branch): boolean {
  for (const key of Object.keys(object)) {
    const below = key.includes('.') ? belowDotted(object, key, branch) : branch.below.get(key);
    if (below === 'ambiguous') return false;
    if (below !== undefined && !isPlainValue(object[key], below)) return false;
  }
  return true;
}

/** Of `a.b` and `a` in one object searches see one, and the index both. */
function belowDotted(object: EventDocument, key: string, branch: Branch): Branch | 'ambiguous' | undefined {
  let below: Branch | undefined = branch;
  for (const part of key.split('.')) below = below?.below.get(part);
  for (let end = key.lastIndexOf('.'); end > 0; end = key.lastIndexOf('.', end - 1)) {
    if (Object.hasOwn(object, key.slice(0, end))) return 'ambiguous';
  }
  return below;
}

function isPlainValue(value: unknown, branch: Branch): boolean {
  const { field } = branch;
  if (field?.type === 'flattened') return true;
  if (Array.isArray(value)) {
    if (field === undefined || !field.isArray)
      return value.length <= 1 && value.every((one) => isPlainValue(one, branch));
    return (
      value.length <= VALUES_MAX && value.every((one) => isPlainMember(one, field.type)) && !repeats(value, field.type)
    );
  }
  if (isPlainObject(value)) return field === undefined && isPlain(value, branch);
  return isPlainMember(value, field?.type);
}

function isPlainMember(value: unknown, type: FieldType | undefined): boolean {
  if (typeof value === 'object' && value !== null) return false;
  if (typeof value !== 'string') return true;
  if (type === 'text') return value.length <= WORD_CHARS_MAX || !hasLongWord(value);
  return type !== 'ip' || isPlainAddress(value);
}

/** A word may be shorter than what stands between two blanks, never longer. */
function hasLongWord(text: string): boolean {
  return text.split(/\s/).some((word) => word.length > WORD_CHARS_MAX);
}

/** True of an address as the index gives it back, and of what it takes for none. Of a zone it leaves out the name. */
function isPlainAddress(text: string): boolean {
  if (!text.includes(':') || isIP(text) === 0) return !text.includes('%');
  if (text.includes('%') || text.startsWith('::ffff:')) return false;
  // The shortest form, in lower case.
  return new URL(`http://[${text}]`).hostname === `[${text}]`;
}

/** Words are indexed once a document, numbers as often as they stand there. */
function repeats(values: readonly unknown[], type: FieldType): boolean {
  return type === 'long' && new Set(values).size < values.length;
}
