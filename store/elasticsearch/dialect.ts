// Queries as Elasticsearch filters that hold for every event that is meant, and maybe for more: the caller filters again. Values
// that were not indexed (too long, of another type) and wrapped documents are let through.
import { fieldNamed } from '../../event/catalogue.ts';
import { addressNumber, parseNetwork } from '../query/address.ts';
import { timeNumber } from '../query/matches.ts';
import type { Query, RangeEnd } from '../query/query.ts';
import { wildcardParts } from '../query/wildcard.ts';
import { WRAPPED_FIELD } from './mapping.ts';

export type Filter = Record<string, unknown>;

const ALL: Filter = { match_all: {} };
const DAY_MS = 86_400_000;

export function filterOf(query: Query): Filter {
  const filter = narrow(query);
  return filter === ALL ? ALL : anyOf([filter, { term: { [`${WRAPPED_FIELD}_mark`]: 'yes' } }]);
}

function narrow(query: Query): Filter {
  switch (query.kind) {
    case 'and': {
      const filters = [narrow(query.left), narrow(query.right)].filter((filter) => filter !== ALL);
      return filters.length === 0 ? ALL : { bool: { filter: filters } };
    }
    case 'or': {
      const [left, right] = [narrow(query.left), narrow(query.right)];
      return left === ALL || right === ALL ? ALL : anyOf([left, right]);
    }
    case 'equals':
      return equalsFilter(query.field, query.value);
    case 'wildcard':
      return wildcardFilter(query.field, query.pattern);
    case 'range':
      return rangeFilter(query.field, query.min, query.max);
    case 'regex':
    case 'exists': {
      const type = indexedType(query.field);
      return type === undefined ? ALL : orIgnored(query.field, { exists: { field: query.field } });
    }
    // What lets through too much must not be turned round; and words of a text are no parts of it.
    case 'all':
    case 'not':
    case 'text':
      return ALL;
  }
}

function equalsFilter(field: string, value: string): Filter {
  switch (indexedType(field)) {
    case 'keyword':
      return /^[\x01-\x7f]+$/.test(value) ? keywordFilter(field, value.replace(/[*?\\]/g, '\\$&')) : ALL;
    case 'long':
      return String(Number(value)) === value && Number.isSafeInteger(Number(value))
        ? orIgnored(field, { term: { [field]: Number(value) } })
        : ALL;
    case 'ip':
      return addressNumber(value) !== undefined || parseNetwork(value) !== undefined
        ? orIgnored(field, { term: { [field]: value } })
        : ALL;
    default:
      return ALL;
  }
}

function wildcardFilter(field: string, pattern: string): Filter {
  if (indexedType(field) !== 'keyword') return ALL;
  const ascii = wildcardParts(pattern)
    .map((part) => {
      if (part.kind === 'text') return part.text.replace(/[*?\\]/g, '\\$&').replace(/[^\x01-\x7f]+/g, '*');
      return part.kind === 'run' ? '*' : '?';
    })
    .join('');
  return /^[*]*$/.test(ascii) ? orIgnored(field, { exists: { field } }) : keywordFilter(field, ascii);
}

/** A pattern of ASCII. Two letters outside ASCII fold into it (K to k, dotted capital I to i), which Elasticsearch does not do. */
function keywordFilter(field: string, pattern: string): Filter {
  const value = pattern.replace(/[ki]/gi, '?');
  return orIgnored(field, { wildcard: { [field]: { value, case_insensitive: true } } });
}

/** Ends are taken wider than meant: a `long` drops fractions, and a time without a zone is read as UTC. */
function rangeFilter(field: string, min: RangeEnd | undefined, max: RangeEnd | undefined): Filter {
  const type = indexedType(field);
  if (type !== 'long' && type !== 'date') return ALL;
  const read = (end: RangeEnd | undefined): number | undefined =>
    end === undefined ? undefined : type === 'date' ? timeNumber(end.value) : Number(end.value);
  const margin = type === 'date' ? DAY_MS : 1;
  const [low, high] = [read(min), read(max)];
  const isPlain = (number: number | undefined): boolean => number === undefined || Math.abs(number) < 2 ** 53;
  if ((low === undefined && min !== undefined) || (high === undefined && max !== undefined)) return ALL;
  if (!isPlain(low) || !isPlain(high)) return ALL;
  const ends = {
    ...(low === undefined ? {} : { gte: Math.floor(low) - margin }),
    ...(high === undefined ? {} : { lte: Math.ceil(high) + margin }),
    ...(type === 'date' ? { format: 'epoch_millis' } : {}),
  };
  return low === undefined && high === undefined
    ? orIgnored(field, { exists: { field } })
    : orIgnored(field, { range: { [field]: ends } });
}

/** The type of a field that is indexed under its own name. */
function indexedType(field: string) {
  const known = fieldNamed(field);
  return known?.type === 'flattened' || known === undefined || isInsideFlattened(field) ? undefined : known.type;
}

function isInsideFlattened(field: string): boolean {
  for (let end = field.lastIndexOf('.'); end > 0; end = field.lastIndexOf('.', end - 1)) {
    if (fieldNamed(field.slice(0, end))?.type === 'flattened') return true;
  }
  return false;
}

function orIgnored(field: string, filter: Filter): Filter {
  return anyOf([filter, { term: { _ignored: field } }]);
}

function anyOf(filters: readonly Filter[]): Filter {
  return { bool: { should: filters, minimum_should_match: 1 } };
}
