// Queries as DuckDB conditions. Each gives two: one that holds for every event that is meant (and maybe more), and one that
// holds only for events that are meant (and maybe fewer), so that NOT stays on the safe side. Values are always bound.

import { isIPv4 } from 'node:net';
import { fieldNamed } from '../../event/catalogue.ts';
import { timeNumber } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { wildcardParts } from '../query/wildcard.ts';
import { type Column, columnOfField, LAYOUT, type Layout, quoted } from './columns.ts';

export interface Condition {
  /** True for every event that the query means. */
  readonly superset: string;
  /** True only for events that the query means. */
  readonly subset: string;
}

export interface CompiledQuery {
  /** Texts with `$n` for values. */
  readonly sql: readonly string[];
  readonly values: readonly (string | number)[];
}

const ANY: Condition = { superset: 'TRUE', subset: 'FALSE' };
const NONE: Condition = { superset: 'FALSE', subset: 'FALSE' };

/** The wanted sides of a query as SQL. `firstParameter` is the number of the first `$n`. */
export function compileQuery(
  query: Query,
  layout: Layout,
  options: { readonly firstParameter: number; readonly sides: readonly (keyof Condition)[] },
): CompiledQuery {
  const { firstParameter, sides } = options;
  const bound: (string | number)[] = [];
  // No text that a person wrote is ever in the SQL, so nothing else can look like this mark.
  const condition = compile(query, layout, (value) => `\u0001${bound.push(value) - 1}\u0001`);
  const numbers = new Map<number, number>();
  const values: (string | number)[] = [];
  // Only what the wanted sides hold is numbered: the database refuses values that no text names.
  const sql = sides.map((side) =>
    condition[side].replace(/\u0001([0-9]+)\u0001/g, (_, mark: string) => {
      const at = Number(mark);
      const value = bound[at] ?? '';
      const number = numbers.get(at) ?? firstParameter + values.push(value) - 1;
      numbers.set(at, number);
      return `$${number}${typeof value === 'number' ? '::DOUBLE' : '::VARCHAR'}`;
    }),
  );
  return { sql, values };
}

type Bind = (value: string | number) => string;

function compile(query: Query, layout: Layout, bind: Bind): Condition {
  switch (query.kind) {
    case 'all':
      return { superset: 'TRUE', subset: 'TRUE' };
    case 'and':
    case 'or': {
      const [left, right] = [compile(query.left, layout, bind), compile(query.right, layout, bind)];
      const word = query.kind.toUpperCase();
      return {
        superset: `(${left.superset} ${word} ${right.superset})`,
        subset: `(${left.subset} ${word} ${right.subset})`,
      };
    }
    case 'not': {
      const inner = compile(query.query, layout, bind);
      return { superset: `(NOT ${inner.subset})`, subset: `(NOT ${inner.superset})` };
    }
    case 'exists':
      return existsCondition(query.field, columnNow(query.field, layout));
    case 'equals':
      return equalsCondition(query, columnNow(query.field, layout), bind);
    case 'wildcard':
      return wildcardCondition(query, columnNow(query.field, layout), bind);
    case 'regex':
      return regexCondition(query, columnNow(query.field, layout));
    case 'range':
      return rangeCondition(query, columnNow(query.field, layout), bind);
    case 'text': {
      const pieces = plainPieces(query.text);
      if (pieces.length === 0) return ANY;
      return {
        superset: `(${containsAll('"event.original"', pieces, bind)} OR ${containsAll('"_rest"', pieces, bind)})`,
        subset: 'FALSE',
      };
    }
  }
}

/** A layout's column of a field; `changed` where it was of another type then, so that the conditions below do not fit it. */
function columnNow(field: string, layout: Layout): Column | 'changed' | undefined {
  const then = columnOfField(field, layout);
  const now = columnOfField(field, LAYOUT);
  return then === undefined || now === undefined || (then.type === now.type && then.isTime === now.isTime)
    ? then
    : 'changed';
}

type Leaf<Kind extends Query['kind']> = Extract<Query, { kind: Kind }>;

function existsCondition(field: string, column: Column | 'changed' | undefined): Condition {
  if (column === 'changed') return ANY;
  if (column === undefined) return ANY;
  const name = quoted(column.name);
  return decided(field, column.type === 'VARCHAR[]' ? `len(${name}) > 0` : `${name} IS NOT NULL`);
}

function equalsCondition(
  { field, value }: Leaf<'equals'>,
  column: Column | 'changed' | undefined,
  bind: Bind,
): Condition {
  if (column === 'changed') return ANY;
  const type = fieldNamed(field)?.type;
  if (column === undefined) {
    if (type === 'ip' || type === 'date' || !isPlainAscii(value) || value === '') return ANY;
    return { superset: containsAll('"_rest"', [value.toLowerCase()], bind), subset: 'FALSE' };
  }
  const name = quoted(column.name);
  if (type === 'date' || column.isTime) return inDoubt(field, column);
  if (type === 'ip') {
    // Other ways to write an IPv4 address all hold a colon.
    if (!isIPv4(value)) return inDoubt(field, column);
    return { superset: atLeast(field, `${name} = ${bind(value)} OR contains(${name}, ':')`), subset: 'FALSE' };
  }
  if (column.type === 'BIGINT' || column.type === 'DOUBLE') {
    const number = Number(value);
    const mayStand = String(number) === value && (column.type === 'DOUBLE' || Number.isSafeInteger(number));
    return mayStand && Number.isFinite(number) ? decided(field, `${name} = ${bind(number)}`) : onlyOdd(field);
  }
  if (!isAscii(value)) return inDoubt(field, column);
  const wanted = bind(value.toLowerCase());
  return column.type === 'VARCHAR[]'
    ? decided(field, `list_contains(list_transform(${name}, lambda x: lower(x)), ${wanted})`)
    : decided(field, `lower(${name}) = ${wanted}`);
}

function wildcardCondition(
  { field, pattern }: Leaf<'wildcard'>,
  column: Column | 'changed' | undefined,
  bind: Bind,
): Condition {
  if (column === 'changed') return ANY;
  const type = fieldNamed(field)?.type;
  const parts = wildcardParts(pattern);
  const pieces = parts.flatMap((part) => (part.kind === 'text' ? plainPieces(part.text) : []));
  if (column === undefined) {
    return pieces.length === 0 ? ANY : { superset: containsAll('"_rest"', pieces, bind), subset: 'FALSE' };
  }
  if (type === 'date' || column.isTime || column.type === 'DOUBLE' || pieces.length === 0)
    return inDoubt(field, column);
  const [first, last] = [parts[0], parts.at(-1)];
  const text = columnText(column);
  const tests = [containsAll(text, pieces, bind)];
  // A list is searched as one text, where a member's ends cannot be told.
  if (column.type !== 'VARCHAR[]') {
    if (first?.kind === 'text' && isAscii(first.text)) tests.push(`starts_with(lower(${text}), ${bind(first.text)})`);
    if (last?.kind === 'text' && isAscii(last.text)) tests.push(`ends_with(lower(${text}), ${bind(last.text)})`);
  }
  return { superset: atLeast(field, tests.join(' AND ')), subset: 'FALSE' };
}

function regexCondition({ field }: Leaf<'regex'>, column: Column | 'changed' | undefined): Condition {
  return column === 'changed' || column === undefined ? ANY : inDoubt(field, column);
}

function rangeCondition(
  { field, min, max }: Leaf<'range'>,
  column: Column | 'changed' | undefined,
  bind: Bind,
): Condition {
  if (column === 'changed' || column === undefined) return ANY;
  const type = fieldNamed(field)?.type;
  if (column.type === 'VARCHAR[]' || (type !== 'long' && type !== 'date')) return inDoubt(field, column);
  const name = quoted(column.name);
  const tests = [`${name} IS NOT NULL`];
  for (const [end, sign] of [
    [min, '>'],
    [max, '<'],
  ] as const) {
    if (end === undefined) continue;
    const number = type === 'date' ? timeNumber(end.value) : numberOf(end.value);
    if (number === undefined) return onlyOdd(field);
    tests.push(`${name} ${sign}${end.isInclusive ? '=' : ''} ${bind(number)}`);
  }
  return decided(field, tests.join(' AND '));
}

/** The test is exact wherever the column is not in doubt. */
function decided(field: string, test: string): Condition {
  const odd = isOdd(field);
  return { superset: `(coalesce(${test}, FALSE) OR ${odd})`, subset: `(coalesce(${test}, FALSE) AND NOT ${odd})` };
}

/** Any value may be meant. */
function inDoubt(field: string, column: Column): Condition {
  return { superset: atLeast(field, `${quoted(column.name)} IS NOT NULL`), subset: 'FALSE' };
}

/** No value that a column holds can be meant. */
function onlyOdd(field: string): Condition {
  return { ...NONE, superset: isOdd(field) };
}

function atLeast(field: string, test: string): string {
  return `(coalesce(${test}, FALSE) OR ${isOdd(field)})`;
}

/** True of rows where the field may have another value than its column's. `field` is a name of the catalogue. */
function isOdd(field: string): string {
  return `coalesce(contains("_odd", ',${field.replaceAll("'", "''")},'), FALSE)`;
}

function containsAll(text: string, pieces: readonly string[], bind: Bind): string {
  return `coalesce(${pieces.map((piece) => `contains(lower(${text}), ${bind(piece)})`).join(' AND ')}, FALSE)`;
}

function columnText(column: Column): string {
  const name = quoted(column.name);
  if (column.type === 'VARCHAR[]') return `array_to_string(${name}, chr(1))`;
  return column.type === 'VARCHAR' ? name : `${name}::VARCHAR`;
}

/** The longest runs of a folded text that stand unchanged in UTF-8, in lower case and in JSON alike. */
function plainPieces(text: string): string[] {
  return text.toLowerCase().match(/[\x20\x21\x23-\x5b\x5d-\x7e]+/g) ?? [];
}

function isPlainAscii(text: string): boolean {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text);
}

function isAscii(text: string): boolean {
  return /^[\x01-\x7f]*$/.test(text);
}

function numberOf(text: string): number | undefined {
  return /^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(text) ? Number(text) : undefined;
}
