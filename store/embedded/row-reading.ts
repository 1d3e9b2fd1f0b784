// The way back from a row to its document. DuckDB gives a row as one text, because what the binding does value by value would cost
// several times as much, and so would writing and parsing JSON (decision 0046):
//
//   row      VALUE NUL VALUE NUL …            of the layout's columns, but those that are computed from others
//   VALUE    of a text column: itself; SOH: null; SOH and itself: where it begins with SOH
//            of any other: a number, JSON of a list, `_rest`; empty: null
//
// No column holds a NUL (columns.ts), and none is in JSON that JSON.stringify wrote. What a row says comes back as it was taken apart there.
import { canonicalTime } from '../../event/canonical-time.ts';
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import type { OrderKey } from '../../event/order.ts';
import { type Column, DERIVED, derivedValue, type Layout, OWN_COLUMNS, toldColumns } from './columns.ts';

/** An event as a row tells it. */
interface ReadEvent {
  readonly seq: number;
  readonly timestampMs: number;
  /** Its id too. */
  readonly order: OrderKey;
  readonly document: EventDocument;
}

/** Reads rows of one layout. It knows texts that came before, so that one that comes again is no new one: one reader for many rows. */
export interface RowReader {
  /** Throws on what is no row. */
  read(bytes: Buffer, from: number, to: number): ReadEvent;
}

/** Texts up to so many bytes are looked up among those that came before. */
const SHORT_MAX = 48;
const SLOTS = 256;
/** A column that has so many more new texts than known ones is not looked up any more. */
const MISSES_MAX = 1_000;
const LISTS_MAX = 4_096;
const DIGITS_MAX = 15;
const DATE_MS_MAX = 8.64e15;
const TIME_LENGTH = 24;
/** Characters of a time before its milliseconds. */
const SECOND_LENGTH = 20;
const MILLISECONDS: readonly string[] = Array.from({ length: 1_000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);
const NUL = 0;
const SOH = 1;
const ZERO = 0x30;

interface Cell {
  readonly kind: 'text' | 'list' | 'number' | 'time';
  /** The object that it stands in, and its name there. */
  readonly branch: number;
  readonly key: string;
  /** Texts that came before; undefined where that was of no use. */
  known: (string | undefined)[] | undefined;
  misses: number;
}

interface Branch {
  readonly parent: number;
  readonly key: string;
}

export function createRowReader(layout: Layout): RowReader {
  const branches: Branch[] = [{ parent: 0, key: '' }];
  const branchOf = (parts: readonly string[]): number =>
    parts.reduce((parent, key) => {
      const known = branches.findIndex((branch, at) => at > 0 && branch.parent === parent && branch.key === key);
      return known > 0 ? known : branches.push({ parent, key }) - 1;
    }, 0);
  const cellOf = (field: string, kind: Cell['kind']): Cell => {
    const parts = field.split('.');
    return { kind, branch: branchOf(parts.slice(0, -1)), key: parts.at(-1) ?? '', known: [], misses: 0 };
  };
  const cells = toldColumns(layout)
    .slice(OWN_COLUMNS.length)
    .map((column) => cellOf(column.name, kindOf(column)));
  const derived = [...DERIVED.keys()].map((field) => ({
    field,
    cell: cellOf(field, 'text'),
    isTime: field === '@timestamp' || field === 'event.created',
  }));
  const [idCell, hostCell, bootCell, oddCell] = ['_id', '_host', '_boot', '_odd'].map((name) =>
    cellOf(name, 'text'),
  ) as [Cell, Cell, Cell, Cell];
  idCell.known = undefined;
  const lists = new Map<string, readonly unknown[]>();
  const objects: (Record<string, unknown> | undefined)[] = [];
  let second = '';
  let secondMs = Number.NaN;
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let to = 0;

  const text = (cell: Cell): string | null => {
    const source = bytes;
    let from = at;
    if (source[from] === SOH) {
      from++;
      if (source[from] === NUL) {
        at = from + 1;
        return null;
      }
    }
    let end = from;
    let hash = 0;
    let byte = source[end];
    const most = from + SHORT_MAX;
    while (byte !== NUL && byte !== undefined && end < most) {
      hash = (Math.imul(hash, 31) + byte) | 0;
      byte = source[++end];
    }
    const { known } = cell;
    if (byte !== NUL || known === undefined) {
      end = endOfValue(source, end, to);
      at = end + 1;
      return source.toString('utf8', from, end);
    }
    at = end + 1;
    const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1);
    const before = known[slot];
    if (before !== undefined && isSame(before, source, from, end)) {
      cell.misses--;
      return before;
    }
    const read = source.toString('utf8', from, end);
    known[slot] = read;
    if (++cell.misses > MISSES_MAX) cell.known = undefined;
    return read;
  };

  const number = (): number | null => {
    const source = bytes;
    const from = at;
    if (source[from] === NUL) {
      at = from + 1;
      return null;
    }
    let end = from;
    let value = 0;
    let digit = (source[end] ?? 0) - ZERO;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digit = (source[++end] ?? 0) - ZERO;
    }
    if (source[end] === NUL && end - from <= DIGITS_MAX) {
      at = end + 1;
      return value;
    }
    end = endOfValue(source, end, to);
    at = end + 1;
    return Number(source.toString('latin1', from, end));
  };

  const list = (cell: Cell): readonly unknown[] | null => {
    const json = text(cell) ?? '';
    if (json === '') return null;
    const before = lists.get(json);
    if (before !== undefined) return before.slice();
    const read: unknown[] = JSON.parse(json);
    if (json.length > SHORT_MAX) return read;
    if (lists.size >= LISTS_MAX) lists.clear();
    lists.set(json, read);
    return read.slice();
  };

  /** Most events are of the second of the one before. */
  const time = (ms: number): string => {
    const within = ms - secondMs;
    if (within >= 0 && within < 1_000) return second + (MILLISECONDS[within] ?? '');
    const whole = canonicalTime(ms);
    if (whole.length === TIME_LENGTH && ms >= 0) {
      second = whole.slice(0, SECOND_LENGTH);
      secondMs = ms - (ms % 1_000);
    }
    return whole;
  };

  const fieldValue = (cell: Cell): unknown => {
    switch (cell.kind) {
      case 'text':
        return text(cell);
      case 'list':
        return list(cell);
      case 'number':
        return number();
      case 'time': {
        const ms = number();
        return ms === null ? null : time(ms);
      }
    }
  };

  /** The object of a branch; the way to it is free, because only a field's own value was ever taken out. */
  const objectOf = (branch: number): Record<string, unknown> => {
    const made = objects[branch];
    if (made !== undefined) return made;
    const { parent, key } = branches[branch] ?? { parent: 0, key: '' };
    const above = objectOf(parent);
    const existing = Object.hasOwn(above, key) ? above[key] : undefined;
    const object = isPlainObject(existing) ? (existing as Record<string, unknown>) : {};
    if (object !== existing) above[key] = object;
    objects[branch] = object;
    return object;
  };

  return {
    read(source, from, until) {
      [bytes, at, to] = [source, from, until];
      const seq = number();
      const id = text(idCell) ?? '';
      const timestampMs = number();
      const createdMs = number();
      const hostId = text(hostCell) ?? '';
      const bootId = text(bootCell) ?? '';
      const position = number();
      const odd = text(oddCell);
      const restFrom = at;
      at = endOfValue(bytes, at, to) + 1;
      const rest: Record<string, unknown> =
        restFrom === at - 1 ? {} : JSON.parse(bytes.toString('utf8', restFrom, at - 1));
      if (seq === null || timestampMs === null || !isPlainObject(rest)) throw new Error('it is no row');
      objects.fill(undefined);
      objects[0] = rest;
      for (const cell of cells) {
        const value = fieldValue(cell);
        if (value !== null) objectOf(cell.branch)[cell.key] = value;
      }
      if (at !== to) throw new Error('it is no row');
      const own = [timestampMs, createdMs, hostId, bootId, position];
      for (let index = 0; index < derived.length; index++) {
        const one = derived[index];
        if (one === undefined || (odd?.includes(`,${one.field},`) ?? false)) continue;
        const held = own[index] ?? null;
        const isTime =
          one.isTime && typeof held === 'number' && Number.isInteger(held) && Math.abs(held) <= DATE_MS_MAX;
        objectOf(one.cell.branch)[one.cell.key] = isTime ? time(held) : derivedValue(one.field, held);
      }
      const order = { createdMs: createdMs ?? 0, hostId, bootId, position: position ?? 0, id };
      return { seq, timestampMs, order, document: rest };
    },
  };
}

function kindOf({ type, isTime }: Column): Cell['kind'] {
  if (type === 'VARCHAR') return 'text';
  if (type === 'VARCHAR[]') return 'list';
  return isTime ? 'time' : 'number';
}

/** Where the value that begins there ends. */
function endOfValue(bytes: Buffer, from: number, to: number): number {
  const end = bytes[from] === NUL ? from : bytes.indexOf(NUL, from);
  if (end < 0 || end >= to) throw new Error('it is no row');
  return end;
}

/** Of ASCII alone: other texts are read anew. */
function isSame(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let at = 0; at < text.length; at++) {
    const byte = bytes[from + at] ?? 0;
    if (byte >= 0x80 || byte !== text.charCodeAt(at)) return false;
  }
  return true;
}
