// Queries as DuckDB conditions. Each gives two: one that holds for every event that is meant (and maybe more), and one that
// holds only for events that are meant (and maybe fewer), so that NOT stays on the safe side and counts need no documents where
// both agree. Values are always bound. Longer than 300 lines, because it is one table of kinds by places.
import { fieldNamed } from '../../event/catalogue.ts';
import { addressNumber, parseNetwork } from '../query/address.ts';
import { fold } from '../query/fold.ts';
import { timeNumber } from '../query/matches.ts';
import type { Query, RangeEnd } from '../query/query.ts';
import { wildcardParts } from '../query/wildcard.ts';
import { addressKeyRanges, isIdOf } from './columns.ts';
import type { AskedLayout } from './even-layout.ts';
import { type FieldPlace, fieldPlace, NEVER } from './field-place.ts';
import { isApartFromStamps, mayBeEntitySql } from './short-forms.ts';
import {
  type Bind,
  containsTest,
  equalsTest,
  isUnstorable,
  regexTest,
  type TextTests,
  wildcardTest,
} from './text-test.ts';

export interface Condition {
  /** True for every event that the query means. */
  readonly superset: string;
  /** True only for events that the query means. */
  readonly subset: string;
}

export interface CompiledQuery {
  /** Texts with `$n` for values. */
  readonly sql: readonly string[];
  readonly values: readonly (string | number)[];
}

const ANY: Condition = { superset: 'TRUE', subset: 'FALSE' };
const LEAST_ADDRESS = 0n;
const GREATEST_ADDRESS = (1n << 128n) - 1n;

/** The wanted sides of a query as SQL. `firstParameter` is the number of the first `$n`. */
export function compileQuery(
  query: Query,
  layout: AskedLayout,
  options: {
    readonly firstParameter: number;
    readonly sides: readonly (keyof Condition)[];
    /** The sides may be NULL for what they do not hold for: quicker, and nothing for NOT. */
    readonly isFilter?: boolean;
    /** Nothing is asked of fields without columns: each such condition takes memory of its own. */
    readonly isFrugal?: boolean;
  },
): CompiledQuery {
  const { firstParameter, sides, isFilter = false, isFrugal = false } = options;
  const bound: (string | number)[] = [];
  // No text that a person wrote is ever in the SQL, so nothing else can look like this mark.
  const condition = compile(query, {
    layout,
    bind: (value) => `\u0001${bound.push(value) - 1}\u0001`,
    mayBeNull: isFilter,
    isFrugal,
  });
  const numbers = new Map<number, number>();
  const values: (string | number)[] = [];
  // Only what the wanted sides hold is numbered: the database refuses values that no text names.
  const sql = sides.map((side) =>
    condition[side].replace(/\u0001([0-9]+)\u0001/g, (_, mark: string) => {
      const at = Number(mark);
      const value = bound[at] ?? '';
      const number = numbers.get(at) ?? firstParameter + values.push(value) - 1;
      numbers.set(at, number);
      return `$${number}${typeof value === 'number' ? '::DOUBLE' : '::VARCHAR'}`;
    }),
  );
  return { sql, values };
}

interface Compiling {
  readonly layout: AskedLayout;
  readonly bind: Bind;
  /** True where NULL does for FALSE: in a filter, beneath no NOT. */
  readonly mayBeNull: boolean;
  readonly isFrugal: boolean;
}

/** A field's place, and whether a test of it may be NULL. */
type Place = FieldPlace & { readonly mayBeNull: boolean };

function compile(query: Query, compiling: Compiling): Condition {
  const { bind, layout, mayBeNull, isFrugal } = compiling;
  const placeOf = (field: string): Place => {
    const place = fieldPlace(field, layout);
    return { ...(isFrugal && place.kind === 'rest' ? ({ kind: 'unknown' } as const) : place), mayBeNull };
  };
  switch (query.kind) {
    case 'all':
      return { superset: 'TRUE', subset: 'TRUE' };
    case 'and':
    case 'or': {
      const [left, right] = [compile(query.left, compiling), compile(query.right, compiling)];
      const word = query.kind.toUpperCase();
      return {
        superset: `(${left.superset} ${word} ${right.superset})`,
        subset: `(${left.subset} ${word} ${right.subset})`,
      };
    }
    case 'not': {
      const inner = compile(query.query, { ...compiling, mayBeNull: false });
      return { superset: `(NOT ${inner.subset})`, subset: `(NOT ${inner.superset})` };
    }
    case 'id': {
      const isIt = isUnstorable(query.id) ? 'FALSE' : isIdOf([query.id], [bind(query.id)], layout);
      return { superset: isIt, subset: isIt };
    }
    case 'exists':
      return existsCondition(placeOf(query.field));
    case 'equals':
      return equalsCondition(query, placeOf(query.field), bind);
    case 'wildcard':
      return wildcardCondition(query, placeOf(query.field), bind);
    case 'regex':
      return textCondition(placeOf(query.field), regexTest(query.pattern, bind), []);
    case 'range':
      return rangeCondition(query, placeOf(query.field), bind);
    case 'text': {
      const conditions = ['event.original', 'message'].map((field) =>
        textCondition(
          apartFromStamps(placeOf(field), fold(query.text)),
          isUnstorable(query.text) ? undefined : containsTest(query.text, bind),
          plainPieces(fold(query.text)).map(bind),
        ),
      );
      const side = (name: keyof Condition): string =>
        `(${conditions.map((condition) => condition[name]).join(' OR ')})`;
      return { superset: side('superset'), subset: side('subset') };
    }
  }
}

type Leaf<Kind extends Query['kind']> = Extract<Query, { kind: Kind }>;

function existsCondition(place: Place): Condition {
  switch (place.kind) {
    case 'unknown':
      return ANY;
    case 'list':
      return decided(place, `len(${place.sql}) > 0`);
    case 'rest':
      return decided(place, `${place.sql} IS NOT NULL`);
    default:
      return decided(place, place.short?.isThere ?? `${place.sql} IS NOT NULL`);
  }
}

/** The place to look for a text in: as it is stored, where that tells as much. */
function apartFromStamps(place: Place, folded: string): Place {
  if (place.kind !== 'text' || place.short?.stamped === undefined || !isApartFromStamps(folded)) return place;
  return { ...place, sql: place.short.stamped };
}

function equalsCondition({ field, value }: Leaf<'equals'>, place: Place, bind: Bind): Condition {
  const type = fieldNamed(field)?.type;
  switch (place.kind) {
    case 'unknown':
      return ANY;
    case 'number':
    case 'double': {
      const number = Number(value);
      const mayStand = String(number) === value && (place.kind === 'double' || Number.isSafeInteger(number));
      return decided(place, mayStand && Number.isFinite(number) ? `${place.sql} = ${bind(number)}` : 'FALSE');
    }
    case 'time': {
      const written = Date.parse(value.toUpperCase());
      const times = new Set([timeNumber(value)]);
      if (!Number.isNaN(written) && fold(new Date(written).toISOString()) === fold(value)) times.add(written);
      const tests = [...times].flatMap((time) => (time === undefined ? [] : [`${place.sql} = ${bind(time)}`]));
      return decided(place, tests.length === 0 ? 'FALSE' : `(${tests.join(' OR ')})`);
    }
    case 'rest':
      if (type === 'ip' || type === 'date') return ANY;
      break;
    case 'text':
    case 'list': {
      const address = addressNumber(value);
      const network = parseNetwork(value) ?? (address === undefined ? undefined : { first: address, last: address });
      if (type !== 'ip' || network === undefined) break;
      if (place.address === undefined) return inDoubt(place);
      const own = textCondition(place, equalsTest(value, bind), []);
      const inside = addressTest(place, place.address, network.first, network.last, bind);
      // A text that is no address is the same as itself only.
      const isText = place.kind === 'text' ? `${place.address} IS NULL AND ${place.sql} IS NOT NULL AND ` : '';
      return {
        superset: `(${inside.superset} OR (${isText}${own.superset}))`,
        subset: `(${inside.subset} OR (${isText}${own.subset}))`,
      };
    }
  }
  const pieces = place.kind === 'rest' ? plainPieces(fold(value)).map(bind) : [];
  const entity = place.kind === 'text' ? place.short?.entity : undefined;
  const tests = equalsTest(value, bind);
  if (entity === undefined || tests === undefined) return textCondition(place, tests, pieces);
  // Nearly all rows are told apart by a number, without making their texts.
  const mayBe = mayBeEntitySql(fold(value), entity);
  const first = (test: (sql: string) => string) => (sql: string) => `(${mayBe} AND ${test(sql)})`;
  return textCondition(place, { superset: first(tests.superset), subset: first(tests.subset) }, pieces);
}

function wildcardCondition({ pattern }: Leaf<'wildcard'>, place: Place, bind: Bind): Condition {
  const pieces = wildcardParts(pattern).flatMap((part) => (part.kind === 'text' ? plainPieces(part.text) : []));
  return textCondition(place, wildcardTest(pattern, bind), pieces.map(bind));
}

/**
 * A test of a field's text, or of any member of a list. `pieces` stand, in lower case, in every text that the test holds for: what
 * is left of the test where it cannot be asked.
 */
function textCondition(place: Place, tests: TextTests | undefined, pieces: readonly string[]): Condition {
  const holdsPieces = (sql: string): string =>
    pieces.length === 0
      ? `${sql} IS NOT NULL`
      : pieces.map((piece) => `contains(lower(${sql}), ${piece})`).join(' AND ');
  switch (place.kind) {
    case 'unknown':
      return ANY;
    case 'time':
    case 'double':
      return inDoubt(place);
    case 'number':
      return sides(place, tests, { on: `${place.sql}::VARCHAR`, holdsPieces });
    case 'text':
      return sides(place, tests, { on: place.sql, holdsPieces });
    case 'list': {
      const any = (test: string): string => `len(list_filter(${place.sql}, lambda x: ${test})) > 0`;
      if (tests === undefined) return { superset: atLeast(place, any(holdsPieces('x'))), subset: 'FALSE' };
      return {
        superset: atLeast(place, any(tests.superset('x'))),
        subset: atMost(place, any(tests.subset('x'))),
      };
    }
    case 'rest': {
      // First what needs no JSON to be read.
      const mayBe = `coalesce(${place.present} AND ${holdsPieces('"_rest"')}, FALSE)`;
      if (tests === undefined) return { superset: mayBe, subset: 'FALSE' };
      return {
        superset: `(${mayBe} AND (${place.odd} OR coalesce(${tests.superset(place.sql)}, FALSE)))`,
        subset: `(${mayBe} AND NOT ${place.odd} AND coalesce(${tests.subset(place.sql)}, FALSE))`,
      };
    }
  }
}

function sides(
  place: DecidedPlace,
  tests: TextTests | undefined,
  { on, holdsPieces }: { readonly on: string; readonly holdsPieces: (sql: string) => string },
): Condition {
  if (tests === undefined) return { superset: atLeast(place, holdsPieces(on)), subset: 'FALSE' };
  return {
    superset: atLeast(place, tests.superset(on)),
    subset: atMost(place, tests.subset(on)),
  };
}

function rangeCondition({ field, min, max }: Leaf<'range'>, place: Place, bind: Bind): Condition {
  if (place.kind === 'unknown') return ANY;
  const type = fieldNamed(field)?.type;
  if (min === undefined && max === undefined) {
    // Any scalar; a list's members are all texts.
    return existsCondition(place);
  }
  if (type === 'ip') {
    if (place.kind === 'rest' || place.kind === 'time') return ANY;
    if (!('address' in place) || place.address === undefined) return inDoubt(place);
    const first = min === undefined ? LEAST_ADDRESS : addressEnd(min, 1n);
    const last = max === undefined ? GREATEST_ADDRESS : addressEnd(max, -1n);
    if (first === undefined || last === undefined || first > last) return decided(place, 'FALSE');
    return addressTest(place, place.address, first, last, bind);
  }
  if (type === 'long' || type === 'date') {
    if (place.kind !== 'number' && place.kind !== 'double' && place.kind !== 'time') {
      return place.kind === 'rest' ? { superset: place.present, subset: 'FALSE' } : inDoubt(place);
    }
    const read = type === 'date' ? timeNumber : numberOf;
    return endsTest(
      place,
      place.sql,
      [min, max].map((end) => (end === undefined ? undefined : (read(end.value) ?? Number.NaN))),
      { min, max, bind },
    );
  }
  switch (place.kind) {
    case 'text':
    case 'rest': {
      const test = textRange(min, max, bind);
      return test === undefined ? inDoubt(place) : decided(place, test(place.sql));
    }
    case 'list': {
      const test = textRange(min, max, bind);
      return test === undefined
        ? inDoubt(place)
        : decided(place, `len(list_filter(${place.sql}, lambda x: coalesce(${test('x')}, FALSE))) > 0`);
    }
    default:
      return inDoubt(place);
  }
}

/** An address that is the range's end, inclusive; undefined when the end is no address. */
function addressEnd(end: RangeEnd, inwards: bigint): bigint | undefined {
  const number = addressNumber(end.value);
  return number === undefined || end.isInclusive ? number : number + inwards;
}

function addressTest(place: DecidedPlace, column: string, first: bigint, last: bigint, bind: Bind): Condition {
  const test = (sql: string): string =>
    `(${addressKeyRanges(first, last)
      .map(([low, high]) => `${sql} >= ${bind(low)} AND ${sql} <= ${bind(high)} AND strlen(${sql}) = ${low.length}`)
      .join(' OR ')})`;
  return decided(
    place,
    place.kind === 'list' ? `len(list_filter(${column}, lambda x: ${test('x')})) > 0` : test(column),
  );
}

/** NaN: an end that no number or time can be compared with. */
function endsTest(
  place: DecidedPlace,
  sql: string,
  [low, high]: readonly (number | undefined)[],
  { min, max, bind }: { readonly min: RangeEnd | undefined; readonly max: RangeEnd | undefined; readonly bind: Bind },
): Condition {
  if (Number.isNaN(low) || Number.isNaN(high)) return decided(place, 'FALSE');
  const tests = [`${sql} IS NOT NULL`];
  if (low !== undefined) tests.push(`${sql} >${min?.isInclusive ? '=' : ''} ${bind(low)}`);
  if (high !== undefined) tests.push(`${sql} <${max?.isInclusive ? '=' : ''} ${bind(high)}`);
  return decided(place, tests.join(' AND '));
}

/** By number where both are, else as folded text. Undefined where the database orders texts otherwise than JavaScript. */
function textRange(
  min: RangeEnd | undefined,
  max: RangeEnd | undefined,
  bind: Bind,
): ((sql: string) => string) | undefined {
  const tests: ((sql: string) => string)[] = [];
  for (const [end, sign] of [
    [min, '>'],
    [max, '<'],
  ] as const) {
    if (end === undefined) continue;
    const folded = fold(end.value);
    // In ASCII, order by UTF-8 bytes and by UTF-16 code units is the same against any text; and folding is out of dispute.
    if (!/^[\x01-\x7f]*$/.test(folded)) return undefined;
    const comparison = `${sign}${end.isInclusive ? '=' : ''}`;
    const number = numberOf(end.value);
    const text = bind(folded);
    const byText = (sql: string): string => `lower(${sql}) ${comparison} ${text}`;
    if (number === undefined) {
      tests.push(byText);
      continue;
    }
    const wanted = bind(number);
    tests.push(
      (sql) =>
        `CASE WHEN regexp_full_match(${sql}, '-?[0-9]{1,20}(\\.[0-9]{1,20})?') THEN TRY_CAST(${sql} AS DOUBLE) ${comparison} ${wanted} ELSE ${byText(sql)} END`,
    );
  }
  return (sql) => `(${tests.map((test) => test(sql)).join(' AND ')})`;
}

type DecidedPlace = Exclude<FieldPlace, { kind: 'unknown' }> & { readonly mayBeNull: boolean };

/** The test is exact wherever the row is not odd. */
function decided(place: DecidedPlace, test: string): Condition {
  return { superset: atLeast(place, test), subset: atMost(place, test) };
}

/** Any value may be meant. */
function inDoubt(place: DecidedPlace): Condition {
  if (place.kind === 'rest') return { superset: place.present, subset: 'FALSE' };
  return { superset: atLeast(place, `${place.sql} IS NOT NULL`), subset: 'FALSE' };
}

function atLeast(place: DecidedPlace, test: string): string {
  return place.odd === NEVER ? truth(place, test) : `(${truth(place, test)} OR ${place.odd})`;
}

function atMost(place: DecidedPlace, test: string): string {
  return place.odd === NEVER ? truth(place, test) : `(${truth(place, test)} AND NOT ${place.odd})`;
}

function truth({ mayBeNull }: DecidedPlace, test: string): string {
  return mayBeNull ? `(${test})` : `coalesce(${test}, FALSE)`;
}

/** The longest runs of a folded text that stand unchanged in UTF-8, in lower case and in JSON alike. */
function plainPieces(text: string): string[] {
  return text.match(/[\x20\x21\x23-\x5b\x5d-\x7e]+/g) ?? [];
}

function numberOf(text: string): number | undefined {
  return /^-?[0-9]{1,20}(\.[0-9]{1,20})?$/.test(text) ? Number(text) : undefined;
}
