// Reads whole events out of one partition, by their numbers.
import type { EventDocument } from '../../event/document.ts';
import { type ColumnValue, LAYOUT, type Layout, toDocument } from './columns.ts';
import type { PartitionSession } from './partitions.ts';
import type { SqlValue } from './session.ts';

export interface StoredRow {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
}

const SEQ = LAYOUT.columns.findIndex((column) => column.name === '_seq');
const ID = LAYOUT.columns.findIndex((column) => column.name === '_id');

/** The events of these numbers, by number. */
export async function rowsOf(
  session: PartitionSession,
  seqs: readonly number[],
): Promise<ReadonlyMap<number, StoredRow>> {
  if (seqs.length === 0) return new Map();
  const least = seqs.reduce((a, b) => Math.min(a, b));
  const greatest = seqs.reduce((a, b) => Math.max(a, b));
  const isRun = greatest - least + 1 === seqs.length;
  const { layout } = session;
  const rows = await session.rows(
    `SELECT ${layout.rowSql} FROM ${session.schema}.events WHERE _seq BETWEEN $1 AND $2${isRun ? '' : ' AND _seq IN (SELECT unnest($3))'}`,
    [BigInt(least), BigInt(greatest), ...(isRun ? [] : [seqs.map(BigInt)])],
  );
  return new Map(rows.map((row) => toStoredRow(row, layout)).map((row) => [row.seq, row]));
}

/** The first events after a number and up to another, in order. */
export async function rowsAfter(
  session: PartitionSession,
  range: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly StoredRow[]> {
  const { layout } = session;
  const rows = await session.rows(
    `SELECT ${layout.rowSql} FROM ${session.schema}.events WHERE _seq > $1 AND _seq <= $2 ORDER BY _seq LIMIT ${Math.floor(range.limit)}`,
    [BigInt(range.after), BigInt(range.upTo)],
  );
  return rows.map((row) => toStoredRow(row, layout));
}

/** The event of an id. */
export async function rowOfId(session: PartitionSession, id: string): Promise<StoredRow | undefined> {
  const { layout } = session;
  const rows = await session.rows(`SELECT ${layout.rowSql} FROM ${session.schema}.events WHERE _id = $1 LIMIT 1`, [id]);
  return rows.map((row) => toStoredRow(row, layout))[0];
}

/** The event of a row that `rowSql` gave. */
export function toStoredRow([text]: readonly SqlValue[], layout: Layout): StoredRow {
  const row: ColumnValue[] = JSON.parse(String(text));
  return { seq: Number(row[SEQ]), id: String(row[ID]), document: toDocument(row, layout) };
}
