// Where a partition keeps a field's values, as SQL: in a column, in the JSON of `_rest`, or where SQL cannot tell.
import {
  addressColumnOf,
  type Column,
  columnOfField,
  entityColumns,
  LAYOUT,
  type Layout,
  quoted,
  toldSql,
} from './columns.ts';
import type { AskedLayout } from './even-layout.ts';

export type FieldPlace =
  /** One value: `sql` is it, or NULL. `odd` is true of rows that may hold others. */
  | {
      readonly kind: 'text' | 'number' | 'double' | 'time';
      readonly sql: string;
      readonly odd: string;
      readonly address: string | undefined;
      readonly short: ShortPlace | undefined;
    }
  /** Several texts, or none. */
  | { readonly kind: 'list'; readonly sql: string; readonly odd: string; readonly address: string | undefined }
  /** No column: `sql` is the value as text. `present` is false only of rows that have none. */
  | { readonly kind: 'rest'; readonly sql: string; readonly odd: string; readonly present: string }
  | { readonly kind: 'unknown' };

/** A text of which others of its row tell a part (short-forms.ts): what is asked of that instead of the text, where that will do. */
interface ShortPlace {
  /** True where there is a text. */
  readonly isThere: string;
  /** The text with marks for stamps. */
  readonly stamped?: string;
  readonly entity?: { readonly start: string; readonly pid: string };
}

/** The condition of what no row is. */
export const NEVER = 'FALSE';

export function fieldPlace(field: string, layout: AskedLayout): FieldPlace {
  const column = columnOfField(field, layout);
  if (column === undefined) return restPlace(field, layout);
  const now = columnOfField(field, LAYOUT);
  // A column that was of another type then: the conditions of today's type do not fit it.
  if (now !== undefined && (now.type !== column.type || now.isTime !== column.isTime)) return { kind: 'unknown' };
  const address = addressColumnOf(field, layout);
  return {
    kind: kindOf(field, column),
    sql: toldSql(column, layout),
    short: shortPlace(column, layout),
    odd:
      layout.isEven === true ? NEVER : `("_odd" IS NOT NULL AND contains("_odd", ',${field.replaceAll("'", "''")},'))`,
    address: address === undefined ? undefined : quoted(address.name),
  };
}

function shortPlace(column: Column, layout: Layout): ShortPlace | undefined {
  const name = quoted(column.name);
  const entity = entityColumns(column, layout);
  if (entity !== undefined) return { isThere: `(${entity.start} IS NOT NULL OR ${name} IS NOT NULL)`, entity };
  return column.isStamped === true ? { isThere: `${name} IS NOT NULL`, stamped: name } : undefined;
}

function kindOf(field: string, column: Column): 'text' | 'number' | 'double' | 'time' | 'list' {
  if (column.type === 'VARCHAR[]') return 'list';
  if (column.isTime || field === '@timestamp' || field === 'event.created') return 'time';
  if (column.type === 'VARCHAR') return 'text';
  return column.type === 'BIGINT' ? 'number' : 'double';
}

/**
 * A field without a column, by its path in `_rest`. Where the way there is not all nested objects down to one text or whole
 * number (dotted names, lists), the row is odd.
 */
function restPlace(field: string, layout: Layout): FieldPlace {
  const parts = field.split('.');
  // Other names would have to be escaped in JSON, in its paths and here; and what holds columns is not in `_rest` alone.
  if (!parts.every((part) => /^[A-Za-z0-9_@-]{1,64}$/.test(part)) || parts.length > 8) return { kind: 'unknown' };
  const holdsColumns = layout.columns.some(({ name }) => name.startsWith(`${field}.`));
  const holdsDerived = ['host.boot', 'host', 'event', 'vedette'].includes(field);
  if (holdsColumns || holdsDerived) return { kind: 'unknown' };
  const present = `coalesce(contains("_rest", '${parts.at(-1)}":'), FALSE)`;
  const dotted = parts.slice(1).map((part, at) => `contains("_rest", '${parts[at]}.${part}":')`);
  const paths = parts.map((_, at) => pathTo(parts.slice(0, at + 1)));
  const whole = paths.at(-1) ?? '';
  const onTheWay = paths.slice(0, -1).map((path) => `coalesce(json_type("_rest", ${path}) = 'ARRAY', FALSE)`);
  const atTheEnd = `coalesce(json_type("_rest", ${whole}) IN ('ARRAY', 'OBJECT', 'DOUBLE'), FALSE)`;
  // DuckDB refuses JSON with half a surrogate pair, which our own writes as an escape: such JSON it never gets to read.
  return {
    kind: 'rest',
    sql: `CASE WHEN ${present} AND NOT contains("_rest", '\\u') THEN json_extract_string("_rest", ${whole}) END`,
    odd: `CASE WHEN NOT ${present} THEN FALSE WHEN contains("_rest", '\\u') THEN TRUE ELSE (${[...dotted, atTheEnd, ...onTheWay].join(' OR ')}) END`,
    present,
  };
}

function pathTo(parts: readonly string[]): string {
  return `'$${parts.map((part) => `."${part}"`).join('')}'`;
}
