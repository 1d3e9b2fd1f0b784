// Reads whole events out of one partition, by their numbers.
import type { EventDocument } from '../../event/document.ts';
import type { TimeRange } from '../port.ts';
import { COLD_SUFFIX } from './attachment.ts';
import { isIdOf } from './columns.ts';
import type { PartitionSession } from './partitions.ts';
import { createRowReader, type ReadEvent } from './row-reading.ts';
import type { SqlParameter, SqlValue } from './session.ts';

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
  return new Map((await storedRows(session, rowsIn(session, column, handles))).map((row) => [row.seq, row]));
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
  const handles = await session.rows(
    `SELECT ${handle} FROM ${session.schema}.events WHERE ${isIdOf([id], ['$1'], session.layout)}${bounds} LIMIT 1`,
    [id],
  );
  if (handles.length === 0) return undefined;
  return (await storedRows(session, rowsIn(session, handle, handles)))[0];
}

/** The events of a `FROM`, in no order. */
async function storedRows(session: PartitionSession, from: string): Promise<StoredRow[]> {
  return (await eventsOf(session, from)).map(({ seq, order, document }) => ({ seq, id: order.id, document }));
}

/** The same with all that a row tells. */
export async function eventsOf(
  session: PartitionSession,
  from: string,
  values: readonly SqlParameter[] = [],
): Promise<ReadEvent[]> {
  const open = createRowReader(session.layout);
  const events: ReadEvent[] = [];
  for (const packed of await session.chunks(`SELECT ${session.layout.valuesSql} FROM ${from}`, values, true)) {
    const chunk = open(packed);
    for (let row = 0; row < chunk.rows; row++) events.push(chunk.read(row));
    chunk.close();
  }
  return events;
}
