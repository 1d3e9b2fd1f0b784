// Makes documents that differ from a sample in nothing but values: code that has the sample's shape, because to set each of some ninety
// values by a name that is looked up costs several times as much (decision 0056). Only names of our own stand in the code, out of the list
// below: whatever others call something, its object is made without code.
import { FIELDS } from '../../event/catalogue.ts';
import type { EventDocument } from '../../event/document.ts';
import type { Path } from './rest-shapes.ts';

/** Makes a document of its values, by slot. */
export type DocumentMaker = (values: readonly unknown[]) => EventDocument;

type Part = (values: readonly unknown[]) => unknown;

/** Names that audit records have, beside the catalogue's. */
const RECORD_NAMES =
  'a0 a1 a2 a3 acct addr arch argc capabilities dev exit family grantors hostname item nametype ogid op open_flags ouid port rdev reason res saddr signal socket syscall target_pid terminal tty unit';
const NAMES: ReadonlySet<string> = new Set([
  ...FIELDS.flatMap(({ name }) => name.split('.')),
  ...RECORD_NAMES.split(' '),
]);
/** All that a name in code may be, wherever it comes from. */
const IS_NAME = /^@?[A-Za-z][A-Za-z0-9_]*$/;

/** Which slot a value comes from. */
export interface Slots {
  /** Of what stands there, whatever it is. */
  readonly whole: ReadonlyMap<string, number>;
  /** Of texts and numbers. */
  readonly single: ReadonlyMap<string, number>;
}

/** How a slot's place is named. */
export function placeKey(path: Path): string {
  return JSON.stringify(path);
}

/** Undefined where the sample has a text or a number that no slot is for. */
export function documentMaker(sample: EventDocument, slots: Slots): DocumentMaker | undefined {
  const parts: Part[] = [];
  let isWhole = true;

  const slotOf = (value: unknown, path: Path): number | undefined => {
    const key = placeKey(path);
    const whole = slots.whole.get(key);
    if (whole !== undefined || (typeof value !== 'string' && typeof value !== 'number')) return whole;
    const single = slots.single.get(key);
    if (single === undefined) isWhole = false;
    return single ?? 0;
  };

  const codeOf = (value: unknown, path: Path): string => {
    const slot = slotOf(value, path);
    if (slot !== undefined) return `v[${slot}]`;
    if (Array.isArray(value)) return `[${value.map((member, at) => codeOf(member, [...path, at])).join(',')}]`;
    if (typeof value !== 'object' || value === null) return wordOf(value);
    const members = Object.entries(value);
    if (members.every(([name]) => NAMES.has(name) && IS_NAME.test(name)))
      return `{${members.map(([name, member]) => `"${name}":${codeOf(member, [...path, name])}`).join(',')}}`;
    return `p[${parts.push(partOf(value, path)) - 1}](v)`;
  };

  const partOf = (value: unknown, path: Path): Part => {
    const slot = slotOf(value, path);
    if (slot !== undefined) return (values) => values[slot];
    if (Array.isArray(value)) {
      const members = value.map((member, at) => partOf(member, [...path, at]));
      return (values) => members.map((member) => member(values));
    }
    if (typeof value !== 'object' || value === null) return () => value;
    const members = Object.entries(value).map(([name, member]) => [name, partOf(member, [...path, name])] as const);
    return (values) => {
      const object: Record<string, unknown> = {};
      for (const [name, member] of members) object[name] = member(values);
      return object;
    };
  };

  const code = codeOf(sample, []);
  if (!isWhole) return undefined;
  const make = new Function('v', 'p', `return ${code}`) as (v: readonly unknown[], p: readonly Part[]) => EventDocument;
  return (values) => make(values, parts);
}

function wordOf(value: unknown): string {
  if (value === true) return 'true';
  return value === false ? 'false' : 'null';
}
