// Makes the Query of one clause: a field, how it is compared, and a value; or free text. Range ends are checked against the
// field's type in the catalogue, and what is probably meant otherwise is told as a warning.
import { FIELDS, fieldNamed } from '../../event/catalogue.ts';
import { addressNumber, parseNetwork } from './address.ts';
import { type QueryProblem, refuse, unescapeWord, type Value } from './clause-value.ts';
import { ID_FIELD, unknownField } from './field-hint.ts';
import { fold } from './fold.ts';
import type { Query, RangeEnd } from './query.ts';
import { warnOfComma, warnOfExpression, warnOfNothingBetween, warnOfPath, warnOfWord } from './slips.ts';
import { type Moment, readMoment } from './time-text.ts';
import { matchesWildcard, wildcardParts } from './wildcard.ts';

export type Comparison = ':' | '=' | '>' | '>=' | '<' | '<=';

/** What clauses are read with. */
export interface Reading {
  readonly nowMs: number;
  /** What is read, but perhaps not as it was meant. */
  readonly warn: (problem: QueryProblem) => void;
}

interface Clause {
  readonly field: string;
  /** Where the field's name stands. */
  readonly fieldAt: number;
  readonly comparison: Comparison;
  readonly value: Value;
  readonly at: number;
}

/** Fields that `process.*:x` may stand for. */
const FIELDS_OF_PATTERN_MAX = 64;

export function fieldQuery(clause: Clause, reading: Reading): Query {
  const { field, fieldAt, value } = clause;
  if (field === '*') return value.kind === 'word' && value.text === '*' ? { kind: 'all' } : freeText(value, clause.at);
  if (field === '_exists_') {
    const name = value.kind === 'word' ? unescapeWord(value.text) : value.kind === 'quoted' ? value.text : '';
    if (name === '')
      refuse('query/exists', clause.at, 'the name of a field is missing', 'Write _exists_:field, or field:*.');
    unknownField(name, clause.at, reading.warn);
    return { kind: 'exists', field: name };
  }
  if (field === ID_FIELD) return idQuery(clause);
  if (!/[*?]/.test(field.replaceAll(/\\./g, ''))) {
    const name = unescapeWord(field);
    unknownField(name, fieldAt, reading.warn);
    return oneField({ ...clause, field: name }, reading);
  }
  const parts = wildcardParts(field);
  const names = FIELDS.filter(({ name, type }) => type !== 'flattened' && matchesWildcard(parts, fold(name)));
  if (names.length === 0 || names.length > FIELDS_OF_PATTERN_MAX) {
    const message =
      names.length === 0
        ? `no known field is called like \`${field}\``
        : `${names.length} fields are called like \`${field}\`, more than ${FIELDS_OF_PATTERN_MAX}`;
    refuse('query/field-wildcard', fieldAt, message, 'Name the field, or fewer: process.*name:bash.');
  }
  // A value that some of the fields cannot hold is meant for the others.
  const unfit: QueryProblem[] = [];
  const warn = (problem: QueryProblem): void => {
    if (problem.code === 'query/value-type') unfit.push(problem);
    else reading.warn(problem);
  };
  const query = names
    .map(({ name }): Query => oneField({ ...clause, field: name }, { ...reading, warn }))
    .reduce((left, right) => ({ kind: 'or', left, right }));
  if (unfit.length === names.length) for (const problem of unfit) reading.warn(problem);
  return query;
}

/** An id is one event's, and has no parts that mean anything to a search. */
function idQuery({ comparison, value, at }: Clause): Query {
  const isPlain = value.kind === 'quoted' || (value.kind === 'word' && !/[*?]/.test(value.text.replaceAll(/\\./g, '')));
  if (!isPlain || comparison !== ':') {
    refuse('query/id', at, 'an id is looked for whole', 'Write _id:"ID", or --around ID for what happened around it.');
  }
  return { kind: 'id', id: value.kind === 'quoted' ? value.text : unescapeWord(value.text) };
}

/** True of a clause that is an expression, of one field or several. */
export function isExpression(query: Query): boolean {
  return query.kind === 'regex' || (query.kind === 'or' && isExpression(query.right));
}

/** How many fields the name of a clause stands for. */
export function leavesOf(query: Query): number {
  let count = 1;
  for (let current = query; current.kind === 'or'; current = current.left) count++;
  return count;
}

function oneField({ field, comparison, value, at }: Clause, reading: Reading): Query {
  const type = fieldNamed(field)?.type;
  if (value.kind === 'range') {
    if (comparison !== ':') refuse('query/range', at, 'a range takes no comparison', 'Write field:[low TO high].');
    const { min, max } = value;
    if (min === undefined && max === undefined) return { kind: 'exists', field };
    const ends = {
      min: checkedEnd(field, min, { at, reading, isMin: true }),
      max: checkedEnd(field, max, { at, reading, isMin: false }),
    };
    warnOfNothingBetween({ field, ...ends, at }, reading.warn);
    return { kind: 'range', field, ...ends };
  }
  if (value.kind === 'word') warnOfComma(value.text, at, reading.warn);
  if (comparison !== ':' && comparison !== '=') {
    if (value.kind === 'regex') refuse('query/range', at, 'an expression has no order', 'Write field:/expression/.');
    const literal = value.kind === 'word' ? unescapeWord(value.text) : value.text;
    const end = { value: literal, isInclusive: comparison.endsWith('=') };
    const isMin = comparison.startsWith('>');
    const checked = checkedEnd(field, end, { at, reading, isMin });
    return { kind: 'range', field, min: isMin ? checked : undefined, max: isMin ? undefined : checked };
  }
  if (value.kind === 'regex') {
    warnOfPath(value.pattern, at, reading.warn);
    return { kind: 'regex', field, pattern: type === 'text' ? `.*(?:${value.pattern}).*` : value.pattern };
  }
  if (value.kind === 'word' && hasWildcard(value.text)) {
    if (/^\*+$/.test(value.text)) return { kind: 'exists', field };
    warnOfExpression(value.text, at, reading.warn);
    return { kind: 'wildcard', field, pattern: type === 'text' ? `*${trimmedRuns(value.text)}*` : value.text };
  }
  const literal = value.kind === 'word' ? unescapeWord(value.text) : value.text;
  if (value.kind === 'quoted' && literal.includes('*')) {
    const remedy = 'Without quotes it is a wildcard; a space is then written with a backslash: curl\\ *.';
    reading.warn({ code: 'query/quoted-wildcard', at, message: '`*` inside quotes stands for itself', remedy });
  }
  warnOfType({ field, type, literal, at }, reading);
  if (type === 'date') {
    const moment = momentOf(literal, at, reading);
    if (moment !== undefined) {
      const [first, last] = [new Date(moment.firstMs), new Date(moment.lastMs)].map((date) => date.toISOString());
      return { kind: 'range', field, min: inclusive(first), max: inclusive(last) };
    }
  }
  if (type !== 'ip' && parseNetwork(literal) !== undefined) {
    const remedy = 'Networks are looked up in fields of addresses, such as source.ip, destination.ip, related.ip.';
    reading.warn({ code: 'query/network-as-text', at, message: `\`${field}\` holds text, not addresses`, remedy });
  }
  // Long text is asked for what it holds; anything else for what it is.
  if (type === 'text' && literal !== '') return { kind: 'wildcard', field, pattern: `*${escaped(literal)}*` };
  return { kind: 'equals', field, value: literal };
}

/** Events of other shippers may hold anything in any field, so this is no error; but mostly it finds nothing. */
function warnOfType(
  { field, type, literal, at }: { field: string; type: string | undefined; literal: string; at: number },
  { nowMs, warn }: Reading,
): void {
  const said = (what: string, remedy: string): void =>
    warn({ code: 'query/value-type', at, message: `\`${field}\` holds ${what}, and this is none`, remedy });
  if (type === 'long' && !/^-?[0-9]+(\.[0-9]+)?$/.test(literal)) said('numbers', 'Write a number, such as 443.');
  if (type === 'ip' && addressNumber(literal) === undefined && parseNetwork(literal) === undefined)
    said('addresses', 'Write 10.0.0.7, 2001:db8::7, a network (10.0.0.0/8), or 10.0.*.');
  if (type === 'date' && readMoment(literal, nowMs) === undefined)
    said('times', 'Write 2026-01-31, 2026-01-31T12:00:00Z, now-1h, or a range: [now-1d/d TO now/d].');
}

function inclusive(value = ''): RangeEnd {
  return { value, isInclusive: true };
}

interface EndPlace {
  readonly at: number;
  readonly reading: Reading;
  readonly isMin: boolean;
}

/** A range end of the field's type; times become UTC in ISO form, and a day ends with its last millisecond. */
function checkedEnd(field: string, end: RangeEnd | undefined, { at, reading, isMin }: EndPlace): RangeEnd | undefined {
  if (end === undefined) return undefined;
  switch (fieldNamed(field)?.type) {
    case 'date': {
      const moment = momentOf(end.value, at, reading);
      if (moment === undefined) {
        return refuse(
          'query/range-time',
          at,
          `\`${field}\` is a time, and this end is none`,
          'Write 2026-01-31, 2026-01-31T12:00:00Z, now-1h, now/d, or milliseconds since 1970.',
        );
      }
      const ms = isMin === end.isInclusive ? moment.firstMs : moment.lastMs;
      return { ...end, value: new Date(ms).toISOString() };
    }
    case 'long':
      if (!/^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(end.value)) {
        refuse(
          'query/range-number',
          at,
          `\`${field}\` is a number, and this end is none`,
          'Write a number, such as [1 TO 1024].',
        );
      }
      return end;
    case 'ip':
      if (addressNumber(end.value) === undefined) {
        refuse(
          'query/range-address',
          at,
          `\`${field}\` is an address, and this end is none`,
          'Write addresses, or a network: field:10.0.0.0/8.',
        );
      }
      return end;
    default:
      return end;
  }
}

function momentOf(text: string, at: number, { nowMs }: Reading): Moment | undefined {
  const moment = readMoment(text, nowMs);
  if (moment === undefined && /^now\b|\|\|/.test(text)) {
    refuse('query/date-math', at, 'this date math cannot be read', 'Write now-1h, now/d, now-1d/d, 2026-01-31||+1M.');
  }
  return moment;
}

/** A clause without a field. */
export function freeText(value: Value, at: number, reading?: Reading): Query {
  if (value.kind === 'range')
    return refuse('query/range-field', at, 'a range needs a field', 'Write field:[low TO high].');
  if (value.kind === 'quoted') return { kind: 'text', text: value.text };
  if (value.kind === 'regex') {
    if (reading !== undefined) warnOfPath(value.pattern, at, reading.warn);
    return inTexts((field) => ({ kind: 'regex', field, pattern: `.*(?:${value.pattern}).*` }));
  }
  const inner = trimmedRuns(value.text);
  if (inner === '') return { kind: 'all' };
  if (reading !== undefined) warnOfWord(inner, at, reading.warn);
  if (!hasWildcard(inner)) return { kind: 'text', text: unescapeWord(inner) };
  return inTexts((field) => ({ kind: 'wildcard', field, pattern: `*${inner}*` }));
}

function inTexts(make: (field: string) => Query): Query {
  return { kind: 'or', left: make('event.original'), right: make('message') };
}

function hasWildcard(word: string): boolean {
  return /[*?]/.test(word.replace(/\\./gs, ''));
}

function escaped(text: string): string {
  return text.replace(/[*?\\]/g, '\\$&');
}

/** Without the runs at its ends. */
function trimmedRuns(pattern: string): string {
  return pattern.replace(/^\*+/, '').replace(/(?<!\\)((?:\\\\)*)\*+$/, '$1');
}
