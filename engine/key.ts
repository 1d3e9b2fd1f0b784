// Keys: the values of a rule's `by` fields as canonical JSON, so that the same values always make the same text. Values come
// from hosts and may hold anything: each is cut to a bounded size, with a digest that keeps different ones different.
import { createHash } from 'node:crypto';
import { type EventDocument, fieldOf, fieldReader, isPlainObject } from '../event/document.ts';

/** The longest value that stands in a key as it is, UTF-16 code units of its JSON. */
export const KEY_VALUE_LENGTH_MAX = 256;
const KEY_DEPTH_MAX = 16;

/** `["h1","root"]`; a missing field is null; `[]` without fields. */
export function keyOf(document: EventDocument, fields: readonly string[]): string {
  return `[${fields.map((field) => boundedJson(fieldOf(document, field))).join(',')}]`;
}

/** {@link keyOf} for one list of fields and many documents. */
export function keyReader(fields: readonly string[]): (document: EventDocument) => string {
  const readers = fields.map((field) => fieldReader(field));
  return (document) => {
    let key = '[';
    for (let at = 0; at < readers.length; at += 1) {
      if (at > 0) key += ',';
      key += boundedJson(readers[at]?.(document));
    }
    return `${key}]`;
  };
}

/** A field as a plain value, for the folds that count or compare: text of bounded size, canonical JSON of lists and objects. */
export function plainValueOf(document: EventDocument, field: string): string | number | boolean | null {
  return plainValueFrom(fieldOf(document, field));
}

/** A value as {@link plainValueOf} takes it. */
export function plainValueFrom(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string' && value.length <= KEY_VALUE_LENGTH_MAX) return value;
  return boundedJson(value);
}

/** One JSON text per value: object members sorted by name; what JSON cannot say is null. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > KEY_DEPTH_MAX) return 'null';
  if (Array.isArray(value)) return `[${value.map((member) => canonicalJson(member, depth + 1)).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name], depth + 1)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** A cut value is longer than any that stands as it is, so the two never meet. */
function boundedJson(value: unknown): string {
  const json = typeof value === 'string' ? JSON.stringify(value) : canonicalJson(value);
  if (json.length <= KEY_VALUE_LENGTH_MAX) return json;
  const text = typeof value === 'string' ? value : json;
  const digest = createHash('sha256').update(json).digest('hex').slice(0, 32);
  return JSON.stringify(`${text.slice(0, KEY_VALUE_LENGTH_MAX).toWellFormed()}… sha256:${digest}`);
}
