// Elasticsearch's `query_string`: Lucene's classic syntax, read as Lucene reads it. AND, OR and NOT have no precedence there: AND makes both its
// neighbours needed, OR leaves them optional, and what is optional counts only where nothing is needed.
import { allOf, anyOf, not, type Written } from '../foreign/expression-writer.ts';
import {
  ALL_FIELDS,
  type Comparison,
  type ForeignField,
  foreignField,
  isLike,
  isMatch,
  isOneOf,
  isRegex,
  isThere,
  isWithin,
} from './field-conditions.ts';
import { type Part, placeOfPart, refuse } from './notes.ts';

const LENGTH_MAX = 16_384;
const DEPTH_MAX = 32;
const CLAUSES_MAX = 1_024;

export interface QueryStringOptions {
  /** Of words without a field; undefined: all fields. */
  readonly fields: readonly string[] | undefined;
  readonly operator: 'and' | 'or';
}

interface Scan {
  readonly part: Part;
  readonly text: string;
  readonly operator: 'and' | 'or';
  at: number;
  clauses: number;
}

type Occur = 'must' | 'should' | 'not';

export function readQueryString(
  part: Part,
  text: string,
  { fields, operator }: QueryStringOptions,
): Written | undefined {
  if (text.length > LENGTH_MAX) return refuse(part, `the query is longer than ${LENGTH_MAX} characters`, 'Split it.');
  const scan: Scan = { part, text, operator, at: 0, clauses: 0 };
  const read = readClauses(scan, fields, 0);
  if (read === undefined) return undefined;
  return scan.at < text.length ? refuse(part, 'the query has a `)` too many', 'Remove it.') : read;
}

function readClauses(scan: Scan, fields: readonly string[] | undefined, depth: number): Written | undefined {
  const { part, operator } = scan;
  if (depth > DEPTH_MAX) return refuse(part, `parentheses nest deeper than ${DEPTH_MAX}`, 'Simplify the query.');
  const clauses: { occur: Occur; readonly condition: Written }[] = [];
  const said = { and: false, or: false };
  for (;;) {
    skipSpace(scan);
    if (isAtEnd(scan)) break;
    const conjunction = takeWord(scan, ['AND', '&&']) ? 'and' : takeWord(scan, ['OR', '||']) ? 'or' : undefined;
    if (conjunction !== undefined) {
      said[conjunction] = true;
      if (clauses.length === 0)
        return refuse(part, `${conjunction.toUpperCase()} stands after nothing`, 'Put a clause before it.');
    }
    skipSpace(scan);
    const sign =
      takeWord(scan, ['NOT']) || takeSign(scan, '!') || takeSign(scan, '-')
        ? 'not'
        : takeSign(scan, '+')
          ? 'must'
          : undefined;
    skipSpace(scan);
    if (isAtEnd(scan)) return refuse(part, 'the query ends too early', 'Put a clause after the last operator.');
    const condition = readClause(scan, fields, depth);
    if (condition === undefined) return undefined;
    scan.clauses += 1;
    if (scan.clauses > CLAUSES_MAX)
      return refuse(part, `more than ${CLAUSES_MAX} clauses`, 'Split the rule, or use `terms`.');
    const previous = clauses.at(-1);
    if (previous !== undefined && previous.occur !== 'not') {
      if (conjunction === 'and') previous.occur = 'must';
      if (conjunction === 'or' && operator === 'and') previous.occur = 'should';
    }
    const isNeeded = operator === 'and' ? conjunction !== 'or' : conjunction === 'and';
    clauses.push({ occur: sign ?? (isNeeded ? 'must' : 'should'), condition });
  }
  if (said.and && said.or) {
    const remedy = 'Put parentheses where they are meant, there and here.';
    part.notes.remark(
      placeOfPart(part),
      'AND and OR side by side are read as Lucene reads them: what AND joins is needed, the rest adds nothing',
      remedy,
    );
  }
  const of = (occur: Occur): readonly Written[] =>
    clauses.filter((clause) => clause.occur === occur).map(({ condition }) => condition);
  const [must, should] = [of('must'), of('should')];
  const positive = must.length > 0 ? must : should.length > 0 ? [anyOf(should)] : [];
  return allOf([...positive, ...of('not').map(not)]);
}

function readClause(scan: Scan, fields: readonly string[] | undefined, depth: number): Written | undefined {
  const { part, text } = scan;
  const named = /^((?:[^\s:()"[\]{}/\\^~+!-]|\\.)(?:[^\s:()"[\]{}/\\^~]|\\.)*):\s*/.exec(
    text.slice(scan.at, scan.at + 400),
  );
  const name = named?.[1] === undefined ? undefined : unescaped(named[1]);
  scan.at += named?.[0].length ?? 0;
  if (isAtEnd(scan)) return refuse(part, `nothing is asked of \`${name ?? ''}\``, 'Put a value behind the colon.');
  if (name === '_exists_') {
    const field = foreignField(part, unescaped(takeTerm(scan)));
    return field === undefined ? undefined : isThere(field);
  }
  if (name === '*' && text.startsWith('*', scan.at)) {
    scan.at += 1;
    return allOf([]);
  }
  const asked = name === undefined || name === '*' ? fields : [name];
  if (text[scan.at] === '(') {
    scan.at += 1;
    const inner = readClauses(scan, asked, depth + 1);
    if (inner === undefined) return undefined;
    if (text[scan.at] !== ')') return refuse(part, 'a parenthesis is never closed', 'Close it with `)`.');
    scan.at += 1;
    takeBoost(scan);
    return inner;
  }
  return readValue(scan, asked);
}

/** One value, asked of each of the fields. */
function readValue(scan: Scan, names: readonly string[] | undefined): Written | undefined {
  const { part } = scan;
  if (names === undefined) {
    const remedy = 'Name the field that it stands in.';
    part.notes.remark(
      placeOfPart(part),
      `words without a field are looked for in \`${ALL_FIELDS}\`, the records as they came`,
      remedy,
    );
  }
  const fields = (names ?? [ALL_FIELDS]).map((name) => foreignField(part, name));
  const test = readTest(scan);
  if (test === undefined) return undefined;
  const conditions = fields.map((field) => (field === undefined ? undefined : test(field)));
  const known = conditions.filter((condition) => condition !== undefined);
  return known.length < conditions.length ? undefined : anyOf(known);
}

type Test = (field: ForeignField) => Written | undefined;

function readTest(scan: Scan): Test | undefined {
  const { part, text } = scan;
  const first = text[scan.at];
  if (first === '"') {
    const phrase = /^"((?:[^"\\]|\\[\s\S])*)"(~[0-9]*)?/.exec(text.slice(scan.at));
    if (phrase === null) return refuse(part, 'a quote is never closed', 'Close it with `"`.');
    scan.at += phrase[0].length;
    takeBoost(scan);
    if (phrase[2] !== undefined)
      return refuse(part, 'words that are merely near to each other (`"…"~2`) cannot be said', 'Write a `regexp`.');
    const value = unescaped(phrase[1] ?? '');
    return (field) => isMatch(part, field, value, 'phrase');
  }
  if (first === '/') {
    const regex = /^\/((?:[^/\\]|\\[\s\S])+)\//.exec(text.slice(scan.at));
    if (regex === null)
      return refuse(part, 'a regular expression is never closed', 'Close it with `/`, or write `\\/`.');
    scan.at += regex[0].length;
    takeBoost(scan);
    const source = (regex[1] ?? '').replaceAll('\\/', '/');
    return (field) => isRegex(part, field, source);
  }
  if (first === '[' || first === '{') return readRange(scan);
  const comparison = /^(>=|<=|>|<)\s*/.exec(text.slice(scan.at));
  if (comparison !== null) {
    scan.at += comparison[0].length;
    const quote = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(text.slice(scan.at));
    if (quote !== null) scan.at += quote[0].length;
    const value = unescaped(quote?.[1] ?? takeTerm(scan));
    const how = COMPARISONS[comparison[1] ?? ''] ?? 'gt';
    return (field) => isWithin(part, field, [{ comparison: how, value }]);
  }
  const term = takeTerm(scan);
  if (term === '') return refuse(part, `\`${first}\` is not expected here`, 'Write a backslash before it.');
  if (text[scan.at] === '~')
    return refuse(part, 'fuzzy terms (`word~`) cannot be said', 'Write out the words that are meant.');
  takeBoost(scan);
  if (/(?:^|[^\\])(?:\\\\)*[*?]/.test(term)) return (field) => isLike(field, term);
  const value = unescaped(term);
  return (field) => (field.kind === 'text' ? isMatch(part, field, value, 'phrase') : isOneOf(part, field, [value]));
}

const COMPARISONS: Readonly<Record<string, Comparison>> = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' };

function readRange(scan: Scan): Test | undefined {
  const { part, text } = scan;
  const range = /^([[{])\s*("(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s*([\]}])/.exec(
    text.slice(scan.at),
  );
  if (range === null) return refuse(part, 'this range cannot be read', 'Write `[5 TO 9]`; `*` is no bound.');
  scan.at += range[0].length;
  takeBoost(scan);
  const [, open, low = '*', high = '*', close] = range;
  const boundOf = (written: string): string => unescaped(written.replace(/^"|"$/g, ''));
  const bounds = [
    ...(low === '*' ? [] : [{ comparison: open === '[' ? 'gte' : 'gt', value: boundOf(low) } as const]),
    ...(high === '*' ? [] : [{ comparison: close === ']' ? 'lte' : 'lt', value: boundOf(high) } as const]),
  ];
  return (field) => (bounds.length === 0 ? isThere(field) : isWithin(part, field, bounds));
}

function takeTerm(scan: Scan): string {
  const [term = ''] = /^(?:[^\s()"[\]{}^~\\]|\\[\s\S])+/.exec(scan.text.slice(scan.at, scan.at + 8_192)) ?? [];
  scan.at += term.length;
  return term;
}

function takeBoost(scan: Scan): void {
  scan.at += /^\^[0-9.]+/.exec(scan.text.slice(scan.at, scan.at + 20))?.[0].length ?? 0;
}

function takeWord(scan: Scan, words: readonly string[]): boolean {
  const word = words.find((one) => scan.text.startsWith(one, scan.at));
  if (word === undefined) return false;
  const behind = scan.text[scan.at + word.length];
  if (/[A-Z]/.test(word) && behind !== undefined && !/[\s(!+-]/.test(behind)) return false;
  scan.at += word.length;
  return true;
}

function takeSign(scan: Scan, sign: string): boolean {
  if (scan.text[scan.at] !== sign) return false;
  scan.at += 1;
  return true;
}

function skipSpace(scan: Scan): void {
  while (/\s/.test(scan.text[scan.at] ?? '')) scan.at += 1;
}

function isAtEnd(scan: Scan): boolean {
  return scan.at >= scan.text.length || scan.text[scan.at] === ')';
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, '$1');
}
