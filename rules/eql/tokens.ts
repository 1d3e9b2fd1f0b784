// The words, texts, numbers and signs of an EQL query. Comments and white space are passed over.
import { visible } from '../diagnostic.ts';
import { EqlProblem } from './syntax.ts';

export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign' | 'end';
  /** Of a `name` (in backticks) and a `text` what it stands for. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

const LENGTH_MAX = 65_536;
const TOKENS_MAX = 20_000;

const WORD = /[A-Za-z_@][A-Za-z0-9_@]*/y;
const NUMBER = /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?/y;
const SIGN = /==|!=|<=|>=|[<>=:~?!.,()[\]|+*/%-]/y;
const SPACE = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const RAW = /"""([\s\S]*?)"""("*)/y;
const TEXT = /"((?:[^"\\\r\n]|\\[^\r\n])*)"/y;
const NAME = /`((?:[^`]|``)+)`/y;

export function tokensOf(source: string): readonly Token[] {
  if (source.length > LENGTH_MAX) {
    throw new EqlProblem(0, `the query is longer than ${LENGTH_MAX} characters`, 'Split it.');
  }
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source) ?? undefined;
  };
  for (;;) {
    at += take(SPACE)?.[0].length ?? 0;
    if (at >= source.length) break;
    const token = tokenAt(source, at, take);
    tokens.push(token);
    at = token.end;
    if (tokens.length > TOKENS_MAX) throw new EqlProblem(at, `more than ${TOKENS_MAX} words`, 'Split the query.');
  }
  return [...tokens, { kind: 'end', text: '', at: source.length, end: source.length }];
}

function tokenAt(source: string, at: number, take: (pattern: RegExp) => RegExpExecArray | undefined): Token {
  const raw = take(RAW);
  // Quotes right before the closing three belong to the text.
  if (raw !== undefined) return token('text', `${raw[1] ?? ''}${raw[2] ?? ''}`, at, raw);
  const text = take(TEXT);
  if (text !== undefined) return token('text', unescaped(text[1] ?? '', at + 1), at, text);
  const name = take(NAME);
  if (name !== undefined) return token('name', (name[1] ?? '').replaceAll('``', '`'), at, name);
  const word = take(WORD);
  if (word !== undefined) return token('word', word[0], at, word);
  const number = take(NUMBER);
  if (number !== undefined) return token('number', number[0], at, number);
  const sign = take(SIGN);
  if (sign !== undefined) return token('sign', sign[0], at, sign);
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (character === '"') throw new EqlProblem(at, 'a text is never closed', 'Close it with `"` on its line.');
  if (character === '`') throw new EqlProblem(at, 'a name is never closed', 'Close it with a backtick.');
  const remedy = character === "'" ? 'Write texts in double quotes.' : 'Take it out, or put names in backticks.';
  throw new EqlProblem(at, `\`${visible(character)}\` is not expected here`, remedy);
}

function token(kind: Token['kind'], text: string, at: number, { 0: all }: RegExpExecArray): Token {
  return { kind, text, at, end: at + all.length };
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

function unescaped(written: string, at: number): string {
  return written.replace(/\\(u\{([0-9A-Fa-f]{2,8})\}|[\s\S])/g, (all, sign: string, code: string, offset: number) => {
    const known = Object.hasOwn(ESCAPES, sign) ? ESCAPES[sign] : undefined;
    if (known !== undefined) return known;
    const point = code === undefined ? Number.NaN : Number.parseInt(code, 16);
    if (point <= 0x10_ffff && (point < 0xd800 || point > 0xdfff)) return String.fromCodePoint(point);
    const remedy = 'Write `\\\\` for a backslash, or the text between three quotes.';
    throw new EqlProblem(at + offset, `\`${visible(all)}\` is no escape`, remedy);
  });
}
