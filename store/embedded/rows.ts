// Reads whole events out of one partition, by their numbers.
import type { EventDocument } from '../../event/document.ts';
import type { TimeRange } from '../port.ts';
import { COLD_SUFFIX } from './attachment.ts';
import { isIdOf, type Layout } from './columns.ts';
import type { PartitionSession } from './partitions.ts';
import { createRowReader, type ReadEvent } from './row-reading.ts';
import type { SqlParameter, SqlValue } from './session.ts';

/** Of more rows than these, only the least and the greatest number is told: a list is looked through for each row group and vector. */
const NUMBERS_TOLD_MAX = 128;

export interface StoredRow {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
}

export type RowHandle = 'rowid' | '_seq';

/** A row by its number and by its handle. */
export interface RowName {
  readonly seq: number;
  readonly handle: SqlValue;
}

/** `FROM` for these rows alone. */
export function rowsIn(
  session: PartitionSession,
  column: RowHandle,
  handles: readonly (readonly SqlValue[])[],
): string {
  return `${session.schema}.events WHERE ${column} IN (SELECT unnest([${handles.map(([handle]) => String(handle)).join(', ')}]::BIGINT[]))`;
}

/**
 * What `_seq` is in these rows, one at least: by its least and greatest in a row group DuckDB passes over all of it. By handles it passes
 * over single vectors, and a vector of lists that is passed over is read for the lists' lengths all the same.
 */
function numbersSql(seqs: readonly number[]): string {
  if (seqs.length <= NUMBERS_TOLD_MAX) return `_seq IN (${seqs.join(', ')})`;
  return `_seq BETWEEN ${seqs.reduce((a, b) => Math.min(a, b))} AND ${seqs.reduce((a, b) => Math.max(a, b))}`;
}

/** How SQL names a row of a partition: what its documents are fetched by. A hot table finds rows by its own number at once. */
export function handleColumn(partition: { readonly path: string }): RowHandle {
  return partition.path.endsWith(COLD_SUFFIX) ? '_seq' : 'rowid';
}

/** The events of these rows, by number; of a narrower layout only what it tells. */
export async function rowsOf(
  session: PartitionSession,
  column: RowHandle,
  names: readonly RowName[],
  layout: Layout = session.layout,
): Promise<ReadonlyMap<number, StoredRow>> {
  if (names.length === 0) return new Map();
  const handles = names.map(({ handle }) => [handle]);
  const from = `${rowsIn(session, column, handles)} AND ${numbersSql(names.map(({ seq }) => seq))}`;
  return new Map((await storedRows(session, from, layout)).map((row) => [row.seq, row]));
}

/** The first events after a number and up to another, in order. */
export async function rowsAfter(
  session: PartitionSession,
  range: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly StoredRow[]> {
  const { schema } = session;
  const [after, upTo, limit] = [range.after, range.upTo, range.limit].map(Math.floor) as [number, number, number];
  // Sorted whole, every row of the partition would be unpacked for each page.
  const [[last] = []] = await session.rows(
    `SELECT max(_seq) FROM (SELECT _seq FROM ${schema}.events WHERE _seq > ${after} AND _seq <= ${upTo} ORDER BY _seq LIMIT ${limit})`,
  );
  if (last === undefined || last === null) return [];
  const found = await storedRows(session, `${schema}.events WHERE _seq > ${after} AND _seq <= ${Number(last)}`);
  return found.sort((a, b) => a.seq - b.seq);
}

/** The event of an id, with `@timestamp` in a range; a short one leaves little to look at. */
export async function rowOfId(
  session: PartitionSession,
  id: string,
  handle: RowHandle,
  range: TimeRange | undefined,
): Promise<StoredRow | undefined> {
  const bounds = range === undefined ? '' : ` AND _ts >= ${range.fromMs} AND _ts < ${range.untilMs}`;
  const [found] = await session.rows(
    `SELECT _seq, ${handle} FROM ${session.schema}.events WHERE ${isIdOf([id], ['$1'], session.layout)}${bounds} LIMIT 1`,
    [id],
  );
  if (found === undefined) return undefined;
  const [number = null, name = null] = found;
  const seq = Number(number);
  return (await rowsOf(session, handle, [{ seq, handle: name }])).get(seq);
}

/** The events of a `FROM`, in no order. */
async function storedRows(
  session: PartitionSession,
  from: string,
  layout: Layout = session.layout,
): Promise<StoredRow[]> {
  return (await eventsOf(session, from, [], layout)).map(({ seq, order, document }) => ({
    seq,
    id: order.id,
    document,
  }));
}

/** The same with all that a row tells. */
export async function eventsOf(
  session: PartitionSession,
  from: string,
  values: readonly SqlParameter[] = [],
  layout: Layout = session.layout,
): Promise<ReadEvent[]> {
  const open = createRowReader(layout);
  const events: ReadEvent[] = [];
  for (const packed of await session.chunks(`SELECT ${layout.valuesSql} FROM ${from}`, values, true)) {
    const chunk = open(packed);
    for (let row = 0; row < chunk.rows; row++) events.push(chunk.read(row));
    chunk.close();
  }
  return events;
}
