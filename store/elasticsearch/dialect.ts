// Queries as Elasticsearch filters. Each gives two: one that holds for every event that is meant (and maybe more), and one that holds
// only for events that are meant (and maybe fewer), so that NOT stays on the safe side and what is surely meant is counted without
// being read. A value that was not indexed is named in `_ignored`, and its event may always be meant. Wrapped documents are put to the
// one side and taken from the other at the end. Longer than 300 lines, because it is one table of kinds by types.
import { fieldNamed } from '../../event/catalogue.ts';
import { addressNumber, parseNetwork } from '../query/address.ts';
import { fold } from '../query/fold.ts';
import { timeNumber } from '../query/matches.ts';
import type { Query, RangeEnd } from '../query/query.ts';
import { wildcardParts } from '../query/wildcard.ts';
import { INDEXED_MS_MAX, INDEXED_MS_MIN, WRAPPED_MARK } from './mapping.ts';
import { luceneOf } from './regex-expression.ts';
import { expressionOfText, expressionOfWildcard, isCaseless } from './word-class.ts';

export type Filter = Record<string, unknown>;

export interface Condition {
  /** True for every event that the query means. */
  readonly superset: Filter;
  /** True only for events that the query means. */
  readonly subset: Filter;
}

export const ALL: Filter = { match_all: {} };
export const NONE: Filter = { match_none: {} };
const ANY: Condition = { superset: ALL, subset: NONE };

/** A query's two sides, for indices that have our mapping of its fields (index-book.ts). */
export function conditionOf(query: Query): Condition {
  const { superset, subset } = compile(query);
  return { superset: anyOf([superset, WRAPPED]), subset: allOf([subset, not(WRAPPED)]) };
}

/** The documents of which the index knows nothing but the time. */
const WRAPPED: Filter = { term: { [WRAPPED_MARK]: 'yes' } };

/** The fields whose mapping a query's filter relies on. */
export function fieldsOf(query: Query): readonly string[] {
  switch (query.kind) {
    case 'all':
    case 'id':
      return [];
    case 'and':
    case 'or':
      return [...fieldsOf(query.left), ...fieldsOf(query.right)];
    case 'not':
      return fieldsOf(query.query);
    case 'text':
      return TEXT_FIELDS;
    default:
      return [query.field];
  }
}

const TEXT_FIELDS: readonly string[] = ['event.original', 'message'];

function compile(query: Query): Condition {
  switch (query.kind) {
    case 'all':
      return { superset: ALL, subset: ALL };
    case 'and':
    case 'or': {
      const [left, right] = [compile(query.left), compile(query.right)];
      const join = query.kind === 'and' ? allOf : anyOf;
      return bounded({ superset: join([left.superset, right.superset]), subset: join([left.subset, right.subset]) });
    }
    case 'not': {
      const inner = compile(query.query);
      return bounded({ superset: not(inner.subset), subset: not(inner.superset) });
    }
    case 'id': {
      const isIt = { ids: { values: [query.id] } };
      return { superset: isIt, subset: isIt };
    }
    case 'exists':
      // An object within a `flattened` one is a value, and has no term.
      return indexedType(query.field) === undefined || indexedType(query.field) === 'flattened'
        ? ANY
        : decided(query.field, exists(query.field));
    case 'equals':
      return equalsCondition(query.field, query.value);
    case 'wildcard':
      return wildcardCondition(query.field, query.pattern);
    case 'regex':
      return regexCondition(query.field, query.pattern);
    case 'range':
      return rangeCondition(query.field, query.min, query.max);
    case 'text':
      return { superset: anyOf(TEXT_FIELDS.map((field) => words(field, query.text))), subset: NONE };
  }
}

/** What would nest deeper than a cluster takes is not asked, but read. */
function bounded(condition: Condition): Condition {
  return Math.max(depthOf(condition.superset), depthOf(condition.subset)) > DEPTH_MAX ? ANY : condition;
}

/** Elasticsearch takes 30 (`indices.query.bool.max_nested_depth`); what is put around a query takes some of them. */
const DEPTH_MAX = 20;

function depthOf({ bool }: Filter): number {
  if (bool === undefined) return 0;
  return (
    1 +
    Math.max(0, ...Object.values(bool as Filter).flatMap((inner) => (Array.isArray(inner) ? inner.map(depthOf) : [])))
  );
}

function equalsCondition(field: string, value: string): Condition {
  switch (indexedType(field)) {
    case 'keyword': {
      if (!value.isWellFormed()) return onlyIgnored(field);
      if (isCaseless(value)) return decided(field, { term: { [field]: value } });
      return expressed(field, expressionOfText(value));
    }
    case 'long': {
      const number = Number(value);
      if (String(number) !== value) return onlyIgnored(field);
      if (Number.isSafeInteger(number)) return decided(field, { term: { [field]: number } });
      return Number.isInteger(number) ? mayBeAny(field) : onlyIgnored(field);
    }
    case 'ip':
      if (addressNumber(value) === undefined && parseNetwork(value) === undefined) return onlyIgnored(field);
      return decided(field, { term: { [field]: value } });
    case 'date': {
      const time = timeNumber(value);
      return time === undefined || !Number.isInteger(time) ? onlyIgnored(field) : dateRange(field, time, time);
    }
    case 'boolean':
      return ['true', 'false'].includes(value.toLowerCase())
        ? { superset: orIgnored(field, { term: { [field]: value.toLowerCase() } }), subset: NONE }
        : mayBeAny(field);
    case 'text':
      return { superset: words(field, value), subset: NONE };
    case 'flattened':
      return /^[\x01-\x7f]+$/.test(value) && !/[ki]/i.test(value)
        ? { superset: { term: { [field]: { value, case_insensitive: true } } }, subset: NONE }
        : { superset: exists(field), subset: NONE };
    case undefined:
      return ANY;
  }
}

function wildcardCondition(field: string, pattern: string): Condition {
  const parts = wildcardParts(pattern);
  switch (indexedType(field)) {
    case 'keyword': {
      if (parts.every(({ kind }) => kind === 'run') && parts.length > 0) return decided(field, exists(field));
      return parts.some((part) => part.kind === 'text' && !part.text.isWellFormed())
        ? onlyIgnored(field)
        : expressed(field, expressionOfWildcard(parts));
    }
    case 'ip':
      return addressPrefix(field, pattern);
    case 'text': {
      const texts = parts.flatMap((part) => (part.kind === 'text' ? [words(field, part.text)] : []));
      return { superset: texts.length === 0 ? exists(field) : allOf(texts), subset: NONE };
    }
    default:
      return mayBeAny(field);
  }
}

function regexCondition(field: string, pattern: string): Condition {
  return indexedType(field) === 'keyword' ? expressed(field, luceneOf(pattern)) : mayBeAny(field);
}

/** `10.1.*`: the network holds all that is meant, and what writes the same addresses otherwise. */
function addressPrefix(field: string, pattern: string): Condition {
  const parts = /^((?:[0-9]{1,3}\.){1,3})\*$/.exec(pattern)?.[1]?.split('.').slice(0, -1);
  if (parts === undefined) return mayBeAny(field);
  const network = `${[...parts, '0', '0', '0'].slice(0, 4).join('.')}/${parts.length * 8}`;
  return parseNetwork(network) === undefined
    ? mayBeAny(field)
    : { superset: orIgnored(field, { term: { [field]: network } }), subset: NONE };
}

function rangeCondition(field: string, min: RangeEnd | undefined, max: RangeEnd | undefined): Condition {
  if (min === undefined && max === undefined) return mayBeAny(field);
  switch (indexedType(field)) {
    case 'long': {
      const [low, high] = [integerEnd(min, 1), integerEnd(max, -1)];
      if (low === 'none' || high === 'none') return onlyIgnored(field);
      if (low === 'vast' || high === 'vast') return mayBeAny(field);
      return decided(field, { range: { [field]: { ...given('gte', low), ...given('lte', high) } } });
    }
    case 'date': {
      const [low, high] = [timeEnd(min, 1), timeEnd(max, -1)];
      if (low === 'none' || high === 'none') return onlyIgnored(field);
      return dateRange(field, low, high);
    }
    case 'ip': {
      for (const end of [min, max]) {
        if (end !== undefined && addressNumber(end.value) === undefined) return onlyIgnored(field);
      }
      const ends = {
        ...given(min?.isInclusive === true ? 'gte' : 'gt', min?.value),
        ...given(max?.isInclusive === true ? 'lte' : 'lt', max?.value),
      };
      return decided(field, { range: { [field]: ends } });
    }
    default:
      return mayBeAny(field);
  }
}

/** The whole number from which on (or up to which) values are in the range; `none` where no number is. */
function integerEnd(end: RangeEnd | undefined, step: 1 | -1): number | undefined | 'none' | 'vast' {
  if (end === undefined) return undefined;
  if (!/^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(end.value)) return 'none';
  const number = Number(end.value);
  const whole = step > 0 ? Math.ceil(number) : Math.floor(number);
  const bound = whole === number && !end.isInclusive ? whole + step : whole;
  return Number.isSafeInteger(bound) ? bound : 'vast';
}

function timeEnd(end: RangeEnd | undefined, step: 1 | -1): number | undefined | 'none' {
  if (end === undefined) return undefined;
  const ms = timeNumber(end.value);
  if (ms === undefined) return 'none';
  const whole = step > 0 ? Math.ceil(ms) : Math.floor(ms);
  return whole === ms && !end.isInclusive ? whole + step : whole;
}

/** Both ends inclusive. Indexed times are whole milliseconds. */
function dateRange(field: string, fromMs: number | undefined, toMs: number | undefined): Condition {
  // Outside of years of four digits the index and a search may read a time differently.
  const reach = (ms: number | undefined, otherwise: number): number =>
    Math.max(INDEXED_MS_MIN, Math.min(ms ?? otherwise, INDEXED_MS_MAX));
  const subset = timeRange(field, reach(fromMs, INDEXED_MS_MIN), reach(toMs, INDEXED_MS_MAX));
  const isBeyond = (fromMs ?? INDEXED_MS_MIN) > INDEXED_MS_MAX || (toMs ?? INDEXED_MS_MAX) < INDEXED_MS_MIN;
  return {
    superset: orIgnored(
      field,
      anyOf([
        subset,
        { range: { [field]: { lt: INDEXED_MS_MIN, format: 'epoch_millis' } } },
        { range: { [field]: { gt: INDEXED_MS_MAX, format: 'epoch_millis' } } },
      ]),
    ),
    subset: isBeyond ? NONE : subset,
  };
}

/** Both ends inclusive, epoch ms. */
export function timeRange(field: string, fromMs: number, toMs: number): Filter {
  return { range: { [field]: { gte: fromMs, lte: toMs, format: 'epoch_millis' } } };
}

/** The index holds what the event says, except for what it ignored. */
function decided(field: string, filter: Filter): Condition {
  return { superset: orIgnored(field, filter), subset: filter };
}

function expressed(field: string, expression: string | undefined): Condition {
  if (expression === undefined) return mayBeAny(field);
  if (expression === '') return decided(field, { term: { [field]: '' } });
  return decided(field, {
    regexp: { [field]: { value: expression, flags: 'NONE', max_determinized_states: 100_000 } },
  });
}

/** Any value may be meant. */
function mayBeAny(field: string): Condition {
  const type = indexedType(field);
  if (type === undefined) return ANY;
  return { superset: type === 'flattened' ? exists(field) : orIgnored(field, exists(field)), subset: NONE };
}

/** No value that is indexed can be meant. */
function onlyIgnored(field: string): Condition {
  return { superset: { term: { _ignored: field } }, subset: NONE };
}

/**
 * Events whose words can make up the text. The index holds words in lower case; a run of ASCII letters and digits is never in two
 * of them. Where a blank or the like stands beside it, its word ends there.
 */
function words(field: string, text: string): Filter {
  const filters: Filter[] = [];
  const folded = fold(text);
  for (const match of folded.matchAll(/[a-z0-9]+/g)) {
    const [word] = match;
    const [before, after] = [folded[match.index - 1], folded[match.index + word.length]];
    const isWhole = [before, after].every((beside) => beside !== undefined && BREAKS.test(beside));
    const value = [...word].map((letter) => (letter === 'k' || letter === 'i' ? '?' : letter)).join('');
    if (isWhole && value === word) filters.push({ term: { [field]: word } });
    else filters.push({ wildcard: { [field]: { value: isWhole ? value : `*${value}*` } } });
  }
  return filters.length === 0 || filters.length > WORDS_MAX ? exists(field) : allOf(filters);
}

const WORDS_MAX = 64;
/** What ends a word whatever stands beyond it. */
const BREAKS = /^[ \t\n="/()<>[\]{}]$/;

type IndexedType = 'keyword' | 'text' | 'long' | 'ip' | 'date' | 'boolean' | 'flattened';

/** How a field is indexed under its own name; `flattened`: as a leaf of such an object. */
export function indexedType(field: string): IndexedType | undefined {
  const type = fieldNamed(field)?.type;
  for (let end = field.lastIndexOf('.'); end > 0; end = field.lastIndexOf('.', end - 1)) {
    // An object within has no terms of its own, but can be asked for.
    if (fieldNamed(field.slice(0, end))?.type === 'flattened') return 'flattened';
  }
  return type === 'flattened' ? undefined : type;
}

function exists(field: string): Filter {
  return { exists: { field } };
}

function orIgnored(field: string, filter: Filter): Filter {
  return anyOf([filter, { term: { _ignored: field } }]);
}

export function anyOf(filters: readonly Filter[]): Filter {
  const some = filters.filter((filter) => filter !== NONE);
  if (some.includes(ALL)) return ALL;
  if (some.length <= 1) return some[0] ?? NONE;
  return { bool: { should: some.flatMap((filter) => alternativesOf(filter)), minimum_should_match: 1 } };
}

/** A chain of alternatives is one level, however long: a cluster bounds how deep conditions may be. */
function alternativesOf(filter: Filter): readonly Filter[] {
  const bool = filter['bool'] as { should?: readonly Filter[] } | undefined;
  return bool?.should ?? [filter];
}

export function allOf(filters: readonly Filter[]): Filter {
  const some = filters.filter((filter) => filter !== ALL);
  if (some.includes(NONE)) return NONE;
  if (some.length <= 1) return some[0] ?? ALL;
  return { bool: { filter: some.flatMap((filter) => partsOf(filter)) } };
}

/** The same of a chain of conditions that all have to hold. */
function partsOf(filter: Filter): readonly Filter[] {
  const bool = filter['bool'] as { filter?: readonly Filter[] } | undefined;
  return bool?.filter ?? [filter];
}

export function not(filter: Filter): Filter {
  if (filter === ALL) return NONE;
  return filter === NONE ? ALL : { bool: { must_not: [filter] } };
}

function given(name: string, value: string | number | undefined): Record<string, string | number> {
  return value === undefined ? {} : { [name]: value };
}
