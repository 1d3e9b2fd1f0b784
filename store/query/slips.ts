// What people write who come from other languages: it can be read, but hardly as it was meant. Each is told as a warning, with what
// to write instead, as nobody should take the answer for one.
import { fieldNamed } from '../../event/catalogue.ts';
import { addressNumber } from './address.ts';
import type { QueryProblem } from './clause-value.ts';
import type { RangeEnd } from './query.ts';

type Warn = (problem: QueryProblem) => void;

/** Of a query as a whole. */
export function warnOfSql(text: string, warn: Warn): void {
  if (!/^\s*select\s.*\sfrom\s/is.test(text)) return;
  const remedy = 'SQL is asked by `vedette sql`; a query here is such as event.action:executed.';
  warn({ code: 'query/sql', at: text.search(/\S/), message: 'these are looked for as words', remedy });
}

/** Of a word without a field: `process.name=sh`, `process.name == "sh"`, `user.name in (…)`, `| stats count`. */
export function warnOfWord(word: string, at: number, warn: Warn): void {
  if (word === '|') {
    const remedy = 'Nothing is handed on: for counts, use --count-by, --histogram or --distinct.';
    warn({ code: 'query/pipe', at, message: '`|` is looked for as text', remedy });
    return;
  }
  // The raw records are full of `key=value`, so it is read as text; a field's name there is a slip.
  const [, name = '', sign, value = ''] = /^([\w.@]+?)(!?==?|$)(.*)$/s.exec(word) ?? [];
  const isBare = sign === '';
  if (fieldNamed(name) === undefined || (isBare && !name.includes('.'))) return;
  const example = value === '' ? '…' : value;
  const remedy = isBare
    ? `For the field, write ${name}:value, ${name}:(a or b), or not ${name}:value.`
    : `For the field, write ${sign?.startsWith('!') ? 'not ' : ''}${name}:${example}.`;
  warn({ code: 'query/equals-sign', at, message: 'this is looked for as text in the raw records', remedy });
}

/** Of `process.name:bash, zsh`. */
export function warnOfComma(word: string, at: number, warn: Warn): void {
  if (!/[^\\,],$/.test(word)) return;
  const remedy = `Write (${word.slice(0, -1)} or …) for one of several; where it is meant, put the value in quotes.`;
  warn({ code: 'query/comma', at, message: 'the comma is part of the value', remedy });
}

/** Of an expression that looks like a path: `/etc/`. */
export function warnOfPath(pattern: string, at: number, warn: Warn): void {
  if (!/^[\w.-]+$/.test(pattern)) return;
  const remedy = `For the folder, write "/${pattern}/" in quotes.`;
  warn({ code: 'query/path-or-regex', at, message: 'this is read as a regular expression', remedy });
}

/** Of a path that looks like an expression: `/home/[a-z]+/`. */
export function warnOfExpression(word: string, at: number, warn: Warn): void {
  if (!/^\/.*[.\])\\][*+?].*\/$/s.test(word)) return;
  const remedy =
    'For an expression, put a backslash before each slash inside: /\\/home\\/.*/. For a path, use quotes or leave it so.';
  warn({ code: 'query/path-or-regex', at, message: 'this is read as a path with wildcards', remedy });
}

/** Of `[100 TO 50]`. The ends have been checked: of times they are ISO 8601. */
export function warnOfNothingBetween(
  { field, min, max, at }: { field: string; min: RangeEnd | undefined; max: RangeEnd | undefined; at: number },
  warn: Warn,
): void {
  if (min === undefined || max === undefined) return;
  const type = fieldNamed(field)?.type;
  const read = (end: RangeEnd): number | bigint | undefined =>
    type === 'ip' ? addressNumber(end.value) : type === 'long' ? Number(end.value) : Date.parse(end.value);
  if (type !== 'ip' && type !== 'long' && type !== 'date') return;
  const [low, high] = [read(min), read(max)];
  if (low === undefined || high === undefined || low < high) return;
  if (low === high && min.isInclusive && max.isInclusive) return;
  warn({ code: 'query/range-empty', at, message: 'nothing is between these ends', remedy: 'Write [low TO high].' });
}
