// An event once more, with another value in one of its fields: for tests of imported rules, which are to miss it.
import type { PlainValue } from './foreign-rule.ts';

type Flat = Readonly<Record<string, PlainValue>>;

/** By the field that has another value; likely ones first. */
export function othersOf(event: Flat, fields: readonly string[]): readonly (readonly [string, Flat])[] {
  const having = (field: string, value: PlainValue): readonly [string, Flat] => [field, { ...event, [field]: value }];
  return [
    ...fields.map((field) => having(field, otherThan(event[field] ?? null))),
    ...fields.flatMap((field) => farFrom(event[field] ?? null).map((value) => having(field, value))),
  ];
}

/** What lies beyond a bound, on either side. */
function farFrom(value: PlainValue): readonly PlainValue[] {
  if (typeof value === 'number') return [value + 1_000_000, value - 1_000_000];
  return typeof value === 'string' ? ['~', ''] : [];
}

function otherThan(value: PlainValue): PlainValue {
  if (typeof value === 'number') return value === 1 ? 2 : 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string')
    return /^[0-9a-f.:]*[.:][0-9a-f.:]*$/i.test(value) ? '198.51.100.99' : '/nothing/of/it';
  if (!Array.isArray(value)) return value;
  const members: readonly PlainValue[] = value;
  return members.map((member) =>
    typeof member === 'object' && member !== null
      ? Object.fromEntries(Object.entries(member).map(([name, of], at) => [name, at === 0 ? otherThan(of) : of]))
      : 'other',
  );
}
