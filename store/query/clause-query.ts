// Makes the Query of one clause: a field, how it is compared, and a value; or free text. Range ends are checked against the
// field's type in the catalogue.
import { fieldNamed } from '../../event/catalogue.ts';
import { addressNumber } from './address.ts';
import { refuse, unescapeWord, type Value } from './clause-value.ts';
import { timeNumber } from './matches.ts';
import type { Query, RangeEnd } from './query.ts';

export type Comparison = ':' | '=' | '>' | '>=' | '<' | '<=';

export function fieldQuery(field: string, comparison: Comparison, value: Value, at: number): Query {
  if (field === '*') return { kind: 'all' };
  if (value.kind === 'range') {
    if (comparison !== ':') refuse('query/range', at, 'a range takes no comparison', 'Write field:[low TO high].');
    if (value.min === undefined && value.max === undefined) return { kind: 'exists', field };
    return { kind: 'range', field, min: checkedEnd(field, value.min, at), max: checkedEnd(field, value.max, at) };
  }
  if (field === '_exists_')
    return { kind: 'exists', field: value.kind === 'word' ? unescapeWord(value.text) : value.text };
  const literal = value.kind === 'word' ? unescapeWord(value.text) : value.text;
  if (comparison === '>' || comparison === '>=') {
    return {
      kind: 'range',
      field,
      min: checkedEnd(field, { value: literal, isInclusive: comparison === '>=' }, at),
      max: undefined,
    };
  }
  if (comparison === '<' || comparison === '<=') {
    return {
      kind: 'range',
      field,
      min: undefined,
      max: checkedEnd(field, { value: literal, isInclusive: comparison === '<=' }, at),
    };
  }
  if (value.kind === 'word' && hasWildcard(value.text)) {
    return /^\*+$/.test(value.text) ? { kind: 'exists', field } : { kind: 'wildcard', field, pattern: value.text };
  }
  return { kind: 'equals', field, value: literal };
}

/** A range end of the field's type; times become UTC in ISO form. */
function checkedEnd(field: string, end: RangeEnd | undefined, at: number): RangeEnd | undefined {
  if (end === undefined) return undefined;
  switch (fieldNamed(field)?.type) {
    case 'date': {
      const zoned = /^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(end.value) ? `${end.value}Z` : end.value;
      const isTime = /^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?|\d{5,16})$/.test(
        zoned,
      );
      const time = isTime ? timeNumber(zoned) : undefined;
      if (time === undefined || Math.abs(time) > 8.64e15) {
        refuse(
          'query/range-time',
          at,
          `\`${field}\` is a time, and this end is none`,
          'Write 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970.',
        );
      }
      return { ...end, value: new Date(time).toISOString() };
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

/** A clause without a field. */
export function freeText(value: Value, at: number): Query {
  if (value.kind === 'range')
    return refuse('query/range-field', at, 'a range needs a field', 'Write field:[low TO high].');
  if (value.kind === 'quoted') return { kind: 'text', text: value.text };
  const inner = value.text.replace(/^\*+/, '').replace(/(?<!\\)((?:\\\\)*)\*+$/, '$1');
  if (inner === '') return { kind: 'all' };
  if (!hasWildcard(inner)) return { kind: 'text', text: unescapeWord(inner) };
  const pattern = `*${inner}*`;
  return {
    kind: 'or',
    left: { kind: 'wildcard', field: 'event.original', pattern },
    right: { kind: 'wildcard', field: 'message', pattern },
  };
}

function hasWildcard(word: string): boolean {
  return /[*?]/.test(word.replace(/\\./gs, ''));
}
