// DuckDB calls a database invalid once a checkpoint failed half-way (a full disk), and may find its memory at odds with itself
// after a write that had no room. What was committed is in its files, so it is opened anew here, without a restart of the server.
// A read is then done again, once; a write is not, because it may have been committed: who asked looks and repeats.
import { StoreUnavailable } from '../port.ts';
import { openDatabaseThread } from './database-thread.ts';
import type { Database, DatabaseLimits } from './session.ts';

const INVALID = /has been invalidated|^(FATAL|INTERNAL) Error|^the database’s thread/;

export async function openMendingDatabase(
  limits: DatabaseLimits,
  warn: (text: string) => void,
  open: typeof openDatabaseThread = openDatabaseThread,
): Promise<Database> {
  /** Undefined after it was closed and could not be opened again: the next use tries. */
  let current: Database | undefined = await open(limits, warn);
  let users = 0;
  let isInvalid = false;
  let mending: Promise<void> | undefined;
  const idle: (() => void)[] = [];

  const mend = async (): Promise<void> => {
    // Who is at work has its answer soon: nothing works any more.
    if (users > 0) await new Promise<void>((resolve) => idle.push(resolve));
    const invalid = current;
    current = undefined;
    await invalid?.close();
    current = await open(limits, warn);
    isInvalid = false;
    warn('the database was found invalid and has been opened anew');
  };

  const usable = async (): Promise<Database> => {
    while (isInvalid) {
      mending ??= mend().finally(() => {
        mending = undefined;
      });
      await mending;
    }
    if (current === undefined) throw new StoreUnavailable('closed', 'the store is closed');
    return current;
  };

  const attempt = async <T>(work: (database: Database) => Promise<T>): Promise<T> => {
    const database = await usable();
    users++;
    try {
      return await work(database);
    } catch (error) {
      if (!INVALID.test(error instanceof Error ? error.message : '')) throw error;
      isInvalid = true;
      warn(`the database is invalid: ${firstLineOf(error)}`);
      throw new StoreUnavailable('unreachable', 'the database is being opened anew');
    } finally {
      users--;
      if (users === 0) for (const wake of idle.splice(0)) wake();
    }
  };

  const repeatable = <T>(work: (database: Database) => Promise<T>): Promise<T> =>
    attempt(work).catch((error) => {
      if (!isInvalid) throw error;
      return attempt(work);
    });

  return {
    use: (path, lane, work, signal) =>
      (lane === 'write' ? attempt : repeatable)((database) => database.use(path, lane, work, signal)),
    read: (paths, read, signal) => attempt((database) => database.read(paths, read, signal)),
    prepare: (load) => attempt((database) => database.prepare(load)),
    insert: (share) => attempt((database) => database.insert(share)),
    release: (path) => attempt((database) => database.release(path)),
    attachedCount: () => current?.attachedCount() ?? 0,
    async close() {
      await mending?.catch(() => undefined);
      await current?.close();
      current = undefined;
    },
  };
}

/** An INTERNAL error brings DuckDB's stack along. */
function firstLineOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
}
