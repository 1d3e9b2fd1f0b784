// Whether any of the rules' tests can hold of a document that was not parsed yet, by one look through its JSON (event/document.ts,
// UnparsedDocument). Most events meet no rule, and parsing them would be the greatest part of what the engine costs. Where anything is
// out of the ordinary it says that one can: texts beyond ASCII where a rule looks, numbers written oddly.
//
//   {"process":{"name":"bash",…},…}   names and texts are met by their hashes, parts by the field's automaton; everything else is
//                                     passed over
//   "original":"… a0=\"curl\" …"      a text with escapes is looked at as what it says: the kernel's own records are full of quotes
import type { Scalar } from '../rules/necessary.ts';
import { type Leaf, type Place, VALUE_DEPTH_MAX } from './field-tests.ts';
import type { TextAutomaton } from './text-automaton.ts';

/** Answers false only where none of the tests holds. `to` is behind the closing brace. */
export type ByteTests = (bytes: Uint8Array, from: number, to: number) => boolean;

interface ByteLeaf {
  readonly isExistenceAsked: boolean;
  /** Hashes of texts, and of numbers, true, false and null as they are written. */
  readonly texts: ReadonlySet<number>;
  readonly others: ReadonlySet<number>;
  /** Hashes of texts in lower case. */
  readonly folded: ReadonlySet<number>;
  readonly parts: TextAutomaton | undefined;
}

interface BytePlace {
  /** By the hash of the name. */
  readonly next: ReadonlyMap<number, BytePlace>;
  readonly leaf: ByteLeaf | undefined;
}

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x30, 0x39];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
/** A longer number may be another one when it is read. */
const NUMBER_LENGTH_MAX = 15;
const HASH_BEGIN = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;
/** ASCII without its case. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));
/** What ends a text, or makes it one to be parsed: quote, backslash, control characters, all beyond ASCII. */
const STOPS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c ? 1 : 0,
);

/** What the sign behind a backslash stands for; 0 where it is none of the short ones. */
const ESCAPED = new Uint8Array(256);
for (const [sign, meant] of Object.entries({ '"': 0x22, '\\': 0x5c, '/': 0x2f, b: 8, f: 12, n: 10, r: 13, t: 9 }))
  ESCAPED[sign.charCodeAt(0)] = meant;
const UNICODE_SIGN = 0x75;
const NO_DIGIT = 255;
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of [...'0123456789abcdef'].entries())
  for (const sign of [digit, digit.toUpperCase()]) DIGITS[sign.charCodeAt(0)] = value;
/** A longer text with escapes is parsed. */
const READ_LENGTH_MAX = 65_536;

/** Bytes that a text may hold and that mean nothing but themselves; what a read behind the end gives is none. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;
/** What a byte outside of texts is to what has no end but a bracket. */
const STRUCTURE = new Uint8Array(256);
const [STEP_IN, STEP_OUT, STEP_TEXT] = [1, 2, 3];
for (const byte of [OPEN_OBJECT, OPEN_LIST]) STRUCTURE[byte] = STEP_IN;
for (const byte of [CLOSE_OBJECT, CLOSE_LIST]) STRUCTURE[byte] = STEP_OUT;
STRUCTURE[QUOTE] = STEP_TEXT;

/** Undefined where two names cannot be told apart by their hashes: then every document is to be parsed. */
export function byteTests(root: Place): ByteTests | undefined {
  const place = bytePlaceOf(root);
  return place === undefined ? undefined : testsFrom(place);
}

function bytePlaceOf({ next, leaf }: Place): BytePlace | undefined {
  const byHash = new Map<number, BytePlace>();
  for (const [name, inner] of next) {
    const place = bytePlaceOf(inner);
    if (place === undefined || byHash.has(hashOf(name))) return undefined;
    byHash.set(hashOf(name), place);
  }
  return { next: byHash, leaf: leaf === undefined ? undefined : byteLeafOf(leaf) };
}

function byteLeafOf({ exists, equals, is, parts }: Leaf): ByteLeaf {
  const values = [...(equals?.keys() ?? [])];
  const hashes = (of: readonly Scalar[]): ReadonlySet<number> => new Set(of.map((value) => hashOf(String(value))));
  return {
    isExistenceAsked: exists !== undefined,
    texts: hashes(values.filter((value) => typeof value === 'string')),
    others: hashes(values.filter((value) => typeof value !== 'string')),
    folded: hashes([...(is?.keys() ?? [])]),
    parts,
  };
}

function hashOf(text: string): number {
  let hash = HASH_BEGIN;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, HASH_FACTOR);
  return hash;
}

function testsFrom(root: BytePlace): ByteTests {
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  let end = 0;
  /** What a text with escapes says. */
  const read = new Uint8Array(READ_LENGTH_MAX);

  /** From behind the opening quote to behind the closing one. */
  const passText = (): void => {
    const text = bytes;
    let place = at;
    for (;;) {
      while (PLAIN[text[place] as number] === 1) place += 1;
      if (text[place] !== BACKSLASH) break;
      place += 2;
    }
    at = place + 1;
  };

  /** A value that nobody asks about. Most bytes of a document pass here: what is read for each is kept at hand. */
  const pass = (): void => {
    const text = bytes;
    let place = at;
    const first = text[place];
    if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
      at = first === QUOTE ? place + 1 : place;
      if (first === QUOTE) passText();
      else passWord();
      return;
    }
    let depth = 0;
    for (;;) {
      while (STRUCTURE[text[place] as number] === 0) place += 1;
      const step = STRUCTURE[text[place] as number];
      place += 1;
      if (step === STEP_IN) depth += 1;
      else if (step === STEP_OUT) {
        depth -= 1;
        if (depth === 0) break;
      } else if (step === STEP_TEXT) {
        for (;;) {
          while (PLAIN[text[place] as number] === 1) place += 1;
          if (text[place] !== BACKSLASH) break;
          place += 2;
        }
        place += 1;
      } else break;
    }
    at = place;
  };

  const passWord = (): void => {
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST) return;
    }
  };

  const textMeets = (leaf: ByteLeaf): boolean => {
    const text = bytes;
    const from = at;
    let place = from;
    while (STOPS[text[place] as number] === 0) place += 1;
    if (text[place] === BACKSLASH) {
      const length = readEscaped(from, place);
      return length === undefined || saysWhatIsSought(leaf, read, 0, length);
    }
    if (text[place] !== QUOTE) return true;
    at = place + 1;
    return saysWhatIsSought(leaf, text, from, place);
  };

  /** Puts what a text says into `read`, and goes behind its closing quote; undefined where it is long or more than ASCII. */
  const readEscaped = (from: number, firstEscape: number): number | undefined => {
    const text = bytes;
    let place = from;
    let length = 0;
    if (firstEscape - from > READ_LENGTH_MAX) return undefined;
    while (place < firstEscape) read[length++] = text[place++] as number;
    while (length < READ_LENGTH_MAX) {
      let byte = text[place++] as number;
      if (STOPS[byte] !== 0) {
        if (byte === QUOTE) {
          at = place;
          return length;
        }
        if (byte !== BACKSLASH) return undefined;
        const sign = text[place++] as number;
        byte = ESCAPED[sign] as number;
        if (byte === 0) {
          const code = sign === UNICODE_SIGN ? asciiCode(text, place) : undefined;
          if (code === undefined) return undefined;
          byte = code;
          place += 4;
        }
      }
      read[length++] = byte;
    }
    return undefined;
  };

  const wordMeets = (leaf: ByteLeaf): boolean => {
    const from = at;
    passWord();
    const first = bytes[from] ?? 0;
    if (first === MINUS || (first >= ZERO && first <= NINE)) {
      if (leaf.others.size === 0 && leaf.folded.size === 0 && leaf.parts === undefined) return false;
      if (at - from > NUMBER_LENGTH_MAX || (first === MINUS && bytes[from + 1] === ZERO)) return true;
      for (let place = from + 1; place < at; place += 1) {
        const byte = bytes[place] ?? 0;
        if (byte < ZERO || byte > NINE) return true;
      }
      const hash = lowerHash(bytes, from, at);
      return leaf.others.has(hash) || leaf.folded.has(hash) || leaf.parts?.isIn(bytes, from, at) === true;
    }
    return leaf.others.size > 0 && leaf.others.has(lowerHash(bytes, from, at));
  };

  const meets = (place: BytePlace, depth: number): boolean => {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at += 1;
      if (place.leaf !== undefined) return textMeets(place.leaf);
      passText();
      return false;
    }
    if (byte === OPEN_OBJECT) {
      if (place.next.size > 0) return depth > VALUE_DEPTH_MAX || objectMeets(place, depth);
      pass();
      return false;
    }
    if (byte === OPEN_LIST) return depth > VALUE_DEPTH_MAX || listMeets(place, depth);
    if (place.leaf !== undefined) return wordMeets(place.leaf);
    passWord();
    return false;
  };

  const listMeets = (place: BytePlace, depth: number): boolean => {
    at += 1;
    if (bytes[at] === CLOSE_LIST) {
      at += 1;
      return false;
    }
    for (;;) {
      if (meets(place, depth + 1)) return true;
      const byte = bytes[at];
      at += 1;
      if (byte === CLOSE_LIST) return false;
      if (byte !== COMMA) return true;
    }
  };

  const objectMeets = (place: BytePlace, depth: number): boolean => {
    const text = bytes;
    at += 1;
    if (text[at] === CLOSE_OBJECT) {
      at += 1;
      return false;
    }
    for (;;) {
      if (text[at] !== QUOTE) return true;
      let hash = HASH_BEGIN;
      let byte = text[++at] ?? QUOTE;
      while (byte !== QUOTE) {
        hash = Math.imul(hash ^ byte, HASH_FACTOR);
        byte = text[++at] ?? QUOTE;
      }
      if (text[at + 1] !== COLON) return true;
      at += 2;
      const next = place.next.get(hash);
      if (next === undefined) pass();
      else if (next.leaf?.isExistenceAsked === true || meets(next, depth + 1)) return true;
      const after = text[at];
      at += 1;
      if (after === CLOSE_OBJECT) return false;
      if (after !== COMMA) return true;
    }
  };

  return (of, from, to) => {
    bytes = of;
    at = from;
    end = to;
    return bytes[from] !== OPEN_OBJECT || objectMeets(root, 0) || at !== to;
  };
}

/** What is asked of a text in plain ASCII. */
function saysWhatIsSought(leaf: ByteLeaf, text: Uint8Array, from: number, to: number): boolean {
  if (leaf.texts.size > 0 && leaf.texts.has(plainHash(text, from, to))) return true;
  if (leaf.folded.size > 0 && leaf.folded.has(lowerHash(text, from, to))) return true;
  return leaf.parts?.isIn(text, from, to) === true;
}

/** Of the four digits behind `\u`; undefined where they are no ASCII character's. */
function asciiCode(text: Uint8Array, at: number): number | undefined {
  if (text[at] !== ZERO || text[at + 1] !== ZERO) return undefined;
  const high = DIGITS[text[at + 2] ?? 0] ?? NO_DIGIT;
  const low = DIGITS[text[at + 3] ?? 0] ?? NO_DIGIT;
  return high <= 7 && low !== NO_DIGIT ? high * 16 + low : undefined;
}

function plainHash(bytes: Uint8Array, from: number, to: number): number {
  let hash = HASH_BEGIN;
  for (let place = from; place < to; place += 1) hash = Math.imul(hash ^ (bytes[place] as number), HASH_FACTOR);
  return hash;
}

function lowerHash(bytes: Uint8Array, from: number, to: number): number {
  let hash = HASH_BEGIN;
  for (let place = from; place < to; place += 1) hash = Math.imul(hash ^ (LOWER[bytes[place] ?? 0] ?? 0), HASH_FACTOR);
  return hash;
}
