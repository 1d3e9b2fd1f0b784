// Reads one value of a query: quoted text, a bare word with its escapes and wildcards, a regular expression, or a range. What the
// search language does not have (fuzzy terms, boosts, nested queries) is refused here by name.
import type { RangeEnd } from './query.ts';
import { regexProblem } from './regex.ts';

/** Why the text cannot be read, and at which offset. */
export interface QueryProblem {
  readonly code: string;
  readonly at: number;
  readonly message: string;
  readonly remedy: string;
}

/** Thrown while reading, caught by `scanClauses`: the text cannot be read. */
export class Refusal extends Error {
  readonly problem: QueryProblem;
  constructor(problem: QueryProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

const QUOTE_IT = 'Put the value in double quotes if it is meant literally.';

export type Value =
  | { readonly kind: 'quoted'; readonly text: string; readonly end: number }
  /** Raw: escapes and wildcards still in it. */
  | { readonly kind: 'word'; readonly text: string; readonly end: number }
  /** RE2's syntax, checked. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly end: number }
  | {
      readonly kind: 'range';
      readonly min: RangeEnd | undefined;
      readonly max: RangeEnd | undefined;
      readonly end: number;
    };

export function readValue(text: string, at: number): Value {
  const character = text[at];
  if (character === undefined || isSpace(character) || character === ')') {
    refuse(
      'query/value-missing',
      Math.min(at, text.length),
      'a value is missing',
      'Write it right after the colon: field:value, or field:* for any value.',
    );
  }
  if (character === '"' || character === "'") {
    const quoted = readQuoted(text, at);
    const after = text[quoted.end];
    if (after === '~' || after === '^') refuseBoost(quoted.end);
    if (after !== undefined && !isSpace(after) && after !== ')') {
      refuse(
        'query/after-quote',
        quoted.end,
        'something follows the closing quote',
        'Put a space, or the whole value in quotes.',
      );
    }
    return { kind: 'quoted', text: quoted.text, end: quoted.end };
  }
  if (character === '[' || character === '{') return readRange(text, at);
  return (character === '/' ? readRegex(text, at) : undefined) ?? readWord(text, at);
}

/**
 * `/…/`, where the second slash that no backslash precedes ends the value; else it is a path. Paths stand beside operators and
 * fields (`a:/root OR b:/`), so what would take those in is none either: in an expression they are written with `\s`.
 */
function readRegex(text: string, at: number): Value | undefined {
  const written = /^\/((?:[^/\\]|\\.)+)\/(?=[\s)~^]|$)/s.exec(text.slice(at));
  const source = written?.[1];
  if (written === null || source === undefined) return undefined;
  if (/\s(?:(?:and|or|not|&&|\|\|)\s|[\w.@]+:)/i.test(source)) return undefined;
  const end = at + written[0].length;
  if (text[end] === '~' || text[end] === '^') refuseBoost(end);
  const pattern = source.replaceAll('\\/', '/');
  const problem = regexProblem(pattern);
  if (problem !== undefined) refuse('query/regex', at + 1 + problem.at, problem.message, problem.remedy);
  return { kind: 'regex', pattern, end };
}

export function readQuoted(text: string, at: number): { text: string; end: number } {
  const quote = text[at];
  let content = '';
  for (let next = at + 1; next < text.length; next++) {
    const character = text[next];
    if (character === quote) return { text: content, end: next + 1 };
    if (character === '\\' && next + 1 < text.length) next++;
    content += text[next];
  }
  return refuse(
    'query/quote-open',
    at,
    'this quote is never closed',
    `Close it with ${quote}; a quote inside is written \\${quote}.`,
  );
}

function readWord(text: string, at: number): Value {
  let end = at;
  while (end < text.length) {
    const character = text[end] ?? '';
    if (character === '\\') {
      end += 2;
      continue;
    }
    if (isSpace(character) || character === ')') break;
    if (character === '(' || character === '"') {
      refuse(
        'query/unquoted',
        end,
        `\`${character}\` inside an unquoted value`,
        `${QUOTE_IT} Inside quotes, write \\" for a quote.`,
      );
    }
    end++;
  }
  end = Math.min(end, text.length);
  const word = text.slice(at, end);
  if (word.endsWith('\\') && !/(^|[^\\])(\\\\)+$/.test(word)) {
    refuse('query/escape', end - 1, 'a backslash at the end escapes nothing', 'Write \\\\ for a backslash.');
  }
  const boost = /[^\\]([~^])[0-9.]*$/.exec(word);
  if (boost !== null) refuseBoost(at + boost.index + 1);
  return { kind: 'word', text: word, end };
}

function refuseBoost(at: number): never {
  return refuse('query/fuzzy', at, 'fuzzy terms (~) and boosts (^) are not supported', QUOTE_IT);
}

function readRange(text: string, at: number): Value {
  const match = /^[[{]\s*("(?:[^"\\]|\\.)*"|[^\s"\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s"\]}]+)\s*[\]}]/i.exec(
    text.slice(at),
  );
  if (match === null && /^\{[^}:]*:/.test(text.slice(at))) {
    refuse(
      'query/nested',
      at,
      'nested queries (`field:{…}`) are not supported',
      'Write the whole name, as lists are looked through: auditd.paths.name:x. Clauses may be of different members.',
    );
  }
  if (match === null) {
    return refuse(
      'query/range',
      at,
      'this is not a range',
      'Write [low TO high], with { or } where an end is excluded and * where it is open.',
    );
  }
  const end = at + match[0].length;
  const side = (written: string, isInclusive: boolean): RangeEnd | undefined =>
    written === '*'
      ? undefined
      : { value: written.startsWith('"') ? readQuoted(written, 0).text : unescapeWord(written), isInclusive };
  return {
    kind: 'range',
    min: side(match[1] ?? '*', text[at] === '['),
    max: side(match[2] ?? '*', text[end - 1] === ']'),
    end,
  };
}

/** A word without its backslashes. */
export function unescapeWord(word: string): string {
  return word.replace(/\\(.)/gs, '$1');
}

export function refuse(code: string, at: number, message: string, remedy: string): never {
  throw new Refusal({ code, at, message, remedy });
}

/** White space between clauses. */
export function isSpace(character: string): boolean {
  return /\s/.test(character);
}
