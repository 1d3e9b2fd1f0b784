// DuckDB in this thread: one instance to which partition files are attached as they are needed, the least used detached again.
import { resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { StoreUnavailable } from '../port.ts';
import { attachStatements } from './attachment.ts';
import { createChunkWriter } from './chunk-writer.ts';
import { type ConnectionLane, createLane } from './connection-lane.ts';
import { sessionOf } from './connection-session.ts';
import { insertRows } from './insert.ts';
import { type RowsByPeriod, readLoad } from './load.ts';
import { createRowScan } from './row-scan.ts';
import { RowTable } from './row-table.ts';
import { type Database, type DatabaseLimits, type Lane, LOADS_PREPARED } from './session.ts';
import { boundedRead } from './sql/bounded-read.ts';

/** At most so many partition files are attached at once, except while more are in use at the same time. */
export const ATTACHED_MAX = 24;
/** Searches and scans that run at once; the others wait. Leaves libuv threads to the log. */
const READERS = 2;
/**
 * Up to so many rows that a statement names are told to its scan one by one, and what holds none of them is not unpacked. Of more,
 * DuckDB's own 50, the scan knows the first and the last alone.
 */
const NAMED_ROWS_MAX = 10_000;
/** A checkpoint of a full WAL needs some hundred MB; a wild query of a person must not fill the disk. */
const SPILL_BYTES_MAX = '4GiB';

/** Memory that holds stored data: what can be put out, into files of DuckDB's own where loads have not filed it yet. */
const STORED_TAGS = "'BASE_TABLE', 'METADATA', 'IN_MEMORY_TABLE', 'EXTERNAL_FILE_CACHE'";

/** Events of a load, as rows by period. */
interface PreparedTable {
  readonly table: RowTable;
  /** Its number; undefined while it is read. */
  load: number | undefined;
  periods: RowsByPeriod;
}

interface Attachment {
  readonly path: string;
  readonly schema: string;
  readonly ready: Promise<void>;
  users: number;
  readonly idle: (() => void)[];
}

export async function openDatabase(limits: DatabaseLimits, warn: (text: string) => void): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(limits.threads),
    memory_limit: `${Math.floor(limits.memoryBytesMax / 1024)}KiB`,
    // A checkpoint stalls the writer for up to seconds: few, and the log acknowledges meanwhile.
    checkpoint_threshold: '64MB',
    temp_directory: limits.spillFolder ?? '',
    ...(limits.spillFolder === undefined ? {} : { max_temp_directory_size: SPILL_BYTES_MAX }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'false',
  });
  const first = await instance.connect();
  const connectReader = async (): Promise<DuckDBConnection> => {
    const connection = await instance.connect();
    await connection.run(`SET SESSION dynamic_or_filter_threshold = ${NAMED_ROWS_MAX}`);
    return connection;
  };
  // Before the fence, which locks settings.
  const readers = await Promise.all(Array.from({ length: READERS }, connectReader));
  for (const statement of fenceStatements(limits.folder)) await first.run(statement);
  const control = createLane([first]);
  const lanes: Readonly<Record<Lane, ConnectionLane>> = {
    read: createLane(readers),
    write: createLane([await instance.connect()]),
    lookup: createLane([await instance.connect()]),
  };
  // In order of use: the first is the least used.
  const attachments = new Map<string, Attachment>();
  /** Files that are being detached: they must be gone before they are attached again. */
  const leaving = new Map<string, Promise<void>>();
  let attachedEver = 0;
  /** The loads that were read last, the oldest first: while one is stored the next are read. */
  const tables = Array.from({ length: LOADS_PREPARED }, newTable);
  let reading: Promise<unknown> = Promise.resolve();
  const scan = createRowScan();
  const writer = createChunkWriter();
  const memory = { bytes: Buffer.alloc(0) };
  /**
   * Resolves when the rows of a load are with DuckDB: until then this thread reads none of the next load. It has the time for that in which
   * DuckDB's threads commit.
   */
  let giving: Promise<void> | undefined;

  const attach = (path: string): Attachment => {
    const schema = `p${++attachedEver}`;
    const attached = async (): Promise<void> => {
      await leaving.get(path);
      await control.run(async (connection) => {
        for (const statement of await attachStatements(path, schema)) await connection.run(statement);
      });
    };
    return { path, schema, ready: attached(), users: 0, idle: [] };
  };

  const detach = (attachment: Attachment): Promise<void> => {
    attachments.delete(attachment.path);
    const detached = attachment.ready
      .then(() => control.run((connection) => connection.run(`DETACH ${attachment.schema}`)))
      .then(
        () => undefined,
        (error: unknown) => {
          // On a full disk the file is detached all the same; what was committed stays in its own log, to be filed at the next use.
          if (!/^IO Error: Detached database/.test(error instanceof Error ? error.message : '')) throw error;
          warn(
            `${attachment.path} was closed without a checkpoint: ${error instanceof Error ? error.message : String(error)}`,
          );
        },
      )
      .finally(() => leaving.delete(attachment.path));
    leaving.set(attachment.path, detached);
    return detached;
  };

  const detachLeastUsed = async (): Promise<void> => {
    for (const attachment of attachments.values()) {
      if (attachments.size <= ATTACHED_MAX) return;
      if (attachment.users === 0) await detach(attachment);
    }
  };

  const release = async (path: string): Promise<void> => {
    for (;;) {
      const attachment = attachments.get(path);
      if (attachment === undefined) return leaving.get(path);
      if (attachment.users === 0) return detach(attachment);
      await new Promise<void>((resolve) => attachment.idle.push(resolve));
    }
  };

  /** Works while files are attached. */
  const withFiles = async <T>(
    paths: readonly string[],
    work: (schemas: readonly string[]) => Promise<T>,
  ): Promise<T> => {
    const held = paths.map((path) => {
      const attachment = attachments.get(path) ?? attach(path);
      attachments.delete(path);
      attachments.set(path, attachment);
      attachment.users++;
      return attachment;
    });
    try {
      await Promise.all(held.map(({ ready }) => ready));
      return await work(held.map(({ schema }) => schema));
    } catch (error) {
      // A file that could not be attached is tried again at its next use.
      for (const { path, ready } of held) if (await hasFailed(ready)) attachments.delete(path);
      throw error;
    } finally {
      for (const attachment of held) {
        attachment.users--;
        if (attachment.users === 0) for (const wake of attachment.idle.splice(0)) wake();
      }
      await detachLeastUsed();
    }
  };

  const withConnection = <T>(
    path: string,
    lane: Lane,
    work: (connection: DuckDBConnection, schema: string) => Promise<T>,
  ): Promise<T> => withFiles([path], ([schema = '']) => lanes[lane].run((connection) => work(connection, schema)));

  const memoryPart = (): Promise<number> =>
    control.run(async (connection) => {
      const reader = await connection.runAndReadAll(
        `SELECT sum(memory_usage_bytes)::DOUBLE FROM duckdb_memory() WHERE tag NOT IN (${STORED_TAGS})`,
      );
      return Number(reader.getRows()[0]?.[0] ?? 0) / limits.memoryBytesMax;
    });

  /** Whose turn it is to run a statement that is not ours. */
  let turn: Promise<unknown> = Promise.resolve();
  const closing = new AbortController();

  return {
    use: (path, lane, work, signal) =>
      withConnection(path, lane, async (connection, schema) => {
        signal?.throwIfAborted();
        const interrupt = (): void => connection.interrupt();
        signal?.addEventListener('abort', interrupt, { once: true });
        try {
          return await work(sessionOf(schema, connection, signal));
        } finally {
          signal?.removeEventListener('abort', interrupt);
        }
      }),
    read(paths, read, signal) {
      const result = turn.then(() =>
        withFiles(paths, async (schemas) => {
          const connection = await instance.connect();
          try {
            const ended = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
            return await boundedRead(connection, read, { schemas, memoryPart, signal: ended });
          } finally {
            // What was cut short runs no longer.
            connection.interrupt();
            connection.closeSync();
          }
        }),
      );
      turn = result.catch(() => undefined);
      return result;
    },
    prepare(request) {
      const result = reading.then(async () => {
        const into = tables.shift() ?? newTable();
        tables.push(into);
        into.load = undefined;
        const { periods, ids, damagedLines } = await readLoad(request, {
          table: into.table,
          scan,
          memory,
          others: () => giving,
        });
        [into.load, into.periods] = [request.number, periods];
        return { periods: [...periods.keys()], ids, damagedLines };
      });
      reading = result.catch(() => undefined);
      return result;
    },
    async insert({ load, path, period, isNew, skip }) {
      const prepared = tables.find((one) => one.load === load);
      const share = prepared?.periods.get(period);
      if (prepared === undefined || share === undefined) throw new Error('these events were not prepared');
      const { table } = prepared;
      const skipped = new Set(skip);
      const rows = skipped.size === 0 ? share : share.filter((row) => !skipped.has(table.ids[row] ?? ''));
      if (rows.length === 0) return undefined;
      return withConnection(path, 'write', async (connection, schema) => {
        const { promise, resolve: given } = Promise.withResolvers<void>();
        giving = promise;
        try {
          return await insertRows(connection, schema, { table, rows }, { isNew, writer, given });
        } finally {
          given();
        }
      });
    },
    release,
    attachedCount: () => attachments.size,
    async close() {
      closing.abort(new StoreUnavailable('closed', 'the store is closed'));
      await Promise.all([turn, reading]);
      for (const path of [...attachments.keys()]) {
        // One that cannot be detached, as it is invalid, must not keep the others open: what was committed is in its own log.
        await release(path).catch((error: unknown) => warn(`${path} was not closed: ${String(error)}`));
      }
      for (const lane of [control, ...Object.values(lanes)]) await lane.close();
      instance.closeSync();
    },
  };
}

/**
 * What holds for every connection from now on. SQL of people is checked before it runs (sql/check.ts); should that ever miss something,
 * there is still no file but the store's own, no extension and no setting to be had.
 */
function fenceStatements(folder: string | undefined): readonly string[] {
  const settings = [
    // The footers of cold partitions stay in memory: each query would read them anew.
    'SET GLOBAL parquet_metadata_cache = true',
    "SET GLOBAL TimeZone = 'UTC'",
  ];
  if (folder === undefined) return settings;
  const folders = [folder, resolve(folder)].map((path) => `'${path.replaceAll("'", "''")}'`);
  return [
    ...settings,
    `SET GLOBAL allowed_directories = [${folders.join(', ')}]`,
    'SET GLOBAL enable_external_access = false',
    'SET GLOBAL lock_configuration = true',
  ];
}

function newTable(): PreparedTable {
  return { table: new RowTable(), load: undefined, periods: new Map() };
}

function hasFailed(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}
