// Runs one statement of people in a connection of its own, and reads its result chunk by chunk, as much as is allowed. It is broken
// off when it is told so, when it takes too much of the database's memory, and when the process grows too much.
import {
  type DuckDBConnection,
  DuckDBListValue,
  DuckDBMapValue,
  type DuckDBResult,
  DuckDBStructValue,
  DuckDBTimestampValue,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api';
import type { SqlCell, SqlColumn } from '../../port.ts';
import type { BoundedRead, BoundedResult } from '../session.ts';
import { streamedResult } from '../streamed-result.ts';
import { schemaPlace } from './views.ts';

/**
 * The part of the database's memory that a statement may fill before it is broken off: the rest is for loads and searches. A `SELECT *`
 * takes up to 180 MB for its columns alone, however few its rows are.
 */
const MEMORY_PART_MAX = 0.6;
/** What the process may grow by meanwhile: values in work are in no limit of DuckDB's. */
const GROWTH_BYTES_MAX: number = 1024 * 1024 * 1024;
const GROWTH_LOOK_MS = 20;
const MEMORY_LOOK_MS = 100;
/** An interrupt between two steps is forgotten: it is repeated until the statement has ended. */
const INTERRUPT_AGAIN_MS = 50;

export interface Surroundings {
  /** The schemas that stand for the places in the views. */
  readonly schemas: readonly string[];
  /** What part of the database's memory is taken by statements in work, of people or ours; not by stored data. */
  readonly memoryPart: () => Promise<number>;
  readonly signal: AbortSignal | undefined;
}

export async function boundedRead(
  connection: DuckDBConnection,
  read: BoundedRead,
  { schemas, memoryPart, signal }: Surroundings,
): Promise<BoundedResult> {
  // What others take is not this statement's.
  const partBefore = await memoryPart();
  signal?.throwIfAborted();
  let breach: 'memory' | undefined;
  let again: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    again ??= setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS);
  };
  const isTooMuch = (): void => {
    breach = 'memory';
    interrupt();
  };
  const residentBefore = process.memoryUsage.rss();
  const growth = setInterval(() => {
    if (process.memoryUsage.rss() - residentBefore > GROWTH_BYTES_MAX) isTooMuch();
  }, GROWTH_LOOK_MS);
  let isLooking = false;
  const memory = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    memoryPart()
      .then((part) => {
        if (part - partBefore > MEMORY_PART_MAX) isTooMuch();
      })
      .catch(() => undefined)
      .finally(() => {
        isLooking = false;
      });
  }, MEMORY_LOOK_MS);
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    for (const view of read.views) await connection.run(withSchemas(view, schemas));
    return await readRows(connection, read, () => breach !== undefined || signal?.aborted === true);
  } catch (error) {
    if (breach !== undefined) throw new Error('Out of Memory Error: the statement needs too much memory');
    throw error;
  } finally {
    clearInterval(growth);
    clearInterval(memory);
    clearInterval(again);
    signal?.removeEventListener('abort', interrupt);
  }
}

async function readRows(
  connection: DuckDBConnection,
  read: BoundedRead,
  isBrokenOff: () => boolean,
): Promise<BoundedResult> {
  const prepared = await connection.prepare(read.sql);
  try {
    // The tree has been checked before; this is the second fence.
    if (prepared.statementType !== StatementType.SELECT)
      throw new Error('Permission Error: only SELECT can be run here');
    for (const [at, value] of read.values.entries()) prepared.bindVarchar(at + 1, value);
    const answer = await gather(connection, await prepared.stream(), read);
    if (answer !== undefined) return answer;
    if (isBrokenOff()) throw new Error('INTERRUPT Error: the statement was broken off');
    // It fails again, and says why, or what failed is over.
    const whole = await gather(connection, await prepared.run(), read);
    if (whole === undefined) throw new Error('the statement failed half-way');
    return whole;
  } finally {
    prepared.destroySync();
  }
}

/** Undefined where the statement failed half-way. */
async function gather(
  connection: DuckDBConnection,
  result: DuckDBResult,
  { rowsMax, bytesMax }: BoundedRead,
): Promise<BoundedResult | undefined> {
  const stream = streamedResult(result);
  const types = result.columnTypes().map(String);
  const columns: SqlColumn[] = result.columnNames().map((name, at) => ({ name, type: types[at] ?? '' }));
  const rows: SqlCell[][] = [];
  let bytes = 0;
  // A statement that is left half-way keeps its files open, also after they were detached.
  const cutShort = async (answer: BoundedResult): Promise<BoundedResult> => {
    for (;;) {
      connection.interrupt();
      const rest = await stream.next().catch(() => undefined);
      if (rest === undefined) return answer;
    }
  };
  for (;;) {
    const chunk = await stream.next();
    if (chunk === undefined) return stream.hasFailed() ? undefined : { columns, rows, cut: undefined };
    for (let at = 0; at < chunk.rowCount; at++) {
      if (rows.length >= rowsMax) return await cutShort({ columns, rows, cut: 'rows' });
      const row = columns.map((_, column) => plain(chunk.getColumnVector(column).getItem(at)));
      bytes += JSON.stringify(row).length;
      if (bytes > bytesMax) return await cutShort({ columns, rows, cut: 'bytes' });
      rows.push(row);
    }
  }
}

function withSchemas(view: string, schemas: readonly string[]): string {
  return schemas.reduce((sql, schema, at) => sql.replaceAll(schemaPlace(at), schema), view);
}

/** As JSON can say it: whole numbers beyond 2^53 as text, times in ISO 8601. */
function plain(value: DuckDBValue): SqlCell {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined ? null : plainObject(value);
  }
}

function plainObject(value: Exclude<DuckDBValue, null | boolean | number | bigint | string>): SqlCell {
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) return namedValues(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue)
    return namedValues(value.entries.map(({ key, value: held }) => [String(plain(key)), held]));
  if (value instanceof DuckDBTimestampValue) return isoOf(value);
  return String(value);
}

/** Names come out of stored data: `__proto__` is one like any other. */
function namedValues(entries: readonly (readonly [string, DuckDBValue])[]): SqlCell {
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
}

function isoOf(value: DuckDBTimestampValue): string {
  const ms = Number(value.micros / 1000n);
  if (value.micros % 1000n !== 0n || Math.abs(ms) > 8.64e15) return `${String(value).replace(' ', 'T')}Z`;
  return new Date(ms).toISOString();
}
