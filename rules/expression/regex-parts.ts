// The literal texts that a regular expression cannot match without. A small reader of what JavaScript and RE2 write alike; where it
// meets anything else it knows nothing, and says so. Alternatives that are few and short are told apart: (ba|da)?sh is sh, bash or dash.
import { allOf, anyOf, type Necessary, type PartPlace, partOf, textIn } from '../necessary.ts';

/** More alternatives, or longer ones, are not kept together. */
const EXACT_MAX = 32;
const EXACT_LENGTH_MAX = 200;

/** What one piece of an expression matches. */
interface Piece {
  /** Exactly one of these texts; undefined: others too. */
  readonly exact: readonly string[] | undefined;
  /** What must hold of the whole text when the piece matches; only where `exact` is undefined. */
  readonly need: Necessary | undefined;
}

interface Reader {
  readonly source: string;
  readonly field: string;
  readonly isFolded: boolean;
  readonly isMultiline: boolean;
  at: number;
}

const ANYTHING: Piece = { exact: undefined, need: undefined };
const NOTHING: Piece = { exact: [''], need: undefined };

/** Thrown where the two dialects may differ, or nothing sure can be said. */
class Unread extends Error {}

/** Holds of every text of `field` in which the expression is found; undefined where nothing is known. */
export function regexNeeds(field: string, source: string, flags: string): Necessary | undefined {
  const isFolded = flags.includes('i');
  const reader: Reader = { source, field, isFolded, isMultiline: flags.includes('m'), at: 0 };
  try {
    const piece = readAlternatives(reader, true);
    if (reader.at < source.length) return undefined;
    return needOf(reader, piece, 'anywhere');
  } catch (error) {
    if (error instanceof Unread) return undefined;
    throw error;
  }
}

/** Holds of every text that is what the pattern says (`*`, `?`, a backslash before either); `isFolded`: without regard to case. */
export function globNeeds(field: string, pattern: string, isFolded = false): Necessary | undefined {
  const runs: string[] = [''];
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === '\\') isEscaped = true;
    else if (!isEscaped && (character === '*' || character === '?')) runs.push('');
    else {
      runs[runs.length - 1] += character;
      isEscaped = false;
    }
  }
  const last = runs.length - 1;
  if (last === 0) return isFolded ? foldedIn(field, runs) : textIn(field, runs);
  return allOf(
    runs.map((run, index) =>
      partOf(field, run, { place: index === 0 ? 'start' : index === last ? 'end' : 'anywhere', isFolded }),
    ),
  );
}

/** The field is one of these texts without regard to case. What is folded otherwise than in lower case is sought by its ASCII parts. */
export function foldedIn(field: string, texts: readonly string[]): Necessary | undefined {
  const sigma = texts.filter((text) => /[Σσς]/.test(text));
  const plain = new Set(texts.filter((text) => !sigma.includes(text)).map((text) => text.toLowerCase()));
  return anyOf([
    ...(plain.size > 0 || texts.length === 0 ? [{ kind: 'is', field, texts: plain } as const] : []),
    ...sigma.map((text) => partOf(field, text, { place: 'anywhere', isFolded: true })),
  ]);
}

function readAlternatives(reader: Reader, isTop: boolean): Piece {
  const branches = [readSequence(reader, isTop)];
  while (reader.source[reader.at] === '|') {
    reader.at += 1;
    branches.push(readSequence(reader, isTop));
  }
  const [only] = branches;
  if (only !== undefined && branches.length === 1) return only;
  const exact = branches.flatMap((branch) => branch.exact ?? []);
  if (branches.every((branch) => branch.exact !== undefined) && isFew(exact)) return { exact, need: undefined };
  return { exact: undefined, need: anyOf(branches.map((branch) => needOf(reader, branch, 'anywhere'))) };
}

/** `isTop`: not within a group, so that `^` and `$` are the text's own ends. */
function readSequence(reader: Reader, isTop: boolean): Piece {
  const needs: (Necessary | undefined)[] = [];
  let place: PartPlace = 'anywhere';
  let run: readonly string[] = [''];
  const flush = (at: PartPlace): void => {
    needs.push(needOf(reader, { exact: run, need: undefined }, at));
    run = [''];
  };
  let isExact = true;
  let isFirst = true;
  for (;;) {
    const character = reader.source[reader.at];
    if (character === undefined || character === '|' || character === ')') break;
    const isAnchor = isTop && !reader.isMultiline && (character === '^' || character === '$');
    if (isAnchor) {
      reader.at += 1;
      if (/^[*+?{]/.test(reader.source.slice(reader.at))) throw new Unread();
      isExact = false;
      if (character === '^' && isFirst) place = 'start';
      else if (character === '$') {
        if (place === 'start' && !reader.isFolded) needs.push(textIn(reader.field, run));
        else flush(place === 'start' ? 'start' : 'end');
        run = [''];
        place = 'anywhere';
      }
      continue;
    }
    isFirst = false;
    const piece = readRepeated(reader);
    const joined = piece.exact === undefined ? undefined : crossed(run, piece.exact);
    if (joined !== undefined) {
      run = joined;
      continue;
    }
    isExact = false;
    flush(place);
    place = 'anywhere';
    if (piece.exact === undefined) needs.push(piece.need);
    else run = isFew(piece.exact) ? piece.exact : [''];
  }
  if (isExact) return { exact: run, need: undefined };
  flush(place);
  return { exact: undefined, need: allOf(needs) };
}

function needOf(reader: Reader, piece: Piece, place: PartPlace): Necessary | undefined {
  if (piece.exact === undefined) return piece.need;
  const { field, isFolded } = reader;
  return anyOf(piece.exact.map((part) => partOf(field, part, { place, isFolded })));
}

function crossed(left: readonly string[], right: readonly string[]): readonly string[] | undefined {
  const all = left.flatMap((head) => right.map((tail) => head + tail));
  return isFew(all) ? all : undefined;
}

function isFew(texts: readonly string[]): boolean {
  return texts.length <= EXACT_MAX && texts.every((text) => text.length <= EXACT_LENGTH_MAX);
}

function readRepeated(reader: Reader): Piece {
  const piece = readAtom(reader);
  const [quantifier = ''] =
    /^(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})/.exec(reader.source.slice(reader.at, reader.at + 24)) ?? [];
  if (quantifier === '') return piece;
  reader.at += quantifier.length;
  if (reader.source[reader.at] === '?') reader.at += 1;
  if (/^(?:[*+?]|\{[0-9])/.test(reader.source.slice(reader.at, reader.at + 2))) throw new Unread();
  if (quantifier === '?') {
    return piece.exact === undefined ? ANYTHING : { exact: [...piece.exact, ''], need: undefined };
  }
  if (quantifier === '{1}') return piece;
  if (quantifier === '*' || /^\{0+[,}]/.test(quantifier)) return ANYTHING;
  return { exact: undefined, need: needOf(reader, piece, 'anywhere') };
}

function readAtom(reader: Reader): Piece {
  const { source } = reader;
  const character = source[reader.at] ?? '';
  reader.at += 1;
  switch (character) {
    case '(':
      return readGroup(reader);
    case '[':
      return readClass(reader);
    case '.':
      return ANYTHING;
    case '^':
    case '$':
      return NOTHING;
    case '\\':
      return readEscape(reader);
    case '*':
    case '+':
    case '?':
      throw new Unread();
    default:
      return exactly(character);
  }
}

function exactly(character: string): Piece {
  // Half of a pair: the two do not agree what a repetition behind it repeats.
  if (character >= '\ud800' && character <= '\udfff') throw new Unread();
  return { exact: [character], need: undefined };
}

function readGroup(reader: Reader): Piece {
  const rest = reader.source.slice(reader.at, reader.at + 80);
  const [opening = ''] = /^\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|:)/.exec(rest) ?? [];
  if (opening === '' && rest.startsWith('?')) throw new Unread();
  reader.at += opening.length;
  const piece = readAlternatives(reader, false);
  if (reader.source[reader.at] !== ')') throw new Unread();
  reader.at += 1;
  return piece;
}

/** Characters that stand for themselves after a backslash. */
const PUNCTUATION = /^[^A-Za-z0-9_\s]$/;
const CONTROL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' };

function readEscape(reader: Reader): Piece {
  const character = reader.source[reader.at] ?? '';
  reader.at += 1;
  if (/^[dDwWsS]$/.test(character)) return ANYTHING;
  if (character === 'b' || character === 'B') return NOTHING;
  const control = Object.hasOwn(CONTROL, character) ? CONTROL[character] : undefined;
  if (control !== undefined) return { exact: [control], need: undefined };
  const digits = character === 'x' ? 2 : character === 'u' ? 4 : 0;
  if (digits > 0) {
    const hex = reader.source.slice(reader.at, reader.at + digits);
    if (hex.length !== digits || !/^[0-9A-Fa-f]+$/.test(hex)) throw new Unread();
    reader.at += digits;
    return exactly(String.fromCharCode(Number.parseInt(hex, 16)));
  }
  if (!PUNCTUATION.test(character) || character > '\u007f') throw new Unread();
  return { exact: [character], need: undefined };
}

/** `[…]`: its characters where they are few and plainly written, else any character. */
function readClass(reader: Reader): Piece {
  const [whole] = /^\^?(?:\\.|[^\\\]])+\]/s.exec(reader.source.slice(reader.at)) ?? [];
  if (whole === undefined || whole.includes('[')) throw new Unread();
  if (/^\^?\]/.test(whole)) throw new Unread();
  reader.at += whole.length;
  const body = whole.slice(0, -1);
  const isPlain = /^[A-Za-z0-9_ ./:,;=@%#~!<>"'&|$(){}*+?]{1,8}$/.test(body);
  return isPlain ? { exact: [...new Set(body)], need: undefined } : ANYTHING;
}
