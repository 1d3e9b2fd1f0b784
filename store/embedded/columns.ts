// How a document becomes a row (and row-reading.ts, how that becomes the same document again). A value that its column can hold exactly
// goes there; every other (odd types, dotted names, fields without a column) stays in `_rest` as JSON, and `_odd` names the columns in
// doubt. Longer than 300 lines, because a table's columns and what goes there are one thing:
//
//   _seq _id          number and id of the event
//   _ts               `@timestamp`, whole epoch ms
//   _created _host _boot _position   the order key (event/order.ts)
//   one column for each `isColumn` field of the catalogue; those five fields above have none of their own
//   _tail _start.FIELD, and marks in `event.original`: what others of the row tell is not stored (short-forms.ts)
//   _address.FIELD    the address of an `ip` field in hexadecimal, 8 digits or IPv6's 32, for networks and ranges; null where it is none
//   _odd              `,process.name,tags,`: fields whose value may stand in `_rest`; null when there are none
//   _rest             JSON of what no column holds; null when that is nothing
//
// The catalogue grows from release to release, so each partition keeps the list of its own field columns (its layout) and is
// read by that; a new layout begins a new partition.
import { canonicalTime, canonicalTimeMs } from '../../event/canonical-time.ts';
import { FIELDS, type Field } from '../../event/catalogue.ts';
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import { addressNumber } from '../query/address.ts';
import {
  ENTITY_FIELDS,
  entitySql,
  ID_HOST_SQL,
  ID_HOST_TEXT_SQL,
  ID_SQL,
  isIdSql,
  originalSql,
  type RowFacts,
  SERIAL_FIELD,
  STAMPED_FIELD,
  START_PREFIX,
  stampedOf,
  startOf,
  TAIL_COLUMN,
  tailOf,
  tailsOf,
} from './short-forms.ts';

/** Version of the table below, and of what its columns mean. Files of format 1, without short forms, are read as their layout says. */
export const PARTITION_FORMAT = 2;
export const READ_FORMATS: ReadonlySet<unknown> = new Set([1, 2]);

const COLUMN_TYPES = ['VARCHAR', 'VARCHAR[]', 'BIGINT', 'DOUBLE'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];
export type ColumnValue = string | readonly string[] | number | null;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** True of a BIGINT that stands for a time in ISO 8601. */
  readonly isTime: boolean;
  /** Of a text in which the row's own stamp is a mark. */
  readonly isStamped?: boolean;
}

/** The columns of one partition's table. */
export interface Layout {
  /** The table's own columns, always the same, then those of fields. */
  readonly columns: readonly Column[];
  /** All but the table's own columns as JSON, as the partition keeps them; equal layouts have equal text. */
  readonly text: string;
  /** SQL for the values of a row, in the order of `toldColumns` (row-reading.ts). */
  readonly valuesSql: string;
  /** Columns that are read for what they tell of others, and whose fields are not asked for. */
  readonly unasked?: ReadonlySet<string>;
}

/** Fields that are told by the table's own columns, where they have their usual form. */
export const DERIVED: ReadonlyMap<string, string> = new Map([
  ['@timestamp', '_ts'],
  ['event.created', '_created'],
  ['host.id', '_host'],
  ['host.boot.id', '_boot'],
  ['vedette.position', '_position'],
]);

/** The columns that every partition begins with. */
export const OWN_COLUMNS: readonly Column[] = [
  { name: '_seq', type: 'BIGINT', isTime: false },
  { name: '_id', type: 'VARCHAR', isTime: false },
  { name: '_ts', type: 'BIGINT', isTime: false },
  { name: '_created', type: 'DOUBLE', isTime: false },
  { name: '_host', type: 'VARCHAR', isTime: false },
  { name: '_boot', type: 'VARCHAR', isTime: false },
  { name: '_position', type: 'DOUBLE', isTime: false },
  { name: '_odd', type: 'VARCHAR', isTime: false },
  { name: '_rest', type: 'VARCHAR', isTime: false },
];

const FIELD_COLUMNS: readonly Column[] = FIELDS.filter((field) => field.isColumn && !DERIVED.has(field.name)).map(
  (field) => ({
    name: field.name,
    type: typeOfField(field),
    isTime: field.type === 'date',
    ...(field.name === STAMPED_FIELD ? { isStamped: true } : {}),
  }),
);

const SHORT_COLUMNS: readonly Column[] = [
  TAIL_COLUMN,
  ...[...ENTITY_FIELDS.keys()].map((field) => START_PREFIX + field),
].map((name) => ({ name, type: 'BIGINT', isTime: false }));

/** Columns that are computed from a field's: they tell nothing new, and no document is made of them. */
const ADDRESS_PREFIX = '_address.';
const ADDRESS_COLUMNS: readonly Column[] = FIELDS.filter(({ isColumn, type }) => isColumn && type === 'ip').map(
  ({ name, isArray }) => ({ name: `${ADDRESS_PREFIX}${name}`, type: isArray ? 'VARCHAR[]' : 'VARCHAR', isTime: false }),
);

/** The layout of partitions that are written now. */
export const LAYOUT: Layout = layoutOf([...FIELD_COLUMNS, ...SHORT_COLUMNS, ...ADDRESS_COLUMNS]);

/** No id's. */
const NO_TAIL = -1n;

/** Columns whose text repeats little within a row group, so that a dictionary does not help. */
const ZSTD_COLUMNS: ReadonlySet<string> = new Set(['_rest', 'event.original', 'message']);

/** The column of a layout that tells a field. */
export function columnOfField(field: string, layout: Layout): Column | undefined {
  const name = DERIVED.get(field) ?? field;
  return name.startsWith('_') && !DERIVED.has(field)
    ? undefined
    : layout.columns.find((column) => column.name === name);
}

/** The column of a layout that holds an `ip` field's address as a number, where there is one. */
export function addressColumnOf(field: string, layout: Layout): Column | undefined {
  return layout.columns.find((column) => column.name === `${ADDRESS_PREFIX}${field}`);
}

/**
 * The layout of rows that tell no other fields than these, and what `_rest` has where one of them stands there; they are right only where
 * `_odd` is NULL. Undefined where a field is the name of an object that columns are parts of.
 */
export function narrowLayout(layout: Layout, fields: readonly string[]): Layout | undefined {
  const names = new Set<string>();
  const tellers = new Set(hasTails(layout) ? [TAIL_COLUMN, SERIAL_FIELD] : []);
  let needsRest = false;
  for (const field of fields) {
    const column = columnOfField(field, layout);
    if (column === undefined) {
      if (holdsColumns(field, layout)) return undefined;
      needsRest = true;
      continue;
    }
    names.add(column.name);
    for (const teller of tellersOf(column, layout)) tellers.add(teller);
  }
  const own = new Set(OWN_COLUMNS.map(({ name }) => name));
  const columns = layout.columns.filter(({ name }) => (names.has(name) || tellers.has(name)) && !own.has(name));
  return { ...layoutOf(columns, needsRest), unasked: new Set([...tellers].filter((name) => !names.has(name))) };
}

function holdsColumns(field: string, { columns }: Layout): boolean {
  const within = (name: string): boolean => name.startsWith(`${field}.`);
  return columns.some(({ name }) => within(name)) || [...DERIVED.keys()].some(within);
}

/** True where ids are told by their tails. */
function hasTails({ columns }: Layout): boolean {
  return columns.some(({ name }) => name === TAIL_COLUMN);
}

/** The columns of an entity id's start and pid, where the layout has them. */
export function entityColumns(
  { name }: Column,
  { columns }: Layout,
): { readonly start: string; readonly pid: string } | undefined {
  const pid = ENTITY_FIELDS.get(name);
  const start = START_PREFIX + name;
  if (pid === undefined || !columns.some((column) => column.name === start)) return undefined;
  return { start: quoted(start), pid: quoted(pid) };
}

/** The columns that tell a part of what another one is. */
function tellersOf(column: Column, layout: Layout): readonly string[] {
  if (column.isStamped === true) return [SERIAL_FIELD];
  const pid = ENTITY_FIELDS.get(column.name);
  return pid === undefined || entityColumns(column, layout) === undefined ? [] : [pid, START_PREFIX + column.name];
}

/** SQL for what a field's column tells. */
export function toldSql(column: Column, layout: Layout): string {
  const name = quoted(column.name);
  const entity = entityColumns(column, layout);
  if (entity !== undefined) return entitySql({ column: name, ...entity });
  return column.isStamped === true ? originalSql(name) : name;
}

/** The layout of the same rows with every value whole, and SQL for its columns. */
export function wholeOf(layout: Layout): { readonly layout: Layout; readonly sql: readonly string[] } {
  const columns = layout.columns.filter(({ name }) => name !== TAIL_COLUMN && !name.startsWith(START_PREFIX));
  return {
    layout: layoutOf(columns.slice(OWN_COLUMNS.length).map(({ name, type, isTime }) => ({ name, type, isTime }))),
    sql: columns.map((column) => (column.name === '_id' ? idSql(layout) : toldSql(column, layout))),
  };
}

/** SQL for the id of a row. */
export function idSql(layout: Layout): string {
  return hasTails(layout) ? ID_SQL : '_id';
}

/** True of the rows of ids, one at least; `bound` are the ids as SQL. */
export function isIdOf(ids: readonly string[], bound: readonly string[], layout: Layout): string {
  return hasTails(layout) ? isIdSql(ids, bound) : `_id IN (${bound.join(', ')})`;
}

/** True of every row whose id is one of many, and of few others: SQL, and its values from `$first` on. */
export function mayBeIdOf(
  ids: readonly string[],
  layout: Layout,
  first: number,
): { readonly sql: string; readonly values: readonly (readonly string[] | readonly bigint[])[] } {
  const isWhole = `_id IN (SELECT unnest($${first}))`;
  if (!hasTails(layout)) return { sql: isWhole, values: [ids] };
  // A list of numbers that may be empty would have no type.
  const tails = [NO_TAIL, ...tailsOf(ids).map(BigInt)];
  return { sql: `(${isWhole} OR _tail IN (SELECT unnest($${first + 1})))`, values: [ids, tails] };
}

/** SQL for the part of a row's id that tells its host. */
export function idHostSql(layout: Layout): string {
  return hasTails(layout) ? ID_HOST_SQL : ID_HOST_TEXT_SQL;
}

/** Reads a layout that a partition keeps. Throws on text that is none. */
export function parseLayout(text: string): Layout {
  if (text === LAYOUT.text) return LAYOUT;
  const columns: unknown = JSON.parse(text);
  if (!Array.isArray(columns)) throw new Error('its list of columns cannot be read');
  return layoutOf(
    columns.map(([name, type, isTime, isStamped]) => {
      if (!COLUMN_TYPES.includes(type)) throw new Error(`its column ${String(name)} is of an unknown type`);
      return { name: String(name), type, isTime: isTime === true, ...(isStamped === true ? { isStamped: true } : {}) };
    }),
  );
}

function layoutOf(stored: readonly Column[], withRest = true): Layout {
  const columns = [...OWN_COLUMNS, ...stored];
  return {
    columns,
    text: JSON.stringify(
      stored.map(({ name, type, isTime, isStamped }) => [name, type, isTime, ...(isStamped === true ? [true] : [])]),
    ),
    valuesSql: toldColumns({ columns })
      .map(({ name }) => (name === '_rest' && !withRest ? 'NULL::VARCHAR' : quoted(name)))
      .join(', '),
  };
}

/** The columns that documents are made of, in their order. */
export function toldColumns({ columns }: Pick<Layout, 'columns'>): readonly Column[] {
  return columns.filter(({ name }) => !name.startsWith(ADDRESS_PREFIX));
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `CREATE TABLE` for one partition. */
export function createTable(schema: string): string {
  const columns = LAYOUT.columns.map(
    ({ name, type }) => `${quoted(name)} ${type}${ZSTD_COLUMNS.has(name) ? ' USING COMPRESSION zstd' : ''}`,
  );
  return `CREATE TABLE ${schema}.events (${columns.join(', ')})`;
}

interface Node {
  readonly index: number | undefined;
  readonly derived: string | undefined;
  readonly children: Map<string, Node>;
}

/** The fields that rows hold outside `_rest`, as a tree of names. */
const TREE: Node = { index: undefined, derived: undefined, children: new Map() };
for (const [at, column] of FIELD_COLUMNS.entries()) plant(column.name, { index: OWN_COLUMNS.length + at });
for (const field of DERIVED.keys()) plant(field, { derived: field });

/** Where an address column's number comes from, and where it goes. */
export const ADDRESS_PLACES: readonly { readonly from: number; readonly to: number }[] = ADDRESS_COLUMNS.map(
  ({ name }) => ({
    from: placeOf(name.slice(ADDRESS_PREFIX.length)),
    to: placeOf(name),
  }),
);

const ODD_NAMES: readonly string[] = [...FIELD_COLUMNS.map((column) => column.name), ...DERIVED.keys()];

/** The row of an event, in the order of LAYOUT. */
export function toRow(event: {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
  readonly timestampMs: number;
}): ColumnValue[] {
  const order = orderKeyOf(event.id, event.document);
  const row: ColumnValue[] = LAYOUT.columns.map(() => null);
  const odd = new Set<string>();
  const derived = new Map<string, unknown>();
  const rest = take(event.document, TREE, '', { row, odd, derived }) ?? {};
  const own: Record<string, ColumnValue> = {
    _seq: event.seq,
    _id: event.id,
    _ts: event.timestampMs,
    _created: order.createdMs,
    _host: order.hostId.toWellFormed().replaceAll('\u0000', '\ufffd'),
    _boot: order.bootId.toWellFormed().replaceAll('\u0000', '\ufffd'),
    _position: order.position,
  };
  for (const [field, column] of DERIVED) {
    const value = derived.get(field);
    if (!odd.has(field) && value !== undefined && isDerived(value, field, own[column] ?? null)) continue;
    odd.add(field);
    if (value !== undefined) put(rest, field.split('.'), value);
  }
  own['_odd'] = odd.size === 0 ? null : `,${[...odd].join(',')},`;
  own['_rest'] = Object.keys(rest).length === 0 ? null : JSON.stringify(rest);
  for (const [at, column] of OWN_COLUMNS.entries()) row[at] = own[column.name] ?? null;
  shorten(row);
  for (const { from, to } of ADDRESS_PLACES) {
    const held = row[from];
    if (typeof held === 'string') row[to] = addressKeyOf(held);
    else if (Array.isArray(held)) row[to] = held.flatMap((address) => addressKeyOf(address) ?? []);
  }
  return row;
}

/** Where in a row of LAYOUT stands what short forms are made of, and made into. */
export const SHORT_PLACES = {
  id: placeOf('_id'),
  timestamp: placeOf('_ts'),
  host: placeOf('_host'),
  boot: placeOf('_boot'),
  serial: placeOf(SERIAL_FIELD),
  stamped: placeOf(STAMPED_FIELD),
  tail: placeOf(TAIL_COLUMN),
} as const;

/** Where an entity id, its pid and its start stand in a row of LAYOUT. */
export const ENTITY_PLACES: readonly { readonly id: number; readonly pid: number; readonly start: number }[] = [
  ...ENTITY_FIELDS,
].map(([field, pid]) => ({ id: placeOf(field), pid: placeOf(pid), start: placeOf(START_PREFIX + field) }));

/** Takes out of a row what the rest of it tells. */
function shorten(row: ColumnValue[]): void {
  const { id: idAt, timestamp, host, boot, serial, stamped, tail } = SHORT_PLACES;
  const numberAt = (place: number): number | null => (typeof row[place] === 'number' ? row[place] : null);
  const facts: RowFacts = {
    host: String(row[host] ?? ''),
    boot: String(row[boot] ?? ''),
    timestampMs: numberAt(timestamp) ?? 0,
    serial: numberAt(serial),
  };
  const move = (from: number, to: number, number: number | undefined): void => {
    if (number === undefined) return;
    row[from] = null;
    row[to] = number;
  };
  move(idAt, tail, tailOf(String(row[idAt]), facts));
  for (const { id, pid, start } of ENTITY_PLACES) {
    const held = row[id];
    if (typeof held === 'string') move(id, start, startOf(held, facts, numberAt(pid)));
  }
  const original = row[stamped];
  if (typeof original === 'string') row[stamped] = stampedOf(original, facts);
}

const IPV4_FIRST = 0xffffn << 32n;
const IPV4_LAST = IPV4_FIRST | 0xffffffffn;

/** What an address column holds of a text; null where that is no address. */
export function addressKeyOf(text: string): string | null {
  return addressKey(addressNumber(text));
}

/** What an address column holds: IPv4 and what is mapped from it in 8 digits, IPv6 in 32; texts of one length are in the order of their numbers. */
function addressKey(number: bigint | undefined): string | null {
  if (number === undefined) return null;
  return number >= IPV4_FIRST && number <= IPV4_LAST
    ? (number - IPV4_FIRST).toString(16).padStart(8, '0')
    : number.toString(16).padStart(32, '0');
}

/** The keys of all addresses between two, both inclusive. */
export function addressKeyRanges(first: bigint, last: bigint): readonly (readonly [first: string, last: string])[] {
  const ranges: (readonly [string, string])[] = [];
  const [low, high] = [first > IPV4_FIRST ? first : IPV4_FIRST, last < IPV4_LAST ? last : IPV4_LAST];
  if (low <= high) ranges.push([addressKey(low) ?? '', addressKey(high) ?? '']);
  if (first < IPV4_FIRST || last > IPV4_LAST) {
    const digits = (number: bigint): string => number.toString(16).padStart(32, '0');
    ranges.push([digits(first), digits(last)]);
  }
  return ranges;
}

interface Taken {
  readonly row: ColumnValue[];
  readonly odd: Set<string>;
  readonly derived: Map<string, unknown>;
}

/** Takes out of an object what columns can hold; answers what is left, undefined when all of a filled object was taken. */
function take(object: EventDocument, node: Node, path: string, taken: Taken): Record<string, unknown> | undefined {
  const rest: Record<string, unknown> = {};
  let left = 0;
  let keys = 0;
  for (const key of Object.keys(object)) {
    keys++;
    const value = object[key];
    const child = node.children.get(key);
    let kept: unknown = value;
    if (key.includes('.')) {
      doubtBelow(`${path}${key}`, taken.odd);
    } else if (child !== undefined) {
      kept = takeValue(value, child, `${path}${key}`, taken);
    }
    if (kept === undefined) continue;
    left++;
    define(rest, key, kept);
  }
  return left === 0 && keys > 0 ? undefined : rest;
}

function takeValue(value: unknown, node: Node, path: string, taken: Taken): unknown {
  if (node.derived !== undefined) {
    taken.derived.set(node.derived, value);
    return undefined;
  }
  if (node.index !== undefined) {
    const column = LAYOUT.columns[node.index];
    const held = column === undefined ? undefined : columnValue(value, column);
    if (held === undefined) {
      taken.odd.add(path);
      return value;
    }
    taken.row[node.index] = held;
    return undefined;
  }
  if (isPlainObject(value)) return take(value, node, `${path}.`, taken);
  // A list of objects, or a scalar where fields should be: searches may still look through it.
  doubtBelow(path, taken.odd);
  return value;
}

/** The value as its column holds it, or undefined when it would not come back the same. */
function columnValue(value: unknown, column: Column): ColumnValue | undefined {
  switch (column.type) {
    case 'VARCHAR':
      return typeof value === 'string' && isPlainText(value) ? value : undefined;
    case 'VARCHAR[]':
      return Array.isArray(value) && value.every((member) => typeof member === 'string' && isPlainText(member))
        ? value
        : undefined;
    case 'BIGINT':
      if (column.isTime) return typeof value === 'string' ? timeMsOf(value) : undefined;
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? (value as number) : undefined;
    case 'DOUBLE':
      return undefined;
  }
}

/** Text that survives UTF-8 and the database's bindings. */
function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

/** Epoch ms of a time that is written as `toISOString` writes it. */
function timeMsOf(text: string): number | undefined {
  const canonical = canonicalTimeMs(text);
  if (!Number.isNaN(canonical)) return canonical;
  const ms = text.length === 24 ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text ? ms : undefined;
}

/** True where the field's value is what {@link derivedValue} gives. */
function isDerived(value: unknown, field: string, own: ColumnValue): boolean {
  const isTime = field === '@timestamp' || field === 'event.created';
  if (isTime && typeof value === 'string' && canonicalTimeMs(value) === own) return true;
  return value === derivedValue(field, own);
}

/** What a derived field is where its column holds this. */
export function derivedValue(field: string, own: ColumnValue): unknown {
  if (field !== '@timestamp' && field !== 'event.created') return own;
  const ms = Number(own);
  return Number.isInteger(ms) && Math.abs(ms) <= 8.64e15 ? canonicalTime(ms) : undefined;
}

function doubtBelow(path: string, odd: Set<string>): void {
  for (const name of ODD_NAMES) if (name === path || name.startsWith(`${path}.`)) odd.add(name);
}

function plant(name: string, leaf: { index?: number; derived?: string }): void {
  const parts = name.split('.');
  let node = TREE;
  for (const [at, part] of parts.entries()) {
    const isLast = at === parts.length - 1;
    const existing = node.children.get(part);
    const next: Node = existing ?? {
      index: isLast ? leaf.index : undefined,
      derived: isLast ? leaf.derived : undefined,
      children: new Map(),
    };
    node.children.set(part, next);
    node = next;
  }
}

/** Sets a catalogue field in nested form. The way there is free: only a field's own value was ever taken out. */
function put(document: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  const last = parts.length - 1;
  let target = document;
  for (let at = 0; at < last; at++) {
    const part = parts[at] ?? '';
    const existing = Object.hasOwn(target, part) ? target[part] : undefined;
    if (isPlainObject(existing)) {
      target = existing as Record<string, unknown>;
    } else {
      const made: Record<string, unknown> = {};
      target[part] = made;
      target = made;
    }
  }
  target[parts[last] ?? ''] = value;
}

/** Sets an own property even where the name is `__proto__`. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** Where a column stands in a row of LAYOUT. */
function placeOf(name: string): number {
  return LAYOUT.columns.findIndex((column) => column.name === name);
}

function typeOfField(field: Field): ColumnType {
  if (field.isArray) return 'VARCHAR[]';
  return field.type === 'long' || field.type === 'date' ? 'BIGINT' : 'VARCHAR';
}
