// The first half of reading a query: text → tokens, with every clause (`field:value`, a range, a word) already a Query. Paths,
// addresses and times stand unquoted (`file.path:/etc/passwd`, `source.ip:10.0.0.0/8`), which the Lucene grammar would refuse.
import { fieldNamed } from '../../event/catalogue.ts';
import { type Comparison, fieldQuery, freeText, type Reading } from './clause-query.ts';
import { isSpace, type QueryProblem, Refusal, readQuoted, readValue, refuse } from './clause-value.ts';
import type { Query } from './query.ts';

export type Token =
  | { readonly kind: 'clause'; readonly query: Query; readonly at: number }
  /** `require`: Lucene's `+`. */
  | { readonly kind: 'and' | 'or' | 'not' | 'require' | 'open' | 'close'; readonly at: number };

export type Scan =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  | { readonly ok: false; readonly problem: QueryProblem };

/** The longest field name of a query. */
const FIELD_NAME_CHARS_MAX = 256;

export function scanClauses(text: string, reading: Reading): Scan {
  try {
    return { ok: true, tokens: scan(text, reading) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    throw error;
  }
}

interface Group {
  /** The field of `field:(a OR b)`; undefined for a plain group. */
  readonly field: FieldName | undefined;
}

function scan(text: string, reading: Reading): readonly Token[] {
  const tokens: Token[] = [];
  const groups: Group[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    const operator = operatorAt(text, at);
    const group = groups.at(-1)?.field;
    if (isSpace(character)) {
      at++;
    } else if (character === '(') {
      tokens.push({ kind: 'open', at });
      groups.push({ field: group });
      at++;
    } else if (character === ')') {
      tokens.push({ kind: 'close', at });
      groups.pop();
      at++;
    } else if (operator !== undefined) {
      tokens.push({ kind: operator.kind, at });
      at += operator.length;
    } else if (group !== undefined) {
      refuseField(text, at, group.name);
      const value = readValue(text, at);
      const clause = { field: group.name, fieldAt: group.at, comparison: ':', value, at } as const;
      tokens.push({ kind: 'clause', query: fieldQuery(clause, reading), at });
      at = value.end;
    } else {
      const field = readField(text, at);
      const valueAt = field === undefined ? at : field.end;
      if (field !== undefined && text[valueAt] === '(' && field.comparison === ':') {
        tokens.push({ kind: 'open', at: valueAt });
        groups.push({ field });
        at = valueAt + 1;
        continue;
      }
      if (field !== undefined) refuseOperator(text, field);
      const value = readValue(text, valueAt);
      const query =
        field === undefined
          ? freeText(value, at, reading)
          : fieldQuery({ field: field.name, fieldAt: at, comparison: field.comparison, value, at: valueAt }, reading);
      tokens.push({ kind: 'clause', query, at });
      at = value.end;
    }
  }
  return tokens;
}

const OPERATORS: Readonly<Record<string, 'and' | 'or' | 'not'>> = {
  and: 'and',
  '&&': 'and',
  or: 'or',
  '||': 'or',
  not: 'not',
};

function operatorAt(text: string, at: number): { kind: 'and' | 'or' | 'not' | 'require'; length: number } | undefined {
  const word = /^(AND|OR|NOT|and|or|not|&&|\|\|)(?=[\s()]|$)/.exec(text.slice(at, at + 4))?.[1];
  const kind = OPERATORS[word?.toLowerCase() ?? ''];
  if (word !== undefined && kind !== undefined) return { kind, length: word.length };
  const sign = text[at];
  if ((sign === '-' || sign === '!' || sign === '+') && /[^\s()]|\(/.test(text[at + 1] ?? ''))
    return { kind: sign === '+' ? 'require' : 'not', length: 1 };
  return undefined;
}

interface FieldName {
  /** As it was written: escapes and wildcards still in it; of a quoted name only escapes. */
  readonly name: string;
  readonly at: number;
  readonly comparison: Comparison;
  /** Where its value begins. */
  readonly end: number;
}

function readField(text: string, at: number): FieldName | undefined {
  const part = text.slice(at, at + FIELD_NAME_CHARS_MAX + 20);
  if (text[at] === '"' || text[at] === "'") {
    const quoted = readQuoted(text, at);
    if (text[quoted.end] !== ':') return undefined;
    return checkedField({ name: quoted.text.replace(/[*?\\]/g, '\\$&'), at, ...comparisonAfter(text, quoted.end + 1) });
  }
  if (part.startsWith('**')) return undefined;
  // KQL writes `field : value` and `field >= 5`.
  const compared = /^([A-Za-z_@][\w.@-]*)(\s*)(?=[<>])/.exec(part);
  if (compared !== null) {
    const [head, name = '', space] = compared;
    if (space !== '' || name.includes('.') || fieldNamed(name) !== undefined)
      return checkedField({ name, at, ...comparisonAfter(text, at + head.length) });
  }
  const match = /^((?:[^\s()":\\]|\\.)*?)\s*:/s.exec(part);
  if (match === null) return undefined;
  return checkedField({ name: match[1] ?? '', at, ...comparisonAfter(text, at + match[0].length) });
}

function refuseField(text: string, at: number, group: string): void {
  const match = /^[A-Za-z_@][\w.@-]*:(?![:/\\])/.exec(text.slice(at, at + FIELD_NAME_CHARS_MAX));
  if (match !== null && fieldNamed(match[0].slice(0, -1)) !== undefined) {
    refuse(
      'query/field-in-group',
      at,
      `a field inside the group of \`${group}\``,
      'Close the parenthesis first, or put the value in quotes.',
    );
  }
}

/** `field: AND x`: a value is missing. */
function refuseOperator(text: string, { end }: FieldName): void {
  if (/\s/.test(text[end - 1] ?? '') && /^(AND|OR|NOT|and|or|not|&&|\|\|)(?=[\s()]|$)/.test(text.slice(end, end + 4)))
    refuse(
      'query/value-missing',
      end,
      'a value is missing',
      'Write field:value; a word that is an operator goes in quotes.',
    );
}

function checkedField(field: FieldName): FieldName {
  if (field.name === '')
    refuse('query/field-empty', field.at, 'a field name is missing before `:`', 'Write it as field:value.');
  if (field.name.length > FIELD_NAME_CHARS_MAX) {
    refuse(
      'query/field-long',
      field.at,
      `a field name is longer than ${FIELD_NAME_CHARS_MAX} characters`,
      'Shorten it.',
    );
  }
  return field;
}

/** The comparison at a place, if there is one, and where the value behind it begins. */
function comparisonAfter(text: string, at: number): { readonly comparison: Comparison; readonly end: number } {
  const match = /^\s*(>=|<=|>|<|=)?\s*/.exec(text.slice(at));
  return { comparison: (match?.[1] as Comparison | undefined) ?? ':', end: at + (match?.[0].length ?? 0) };
}
