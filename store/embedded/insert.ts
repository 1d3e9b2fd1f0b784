// Rows into a partition: one transaction, by DuckDB's appender, a vector of rows at a time.
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api';
import { type ColumnType, type ColumnValue, createTable, LAYOUT, PARTITION_FORMAT } from './columns.ts';
import type { NewRow } from './load.ts';
import { newestOf } from './newest-by-host.ts';
import type { InsertedRows } from './session.ts';
import { type Span, widened } from './span.ts';

/** Rows of one data chunk: DuckDB's own vector size. */
const CHUNK_ROWS = 2_048;

/** All of them or none, as far as the database knows; it may fail after it has committed. */
export async function insertRows(
  connection: DuckDBConnection,
  schema: string,
  entries: readonly NewRow[],
  isNew: boolean,
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
      for (let at = 0; at < entries.length; at += CHUNK_ROWS) {
        const rows = entries.slice(at, at + CHUNK_ROWS).map(({ row }) => row);
        for (const row of rows) span = widened(span, spanOf(row));
        appender.appendDataChunk(toChunk(rows));
        await nextTurn();
      }
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
    await connection.run('COMMIT');
    if (span === undefined) throw new Error('there was nothing to insert');
    return { span, newest: newestOf(entries) };
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const [SEQ, TS, CREATED] = ['_seq', '_ts', '_created'].map((name) =>
  LAYOUT.columns.findIndex((column) => column.name === name),
) as [number, number, number];

function spanOf(row: readonly ColumnValue[]): Span {
  const [seq, ts, created] = [Number(row[SEQ]), Number(row[TS]), Number(row[CREATED])];
  return { rows: 1, minSeq: seq, maxSeq: seq, minTs: ts, maxTs: ts, minCreated: created, maxCreated: created };
}

const TYPES: Readonly<Record<ColumnType, DuckDBType>> = {
  VARCHAR,
  'VARCHAR[]': LIST(VARCHAR),
  BIGINT,
  DOUBLE,
};

/** The database's type of each column, in the order of LAYOUT. */
const COLUMN_TYPES: readonly DuckDBType[] = LAYOUT.columns.map((column) => TYPES[column.type]);

function toChunk(rows: readonly (readonly ColumnValue[])[]): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create([...COLUMN_TYPES], rows.length);
  for (const [at, column] of LAYOUT.columns.entries()) {
    chunk.setColumnValues(
      at,
      rows.map((row) => databaseValue(row[at] ?? null, column.type)),
    );
  }
  return chunk;
}

function databaseValue(value: ColumnValue, type: ColumnType) {
  if (value === null) return null;
  if (type === 'BIGINT') return BigInt(value as number);
  return type === 'VARCHAR[]' ? listValue(value as readonly string[]) : (value as string | number);
}
