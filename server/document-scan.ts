// Looks through a document's line without parsing it: at a fifth of the cost it is known that it is JSON, within the bounds, and in the
// form that collectors send, so that ingest may put its own fields between the sender's bytes (quick-admission.ts). It promises to be
// right where it answers; of everything unusual it says nothing, and the line is parsed.
import { isUtf8 } from 'node:buffer';
import { canonicalTimeMs } from '../event/canonical-time.ts';
import { DOCUMENT_DEPTH_MAX, FIELD_NAME_LENGTH_MAX, TIMESTAMP_MS_MAX } from './admission.ts';

export interface ScannedDocument {
  readonly line: Buffer;
  /** `@timestamp` and `event.created`, written as `toISOString` writes them; epoch ms. */
  readonly timestampMs: number;
  readonly createdMs: number;
  /** Where the text of `host.id` stands in the line. */
  readonly hostIdFrom: number;
  readonly hostIdTo: number;
  readonly hasHostName: boolean;
  /** The place of the brace that ends `event`, which holds something and no `ingested`. */
  readonly eventEnd: number;
  /** Objects, lists and members. */
  readonly values: number;
}

/** The most fields, and values, of a document that is looked through here. */
const FIELDS_MAX = 5_000;
/** A number with more characters may be out of range. */
const NUMBER_LENGTH_MAX = 100;
const TIME_LENGTH = 24;

const [QUOTE, BACKSLASH, COMMA, COLON, SPACE, MINUS, DOT, LETTER_U] = [0x22, 0x5c, 0x2c, 0x3a, 0x20, 0x2d, 0x2e, 0x75];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const [ZERO, NINE] = [0x30, 0x39];

/** What may follow a backslash, besides `u` and four digits. */
const ESCAPED = new Uint8Array(256);
for (const letter of Buffer.from('"\\/bfnrt')) ESCAPED[letter] = 1;
/** Bytes that a text may hold and that mean nothing but themselves. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;
const WORDS: readonly Buffer[] = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** The objects whose members ingest reads or sets. */
const OTHER = 0;
const DOCUMENT = 1;
const HOST = 2;
const EVENT = 3;
const VEDETTE = 4;
const BOOT = 5;

const TIMESTAMP_NAME = Buffer.from('@timestamp');
const SECTION_NAMES: readonly (readonly [Buffer, number])[] = [
  [Buffer.from('host'), HOST],
  [Buffer.from('event'), EVENT],
  [Buffer.from('vedette'), VEDETTE],
];
const [ID, NAME, BOOT_NAME, CREATED, INGESTED, IMPORTED, SERVER] = [
  'id',
  'name',
  'boot',
  'created',
  'ingested',
  'imported',
  'server',
].map((name) => Buffer.from(name)) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

export type DocumentScan = (line: Buffer) => ScannedDocument | undefined;

/** A scanner of lines that stand alone. */
export function createDocumentScan(): DocumentScan {
  const scanner = createDocumentScanner();
  return (line) => {
    if (!isUtf8(line) || !scanner.look(line, 0, line.length)) return undefined;
    const { timestampMs, createdMs, hostIdFrom, hostIdTo, hasHostName, eventEnd, values } = scanner;
    return { line, timestampMs, createdMs, hostIdFrom, hostIdTo, hasHostName, eventEnd, values };
  };
}

/** The scanner of lines in a body; what it tells is of the line that was looked at last, its places counted from where that begins. */
export interface DocumentScanner extends Readonly<Omit<ScannedDocument, 'line'>> {
  /** True where it is known. The bytes are UTF-8, and `to` is their end or where a newline stands. */
  look(bytes: Buffer, from: number, to: number): boolean;
}

export function createDocumentScanner(): DocumentScanner {
  let bytes: Buffer = Buffer.alloc(0);
  let start = 0;
  let at = 0;
  let values = 0;
  let fields = 0;
  let timestampMs = Number.NaN;
  let createdMs = Number.NaN;
  let hostIdFrom = 0;
  let hostIdTo = 0;
  let hasHostName = false;
  let eventEnd = 0;
  /** A bit for each section that was met. */
  let met = 0;

  /** From an opening quote to behind the closing one. Most bytes of a document pass here: what is read for each is kept at hand. */
  const string = (): boolean => {
    const text = bytes;
    let place = at;
    if (text[place] !== QUOTE) return false;
    for (;;) {
      while (PLAIN[text[++place] ?? 0] === 1);
      const byte = text[place];
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) return false;
      const escaped = text[++place] ?? 0;
      if (escaped === LETTER_U) {
        for (let digit = 0; digit < 4; digit++) if (!isHex(text[++place] ?? 0)) return false;
      } else if (ESCAPED[escaped] !== 1) return false;
    }
    at = place + 1;
    return true;
  };

  /** The text between quotes as it stands, without anything escaped. */
  const isPlain = (from: number, to: number): boolean => {
    for (let place = from; place < to; place++) if (bytes[place] === BACKSLASH) return false;
    return true;
  };

  const is = (name: Buffer, from: number, to: number): boolean => {
    if (to - from !== name.length) return false;
    for (let place = 0; place < name.length; place++) if (bytes[from + place] !== name[place]) return false;
    return true;
  };

  /** A name without dots and escapes; answers where it begins, -1 where it is none. */
  const fieldName = (): number => {
    const text = bytes;
    const from = at + 1;
    if (text[at] !== QUOTE) return -1;
    let place = from;
    for (; ; place++) {
      const byte = text[place];
      if (byte === undefined || byte < SPACE || byte === BACKSLASH || byte === DOT) return -1;
      if (byte === QUOTE) break;
    }
    if (place - from > FIELD_NAME_LENGTH_MAX) return -1;
    at = place + 1;
    return from;
  };

  const number = (): boolean => {
    const from = at;
    if (bytes[at] === MINUS) at++;
    if (bytes[at] === ZERO) at++;
    else if (!digits()) return false;
    // Minus zero is written as zero when it is written again.
    if (bytes[from] === MINUS && bytes[from + 1] === ZERO) return false;
    if (bytes[at] === DOT) {
      at++;
      if (!digits()) return false;
    }
    return at - from <= NUMBER_LENGTH_MAX;
  };

  const digits = (): boolean => {
    const from = at;
    while ((bytes[at] ?? 0) >= ZERO && (bytes[at] ?? 0) <= NINE) at++;
    return at > from;
  };

  const word = (): boolean => {
    for (const text of WORDS) {
      if (!is(text, at, at + text.length)) continue;
      at += text.length;
      return true;
    }
    return false;
  };

  const space = (): void => {
    while (bytes[at] === SPACE) at++;
  };

  const value = (depth: number, section: number): boolean => {
    values++;
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return string();
    if (byte === OPEN_OBJECT) return object(depth, section);
    if (byte === OPEN_LIST) return list(depth);
    return byte === MINUS || (byte >= ZERO && byte <= NINE) ? number() : word();
  };

  const list = (depth: number): boolean => {
    if (depth > DOCUMENT_DEPTH_MAX) return false;
    at++;
    space();
    if (bytes[at] === CLOSE_LIST) {
      at++;
      return true;
    }
    for (;;) {
      space();
      if (!value(depth + 1, OTHER)) return false;
      space();
      const byte = bytes[at++];
      if (byte === CLOSE_LIST) return values <= FIELDS_MAX;
      if (byte !== COMMA) return false;
    }
  };

  const object = (depth: number, section: number): boolean => {
    if (depth > DOCUMENT_DEPTH_MAX) return false;
    at++;
    space();
    if (bytes[at] === CLOSE_OBJECT) {
      at++;
      // An empty section is left out when it is written again.
      return section === OTHER;
    }
    for (;;) {
      space();
      const from = fieldName();
      if (from < 0) return false;
      const to = at - 1;
      space();
      if (bytes[at++] !== COLON) return false;
      space();
      fields++;
      if (!(section === OTHER ? value(depth + 1, OTHER) : member(section, from, to, depth + 1))) return false;
      space();
      const byte = bytes[at++];
      if (byte === CLOSE_OBJECT) {
        if (section === EVENT) eventEnd = at - 1;
        return fields <= FIELDS_MAX;
      }
      if (byte !== COMMA) return false;
    }
  };

  /** A member of an object that ingest looks into. What has to be another way is left to the parser. */
  const member = (section: number, from: number, to: number, depth: number): boolean => {
    switch (section) {
      case DOCUMENT:
        if (is(TIMESTAMP_NAME, from, to)) {
          timestampMs = onceTime(timestampMs);
          return !Number.isNaN(timestampMs);
        }
        for (const [name, inner] of SECTION_NAMES) {
          if (!is(name, from, to)) continue;
          if ((met & (1 << inner)) !== 0 || bytes[at] !== OPEN_OBJECT) return false;
          met |= 1 << inner;
          return value(depth, inner);
        }
        return value(depth, OTHER);
      case HOST:
        if (is(ID, from, to)) {
          if (hostIdFrom !== 0) return false;
          hostIdFrom = at + 1;
          if (!value(depth, OTHER) || bytes[hostIdFrom - 1] !== QUOTE) return false;
          hostIdTo = at - 1;
          return isPlain(hostIdFrom, hostIdTo);
        }
        if (is(NAME, from, to)) hasHostName = true;
        return value(depth, is(BOOT_NAME, from, to) ? BOOT : OTHER);
      case BOOT: {
        const begin = at;
        if (!value(depth, OTHER)) return false;
        return !is(ID, from, to) || (isPlain(begin, at) && !is(SERVER, begin + 1, at - 1));
      }
      case EVENT:
        if (is(CREATED, from, to)) {
          createdMs = onceTime(createdMs);
          return !Number.isNaN(createdMs);
        }
        return !is(INGESTED, from, to) && value(depth, OTHER);
      default:
        return !is(IMPORTED, from, to) && value(depth, OTHER);
    }
  };

  /** A time that was not met before, NaN otherwise. */
  const onceTime = (before: number): number => {
    if (!Number.isNaN(before) || bytes[at] !== QUOTE || bytes[at + 1 + TIME_LENGTH] !== QUOTE) return Number.NaN;
    values++;
    const ms = canonicalTimeMs(bytes.toString('latin1', at + 1, at + 1 + TIME_LENGTH));
    at += TIME_LENGTH + 2;
    return ms < TIMESTAMP_MS_MAX ? ms : Number.NaN;
  };

  return {
    look(text, from, to) {
      bytes = text;
      start = at = from;
      values = 1;
      fields = 0;
      met = 0;
      timestampMs = Number.NaN;
      createdMs = Number.NaN;
      hostIdFrom = 0;
      hasHostName = false;
      eventEnd = 0;
      if (bytes[at] !== OPEN_OBJECT || !object(1, DOCUMENT) || at !== to) return false;
      return !Number.isNaN(timestampMs) && !Number.isNaN(createdMs) && hostIdFrom !== 0;
    },
    get timestampMs() {
      return timestampMs;
    },
    get createdMs() {
      return createdMs;
    },
    get hostIdFrom() {
      return hostIdFrom - start;
    },
    get hostIdTo() {
      return hostIdTo - start;
    },
    get hasHostName() {
      return hasHostName;
    },
    get eventEnd() {
      return eventEnd - start;
    },
    get values() {
      return values;
    },
  };
}

function isHex(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
