// DuckDB in this process: one instance to which partition files are attached as they are needed, the least used detached again.
// Readers, the writer and look-ups of ids have connections of their own, so that a long search holds up no append.
import { DOUBLE, type DuckDBConnection, DuckDBInstance, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import { StoreUnavailable } from '../port.ts';

/** At most so many partition files are attached at once, except while more are in use at the same time. */
export const ATTACHED_MAX = 24;
/** Searches and scans that run at once; the others wait. Leaves libuv threads to the log. */
const READERS = 2;
/** At most so many pieces of work wait for a connection; one more is refused. */
const WAITING_MAX = 1_000;

export type Lane = 'read' | 'write' | 'lookup';

export interface Session {
  /** SQL name of the attached file; its table is `SCHEMA.events`. */
  readonly schema: string;
  readonly connection: DuckDBConnection;
  /** Runs a query and gives its rows as JavaScript values. Numbers are bound as DOUBLE where `types` does not say otherwise. */
  rows(
    sql: string,
    values?: readonly DuckDBValue[],
    types?: readonly (DuckDBType | undefined)[],
  ): Promise<DuckDBValue[][]>;
}

export interface Database {
  /** Works on one partition file, which stays attached meanwhile. */
  use<T>(path: string, lane: Lane, work: (session: Session) => Promise<T>): Promise<T>;
  /** Detaches a file, once nobody uses it, so that it may be removed. Writes its open log into it first. */
  release(path: string): Promise<void>;
  attachedCount(): number;
  close(): Promise<void>;
}

interface Attachment {
  readonly path: string;
  readonly schema: string;
  readonly ready: Promise<void>;
  users: number;
  readonly idle: (() => void)[];
}

export interface DatabaseLimits {
  readonly memoryBytesMax: number;
  readonly threads: number;
}

export async function openDatabase(limits: DatabaseLimits, warn: (text: string) => void): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(limits.threads),
    memory_limit: `${Math.floor(limits.memoryBytesMax / 1024)}KiB`,
    // A checkpoint stalls the writer for up to seconds: few, and the log acknowledges meanwhile.
    checkpoint_threshold: '128MB',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'false',
  });
  const control = createLane([await instance.connect()]);
  const lanes: Readonly<Record<Lane, ConnectionLane>> = {
    read: createLane(await Promise.all(Array.from({ length: READERS }, () => instance.connect()))),
    write: createLane([await instance.connect()]),
    lookup: createLane([await instance.connect()]),
  };
  // In order of use: the first is the least used.
  const attachments = new Map<string, Attachment>();
  /** Files that are being detached: they must be gone before they are attached again. */
  const leaving = new Map<string, Promise<void>>();
  let attachedEver = 0;

  const attach = (path: string): Attachment => {
    const schema = `p${++attachedEver}`;
    const attached = async (): Promise<void> => {
      await leaving.get(path);
      await control.run((connection) =>
        connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS ${schema} (STORAGE_VERSION 'latest')`),
      );
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

  return {
    async use(path, lane, work) {
      const attachment = attachments.get(path) ?? attach(path);
      attachments.delete(path);
      attachments.set(path, attachment);
      attachment.users++;
      try {
        await attachment.ready;
        return await lanes[lane].run((connection) => work(sessionOf(attachment.schema, connection)));
      } catch (error) {
        // A file that could not be attached is tried again at its next use.
        if (await hasFailed(attachment.ready)) attachments.delete(path);
        throw error;
      } finally {
        attachment.users--;
        if (attachment.users === 0) for (const wake of attachment.idle.splice(0)) wake();
        await detachLeastUsed();
      }
    },
    release,
    attachedCount: () => attachments.size,
    async close() {
      for (const path of [...attachments.keys()]) {
        // One that cannot be detached, as it is invalid, must not keep the others open: what was committed is in its own log.
        await release(path).catch((error: unknown) => warn(`${path} was not closed: ${String(error)}`));
      }
      for (const lane of [control, ...Object.values(lanes)]) lane.close();
      instance.closeSync();
    },
  };
}

function hasFailed(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

function sessionOf(schema: string, connection: DuckDBConnection): Session {
  return {
    schema,
    connection,
    async rows(sql, values = [], types = values.map((value) => (typeof value === 'number' ? DOUBLE : undefined))) {
      const reader = await connection.runAndReadAll(sql, [...values], [...types] as DuckDBType[]);
      return reader.getRows();
    },
  };
}

interface ConnectionLane {
  run<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  close(): void;
}

/** Gives each piece of work a connection of its own; the others wait their turn. */
function createLane(connections: readonly DuckDBConnection[]): ConnectionLane {
  const free = [...connections];
  const waiting: ((connection: DuckDBConnection) => void)[] = [];
  return {
    async run(work) {
      if (waiting.length >= WAITING_MAX)
        throw new StoreUnavailable('overloaded', 'too many requests wait for the store');
      const connection = free.pop() ?? (await new Promise<DuckDBConnection>((resolve) => waiting.push(resolve)));
      try {
        return await work(connection);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(connection);
        else next(connection);
      }
    },
    close() {
      for (const connection of connections) connection.closeSync();
    },
  };
}
