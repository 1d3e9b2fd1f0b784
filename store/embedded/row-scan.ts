// A line of the log into a row without parsing it: the way of nearly all events, for a fifth of the cost. It knows a document as
// JSON.stringify writes it, in which every field has its usual type, and gives just the row that `toRow` gives; at whatever is unusual
// (numbers that are no integers, escaped names, dotted ones, a name twice, a field of another type) it gives up, and the line is
// parsed. Longer than 300 lines, because one scanner is one thing.
import { isUtf8 } from 'node:buffer';
import { canonicalTimeMs } from '../../event/canonical-time.ts';
import { isStorableTime } from '../admission.ts';
import { ADDRESS_PLACES, addressKeyOf, DERIVED, LAYOUT } from './columns.ts';
import type { RawLine } from './log-lines.ts';
import { createRowShortener } from './row-shortening.ts';
import { COLUMNS, NULL_LENGTH, type RowTable } from './row-table.ts';

type Kind = 'branch' | 'text' | 'texts' | 'integer' | 'time';

/** What a name stands for within the objects of documents. */
interface Place {
  readonly key: Buffer;
  readonly kind: Kind;
  /** Of a field. */
  readonly column: number;
  /** Of a field that every document has to have: its bit. */
  readonly bit: number;
  /** Of a branch: what is below, by the hash of its name. */
  readonly below: Map<number, Place>;
  /** The same, each at its hash's last bits, of which there are enough that no two have the same: a map would cost more than the name. */
  slots: readonly (Place | undefined)[];
  /** The last line in which it came. */
  seen: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const LIST_OPEN = 0x5b;
const LIST_CLOSE = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

const MIDDLE = Buffer.from(',"document":');
const HEAD_LENGTH = '{"id":'.length;
const DIGITS_MAX = 15;
const DEPTH_MAX = 24;
/** Names of one object that are compared with each other. */
const NAMES_MAX = 48;
const TIME_LENGTH = 24;
/** Bytes of a time before its milliseconds. */
const SECOND_LENGTH = 20;
const REST_FIRST: number = 64 * 1024;
const ADDRESSES_MAX = 4_096;

/** What stands behind a backslash, as the byte that it means; 0: it has another meaning, or another spelling. */
const ESCAPED = new Uint8Array(256);
for (const [letter, meant] of ['""', '\\\\', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [...pair])) {
  ESCAPED[letter?.charCodeAt(0) ?? 0] = meant?.charCodeAt(0) ?? 0;
}

const REST = columnOf('_rest');
const ID = columnOf('_id');
const SEQ = columnOf('_seq');
const TIMESTAMP = columnOf('_ts');
const ALL_BITS: number = (1 << DERIVED.size) - 1;

/** Adds the row of a line to a table; false, and it is as it was, where the line has to be parsed. */
export type RowScan = (line: RawLine, table: RowTable) => boolean;

export function createRowScan(): RowScan {
  const root = rootPlace();
  const names = new Int32Array(DEPTH_MAX * NAMES_MAX);
  const second = Buffer.alloc(SECOND_LENGTH);
  const addresses = new Map<string, string | null>();
  const shorten = createRowShortener();
  let secondMs = Number.NaN;
  let rest: Buffer = Buffer.allocUnsafeSlow(REST_FIRST);
  let restUsed = 0;
  let bytes: Buffer = rest;
  let to = 0;
  let at = 0;
  let lineNumber = 0;
  let bits = 0;
  let first = 0;
  let table: RowTable;
  let hash = 0;
  let keyFrom = 0;

  /** Reads `"name":` and leaves its hash in `hash`, its first byte's place in `keyFrom`. */
  const name = (mayHaveDots: boolean): boolean => {
    if (bytes[at] !== QUOTE) return false;
    keyFrom = at + 1;
    const text = bytes;
    let mixed = 7;
    let end = keyFrom;
    for (; ; end++) {
      const byte = text[end];
      if (byte === undefined) return false;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH || (byte === DOT && !mayHaveDots)) return false;
      mixed = (Math.imul(mixed, 31) + byte) & 0x3fffffff;
    }
    hash = mixed;
    const begin = bytes[keyFrom] ?? 0;
    // Names that are numbers come first in an object, wherever they were written.
    if (begin >= ZERO && begin <= NINE) return false;
    if (bytes[end + 1] !== COLON) return false;
    at = end + 2;
    return true;
  };

  /** False when an object has the name that was read already, or perhaps has it. */
  const isNew = (depth: number, count: number): boolean => {
    if (count >= NAMES_MAX) return false;
    const from = depth * NAMES_MAX;
    for (let index = 0; index < count; index++) if (names[from + index] === hash) return false;
    names[from + count] = hash;
    return true;
  };

  /** Passes a text that JSON.stringify would write the same. */
  const passText = (): boolean => {
    const text = bytes;
    let place = at;
    for (;;) {
      const byte = text[++place];
      if (byte === undefined) return false;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH && ESCAPED[text[++place] ?? 0] === 0) return false;
    }
    at = place + 1;
    return true;
  };

  /** Passes an integer; answers it, NaN where it is none or not in its usual form. */
  const integer = (): number => {
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const begin = at;
    let value = 0;
    for (; at < to; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === begin || at - begin > DIGITS_MAX || (isNegative && value === 0)) return Number.NaN;
    const after = bytes[at];
    if (after !== COMMA && after !== CLOSE && after !== LIST_CLOSE) return Number.NaN;
    return isNegative ? -value : value;
  };

  /** Passes a value that goes to the rest as it stands. */
  const pass = (depth: number): boolean => {
    if (depth >= DEPTH_MAX) return false;
    switch (bytes[at]) {
      case QUOTE:
        return passText();
      case OPEN: {
        at++;
        if (bytes[at] === CLOSE) {
          at++;
          return true;
        }
        for (let count = 0; ; count++) {
          if (!name(true) || !isNew(depth, count) || !pass(depth + 1)) return false;
          const next = bytes[at++];
          if (next === CLOSE) return true;
          if (next !== COMMA) return false;
        }
      }
      case LIST_OPEN: {
        at++;
        if (bytes[at] === LIST_CLOSE) {
          at++;
          return true;
        }
        for (;;) {
          if (!pass(depth + 1)) return false;
          const next = bytes[at++];
          if (next === LIST_CLOSE) return true;
          if (next !== COMMA) return false;
        }
      }
      case 0x74: // true
      case 0x6e: // null
        at += 4;
        return true;
      case 0x66: // false
        at += 5;
        return true;
      default:
        return !Number.isNaN(integer());
    }
  };

  /** Puts a text into the table without its escapes; -1 where it has some that are not usual. */
  const putText = (): number => {
    if (bytes[at] !== QUOTE) return -1;
    const text = bytes;
    const begin = ++at;
    let end = begin;
    let byte: number | undefined;
    for (; ; end++) {
      byte = text[end];
      if (byte === undefined) return -1;
      if (byte === QUOTE || byte === BACKSLASH) break;
    }
    const start = table.putBytes(bytes, begin, end);
    if (byte === BACKSLASH) {
      end = putEscaped(end);
      if (end < 0) return -1;
    }
    at = end + 1;
    return start;
  };

  /** The same from an escape on; answers where the text ends. */
  const putEscaped = (from: number): number => {
    let end = from;
    // What is left of the line is room enough, whatever of it the text is.
    table.reserve(to - from);
    const source = bytes;
    const { bytes: target } = table;
    let used = table.bytesUsed;
    for (; end < to; end++) {
      let byte = source[end] ?? 0;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        byte = ESCAPED[source[++end] ?? 0] ?? 0;
        if (byte === 0) return -1;
      }
      target[used++] = byte;
    }
    table.bytesUsed = used;
    return end;
  };

  const time = (): number => {
    if (bytes[at] !== QUOTE || bytes[at + TIME_LENGTH + 1] !== QUOTE) return Number.NaN;
    const begin = at + 1;
    at = begin + TIME_LENGTH + 1;
    let same = 0;
    while (same < SECOND_LENGTH && bytes[begin + same] === second[same]) same++;
    if (same === SECOND_LENGTH) {
      const hundreds = (bytes[begin + 20] ?? 0) - ZERO;
      const tens = (bytes[begin + 21] ?? 0) - ZERO;
      const ones = (bytes[begin + 22] ?? 0) - ZERO;
      const areDigits = hundreds >= 0 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
      if (!areDigits || bytes[begin + 23] !== 0x5a) return Number.NaN;
      return secondMs + hundreds * 100 + tens * 10 + ones;
    }
    const ms = canonicalTimeMs(bytes.toString('latin1', begin, begin + TIME_LENGTH));
    if (Number.isNaN(ms)) return Number.NaN;
    bytes.copy(second, 0, begin, begin + SECOND_LENGTH);
    secondMs = ms - (ms % 1_000);
    return ms;
  };

  const field = ({ kind, column, bit }: Place): boolean => {
    bits |= bit;
    const place = first + column;
    switch (kind) {
      case 'text': {
        const start = putText();
        if (start < 0) return false;
        table.setText(place, start);
        return true;
      }
      case 'texts': {
        if (bytes[at] !== LIST_OPEN) return false;
        const firstMember = table.members;
        at++;
        if (bytes[at] === LIST_CLOSE) at++;
        else {
          for (;;) {
            const start = putText();
            if (start < 0) return false;
            table.putMember(start);
            const next = bytes[at++];
            if (next === LIST_CLOSE) break;
            if (next !== COMMA) return false;
          }
        }
        table.setList(place, firstMember);
        return true;
      }
      default: {
        const value = kind === 'time' ? time() : integer();
        if (Number.isNaN(value)) return false;
        table.setNumber(place, value);
        return true;
      }
    }
  };

  const reserveRest = (length: number): void => {
    if (restUsed + length <= rest.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (restUsed + length));
    rest.copy(grown, 0, 0, restUsed);
    rest = grown;
  };

  const putRest = (from: number, until: number): void => {
    reserveRest(until - from);
    bytes.copy(rest, restUsed, from, until);
    restUsed += until - from;
  };

  const putByte = (byte: number): void => {
    reserveRest(1);
    rest[restUsed++] = byte;
  };

  /** Takes an object that holds fields: what is no field goes to the rest. False where the line has to be parsed. */
  const take = (branch: Place, depth: number): boolean => {
    if (depth >= DEPTH_MAX || bytes[at] !== OPEN) return false;
    at++;
    if (bytes[at] === CLOSE) return false;
    const restBefore = restUsed;
    putByte(OPEN);
    /** What goes to the rest and was not copied yet: neighbours are copied at once. */
    let runFrom = -1;
    let runTo = -1;
    let isFirst = true;
    for (let unknown = 0; ; ) {
      const from = at;
      if (!name(false)) return false;
      const place = placeOf(branch);
      if (place === undefined) {
        if (!isNew(depth, unknown++) || !pass(depth + 1)) return false;
        if (runFrom < 0) runFrom = from;
        else if (runTo + 1 !== from) {
          if (!isFirst) putByte(COMMA);
          isFirst = false;
          putRest(runFrom, runTo);
          runFrom = from;
        }
        runTo = at;
      } else {
        if (place.seen === lineNumber) return false;
        place.seen = lineNumber;
        if (place.kind !== 'branch') {
          if (!field(place)) return false;
        } else {
          if (runFrom >= 0) {
            if (!isFirst) putByte(COMMA);
            isFirst = false;
            putRest(runFrom, runTo);
            runFrom = -1;
          }
          const before = restUsed;
          if (!isFirst) putByte(COMMA);
          putRest(from, at);
          const inner = restUsed;
          if (!take(place, depth + 1)) return false;
          if (restUsed === inner) restUsed = before;
          else isFirst = false;
        }
      }
      const next = bytes[at++];
      if (next === CLOSE) break;
      if (next !== COMMA) return false;
    }
    if (runFrom >= 0) {
      if (!isFirst) putByte(COMMA);
      isFirst = false;
      putRest(runFrom, runTo);
    }
    if (isFirst) restUsed = restBefore;
    else putByte(CLOSE);
    return true;
  };

  /** The place of the name that was read. */
  const placeOf = (branch: Place): Place | undefined => {
    const { slots } = branch;
    const place = slots[hash & (slots.length - 1)];
    if (place === undefined) return undefined;
    const { key } = place;
    const { length } = key;
    const text = bytes;
    const begin = keyFrom;
    if (text[begin + length] !== QUOTE) return undefined;
    for (let index = 0; index < length; index++) if (text[begin + index] !== key[index]) return undefined;
    return place;
  };

  const putAddresses = (): void => {
    for (const { from, to: target } of ADDRESS_PLACES) {
      const length = table.lengths[first + from] ?? NULL_LENGTH;
      if (length === NULL_LENGTH) continue;
      const value = table.values[first + from] ?? 0;
      if (LAYOUT.columns[from]?.type === 'VARCHAR') {
        const key = addressKeyAt(value, length);
        if (key !== null) table.setText(first + target, table.putString(key));
        continue;
      }
      const firstMember = table.members;
      for (let member = value; member < value + length; member++) {
        const key = addressKeyAt(table.memberStarts[member] ?? 0, table.memberLengths[member] ?? 0);
        if (key !== null) table.putMember(table.putString(key));
      }
      table.setList(first + target, firstMember);
    }
  };

  const addressKeyAt = (start: number, length: number): string | null => {
    const text = table.bytes.toString('utf8', start, start + length);
    const known = addresses.get(text);
    if (known !== undefined) return known;
    const key = addressKeyOf(text);
    if (addresses.size >= ADDRESSES_MAX) addresses.clear();
    addresses.set(text, key);
    return key;
  };

  const scan = (line: RawLine): boolean => {
    at = line.from + HEAD_LENGTH;
    const start = putText();
    if (start < 0) return false;
    const id = table.bytes.toString('utf8', start, table.bytesUsed);
    table.setText(first + ID, start);
    for (let index = 0; index < MIDDLE.length; index++) if (bytes[at + index] !== MIDDLE[index]) return false;
    at += MIDDLE.length;
    if (!take(root, 0) || at !== to - 1 || bits !== ALL_BITS) return false;
    const timestampMs = table.values[first + TIMESTAMP] ?? 0;
    if (!isStorableTime(timestampMs) || !isUtf8(bytes.subarray(line.from, to))) return false;
    table.setNumber(first + SEQ, line.seq);
    if (!shorten(table, first)) return false;
    putAddresses();
    if (restUsed > 0) table.setText(first + REST, table.putBytes(rest, 0, restUsed));
    table.end(id, timestampMs);
    return true;
  };

  return (line, target) => {
    table = target;
    ({ bytes, to } = line);
    lineNumber++;
    bits = 0;
    restUsed = 0;
    first = table.begin();
    return scan(line);
  };
}

function rootPlace(): Place {
  const root = placeFor('', 'branch');
  for (const [column, { name, type, isTime }] of LAYOUT.columns.entries()) {
    if (name.startsWith('_')) continue;
    const kind: Kind = isTime ? 'time' : type === 'VARCHAR' ? 'text' : type === 'VARCHAR[]' ? 'texts' : 'integer';
    plant(root, name, { kind, column });
  }
  let bit = 1;
  for (const [field, name] of DERIVED) {
    const column = columnOf(name);
    const isText = LAYOUT.columns[column]?.type === 'VARCHAR';
    plant(root, field, { kind: isText ? 'text' : field === 'vedette.position' ? 'integer' : 'time', column, bit });
    bit *= 2;
  }
  layOut(root);
  return root;
}

function layOut(place: Place): void {
  const hashes = [...place.below.keys()];
  let size = 1;
  while (new Set(hashes.map((hash) => hash & (size - 1))).size < hashes.length) size *= 2;
  const slots = new Array<Place | undefined>(size).fill(undefined);
  for (const [hash, below] of place.below) {
    slots[hash & (size - 1)] = below;
    layOut(below);
  }
  place.slots = slots;
}

function plant(root: Place, field: string, leaf: { kind: Kind; column: number; bit?: number }): void {
  const parts = field.split('.');
  let branch = root;
  for (const [index, part] of parts.entries()) {
    const hash = hashOf(part);
    let place = branch.below.get(hash);
    if (place === undefined) {
      const isLast = index === parts.length - 1;
      place = isLast ? placeFor(part, leaf.kind, leaf.column, leaf.bit) : placeFor(part, 'branch');
      branch.below.set(hash, place);
    }
    if (place.key.toString() !== part) throw new Error(`the names ${part} and ${place.key} have one hash`);
    branch = place;
  }
}

function placeFor(key: string, kind: Kind, column = 0, bit = 0): Place {
  return { key: Buffer.from(key), kind, column, bit, below: new Map(), slots: [undefined], seen: 0 };
}

function hashOf(name: string): number {
  return Buffer.from(name).reduce((mixed, byte) => (Math.imul(mixed, 31) + byte) & 0x3fffffff, 7);
}

function columnOf(name: string): number {
  const column = LAYOUT.columns.findIndex((one) => one.name === name);
  if (column < 0 || column >= COLUMNS) throw new Error(`there is no column ${name}`);
  return column;
}
