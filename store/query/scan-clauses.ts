// The first half of reading a query: text → tokens, with every clause (`field:value`, a range, a word) already a Query. Paths,
// addresses and times stand unquoted (`file.path:/etc/passwd`, `source.ip:10.0.0.0/8`), which the Lucene grammar would refuse.
import { fieldNamed } from '../../event/catalogue.ts';
import { type Comparison, fieldQuery, freeText } from './clause-query.ts';
import { isSpace, type QueryProblem, Refusal, readQuoted, readValue, refuse } from './clause-value.ts';
import type { Query } from './query.ts';

export type Token =
  | { readonly kind: 'clause'; readonly query: Query; readonly at: number }
  | { readonly kind: 'and' | 'or' | 'not' | 'open' | 'close'; readonly at: number };

export type Scan =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  | { readonly ok: false; readonly problem: QueryProblem };

/** The longest field name of a query. */
const FIELD_NAME_CHARS_MAX = 256;

export function scanClauses(text: string): Scan {
  try {
    return { ok: true, tokens: scan(text) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    throw error;
  }
}

function scan(text: string): readonly Token[] {
  const tokens: Token[] = [];
  // One entry for each open parenthesis: the field of `field:(a OR b)`, or undefined for a plain group.
  const groups: (string | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (isSpace(character)) {
      at++;
    } else if (character === '(') {
      tokens.push({ kind: 'open', at });
      groups.push(groups.at(-1));
      at++;
    } else if (character === ')') {
      tokens.push({ kind: 'close', at });
      groups.pop();
      at++;
    } else {
      const operator = operatorAt(text, at);
      if (operator !== undefined) {
        tokens.push({ kind: operator.kind, at });
        at += operator.length;
        continue;
      }
      const group = groups.at(-1);
      const field = group === undefined ? readField(text, at) : refuseField(text, at, group);
      if (field === undefined) {
        const value = readValue(text, at);
        const query = group === undefined ? freeText(value, at) : fieldQuery(group, ':', value, at);
        tokens.push({ kind: 'clause', query, at });
        at = value.end;
      } else if (text[field.end] === '(') {
        tokens.push({ kind: 'open', at: field.end });
        groups.push(field.name);
        at = field.end + 1;
      } else {
        const operation = comparisonAt(text, field.end);
        const valueAt = field.end + (operation === ':' ? 0 : operation.length);
        const value = readValue(text, valueAt);
        tokens.push({ kind: 'clause', query: fieldQuery(field.name, operation, value, valueAt), at });
        at = value.end;
      }
    }
  }
  return tokens;
}

function operatorAt(text: string, at: number): { kind: 'and' | 'or' | 'not'; length: number } | undefined {
  const word = /^(AND|OR|NOT|&&|\|\|)(?=[\s()]|$)/.exec(text.slice(at, at + 4))?.[1];
  if (word !== undefined) {
    const kind = word === 'AND' || word === '&&' ? 'and' : word === 'OR' || word === '||' ? 'or' : 'not';
    return { kind, length: word.length };
  }
  if (/^(and|or|not)(?=[\s()]|$)/.test(text.slice(at, at + 4))) {
    refuse(
      'query/lower-case-operator',
      at,
      'operators are written in capitals',
      'Write AND, OR, NOT; to look for the word itself, put it in quotes.',
    );
  }
  if ((text[at] === '-' || text[at] === '!') && /[^\s()]|\(/.test(text[at + 1] ?? ''))
    return { kind: 'not', length: 1 };
  if (text[at] === '+') refuse('query/plus', at, '`+` is not an operator here', 'Join clauses with AND.');
  return undefined;
}

interface FieldName {
  readonly name: string;
  /** Offset after the colon. */
  readonly end: number;
}

function readField(text: string, at: number): FieldName | undefined {
  const quoted = text[at] === '"' || text[at] === "'" ? readQuoted(text, at) : undefined;
  if (quoted !== undefined) {
    return text[quoted.end] === ':' ? checkedField({ name: quoted.text, end: quoted.end + 1 }, at) : undefined;
  }
  const match = /^[^\s()":\\]+(?=:)/.exec(text.slice(at, at + FIELD_NAME_CHARS_MAX + 2));
  if (match === null) return undefined;
  const name = match[0];
  if (name === '*' && text[at + 2] === '*') return { name, end: at + 2 };
  if (/[*?]/.test(name)) {
    refuse(
      'query/field-wildcard',
      at,
      'a field name cannot hold wildcards',
      'Name the field, or join several clauses with OR.',
    );
  }
  return checkedField({ name, end: at + name.length + 1 }, at);
}

function refuseField(text: string, at: number, group: string): undefined {
  const match = /^[A-Za-z_@][\w.@-]*:(?![:/\\])/.exec(text.slice(at, at + FIELD_NAME_CHARS_MAX));
  if (match !== null && fieldNamed(match[0].slice(0, -1)) !== undefined) {
    refuse(
      'query/field-in-group',
      at,
      `a field inside the group of \`${group}\``,
      'Close the parenthesis first, or put the value in quotes.',
    );
  }
  return undefined;
}

function checkedField(field: FieldName, at: number): FieldName {
  if (field.name === '')
    refuse('query/field-empty', at, 'a field name is missing before `:`', 'Write it as field:value.');
  if (field.name.length > FIELD_NAME_CHARS_MAX) {
    refuse('query/field-long', at, `a field name is longer than ${FIELD_NAME_CHARS_MAX} characters`, 'Shorten it.');
  }
  return field;
}

function comparisonAt(text: string, at: number): Comparison {
  const match = /^(>=|<=|>|<|=)/.exec(text.slice(at, at + 2));
  return (match?.[1] as Comparison | undefined) ?? ':';
}
