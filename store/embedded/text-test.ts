// Tests of one text in SQL, with the meaning of query/matches.ts: equality, wildcards and regular expressions, ignoring case.
// DuckDB's `lower` is our folding character by character, but for the sigmas and for letters that are newer than its Unicode.
import { fold } from '../query/fold.ts';
import { type WildcardPart, wildcardParts } from '../query/wildcard.ts';

export type Bind = (value: string | number) => string;

/** Makes a condition of SQL for a text. */
type TextTest = (sql: string) => string;

/** `superset` is true of every text that is meant; `subset` only of such. */
export interface TextTests {
  readonly superset: TextTest;
  readonly subset: TextTest;
}

/** Letters whose lower case DuckDB 1.5 does not know (Unicode 16 and 17), and their lower case. */
const DISPUTED = /[\u019b\u0264\u1c89\u1c8a\ua7c0-\ua7df\ufeff\u{10d50}-\u{10d8f}\u{16ea0}-\u{16edf}]/u;
/** A longer pattern only narrows. */
const PATTERN_CHARS_MAX = 500;

/** True where a text that holds this one, folded, is found by DuckDB's `lower` exactly when our folding finds it. */
export function isFoldedAlike(folded: string): boolean {
  return folded.isWellFormed() && !folded.includes('\u0000') && !DISPUTED.test(folded);
}

/** SQL for a text, folded as far as it matters to find `sought`. */
function foldedSql(sql: string, sought: string): string {
  return sought.includes('\u03c3') ? `replace(lower(${sql}), '\u03c2', '\u03c3')` : `lower(${sql})`;
}

/** What no column and no JSON of a column's text can hold. */
export function isUnstorable(text: string): boolean {
  return !text.isWellFormed() || text.includes('\u0000');
}

/** Undefined where SQL cannot tell. */
export function equalsTest(value: string, bind: Bind): TextTests | undefined {
  const folded = fold(value);
  if (!isFoldedAlike(folded)) return undefined;
  const wanted = bind(folded);
  return exactly((sql) => `${foldedSql(sql, folded)} = ${wanted}`);
}

export function containsTest(value: string, bind: Bind): TextTests | undefined {
  const folded = fold(value);
  if (!isFoldedAlike(folded)) return undefined;
  const wanted = bind(folded);
  return exactly((sql) => `contains(${foldedSql(sql, folded)}, ${wanted})`);
}

export function wildcardTest(pattern: string, bind: Bind): TextTests | undefined {
  const parts = wildcardParts(pattern);
  const literal = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  if (!isFoldedAlike(literal)) return undefined;
  const shape = parts.map((part) => ({ text: 't', run: '*', one: '?' })[part.kind]).join('');
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  const [first = '', second = ''] = texts;
  const folded = (sql: string): string => foldedSql(sql, literal);
  switch (shape) {
    case '':
      return exactly((sql) => `${sql} = ''`);
    case '*':
      return exactly((sql) => `${sql} IS NOT NULL`);
    case 't': {
      const wanted = bind(first);
      return exactly((sql) => `${folded(sql)} = ${wanted}`);
    }
    case 't*': {
      const start = bind(first);
      return exactly((sql) => `starts_with(${folded(sql)}, ${start})`);
    }
    case '*t': {
      const end = bind(first);
      return exactly((sql) => `ends_with(${folded(sql)}, ${end})`);
    }
    case '*t*': {
      const inner = bind(first);
      return exactly((sql) => `contains(${folded(sql)}, ${inner})`);
    }
    case 't*t': {
      const [start, end, bytes] = [bind(first), bind(second), Buffer.byteLength(first) + Buffer.byteLength(second)];
      return exactly(
        (sql) =>
          `(starts_with(${folded(sql)}, ${start}) AND ends_with(${folded(sql)}, ${end}) AND strlen(${folded(sql)}) >= ${bytes})`,
      );
    }
    default:
      return patternTest(parts, texts, { bind, folded });
  }
}

/** By RE2, in linear time: LIKE would try out every way to divide a text among several runs. */
function patternTest(
  parts: readonly WildcardPart[],
  texts: readonly string[],
  { bind, folded }: { readonly bind: Bind; readonly folded: TextTest },
): TextTests {
  const pieces = texts.map((text) => bind(text));
  const holdsAll: TextTest = (sql) =>
    pieces.map((piece) => `contains(${folded(sql)}, ${piece})`).join(' AND ') || 'TRUE';
  const expression = parts
    .map((part) =>
      part.kind === 'text'
        ? part.text.replace(/[^\p{L}\p{N}]/gu, (it) => `\\x{${it.codePointAt(0)?.toString(16)}}`)
        : part.kind === 'run'
          ? '.*'
          : '.',
    )
    .join('');
  if (expression.length > PATTERN_CHARS_MAX) return { superset: (sql) => `(${holdsAll(sql)})`, subset: () => 'FALSE' };
  const wanted = bind(expression);
  return exactly((sql) => `(${holdsAll(sql)} AND regexp_full_match(${folded(sql)}, ${wanted}, 's'))`);
}

/** RE2 and its JavaScript port mean the same by plain syntax, and by ASCII texts: other texts are left to the port. */
export function regexTest(pattern: string, bind: Bind): TextTests | undefined {
  if (!isPlainExpression(pattern)) return undefined;
  const wanted = bind(pattern);
  const matches: TextTest = (sql) => `regexp_full_match(${sql}, ${wanted}, 'is')`;
  const isAscii: TextTest = (sql) => `strlen(${sql}) = length(${sql})`;
  return {
    superset: (sql) => `(NOT ${isAscii(sql)} OR ${matches(sql)})`,
    subset: (sql) => `(${isAscii(sql)} AND ${matches(sql)})`,
  };
}

/** Printable ASCII, the usual classes, groups and repetitions: what both engines read, and as the same. Small when compiled. */
function isPlainExpression(pattern: string): boolean {
  if (pattern.length > 200 || !/^[\x20-\x7e]*$/.test(pattern)) return false;
  let counted = 0;
  let mayRepeat = false;
  const token =
    /\\[dDwWsSbB]|\\[!-/:-@[-`{-~]|\(\?(?:i|-i|s)?:|\((?!\?)|\)|\[\^?(?:\\[dDwWsS]|\\[!-/:-@[-`{-~]|[^\]\\[])+\]|[*+?]\??|\{(\d{1,2})(?:,(\d{0,2}))?\}|[|^$]|[^\\()[\]{}*+?|^$]/y;
  for (let at = 0; at < pattern.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(pattern);
    if (found === null) return false;
    const [text] = found;
    const isRepetition = /^[*+?{]/.test(text);
    if (isRepetition && !mayRepeat) return false;
    if (found[1] !== undefined) {
      const [least, most] = [Number(found[1]), Number(found[2] || found[1])];
      if (++counted > 2 || least > 32 || most > 32 || most < least) return false;
    }
    mayRepeat = !isRepetition && !/^(\(|[|^$]$|\\[bB]$)/.test(text);
  }
  return true;
}

function exactly(test: TextTest): TextTests {
  return { superset: test, subset: test };
}
