// Kibana's query language (KQL) → a condition of ours: `field: value`, lists, ranges, `*` in values, `and`, `or`, `not`. Fields are compared as Elasticsearch
// does: keywords whole and with their case, texts by their words.
import { visible } from '../diagnostic.ts';
import { type ForeignField, foreignField, isLike, isMatch, isThere, isWithin } from '../elastalert/field-conditions.ts';
import { allOf, anyOf, not, type Written } from '../foreign/expression-writer.ts';
import { isOneOfTheirs } from './condition.ts';
import { EqlProblem } from './syntax.ts';
import type { Writing } from './writing.ts';

const LENGTH_MAX = 65_536;
const DEPTH_MAX = 64;
const CLAUSES_MAX = 2_000;

interface Token {
  /** `quoted`: a text; `word`: a value or a name, with its escapes. */
  readonly kind: 'word' | 'quoted' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

interface Scan {
  readonly tokens: readonly Token[];
  readonly writing: Writing;
  at: number;
  clauses: number;
}

/** Throws an {@link EqlProblem} where the text is no query. */
export function readKuery(source: string, writing: Writing): Written {
  const scan: Scan = { tokens: tokensOf(source), writing, at: 0, clauses: 0 };
  const [first, second] = scan.tokens;
  if (first?.kind === 'end' || (first?.text === '*' && second?.kind === 'end')) return allOf([]);
  const read = readOr(scan, 0);
  const { kind, text, at } = peek(scan);
  if (kind !== 'end')
    throw new EqlProblem(
      at,
      `\`${visible(text.slice(0, 40))}\` is not expected here`,
      'Join conditions with `and` or `or`; put texts with spaces in quotes.',
    );
  return read;
}

function tokensOf(source: string): readonly Token[] {
  if (source.length > LENGTH_MAX)
    throw new EqlProblem(0, `the query is longer than ${LENGTH_MAX} characters`, 'Split it.');
  const tokens: Token[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|(<=|>=|[():{}<>])|((?:[^\s"():{}<>\\]|\\[\s\S])+))/y;
  for (;;) {
    const at = pattern.lastIndex;
    const found = pattern.exec(source);
    if (found === null) {
      const rest = source.slice(at).search(/\S/);
      if (rest < 0) break;
      throw new EqlProblem(at + rest, 'a text is never closed', 'Close it with `"`.');
    }
    const [all, quoted, sign, word] = found;
    const start = at + (/\S/.exec(all)?.index ?? 0);
    if (quoted !== undefined) tokens.push({ kind: 'quoted', text: unescaped(quoted), at: start });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at: start });
    else tokens.push({ kind: 'word', text: word ?? '', at: start });
  }
  return [...tokens, { kind: 'end', text: '', at: source.length }];
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, (_, sign: string) => ESCAPES[sign] ?? sign);
}

function peek(scan: Scan): Token {
  return scan.tokens[scan.at] ?? { kind: 'end', text: '', at: 0 };
}

function takeWord(scan: Scan, word: string): boolean {
  const { kind, text } = peek(scan);
  if (kind !== 'word' || text.toLowerCase() !== word) return false;
  scan.at += 1;
  return true;
}

function takeSign(scan: Scan, sign: string): boolean {
  const { kind, text } = peek(scan);
  if (kind !== 'sign' || text !== sign) return false;
  scan.at += 1;
  return true;
}

type Leaf = (scan: Scan, depth: number) => Written;

function readOr(scan: Scan, depth: number, leaf: Leaf = readClause): Written {
  if (depth > DEPTH_MAX)
    throw new EqlProblem(peek(scan).at, `it nests deeper than ${DEPTH_MAX}`, 'Simplify the query.');
  const parts = [readAnd(scan, depth, leaf)];
  while (takeWord(scan, 'or')) parts.push(readAnd(scan, depth, leaf));
  return anyOf(parts);
}

function readAnd(scan: Scan, depth: number, leaf: Leaf): Written {
  const parts = [readNot(scan, depth, leaf)];
  while (takeWord(scan, 'and')) parts.push(readNot(scan, depth, leaf));
  return allOf(parts);
}

function readNot(scan: Scan, depth: number, leaf: Leaf): Written {
  let isNot = false;
  while (takeWord(scan, 'not')) isNot = !isNot;
  const of = leaf(scan, depth);
  return isNot ? not(of) : of;
}

function readClause(scan: Scan, depth: number): Written {
  const { at, kind, text } = peek(scan);
  scan.clauses += 1;
  if (scan.clauses > CLAUSES_MAX) throw new EqlProblem(at, `more than ${CLAUSES_MAX} conditions`, 'Split the query.');
  if (takeSign(scan, '(')) {
    const inner = readOr(scan, depth + 1);
    needClosing(scan);
    return inner;
  }
  if (kind !== 'word' && kind !== 'quoted')
    throw new EqlProblem(at, 'a condition is expected here', 'Write `field: value`.');
  scan.at += 1;
  const operator = peek(scan);
  if (operator.kind !== 'sign' || ![':', '<', '<=', '>', '>='].includes(operator.text)) {
    throw new EqlProblem(
      at,
      `\`${visible(text.slice(0, 40))}\` is looked for in all fields, which a rule cannot do`,
      'Name the field: `field: value`.',
    );
  }
  scan.at += 1;
  const name = kind === 'word' ? unescaped(text) : text;
  if (kind === 'word' && text === '*' && operator.text === ':' && peek(scan).text === '*') {
    scan.at += 1;
    return allOf([]);
  }
  const field = foreignField(scan.writing.part(at), name);
  if (field !== undefined) scan.writing.fields.add(field.name);
  if (operator.text !== ':') return readRange(scan, field, operator.text);
  if (takeSign(scan, '(')) {
    const inner = readOr(scan, depth + 1, (inner_, innerDepth) => readListed(inner_, innerDepth, field));
    needClosing(scan);
    return inner;
  }
  if (peek(scan).text === '{' && peek(scan).kind === 'sign') {
    throw new EqlProblem(
      peek(scan).at,
      '`{ … }` asks of one object of a list',
      'Write the rule in our own words: `$exists(list[a = 1 and b = 2])`.',
    );
  }
  return readValue(scan, field);
}

function readListed(scan: Scan, depth: number, field: ForeignField | undefined): Written {
  if (!takeSign(scan, '(')) return readValue(scan, field);
  const inner = readOr(scan, depth + 1, (again, innerDepth) => readListed(again, innerDepth, field));
  needClosing(scan);
  return inner;
}

function needClosing(scan: Scan): void {
  if (!takeSign(scan, ')'))
    throw new EqlProblem(
      peek(scan).at,
      '`)` is expected here',
      'Close the parenthesis; put texts with spaces in quotes.',
    );
}

const COMPARISONS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

function readRange(scan: Scan, field: ForeignField | undefined, operator: string): Written {
  const { at, text, kind } = peek(scan);
  if (kind !== 'word' && kind !== 'quoted')
    throw new EqlProblem(at, 'a value is expected here', 'Write a number or a time.');
  scan.at += 1;
  const comparison = COMPARISONS[operator as keyof typeof COMPARISONS];
  const value = kind === 'word' ? unescaped(text) : text;
  return (
    (field === undefined ? undefined : isWithin(scan.writing.part(at), field, [{ comparison, value }])) ?? anyOf([])
  );
}

function readValue(scan: Scan, field: ForeignField | undefined): Written {
  const { writing } = scan;
  const first = peek(scan);
  if (first.kind !== 'word' && first.kind !== 'quoted')
    throw new EqlProblem(first.at, 'a value is expected here', 'Write one, in quotes if it has spaces or signs.');
  scan.at += 1;
  const words = [first.text];
  // Words that follow each other are one text, up to `and` or `or`.
  while (first.kind === 'word' && peek(scan).kind === 'word' && !/^(?:and|or|not)$/i.test(peek(scan).text)) {
    words.push(peek(scan).text);
    scan.at += 1;
  }
  if (field === undefined) return anyOf([]);
  const text = words.join(' ');
  const part = writing.part(first.at);
  if (first.kind === 'quoted') {
    if (field.kind === 'text') return isMatch(part, field, text, 'phrase') ?? anyOf([]);
    return isOneOfTheirs(field, [text], first.at, writing);
  }
  if (text === '*') return isThere(field);
  if (/(?:^|[^\\])(?:\\\\)*\*/.test(text)) return isLike(field, quotedMarks(text));
  const value = unescaped(text);
  if (field.kind === 'text') return isMatch(part, field, value, 'or') ?? anyOf([]);
  return isOneOfTheirs(field, [value], first.at, writing);
}

/** In KQL `?` is a character like others. */
function quotedMarks(text: string): string {
  return text.replace(/\\[\s\S]|\?/g, (part) => (part === '?' ? '\\?' : part));
}
