// A text in which a regular expression is found, made by walking through it: what may be left out is, of alternatives one is taken. It is a
// proposal, for tests of imported rules; whoever takes it asks the expression itself.

export interface RegexExample {
  readonly text: string;
  /** Whether the text has to be the begin, or the end, of what it stands in. */
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

const TEXT_LENGTH_MAX = 1_000;
const DEPTH_MAX = 30;
const REPEATED_MAX = 64;
/** Members of a class are looked for among these, in this order. */
const LIKELY = [
  'a',
  '1',
  'x',
  ' ',
  '-',
  '_',
  '/',
  '.',
  ':',
  'A',
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(at + 32)),
];
const ESCAPED: Readonly<Record<string, string>> = {
  ...{ d: '1', D: 'x', w: 'a', W: ' ', s: ' ', S: 'x', b: '', B: '', A: '', z: '' },
  ...{ t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' },
};

interface Walk {
  readonly source: string;
  readonly way: number;
  at: number;
}

/** Thrown where nothing can be made up. */
class Unmade extends Error {}

/** `way`: which of several alternatives is taken. */
export function regexExample(written: string, way: number): RegexExample | undefined {
  const source = written.replace(/^\(\?[ims]+\)/, '');
  const walk: Walk = { source, way, at: 0 };
  try {
    const text = alternatives(walk, 0);
    if (walk.at < source.length) return undefined;
    return { text, isStart: source.startsWith('^'), isEnd: source.endsWith('$') && !source.endsWith('\\$') };
  } catch (error) {
    if (error instanceof Unmade) return undefined;
    throw error;
  }
}

function alternatives(walk: Walk, depth: number): string {
  if (depth > DEPTH_MAX) throw new Unmade();
  const branches = [sequence(walk, depth)];
  while (walk.source[walk.at] === '|') {
    walk.at += 1;
    branches.push(sequence(walk, depth));
  }
  return branches[walk.way % branches.length] ?? '';
}

function sequence(walk: Walk, depth: number): string {
  let text = '';
  for (;;) {
    const character = walk.source[walk.at];
    if (character === undefined || character === '|' || character === ')') return text;
    const piece = atom(walk, depth);
    text += piece.repeat(times(walk));
    if (text.length > TEXT_LENGTH_MAX) throw new Unmade();
  }
}

/** How often at least what stands before is there. */
function times(walk: Walk): number {
  const [quantifier = '', least] =
    /^(?:[*+?]|\{([0-9]{1,9})(?:,[0-9]*)?\})\??/.exec(walk.source.slice(walk.at, walk.at + 24)) ?? [];
  walk.at += quantifier.length;
  if (quantifier === '' || quantifier.startsWith('+')) return 1;
  const count = least === undefined ? 0 : Number(least);
  if (count > REPEATED_MAX) throw new Unmade();
  return count;
}

function atom(walk: Walk, depth: number): string {
  const character = String.fromCodePoint(walk.source.codePointAt(walk.at) ?? 0);
  walk.at += character.length;
  switch (character) {
    case '(': {
      const [opening = ''] =
        /^\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|[ims]*:)/.exec(walk.source.slice(walk.at, walk.at + 80)) ?? [];
      if (opening === '' && walk.source[walk.at] === '?') throw new Unmade();
      walk.at += opening.length;
      const text = alternatives(walk, depth + 1);
      if (walk.source[walk.at] !== ')') throw new Unmade();
      walk.at += 1;
      return text;
    }
    case '[':
      return member(walk);
    case '.':
      return 'x';
    case '^':
    case '$':
      return '';
    case '\\':
      return escaped(walk);
    default:
      return character;
  }
}

function escaped(walk: Walk): string {
  const sign = walk.source[walk.at] ?? '';
  walk.at += 1;
  const known = Object.hasOwn(ESCAPED, sign) ? ESCAPED[sign] : undefined;
  if (known !== undefined) return known;
  const digits = sign === 'x' ? 2 : sign === 'u' ? 4 : 0;
  if (digits === 0) {
    if (/[A-Za-z0-9]/.test(sign)) throw new Unmade();
    return sign;
  }
  const hex = walk.source.slice(walk.at, walk.at + digits);
  if (hex.length < digits || !/^[0-9A-Fa-f]+$/.test(hex)) throw new Unmade();
  walk.at += digits;
  return String.fromCharCode(Number.parseInt(hex, 16));
}

/** A character that is in the class. */
function member(walk: Walk): string {
  const [rest] = /^\^?\]?(?:\\.|[^\\\]])*\]/s.exec(walk.source.slice(walk.at, walk.at + 500)) ?? [];
  if (rest === undefined) throw new Unmade();
  walk.at += rest.length;
  try {
    const written = new RegExp(`^[${rest}$`);
    const found = LIKELY.find((character) => written.test(character));
    if (found !== undefined) return found;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Unmade();
}
