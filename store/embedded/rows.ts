// Reads whole events out of one partition, by their numbers.
import type { EventDocument } from '../../event/document.ts';
import type { TimeRange } from '../port.ts';
import { COLD_SUFFIX } from './attachment.ts';
import type { Layout } from './columns.ts';
import type { PartitionSession } from './partitions.ts';
import { createRowReader, type RowReader } from './row-reading.ts';
import type { SqlValue } from './session.ts';

export interface StoredRow {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
}

export type RowHandle = 'rowid' | '_seq';

/** `FROM` for these rows alone. */
export function rowsIn(
  session: PartitionSession,
  column: RowHandle,
  handles: readonly (readonly SqlValue[])[],
): string {
  return `${session.schema}.events WHERE ${column} IN (SELECT unnest([${handles.map(([handle]) => String(handle)).join(', ')}]::BIGINT[]))`;
}

/** How SQL names a row of a partition: what its documents are fetched by. A hot table finds rows by its own number at once. */
export function handleColumn(partition: { readonly path: string }): RowHandle {
  return partition.path.endsWith(COLD_SUFFIX) ? '_seq' : 'rowid';
}

/** The events of these rows, by number. */
export async function rowsOf(
  session: PartitionSession,
  column: RowHandle,
  handles: readonly (readonly SqlValue[])[],
): Promise<ReadonlyMap<number, StoredRow>> {
  if (handles.length === 0) return new Map();
  const { layout } = session;
  const rows = await session.rows(`SELECT ${layout.rowSql} FROM ${rowsIn(session, column, handles)}`);
  return new Map(storedRows(rows, layout).map((row) => [row.seq, row]));
}

/** The first events after a number and up to another, in order. */
export async function rowsAfter(
  session: PartitionSession,
  range: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly StoredRow[]> {
  const { schema, layout } = session;
  const [after, upTo, limit] = [range.after, range.upTo, range.limit].map(Math.floor) as [number, number, number];
  // Sorted whole, every row of the partition would be unpacked for each page.
  const [[last] = []] = await session.rows(
    `SELECT max(_seq) FROM (SELECT _seq FROM ${schema}.events WHERE _seq > ${after} AND _seq <= ${upTo} ORDER BY _seq LIMIT ${limit})`,
  );
  if (last === undefined || last === null) return [];
  const packed = await session.texts(
    `SELECT ${layout.rowSql}, _created FROM ${schema}.events WHERE _seq > ${after} AND _seq <= ${Number(last)}`,
  );
  const reader = createRowReader(layout);
  const found: StoredRow[] = [];
  for (const { bytes, ends } of packed) {
    const buffer = Buffer.from(bytes.buffer);
    let begin = 0;
    for (const end of ends) {
      const { seq, order, document } = reader.read(buffer, begin, end);
      found.push({ seq, id: order.id, document });
      begin = end;
    }
  }
  return found.sort((a, b) => a.seq - b.seq);
}

/** The event of an id, with `@timestamp` in a range; a short one leaves little to look at. */
export async function rowOfId(
  session: PartitionSession,
  id: string,
  handle: RowHandle,
  range: TimeRange | undefined,
): Promise<StoredRow | undefined> {
  const { layout } = session;
  const bounds = range === undefined ? '' : ` AND _ts >= ${range.fromMs} AND _ts < ${range.untilMs}`;
  const handles = await session.rows(`SELECT ${handle} FROM ${session.schema}.events WHERE _id = $1${bounds} LIMIT 1`, [
    id,
  ]);
  if (handles.length === 0) return undefined;
  const rows = await session.rows(`SELECT ${layout.rowSql} FROM ${rowsIn(session, handle, handles)}`);
  return storedRows(rows, layout)[0];
}

/** The events of rows that `rowSql` gave. */
function storedRows(rows: readonly (readonly SqlValue[])[], layout: Layout): readonly StoredRow[] {
  const reader = createRowReader(layout);
  return rows.map(([text]) => toStoredRow(text ?? null, reader));
}

export function toStoredRow(text: SqlValue, reader: RowReader): StoredRow {
  const bytes = Buffer.from(String(text));
  const { seq, order, document } = reader.read(bytes, 0, bytes.length);
  return { seq, id: order.id, document };
}
