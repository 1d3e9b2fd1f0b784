// Takes requests apart: each reader gives the value or throws the problem that names the field. Nothing else of a body is looked at.
import { isPlainObject } from '../event/document.ts';
import { problem } from './api-error.ts';

/** The greatest time that is taken, epoch ms: the year 9999. */
const TIME_MS_MAX = 253_402_300_799_999;

export type Fields = { readonly [name: string]: unknown };

export function fieldsOf(body: unknown): Fields {
  if (!isPlainObject(body)) throw bad('the body', 'a JSON object');
  return body;
}

export function textIn(fields: Fields, name: string, lengthMax: number): string {
  const value = own(fields, name);
  if (typeof value !== 'string' || value.length > lengthMax) throw bad(name, `text of at most ${lengthMax} characters`);
  return value;
}

export function optionalTextIn(fields: Fields, name: string, lengthMax: number): string | undefined {
  return own(fields, name) === undefined ? undefined : textIn(fields, name, lengthMax);
}

/** A whole number; also as text, as query strings have it. */
function wholeIn(fields: Fields, name: string, range: { readonly min: number; readonly max: number }): number {
  const value = own(fields, name);
  const number = typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < range.min || number > range.max) {
    throw bad(name, `a whole number from ${range.min} to ${range.max}`);
  }
  return number;
}

export function optionalWholeIn(fields: Fields, name: string, range: { readonly min: number; readonly max: number }) {
  return own(fields, name) === undefined ? undefined : wholeIn(fields, name, range);
}

export function timeIn(fields: Fields, name: string): number {
  const value = own(fields, name);
  const number = typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0 && number <= TIME_MS_MAX))
    throw bad(name, 'a time in epoch milliseconds');
  return Math.floor(number);
}

export function optionalTimeIn(fields: Fields, name: string): number | undefined {
  return own(fields, name) === undefined ? undefined : timeIn(fields, name);
}

export function optionalOneOf<T extends string>(fields: Fields, name: string, values: readonly T[]): T | undefined {
  const value = own(fields, name);
  if (value === undefined) return undefined;
  const found = values.find((known) => known === value);
  if (found === undefined) throw bad(name, `one of ${values.join(', ')}`);
  return found;
}

/** A field of the object itself; `null` counts as absent. */
function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
}

function bad(name: string, expected: string) {
  return problem(400, 'bad-request', `${name} must be ${expected}`, 'See the API’s description.');
}
