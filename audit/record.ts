// Records as they arrive: a datagram of the audit socket or a line of a log becomes an AuditRecord. Nothing is decoded here:
// `text` holds the bytes as latin1, one character a byte, so that what is stored is what was received.
//
//   frame   nlmsghdr (u32 length, u16 type, u16 flags, u32 sequence, u32 pid, little-endian) + `audit(SECONDS.MS:SERIAL): …`
//   line    [node=NAME ]type=NAME msg=audit(SECONDS.MS:SERIAL): …
import type { AuditRecord } from './event.ts';
import { recordTypeName, recordTypeNumber } from './tables/record-type.ts';

/** Bytes of the netlink header. Its length field lies on unicast messages: what recv returned is the length. */
export const FRAME_HEAD_BYTES = 16;
/** The longest log line that is taken, characters: MAX_AUDIT_MESSAGE_LENGTH is 8970, enriched lines grow. */
const LINE_CHARS_MAX = 65_536;
const NODE_CHARS_MAX = 255;

/**
 * A record that still lies in the buffer it was received into. Its text is made when somebody asks for it: most records are
 * told from their bytes. Whoever uses the buffer again calls `detach` before, unless `release` said that nobody will ask.
 */
export class ReceivedRecord implements AuditRecord {
  readonly type: number;
  readonly timeMs: number;
  readonly serial: number;
  readonly node: undefined;
  readonly length: number;
  #buffer: Buffer | undefined;
  readonly #start: number;
  #text: string | undefined;

  constructor(head: RecordHead, buffer: Buffer, start: number, end: number) {
    this.type = head.type;
    this.timeMs = head.timeMs;
    this.serial = head.serial;
    this.node = undefined;
    this.length = end - start;
    this.#buffer = buffer;
    this.#start = start;
    this.#text = undefined;
  }

  get text(): string {
    this.#text ??= this.#buffer?.toString('latin1', this.#start, this.#start + this.length) ?? '';
    return this.#text;
  }

  /** The record's bytes to `target[at, at + length)`. */
  copyTo(target: Buffer, at: number): void {
    if (this.#buffer === undefined) target.write(this.text, at, 'latin1');
    else this.#buffer.copy(target, at, this.#start, this.#start + this.length);
  }

  /** The buffer will hold something else: keeps the text. */
  detach(): void {
    if (this.#buffer === undefined) return;
    this.#text ??= this.text;
    this.#buffer = undefined;
  }

  /** Nobody will ask for the text any more. */
  release(): void {
    this.#buffer = undefined;
  }
}

export interface RecordHead {
  type: number;
  timeMs: number;
  serial: number;
}

/** One datagram, `buffer[start, end)`, or undefined when it is no audit record (an ACK, a status reply, a torn header). */
export function parseFrame(buffer: Buffer, start: number, end: number): AuditRecord | undefined {
  if (end - start < FRAME_HEAD_BYTES) return undefined;
  return parsePayload(buffer.readUInt16LE(start + 4), buffer, start + FRAME_HEAD_BYTES, end);
}

/** A record's payload, `buffer[start, end)`; final NULs (padding) are not a part of it. */
export function parsePayload(type: number, buffer: Buffer, start: number, end: number): AuditRecord | undefined {
  let last = end;
  while (last > start && buffer[last - 1] === 0) last--;
  return recordOf(type, buffer.toString('latin1', start, last), undefined);
}

/** Reads datagrams of one socket; the records' texts stay in the buffer (see {@link ReceivedRecord}). */
export function createFrameReader(): (buffer: Buffer, start: number, end: number) => ReceivedRecord | undefined {
  const head: RecordHead = { type: 0, timeMs: 0, serial: 0 };
  return (buffer, start, end) => {
    const from = start + FRAME_HEAD_BYTES;
    if (end < from) return undefined;
    let last = end;
    while (last > from && buffer[last - 1] === 0) last--;
    head.type = (buffer[start + 4] as number) | ((buffer[start + 5] as number) << 8);
    return readHead(buffer, from, last, head) ? new ReceivedRecord(head, buffer, from, last) : undefined;
  };
}

const HEAD = Buffer.from('audit(');

/** {@link recordOf} on bytes. */
function readHead(buffer: Buffer, start: number, end: number, head: RecordHead): boolean {
  let at = start;
  for (let index = 0; index < HEAD.length; index++) if (buffer[at++] !== HEAD[index]) return false;
  const secondsAt = at;
  let seconds = 0;
  let digit = (buffer[at] as number) - DIGIT_0;
  for (; at < end && digit >= 0 && digit <= 9; digit = (buffer[++at] as number) - DIGIT_0)
    seconds = seconds * 10 + digit;
  if (at === secondsAt || at - secondsAt > 13 || buffer[at] !== 46) return false;
  const msAt = ++at;
  let ms = 0;
  digit = (buffer[at] as number) - DIGIT_0;
  for (; at < end && digit >= 0 && digit <= 9; digit = (buffer[++at] as number) - DIGIT_0) ms = ms * 10 + digit;
  if (at - msAt !== 3 || buffer[at] !== 58) return false;
  const serialAt = ++at;
  let serial = 0;
  digit = (buffer[at] as number) - DIGIT_0;
  for (; at < end && digit >= 0 && digit <= 9; digit = (buffer[++at] as number) - DIGIT_0) serial = serial * 10 + digit;
  head.timeMs = seconds * 1000 + ms;
  head.serial = serial;
  return at > serialAt && at < end && serial <= 0xffffffff && head.timeMs <= MS_MAX && buffer[at] === 41;
}

/**
 * A line of a log in latin1 without its line ending, or undefined when it is not an audit record. Auditd's
 * `UNKNOWN[1334]`, a `node=` before `type=`, and interpretations after 0x1D are all legal.
 */
export function parseLine(line: string): AuditRecord | undefined {
  if (line.length > LINE_CHARS_MAX) return undefined;
  let at = 0;
  let node: string | undefined;
  if (line.startsWith('node=')) {
    const space = line.indexOf(' ');
    if (space <= 5 || space > NODE_CHARS_MAX + 5) return undefined;
    node = line.slice(5, space);
    at = space + 1;
  }
  if (!line.startsWith('type=', at)) return undefined;
  const space = line.indexOf(' ', at);
  if (space < 0 || !line.startsWith('msg=', space + 1)) return undefined;
  const type = recordTypeNumber(line.slice(at + 5, space));
  return type === undefined ? undefined : recordOf(type, line.slice(space + 5), node);
}

/** A record of a type and its text in latin1, or undefined when the text does not begin as a record's does. */
export function recordFrom(type: number, text: string): AuditRecord | undefined {
  return recordOf(type, text, undefined);
}

/** The record as a log line, in latin1: what `event.original` is made of. */
export function lineOf(record: AuditRecord): string {
  const line = `type=${recordTypeName(record.type)} msg=${record.text}`;
  return record.node === undefined ? line : `node=${record.node} ${line}`;
}

const DIGIT_0 = 48;
const MS_MAX = 8_640_000_000_000_000;

/** `audit(1795290423.932:2713787): ` at the head of `text`; by hand, because this runs for every record. */
function recordOf(type: number, text: string, node: string | undefined): AuditRecord | undefined {
  if (!text.startsWith('audit(')) return undefined;
  let at = 6;
  let seconds = 0;
  for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) seconds = seconds * 10 + digit;
  if (at === 6 || text.charCodeAt(at) !== 46) return undefined;
  const first = ++at;
  let ms = 0;
  for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) ms = ms * 10 + digit;
  if (at - first !== 3 || text.charCodeAt(at) !== 58) return undefined;
  const serialAt = ++at;
  let serial = 0;
  for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) serial = serial * 10 + digit;
  const timeMs = seconds * 1000 + ms;
  if (at === serialAt || serial > 0xffffffff || timeMs > MS_MAX || text.charCodeAt(at) !== 41) return undefined;
  return { type, timeMs, serial, text, node };
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - DIGIT_0;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
