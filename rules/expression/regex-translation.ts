// A regular expression of JavaScript, which is what JSONata has, as RE2 writes the same: every character and class is spelt out, so
// that white space, line ends and the folding of case are JavaScript's. The pattern has been taken by JavaScript before. Two things
// cannot be said: groups in a repetition keep what they last matched, and under `m` only `\n` ends a line.

/** Code points from … to, in order and apart. */
type Ranges = readonly (readonly [from: number, to: number])[];

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

interface Reader {
  readonly source: string;
  at: number;
}

/** What RE2 has nothing for. */
export class Untranslatable extends Error {}

const LAST = 0x10ffff;
const DIGITS: Ranges = [[0x30, 0x39]];
const WORD: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACE: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: Ranges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The pattern for RE2. Throws {@link Untranslatable}. */
export function translateRegex(source: string, flags: string): string {
  const reader: Reader = { source, at: 0 };
  return readAlternatives(reader, { i: flags.includes('i'), m: flags.includes('m'), s: flags.includes('s') });
}

function readAlternatives(reader: Reader, flags: Flags): string {
  let written = '';
  while (reader.at < reader.source.length && reader.source[reader.at] !== ')') {
    if (reader.source[reader.at] === '|') {
      written += '|';
      reader.at += 1;
    } else {
      written += readAtom(reader, flags) + readQuantifier(reader);
    }
  }
  return written;
}

function readQuantifier(reader: Reader): string {
  const [written = ''] =
    /^(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??/.exec(reader.source.slice(reader.at, reader.at + 40)) ?? [];
  reader.at += written.length;
  return written;
}

function readAtom(reader: Reader, flags: Flags): string {
  const character = String.fromCodePoint(reader.source.codePointAt(reader.at) ?? 0);
  reader.at += character.length;
  switch (character) {
    case '^':
      return flags.m ? '(?m:^)' : '\\A';
    case '$':
      return flags.m ? '(?m:$)' : '\\z';
    case '.':
      return writeClass(flags.s ? [[0, LAST]] : complement(LINE_ENDS));
    case '(':
      return readGroup(reader, flags);
    case '[':
      return readClass(reader, flags);
    case '\\':
      return readEscape(reader, flags);
    default:
      return writeCharacter(character.codePointAt(0) ?? 0, flags);
  }
}

function readGroup(reader: Reader, flags: Flags): string {
  const [head = '', name, on = '', off = ''] =
    /^(?:\?<([^>=!]+)>|\?([ims]*)(?:-([ims]*))?:)/.exec(reader.source.slice(reader.at, reader.at + 300)) ?? [];
  if (head === '' && reader.source[reader.at] === '?') {
    throw new Untranslatable('look-ahead and look-behind are not supported');
  }
  reader.at += head.length;
  const has = (flag: 'i' | 'm' | 's'): boolean => (flags[flag] || on.includes(flag)) && !off.includes(flag);
  const inner = readAlternatives(reader, { i: has('i'), m: has('m'), s: has('s') });
  reader.at += 1;
  if (head !== '' && name === undefined) return `(?:${inner})`;
  return `(${inner})`;
}

function readEscape(reader: Reader, flags: Flags): string {
  const character = reader.source[reader.at] ?? '';
  if (character === 'b' || character === 'B') {
    reader.at += 1;
    return `\\${character}`;
  }
  if (/[1-9]/.test(character) || (character === 'k' && /\(\?<[^=!]/.test(reader.source))) {
    throw new Untranslatable('back-references are not supported');
  }
  const escaped = readEscaped(reader);
  return typeof escaped === 'number' ? writeCharacter(escaped, flags) : writeClass(escaped);
}

/** What stands behind a backslash, within a class or not: a character or a class. */
function readEscaped(reader: Reader): number | Ranges {
  const character = String.fromCodePoint(reader.source.codePointAt(reader.at) ?? 0);
  reader.at += character.length;
  const control = CONTROLS[character];
  if (control !== undefined) return control;
  switch (character) {
    case 'd':
      return DIGITS;
    case 'D':
      return complement(DIGITS);
    case 'w':
      return WORD;
    case 'W':
      return complement(WORD);
    case 's':
      return SPACE;
    case 'S':
      return complement(SPACE);
    case 'x':
      return readHexadecimal(reader, 2) ?? 0x78;
    case 'u':
      return readHexadecimal(reader, 4) ?? 0x75;
    case 'c': {
      const letter = reader.source[reader.at] ?? '';
      if (!/[A-Za-z]/.test(letter)) {
        reader.at -= 1;
        return 0x5c;
      }
      reader.at += 1;
      return letter.charCodeAt(0) % 32;
    }
    default:
      return /[0-7]/.test(character) ? readOctal(reader) : (character.codePointAt(0) ?? 0);
  }
}

function readHexadecimal(reader: Reader, digits: 2 | 4): number | undefined {
  const written = reader.source.slice(reader.at, reader.at + digits);
  if (written.length !== digits || !/^[0-9A-Fa-f]+$/.test(written)) return undefined;
  reader.at += digits;
  return Number.parseInt(written, 16);
}

/** At most `\377`; the first digit has been read. */
function readOctal(reader: Reader): number {
  reader.at -= 1;
  const [written = '0'] = /^(?:[0-3][0-7]{0,2}|[4-7][0-7]?)/.exec(reader.source.slice(reader.at, reader.at + 3)) ?? [];
  reader.at += written.length;
  return Number.parseInt(written, 8);
}

function readClass(reader: Reader, flags: Flags): string {
  const isNegated = reader.source[reader.at] === '^';
  if (isNegated) reader.at += 1;
  const members: (readonly [number, number])[] = [];
  while (reader.at < reader.source.length && reader.source[reader.at] !== ']') {
    const first = readMember(reader);
    const isRange = reader.source[reader.at] === '-' && (reader.source[reader.at + 1] ?? ']') !== ']';
    if (!isRange) {
      members.push(...rangesOf(first));
      continue;
    }
    reader.at += 1;
    const second = readMember(reader);
    if (typeof first === 'number' && typeof second === 'number') members.push([first, second]);
    else members.push(...rangesOf(first), [0x2d, 0x2d], ...rangesOf(second));
  }
  reader.at += 1;
  const ranges = normal(flags.i ? folded(members) : members);
  return writeClass(isNegated ? complement(ranges) : ranges);
}

function readMember(reader: Reader): number | Ranges {
  const character = String.fromCodePoint(reader.source.codePointAt(reader.at) ?? 0);
  reader.at += character.length;
  if (character !== '\\') return character.codePointAt(0) ?? 0;
  if (reader.source[reader.at] === 'b') {
    reader.at += 1;
    return 8;
  }
  return readEscaped(reader);
}

function rangesOf(member: number | Ranges): Ranges {
  return typeof member === 'number' ? [[member, member]] : member;
}

function normal(ranges: Ranges): Ranges {
  const all: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = all.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

function complement(ranges: Ranges): Ranges {
  const all: [number, number][] = [];
  let next = 0;
  for (const [from, to] of ranges) {
    if (from > next) all.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) all.push([next, LAST]);
  return all;
}

function writeCharacter(code: number, flags: Flags): string {
  const alike = flags.i ? alikeOf(code) : [code];
  if (alike.length > 1) return writeClass(normal(alike.map((one) => [one, one])));
  return writeCode(code);
}

function writeClass(ranges: Ranges): string {
  if (ranges.length === 0) return `[^\\x00-\\x{${LAST.toString(16)}}]`;
  return `[${ranges.map(([from, to]) => (from === to ? writeCode(from) : `${writeCode(from)}-${writeCode(to)}`)).join('')}]`;
}

function writeCode(code: number): string {
  const character = String.fromCodePoint(code);
  return /^[0-9A-Za-z]$/.test(character) ? character : `\\x{${code.toString(16)}}`;
}

/** The members of the ranges and whatever JavaScript takes for the same without regard to case. */
function folded(ranges: Ranges): Ranges {
  const all: (readonly [number, number])[] = [...ranges];
  const classes = foldClasses();
  for (const alike of new Set(classes.values())) {
    if (!alike.some((code) => ranges.some(([from, to]) => code >= from && code <= to))) continue;
    for (const code of alike) all.push([code, code]);
  }
  return all;
}

function alikeOf(code: number): readonly number[] {
  return foldClasses().get(code) ?? [code];
}

/** Of each character that has others like it: all of them. */
type FoldClasses = ReadonlyMap<number, readonly number[]>;

const made: { classes: FoldClasses | undefined } = { classes: undefined };

/** JavaScript's: two characters are alike whose upper case is the same one character, but no other is like one of ASCII. */
function foldClasses(): FoldClasses {
  if (made.classes !== undefined) return made.classes;
  const byUpper = new Map<number, number[]>();
  for (let code = 0; code < 0x10000; code += 1) {
    const upper = String.fromCharCode(code).toUpperCase();
    const folds = upper.length === 1 && !(code >= 0x80 && upper.charCodeAt(0) < 0x80);
    const key = folds ? upper.charCodeAt(0) : code;
    const alike = byUpper.get(key);
    if (alike === undefined) byUpper.set(key, [code]);
    else alike.push(code);
  }
  const classes = new Map<number, readonly number[]>();
  for (const alike of byUpper.values()) if (alike.length > 1) for (const code of alike) classes.set(code, alike);
  made.classes = classes;
  return classes;
}
