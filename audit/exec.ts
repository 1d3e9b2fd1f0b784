// EXECVE records into arguments, complete: empty ones, hex-encoded ones, and long ones that the kernel splits over records
//
//   argc=3 a0="true" a1="" a2_len=40000 a2[0]=4242…      then, in further records without argc:   a2[1]=4242… a3="x"
//
// One odd argument never costs another one; what did not arrive is left out and flagged, never invented. PROCTITLE is not
// used: it is cut at 128 bytes.
import { isHex, textOfHex, textOfLatin1 } from './bytes.ts';
import type { AuditRecord } from './event.ts';
import { bodyStart } from './fields.ts';

export interface Arguments {
  readonly args: readonly string[];
  /** What the kernel said; how many were found where it did not say. */
  readonly count: number;
  /** True when arguments or pieces of them did not arrive. */
  readonly isIncomplete: boolean;
}

/** An argument whose pieces are still being collected. */
interface Open {
  readonly index: number;
  readonly length: number;
  readonly pieces: string[];
  chars: number;
  isHex: boolean;
}

interface Reading {
  readonly args: string[];
  count: number | undefined;
  expected: number;
  open: Open | undefined;
  isIncomplete: boolean;
}

/** The arguments of an event's EXECVE records, in their order of arrival. */
export function argumentsOf(records: readonly AuditRecord[]): Arguments {
  const reading: Reading = { args: [], count: undefined, expected: 0, open: undefined, isIncomplete: false };
  for (const { text } of records) readRecord(text, reading);
  closeOpen(reading);
  const { args, count } = reading;
  const isIncomplete = reading.isIncomplete || reading.expected !== count;
  return { args, count: count ?? args.length, isIncomplete };
}

/** Arguments quoted as a shell would need them: `sh -c 'a b'`. */
export function commandLineOf(args: readonly string[]): string {
  let line = '';
  for (let at = 0; at < args.length; at++)
    line += at === 0 ? shellQuoted(args[at] ?? '') : ` ${shellQuoted(args[at] ?? '')}`;
  return line;
}

const SHELL_SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

function shellQuoted(arg: string): string {
  return SHELL_SAFE.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}

function readRecord(text: string, reading: Reading): void {
  const end = text.length;
  let at = bodyStart(text);
  while (at < end) {
    if (text.charCodeAt(at) === 32) {
      at++;
      continue;
    }
    const equals = text.indexOf('=', at);
    if (equals < 0) return;
    const name = text.slice(at, equals);
    const isQuoted = text.charCodeAt(equals + 1) === 34;
    const from = isQuoted ? equals + 2 : equals + 1;
    const stop = text.indexOf(isQuoted ? '"' : ' ', from);
    const raw = text.slice(from, stop < 0 ? end : stop);
    at = stop < 0 ? end : stop + 1;
    if (text.charCodeAt(at - 1) === 34 && at < end && text.charCodeAt(at) !== 32) at = end;
    readField(name, raw, isQuoted, reading);
  }
}

function readField(name: string, raw: string, isQuoted: boolean, reading: Reading): void {
  if (name === 'argc') {
    const count = Number(raw);
    if (Number.isSafeInteger(count) && count >= 0) reading.count = count;
    return;
  }
  if (name.charCodeAt(0) !== 97) return;
  if (name.endsWith(']')) {
    addPiece(name, raw, isQuoted, reading);
    return;
  }
  closeOpen(reading);
  if (name.endsWith('_len')) {
    const index = indexOf(name, 4);
    if (index >= 0) reading.open = { index, length: Number(raw), pieces: [], chars: 0, isHex: true };
    return;
  }
  const index = indexOf(name, 0);
  if (index < 0) return;
  add(reading, index, isQuoted || !isHex(raw) ? textOfLatin1(raw) : textOfHex(raw));
}

/** `a2[1]=…`: pieces come in order; one that is missing leaves the argument shorter and the event flagged. */
function addPiece(name: string, raw: string, isQuoted: boolean, reading: Reading): void {
  const bracket = name.indexOf('[');
  const index = indexOf(name, name.length - bracket);
  if (index < 0) return;
  if (reading.open?.index !== index) {
    closeOpen(reading);
    reading.isIncomplete = true;
    reading.open = { index, length: -1, pieces: [], chars: 0, isHex: true };
  }
  const { open } = reading;
  if (open === undefined) return;
  if (Number(name.slice(bracket + 1, -1)) !== open.pieces.length) reading.isIncomplete = true;
  if (isQuoted || !isHex(raw)) open.isHex = false;
  open.pieces.push(raw);
  open.chars += raw.length;
}

function closeOpen(reading: Reading): void {
  const { open } = reading;
  if (open === undefined) return;
  reading.open = undefined;
  // The length counts encoded characters, so it can be compared before decoding.
  if (open.chars !== open.length) reading.isIncomplete = true;
  const raw = open.pieces.join('');
  add(reading, open.index, open.isHex ? textOfHex(raw) : textOfLatin1(raw));
}

function add(reading: Reading, index: number, value: string): void {
  if (index !== reading.expected) reading.isIncomplete = true;
  reading.expected = index + 1;
  reading.args.push(value);
}

/** The number after the `a`, without the last `tail` characters; -1 where there is none. */
function indexOf(name: string, tail: number): number {
  const digits = name.slice(1, name.length - tail);
  if (digits === '' || digits.length > 7) return -1;
  const index = Number(digits);
  return Number.isInteger(index) && index >= 0 ? index : -1;
}
