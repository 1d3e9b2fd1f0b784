// Only some fields of a document, under their dotted names: what a client asked for when it does not want all of it.
import { type EventDocument, fieldOf } from '../event/document.ts';
import { valuesOf } from '../store/query/values.ts';
import { problem } from './api-error.ts';
import type { Fields } from './request-shape.ts';

const FIELD_CHARS_MAX = 256;

/** The document with these fields alone; those that it does not have are left out. Lists of objects are looked through. */
export function viewOf(document: EventDocument, fields: readonly string[] | undefined): EventDocument {
  if (fields === undefined) return document;
  const view: [string, unknown][] = [];
  for (const field of fields) {
    const value = fieldOf(document, field) ?? inLists(document, field);
    if (value !== undefined) view.push([field, value]);
  }
  return Object.fromEntries(view);
}

/** What a store is asked for, for documents of which {@link viewOf} shows these fields; their time comes with them. */
export function storedFields(fields: readonly string[] | undefined): { readonly fields?: readonly string[] } {
  return fields === undefined ? {} : { fields: [...new Set(['@timestamp', ...fields])] };
}

function inLists(document: EventDocument, field: string): unknown {
  const values = valuesOf(document, field);
  return values.length === 0 ? undefined : values;
}

/** A list of field names in a request; undefined where there is none. */
export function fieldNamesIn(body: Fields, name: string, max: number): readonly string[] | undefined {
  const value = Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined;
  if (value === undefined) return undefined;
  const isList =
    Array.isArray(value) &&
    value.length <= max &&
    value.every((field) => typeof field === 'string' && field !== '' && field.length <= FIELD_CHARS_MAX);
  if (isList) return value as readonly string[];
  throw problem(
    400,
    'bad-request',
    `${name} must be a list of at most ${max} field names`,
    'See the API’s description.',
  );
}
