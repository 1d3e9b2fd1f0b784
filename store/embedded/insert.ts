// Rows into a partition: one transaction, by DuckDB's appender, a vector of rows at a time.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CHUNK_ROWS, type ChunkWriter } from './chunk-writer.ts';
import { createTable, LAYOUT, PARTITION_FORMAT } from './columns.ts';
import { newestOf } from './newest-by-host.ts';
import { orderedRows } from './row-order.ts';
import { COLUMNS, type RowTable } from './row-table.ts';
import type { InsertedRows } from './session.ts';
import { type Span, widened } from './span.ts';

/** What is inserted: rows of a table, by number. */
export interface PickedRows {
  readonly table: RowTable;
  readonly rows: readonly number[];
}

/**
 * All of them or none, as far as the database knows; it may fail after it has committed. `given` is told when the database has them all
 * and what is left is its own work.
 */
export async function insertRows(
  connection: DuckDBConnection,
  schema: string,
  { table, rows }: PickedRows,
  { isNew, writer, given }: { readonly isNew: boolean; readonly writer: ChunkWriter; readonly given?: () => void },
): Promise<InsertedRows> {
  let span: Span | undefined;
  await connection.run('BEGIN TRANSACTION');
  try {
    if (isNew) {
      await connection.run(createTable(schema).replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'));
      await connection.run(
        `CREATE TABLE IF NOT EXISTS ${schema}.vedette_format AS SELECT ${PARTITION_FORMAT} AS version, $1 AS layout`,
        [LAYOUT.text],
      );
    }
    const appender = await connection.createAppender('events', 'main', schema);
    try {
      writer.hold(table);
      const ordered = orderedRows(table, rows);
      for (let at = 0; at < ordered.length; at += CHUNK_ROWS) {
        const share = ordered.slice(at, at + CHUNK_ROWS);
        span = widened(span, spanOf(table, share));
        writer.append(appender, table, share);
        await nextTurn();
      }
      appender.flushSync();
    } finally {
      writer.letGo();
      appender.closeSync();
    }
    const committed = connection.run('COMMIT');
    given?.();
    await committed;
    if (span === undefined) throw new Error('there was nothing to insert');
    return {
      span,
      newest: newestOf(rows.map((row) => ({ id: table.ids[row] ?? '', timestampMs: table.timestampsMs[row] ?? 0 }))),
    };
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const [SEQ, TS, CREATED] = ['_seq', '_ts', '_created'].map((name) =>
  LAYOUT.columns.findIndex((column) => column.name === name),
) as [number, number, number];

function spanOf({ values }: RowTable, rows: readonly number[]): Span {
  let [minSeq, minTs, minCreated] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [maxSeq, maxTs, maxCreated] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows) {
    const first = row * COLUMNS;
    const [seq, ts, created] = [values[first + SEQ] ?? 0, values[first + TS] ?? 0, values[first + CREATED] ?? 0];
    minSeq = Math.min(minSeq, seq);
    maxSeq = Math.max(maxSeq, seq);
    minTs = Math.min(minTs, ts);
    maxTs = Math.max(maxTs, ts);
    minCreated = Math.min(minCreated, created);
    maxCreated = Math.max(maxCreated, created);
  }
  return { rows: rows.length, minSeq, maxSeq, minTs, maxTs, minCreated, maxCreated };
}
