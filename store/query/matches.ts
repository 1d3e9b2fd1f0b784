// What a query means: the predicate that every store's answer is filtered with. A store's own dialect may let through more
// than this, never less (docs/architecture.md, promise 5).
import { type FieldType, fieldNamed } from '../../event/catalogue.ts';
import type { EventDocument } from '../../event/document.ts';
import { addressNumber, parseNetwork } from './address.ts';
import { fold } from './fold.ts';
import type { Query, RangeEnd } from './query.ts';
import { compileRegex } from './regex.ts';
import { valuesOf } from './values.ts';
import { matchesWildcard, wildcardParts } from './wildcard.ts';

export type Matcher = (document: EventDocument, id: string) => boolean;

/** The fields that free text is looked for in. */
const TEXT_FIELDS: readonly string[] = ['event.original', 'message'];

/** True when the document is what the query asks for. */
export function matchesQuery(query: Query, document: EventDocument, id = ''): boolean {
  return matcherOf(query)(document, id);
}

/** The query as a predicate, for many documents. */
export function matcherOf(query: Query): Matcher {
  switch (query.kind) {
    case 'all':
      return () => true;
    case 'and': {
      const [left, right] = [matcherOf(query.left), matcherOf(query.right)];
      return (document, id) => left(document, id) && right(document, id);
    }
    case 'or': {
      const [left, right] = [matcherOf(query.left), matcherOf(query.right)];
      return (document, id) => left(document, id) || right(document, id);
    }
    case 'not': {
      const inner = matcherOf(query.query);
      return (document, id) => !inner(document, id);
    }
    case 'id':
      return (_, id) => id === query.id;
    case 'exists':
      return (document) => valuesOf(document, query.field).length > 0;
    case 'equals':
      return anyValue(query.field, equalsTest(query.value, typeOf(query.field)));
    case 'wildcard': {
      const parts = wildcardParts(query.pattern);
      return anyValue(query.field, (value) => {
        const text = scalarText(value);
        return text !== undefined && matchesWildcard(parts, fold(text));
      });
    }
    case 'regex': {
      const expression = compileRegex(query.pattern);
      return anyValue(query.field, (value) => {
        const text = scalarText(value);
        return text !== undefined && expression(text);
      });
    }
    case 'range':
      return anyValue(query.field, rangeTest(query.min, query.max, typeOf(query.field)));
    case 'text': {
      const text = fold(query.text);
      return (document) =>
        TEXT_FIELDS.some((field) =>
          valuesOf(document, field).some((value) => fold(scalarText(value) ?? '').includes(text)),
        );
    }
  }
}

/** A scalar as searches see it: numbers and booleans as JSON writes them; undefined for objects. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** A time as a range end or a document gives it: ISO 8601 or epoch milliseconds. */
export function timeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value === '') return undefined;
  if (/^-?[0-9]{1,16}$/.test(value) && value.length !== 4) return Number(value);
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function typeOf(field: string): FieldType | undefined {
  return fieldNamed(field)?.type;
}

function anyValue(field: string, test: (value: unknown) => boolean): Matcher {
  return (document) => valuesOf(document, field).some(test);
}

function equalsTest(wanted: string, type: FieldType | undefined): (value: unknown) => boolean {
  const folded = fold(wanted);
  const sameText = (value: unknown): boolean => {
    const text = scalarText(value);
    return text !== undefined && fold(text) === folded;
  };
  if (type === 'ip') {
    const address = addressNumber(wanted);
    const network = parseNetwork(wanted) ?? (address === undefined ? undefined : { first: address, last: address });
    if (network === undefined) return sameText;
    return (value) => {
      const number = typeof value === 'string' ? addressNumber(value) : undefined;
      return number === undefined ? sameText(value) : number >= network.first && number <= network.last;
    };
  }
  if (type === 'date') {
    const time = timeNumber(wanted);
    return (value) => sameText(value) || (time !== undefined && timeNumber(value) === time);
  }
  return sameText;
}

/** −1, 0, 1, or undefined when the two cannot be compared. */
type Comparison = (value: unknown) => number | undefined;

function rangeTest(
  min: RangeEnd | undefined,
  max: RangeEnd | undefined,
  type: FieldType | undefined,
): (value: unknown) => boolean {
  const aboveMin = min === undefined ? undefined : comparisonWith(min.value, type);
  const belowMax = max === undefined ? undefined : comparisonWith(max.value, type);
  return (value) => {
    if (aboveMin !== undefined) {
      const order = aboveMin(value);
      if (order === undefined || order < 0 || (order === 0 && min?.isInclusive !== true)) return false;
    }
    if (belowMax !== undefined) {
      const order = belowMax(value);
      if (order === undefined || order > 0 || (order === 0 && max?.isInclusive !== true)) return false;
    }
    return aboveMin !== undefined || belowMax !== undefined || scalarText(value) !== undefined;
  };
}

function comparisonWith(end: string, type: FieldType | undefined): Comparison {
  switch (type) {
    case 'date':
      return comparing(timeNumber(end), timeNumber);
    case 'long':
      return comparing(finiteNumber(end), finiteNumber);
    case 'ip':
      return comparing(addressNumber(end), (value) => (typeof value === 'string' ? addressNumber(value) : undefined));
    default: {
      // Outside the catalogue's numbers: by number where both are, else as folded text.
      const number = finiteNumber(end);
      const text = fold(end);
      return (value) => {
        const own = finiteNumber(value);
        if (number !== undefined && own !== undefined) return compare(own, number);
        const ownText = scalarText(value);
        return ownText === undefined ? undefined : compare(fold(ownText), text);
      };
    }
  }
}

function comparing<T extends number | bigint>(end: T | undefined, read: (value: unknown) => T | undefined): Comparison {
  return (value) => {
    const own = read(value);
    return end === undefined || own === undefined ? undefined : compare(own, end);
  };
}

function compare<T extends number | bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function finiteNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || !/^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(value)) return undefined;
  return Number(value);
}
