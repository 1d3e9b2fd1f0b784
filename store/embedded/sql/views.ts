// The views that people's SQL sees, made for one statement: `events` with a column for each field of the catalogue under its ECS name,
// `processes` and `connections`. A view holds only the columns that the statement may name, of the partitions it may need. Rows
// that hold a field in an odd form (a number where text is usual) are read by a branch of their own, so that they are
// found too and the others pay nothing.
import { FIELDS, type Field } from '../../../event/catalogue.ts';
import { columnOfField, type Layout, quoted } from '../columns.ts';

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
}

/** The statements that make the views. */
export function viewStatements({ layouts, names, range }: ViewRequest): readonly string[] {
  const isMeant = (name: string): boolean =>
    names === undefined || names.has(name.toLowerCase()) || name === '@timestamp' || name === 'event.action';
  const fields = FIELDS.filter(({ name }) => isMeant(name));
  const own = OWN.filter(isMeant);
  const parts = layouts.flatMap((layout, at) => {
    const from = `${schemaPlace(at)}.events WHERE ${timeCondition(range)}`;
    return [
      `SELECT ${selected(own, fields, (field) => usual(field, layout))} FROM ${from} AND _odd IS NULL`,
      `SELECT ${selected(own, fields, (field) => odd(field, layout))} FROM ${from} AND _odd IS NOT NULL`,
    ];
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

function timeCondition({ fromMs, untilMs }: ViewRequest['range']): string {
  return `_ts >= ${wholeMs(fromMs)} AND _ts < ${wholeMs(untilMs)}`;
}

function wholeMs(ms: number): string {
  return String(Math.max(-TIME_MS_MAX, Math.min(TIME_MS_MAX, Math.ceil(ms))));
}

const TIME_MS_MAX = 8.64e15;

function selected(own: readonly string[], fields: readonly Field[], sql: (field: Field) => string): string {
  return [
    ...own.map((name) => (name === 'id' ? '_id AS id' : `${REST} AS rest`)),
    ...fields.map((field) => `${sql(field)} AS ${quoted(field.name)}`),
  ].join(', ');
}

/** A text that JSON's readers disagree about (half of a surrogate pair) gives no value, rather than no answer at all. */
const REST = 'TRY_CAST(_rest AS JSON)';

/** The field where its column tells it exactly. */
function usual(field: Field, layout: Layout): string {
  const column = columnOfField(field.name, layout);
  if (column === undefined) return fromRest(field);
  const name = quoted(column.name);
  if (field.type === 'date') return `make_timestamp_ms(CAST(${name} AS BIGINT))`;
  if (field.type === 'long' && !field.isArray) return `CAST(${name} AS BIGINT)`;
  if (column.type === 'VARCHAR[]') return field.type === 'long' ? `TRY_CAST(${name} AS BIGINT[])` : name;
  return column.name.startsWith('_') ? `nullif(${name}, '')` : name;
}

/** The field of a row that holds some fields in `rest`, though they have columns. */
function odd(field: Field, layout: Layout): string {
  if (columnOfField(field.name, layout) === undefined) return fromRest(field);
  return `CASE WHEN contains(_odd, ',${field.name},') THEN ${fromRest(field)} ELSE ${usual(field, layout)} END`;
}

function fromRest(field: Field): string {
  const path = `'$${field.name
    .split('.')
    .map((part) => `."${part}"`)
    .join('')}'`;
  const json = `json_extract(${REST}, ${path})`;
  if (field.type === 'flattened') return json;
  if (!field.isArray) {
    const text = `json_extract_string(${REST}, ${path})`;
    return field.type === 'long' || field.type === 'date' || field.type === 'boolean'
      ? `TRY_CAST(${text} AS ${typeOf(field)})`
      : text;
  }
  const list = `CASE json_type(${REST}, ${path}) WHEN 'ARRAY' THEN json_extract_string(${json}, '$[*]') WHEN 'NULL' THEN NULL ELSE [json_extract_string(${REST}, ${path})] END`;
  // Without the field, json_type is null, and the list would hold one null.
  const held = `CASE WHEN ${json} IS NULL THEN NULL ELSE ${list} END`;
  return field.type === 'long' ? `TRY_CAST(${held} AS BIGINT[])` : held;
}

function typeOf(field: Field): string {
  const types = { keyword: 'VARCHAR', text: 'VARCHAR', ip: 'VARCHAR', long: 'BIGINT', date: 'TIMESTAMP' } as const;
  const type = field.type === 'boolean' ? 'BOOLEAN' : field.type === 'flattened' ? 'JSON' : types[field.type];
  return field.isArray && field.type !== 'flattened' ? `${type}[]` : type;
}
