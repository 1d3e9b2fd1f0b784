// The views that people's SQL sees, made for one statement: `events` with a column for each field of the catalogue under its ECS name,
// `processes` and `connections`. A view holds only the columns that the statement may name, of the partitions it may need. Rows
// that hold a field in an odd form (a number where text is usual) are read by a branch of their own, so that they are
// found too and the others pay nothing. What a column does not tell is made above the union of the partitions, once for all of
// them, and out of one reading of each row's JSON: a plan of each field in each partition took seconds to make.
import { FIELDS, type Field } from '../../../event/catalogue.ts';
import { columnOfField, idSql, isIdOf, type Layout, quoted, toldSql } from '../columns.ts';

/** Stands for the SQL schema of the n-th partition. */
export function schemaPlace(at: number): string {
  return `$schema_${at}$`;
}

/** Beside the fields: the event's id, and as JSON what no column of the store holds. */
const OWN: readonly string[] = ['id', 'rest'];

export const VIEW_NAMES: ReadonlySet<string> = new Set(['events', 'processes', 'connections']);
export const VIEW_COLUMNS: ReadonlySet<string> = new Set([...OWN, ...FIELDS.map(({ name }) => name.toLowerCase())]);

/** What the other two keep of `events`. */
const CONDITIONS = {
  processes: `"event.action" = 'executed'`,
  connections: `"event.action" IN ('connected-to', 'accepted-connection-from')`,
} as const;

export interface ViewRequest {
  /** The layout of each partition, in the order of their places. */
  readonly layouts: readonly Layout[];
  /** In lower case; undefined: all columns. */
  readonly names: ReadonlySet<string> | undefined;
  /** Of `@timestamp`, epoch ms. */
  readonly range: { readonly fromMs: number; readonly untilMs: number };
  /** The events that are shown; all where absent. */
  readonly ids?: readonly string[] | undefined;
}

/** The statements that make the views. */
export function viewStatements({ layouts, names, range, ids }: ViewRequest): readonly string[] {
  const isMeant = (name: string): boolean =>
    names === undefined || names.has(name.toLowerCase()) || name === '@timestamp' || name === 'event.action';
  const fields = FIELDS.filter(({ name }) => isMeant(name));
  const own = OWN.filter(isMeant);
  const places = Map.groupBy(layouts.keys(), (at) => layouts[at]?.text ?? '');
  const parts = [...places.values()].flatMap((same) => {
    const layout = layouts[same[0] ?? 0];
    if (layout === undefined) return [];
    const rows = rowsSql(same, { fields, layout, range, ids });
    return [false, true].map((isOdd) => selectSql({ own, fields, layout, isOdd }, rows));
  });
  const none = `SELECT ${[
    ...own.map((name) => `CAST(NULL AS ${name === 'id' ? 'VARCHAR' : 'JSON'}) AS ${quoted(name)}`),
    ...fields.map((field) => `CAST(NULL AS ${typeOf(field)}) AS ${quoted(field.name)}`),
  ].join(', ')} WHERE false`;
  return [
    `CREATE TEMP VIEW events AS ${(parts.length === 0 ? [none] : parts).join(' UNION ALL ')}`,
    ...Object.entries(CONDITIONS).map(
      ([name, condition]) => `CREATE TEMP VIEW ${name} AS SELECT * FROM events WHERE ${condition}`,
    ),
  ];
}

/** The rows of partitions of one layout, as they are stored. */
function rowsSql(
  places: readonly number[],
  {
    fields,
    layout,
    range,
    ids,
  }: {
    readonly fields: readonly Field[];
    readonly layout: Layout;
    readonly range: ViewRequest['range'];
    readonly ids: ViewRequest['ids'];
  },
): string {
  const columns = new Map([
    ['_id', idSql(layout)],
    ['_odd', '_odd'],
    ['_rest', '_rest'],
  ]);
  for (const field of fields) {
    const column = columnOfField(field.name, layout);
    if (column !== undefined) columns.set(column.name, toldSql(column, layout));
  }
  const list = [...columns].map(([name, sql]) => `${sql} AS ${quoted(name)}`).join(', ');
  const named = ids === undefined ? '' : ` AND ${ids.length === 0 ? 'FALSE' : isIdOf(ids, ids.map(literal), layout)}`;
  const condition = `_ts >= ${wholeMs(range.fromMs)} AND _ts < ${wholeMs(range.untilMs)}${named}`;
  return places.map((at) => `SELECT ${list} FROM ${schemaPlace(at)}.events WHERE ${condition}`).join(' UNION ALL ');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function wholeMs(ms: number): string {
  return String(Math.max(-TIME_MS_MAX, Math.min(TIME_MS_MAX, Math.ceil(ms))));
}

const TIME_MS_MAX = 8.64e15;

interface Branch {
  readonly own: readonly string[];
  readonly fields: readonly Field[];
  readonly layout: Layout;
  /** Of the rows that hold some fields in their JSON, though they have columns. */
  readonly isOdd: boolean;
}

function selectSql({ own, fields, layout, isOdd }: Branch, rows: string): string {
  const inRest = fields.filter((field) => isOdd || columnOfField(field.name, layout) === undefined);
  const [texts, values] = [inRest.filter(isText), inRest.filter((field) => !isText(field))];
  const places = new Map([...texts.entries(), ...values.entries()].map(([at, field]) => [field.name, at + 1]));
  const fieldSql = (field: Field): string => {
    const place = places.get(field.name);
    if (place === undefined) return usual(field, layout);
    const rest = fromRest(field, place);
    if (columnOfField(field.name, layout) === undefined) return rest;
    return `CASE WHEN contains(_odd, ',${field.name},') THEN ${rest} ELSE ${usual(field, layout)} END`;
  };
  const selected = [
    ...own.map((name) => (name === 'id' ? '_id AS id' : '_json AS rest')),
    ...fields.map((field) => `${fieldSql(field)} AS ${quoted(field.name)}`),
  ].join(', ');
  const read = `SELECT *, ${JSON_SQL} AS _json FROM (${rows}) WHERE _odd IS ${isOdd ? 'NOT ' : ''}NULL`;
  if (inRest.length === 0) return `SELECT ${selected} FROM (${read})`;
  const lists = [
    ...(texts.length === 0 ? [] : [`json_extract_string(_json, [${texts.map(pathOf).join(', ')}]) AS _texts`]),
    ...(values.length === 0 ? [] : [`json_extract(_json, [${values.map(pathOf).join(', ')}]) AS _values`]),
  ];
  return `SELECT ${selected} FROM (SELECT *, ${lists.join(', ')} FROM (${read}))`;
}

/**
 * The row's JSON. DuckDB reads none with half of a surrogate pair, which stands in ours as an escape, `\ud800`: there it becomes the
 * sign for what cannot be read, as NULL would hide the row's other fields too. What no reader takes gives no value, rather than no answer.
 */
const JSON_SQL = `coalesce(TRY_CAST(_rest AS JSON), TRY_CAST(regexp_replace(_rest, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd', 'g') AS JSON))`;

/** Told by one text; any other is a list or an object. */
function isText(field: Field): boolean {
  return !field.isArray && field.type !== 'flattened';
}

/** The field as its column tells it. */
function usual(field: Field, layout: Layout): string {
  const column = columnOfField(field.name, layout);
  if (column === undefined) return `CAST(NULL AS ${typeOf(field)})`;
  const name = quoted(column.name);
  if (field.type === 'date') return `make_timestamp_ms(CAST(${name} AS BIGINT))`;
  if (field.type === 'long' && !field.isArray) return `CAST(${name} AS BIGINT)`;
  if (column.type === 'VARCHAR[]') return field.type === 'long' ? `TRY_CAST(${name} AS BIGINT[])` : name;
  return column.name.startsWith('_') ? `nullif(${name}, '')` : name;
}

function pathOf({ name }: Field): string {
  return `'$${name
    .split('.')
    .map((part) => `."${part}"`)
    .join('')}'`;
}

/** The field out of what was read of the JSON. */
function fromRest(field: Field, place: number): string {
  if (isText(field)) return castFrom(`_texts[${place}]`, field);
  const value = `_values[${place}]`;
  if (field.type === 'flattened') return value;
  const list = `CASE json_type(${value}) WHEN 'ARRAY' THEN json_extract_string(${value}, '$[*]') WHEN 'NULL' THEN NULL ELSE [json_extract_string(${value}, '$')] END`;
  // Without the field, its type is null, and the list would hold one null.
  return castFrom(`CASE WHEN ${value} IS NULL THEN NULL ELSE ${list} END`, field);
}

function castFrom(sql: string, field: Field): string {
  const type = typeOf(field);
  return type.startsWith('VARCHAR') ? sql : `TRY_CAST(${sql} AS ${type})`;
}

function typeOf(field: Field): string {
  const types = { keyword: 'VARCHAR', text: 'VARCHAR', ip: 'VARCHAR', long: 'BIGINT', date: 'TIMESTAMP' } as const;
  const type = field.type === 'boolean' ? 'BOOLEAN' : field.type === 'flattened' ? 'JSON' : types[field.type];
  return field.isArray && field.type !== 'flattened' ? `${type}[]` : type;
}
