// What the rest of a row tells, taken out of it, byte for byte: `shorten` of columns.ts for rows that row-scan.ts read.
import { ENTITY_PLACES, SHORT_PLACES } from './columns.ts';
import { NULL_LENGTH, type RowTable } from './row-table.ts';
import { BOOT_LENGTH, DECIMALS_MAX, DIGITS_36_MAX } from './short-forms.ts';

const {
  id: ID,
  timestamp: TIMESTAMP,
  host: HOST,
  boot: BOOT,
  serial: SERIAL,
  stamped: STAMPED,
  tail: TAIL,
} = SHORT_PLACES;

const SOH = 1;
const STX = 2;
const SPACE = 0x20;
const OPEN = 0x28;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_A = 0x61;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_Z = 0x7a;
const STAMP_MAX = 64;

/** Shortens the row whose columns begin at a place; false where that has to be done by text. */
export type RowShortener = (table: RowTable, first: number) => boolean;

export function createRowShortener(): RowShortener {
  const stamp = Buffer.alloc(STAMP_MAX);
  let bytes: Buffer = stamp;
  /** Where what was read ends; at a dot or at the end of its text. */
  let at = 0;

  /** Passes `HOST.BOOT.` of the row at the beginning of a text; false where it begins otherwise. */
  const passHead = ({ values, lengths }: RowTable, first: number, from: number, end: number): boolean => {
    const [host, hostLength] = [values[first + HOST] ?? 0, lengths[first + HOST] ?? NULL_LENGTH];
    const [boot, bootLength] = [values[first + BOOT] ?? 0, lengths[first + BOOT] ?? NULL_LENGTH];
    const dot = from + hostLength;
    if (hostLength < 0 || bootLength < BOOT_LENGTH || dot + BOOT_LENGTH + 2 > end) return false;
    for (let index = 0; index < hostLength; index++) if (bytes[from + index] !== bytes[host + index]) return false;
    for (let index = 0; index < BOOT_LENGTH; index++) {
      const digit = bytes[boot + index] ?? 0;
      const isHex = (digit >= ZERO && digit <= NINE) || (digit >= LETTER_A && digit <= LETTER_F);
      if (!isHex || bytes[dot + 1 + index] !== digit) return false;
    }
    at = dot + BOOT_LENGTH + 2;
    return bytes[dot] === DOT && bytes[at - 1] === DOT;
  };

  /** Passes a whole number in its usual form, up to a dot or the end; NaN where there is none. */
  const number = (end: number, radix: 10 | 36): number => {
    const begin = at;
    let value = 0;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === DOT) break;
      let digit = byte - ZERO;
      if (digit < 0 || digit > 9) {
        if (radix === 10 || byte < LETTER_A || byte > LETTER_Z) return Number.NaN;
        digit = byte - LETTER_A + 10;
      }
      value = value * radix + digit;
    }
    const length = at - begin;
    if (length === 0 || length > (radix === 10 ? DECIMALS_MAX : DIGITS_36_MAX)) return Number.NaN;
    return bytes[begin] === ZERO && length > 1 ? Number.NaN : value;
  };

  /** Passes a number and the dot behind it; false where it is another one. */
  const passNumber = (expected: number, end: number, radix: 10 | 36): boolean =>
    number(end, radix) === expected && bytes[at++] === DOT && at < end;

  const move = ({ lengths, values }: RowTable, from: number, to: number, value: number): void => {
    lengths[from] = NULL_LENGTH;
    values[to] = value;
    lengths[to] = 0;
  };

  const shortenId = (table: RowTable, first: number): void => {
    const { values, lengths } = table;
    if (lengths[first + SERIAL] === NULL_LENGTH) return;
    const from = values[first + ID] ?? 0;
    const end = from + (lengths[first + ID] ?? 0);
    if (!passHead(table, first, from, end)) return;
    if (!passNumber(values[first + TIMESTAMP] ?? 0, end, 36) || !passNumber(values[first + SERIAL] ?? 0, end, 36))
      return;
    const tail = number(end, 36);
    if (at === end && !Number.isNaN(tail)) move(table, first + ID, first + TAIL, tail);
  };

  const shortenEntities = (table: RowTable, first: number): void => {
    const { values, lengths } = table;
    for (const { id, pid, start } of ENTITY_PLACES) {
      const length = lengths[first + id] ?? NULL_LENGTH;
      if (length < 0 || lengths[first + pid] === NULL_LENGTH) continue;
      const from = values[first + id] ?? 0;
      const end = from + length;
      if (!passHead(table, first, from, end) || !passNumber(values[first + pid] ?? 0, end, 10)) continue;
      const isTime = bytes[at] === LETTER_E;
      if (isTime) at++;
      const last = number(end, isTime ? 36 : 10);
      if (at !== end || Number.isNaN(last)) continue;
      const before = (values[first + TIMESTAMP] ?? 0) - last;
      if (!isTime) move(table, first + id, first + start, last);
      else if (before >= 0) move(table, first + id, first + start, -1 - before);
    }
  };

  /** False of texts that hold a mark already. */
  const putMarks = ({ values, lengths }: RowTable, first: number): boolean => {
    const length = lengths[first + STAMPED] ?? NULL_LENGTH;
    if (length <= 0) return true;
    const begin = values[first + STAMPED] ?? 0;
    const text = bytes.subarray(begin, begin + length);
    if (text[0] === STX || text.includes(SOH)) return false;
    if (lengths[first + SERIAL] === NULL_LENGTH) return true;
    const stampLength = stampBytes(values[first + TIMESTAMP] ?? 0, values[first + SERIAL] ?? 0);
    let [from, to] = [0, 0];
    for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, open + 1)) {
      if (!isStampAt(text, open, stampLength)) continue;
      text.copyWithin(to, from, open + 1);
      to += open + 1 - from;
      text[to++] = SOH;
      from = open + stampLength - 1;
    }
    if (from === 0) return true;
    text.copyWithin(to, from);
    to += length - from;
    // What is left over goes to the database too, which wants whole letters.
    text.fill(SPACE, to);
    lengths[first + STAMPED] = to;
    return true;
  };

  /** The stamp in brackets, as short-forms.ts has it. */
  const stampBytes = (timestampMs: number, serial: number): number => {
    const ms = timestampMs % 1_000;
    return stamp.write(`(${(timestampMs - ms) / 1_000}.${String(ms).padStart(3, '0')}:${serial})`, 'latin1');
  };

  const isStampAt = (text: Buffer, from: number, length: number): boolean => {
    if (from + length > text.length) return false;
    for (let index = 1; index < length; index++) if (text[from + index] !== stamp[index]) return false;
    return true;
  };

  return (table, first) => {
    ({ bytes } = table);
    shortenId(table, first);
    shortenEntities(table, first);
    return putMarks(table, first);
  };
}
