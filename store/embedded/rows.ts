// Reads whole events out of one partition, by their numbers.
import { BIGINT, DuckDBListValue, type DuckDBValue, LIST, listValue } from '@duckdb/node-api';
import type { EventDocument } from '../../event/document.ts';
import { COLUMNS, type ColumnValue, quoted, toDocument } from './columns.ts';
import type { Session } from './database.ts';

export interface StoredRow {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
}

const SELECT_ALL: string = COLUMNS.map((column) => quoted(column.name)).join(', ');
const SEQ = COLUMNS.findIndex((column) => column.name === '_seq');
const ID = COLUMNS.findIndex((column) => column.name === '_id');

/** The events of these numbers, by number. */
export async function rowsOf(session: Session, seqs: readonly number[]): Promise<ReadonlyMap<number, StoredRow>> {
  if (seqs.length === 0) return new Map();
  const least = seqs.reduce((a, b) => Math.min(a, b));
  const greatest = seqs.reduce((a, b) => Math.max(a, b));
  const isRun = greatest - least + 1 === seqs.length;
  const rows = await session.rows(
    `SELECT ${SELECT_ALL} FROM ${session.schema}.events WHERE _seq BETWEEN $1 AND $2${isRun ? '' : ' AND _seq IN (SELECT unnest($3))'}`,
    [BigInt(least), BigInt(greatest), ...(isRun ? [] : [listValue(seqs.map(BigInt))])],
    [BIGINT, BIGINT, ...(isRun ? [] : [LIST(BIGINT)])],
  );
  return new Map(rows.map(toStoredRow).map((row) => [row.seq, row]));
}

/** The first events after a number and up to another, in order. */
export async function rowsAfter(
  session: Session,
  range: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly StoredRow[]> {
  const rows = await session.rows(
    `SELECT ${SELECT_ALL} FROM ${session.schema}.events WHERE _seq > $1 AND _seq <= $2 ORDER BY _seq LIMIT ${Math.floor(range.limit)}`,
    [BigInt(range.after), BigInt(range.upTo)],
    [BIGINT, BIGINT],
  );
  return rows.map(toStoredRow);
}

/** The event of an id. */
export async function rowOfId(session: Session, id: string): Promise<StoredRow | undefined> {
  const rows = await session.rows(`SELECT ${SELECT_ALL} FROM ${session.schema}.events WHERE _id = $1 LIMIT 1`, [id]);
  return rows.map(toStoredRow)[0];
}

function toStoredRow(values: readonly DuckDBValue[]): StoredRow {
  const row = values.map(columnValue);
  return { seq: Number(row[SEQ]), id: String(row[ID]), document: toDocument(row) };
}

function columnValue(value: DuckDBValue): ColumnValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof DuckDBListValue) return value.items.map(String);
  throw new Error(`a partition holds a value of an unknown kind: ${typeof value}`);
}
