// The database's thread: DuckDB, and nothing that anybody waits for who acknowledges events. Does what it is told in messages.
import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { StoreUnavailable } from '../port.ts';
import { openDatabase } from './database.ts';
import type { DatabaseCall, DatabaseResult, FromDatabase, ToDatabase } from './database-messages.ts';
import type { DatabaseLimits, Session } from './session.ts';

interface OpenSession {
  readonly session: Session;
  readonly interrupt: () => void;
  /** Ends its use of the file, and resolves when that is ended. */
  readonly end: () => Promise<void>;
}

/**
 * Of this thread, of those that run its statements (libuv's) and of DuckDB's own, which begin as who starts them: where cores are short,
 * who acknowledges comes first. The log is written by libuv's threads too, but so briefly that the kernel lets it in at once.
 */
const NICE = 5;
const POOL_NAME = 'libuv-worker';

const port = parentPort;
if (port === null) throw new Error('this is the program of a thread');
try {
  setPriority(NICE);
  for (const id of await readdir('/proc/self/task')) {
    const name = await readFile(`/proc/self/task/${id}/comm`, 'latin1');
    if (name.trim() === POOL_NAME) setPriority(Number(id), NICE);
  }
} catch {
  // Some sandboxes refuse: then all threads are alike.
}
const say = (message: FromDatabase, given: readonly ArrayBuffer[] = []): void => port.postMessage(message, given);
const database = await openDatabase(workerData as DatabaseLimits, (text) => say({ kind: 'warning', text }));
const sessions = new Map<number, OpenSession>();
/** Bounded reads that wait or run, to be broken off. */
const reads = new Map<number, AbortController>();

const begin = ({ session: number, path, lane }: Extract<DatabaseCall, { kind: 'begin' }>): Promise<DatabaseResult> =>
  new Promise((resolve, reject) => {
    const abort = new AbortController();
    const ended = Promise.withResolvers<void>();
    const used = database.use(
      path,
      lane,
      (session) => {
        const end = (): Promise<void> => {
          sessions.delete(number);
          ended.resolve();
          return used;
        };
        sessions.set(number, { session, interrupt: () => abort.abort(), end });
        resolve({ kind: 'begun', schema: session.schema });
        return ended.promise;
      },
      abort.signal,
    );
    used.catch(reject);
  });

const answer = async (call: DatabaseCall): Promise<DatabaseResult> => {
  switch (call.kind) {
    case 'begin':
      return begin(call);
    case 'rows': {
      const open = sessions.get(call.session);
      if (open === undefined) throw new Error('the session has ended');
      return { kind: 'rows', rows: await open.session.rows(call.sql, call.values) };
    }
    case 'chunks': {
      const open = sessions.get(call.session);
      if (open === undefined) throw new Error('the session has ended');
      return { kind: 'chunks', chunks: await open.session.chunks(call.sql, call.values, call.areFew) };
    }
    case 'end':
      await sessions.get(call.session)?.end();
      return { kind: 'done' };
    case 'read': {
      const abort = new AbortController();
      reads.set(call.session, abort);
      try {
        return { kind: 'read', result: await database.read(call.paths, call.read, abort.signal) };
      } finally {
        reads.delete(call.session);
      }
    }
    case 'prepare':
      return { kind: 'prepared', load: await database.prepare(call.load) };
    case 'insert':
      return { kind: 'inserted', rows: await database.insert(call.share) };
    case 'release':
      await database.release(call.path);
      return { kind: 'done' };
    case 'close':
      await database.close();
      return { kind: 'done' };
  }
};

port.on('message', (message: ToDatabase) => {
  if (message.kind === 'interrupt') {
    sessions.get(message.session)?.interrupt();
    reads.get(message.session)?.abort();
    return;
  }
  const { number, call } = message;
  answer(call)
    .then(
      (result) =>
        say(
          { kind: 'answer', number, result, attached: database.attachedCount() },
          result.kind === 'chunks' ? result.chunks.map(({ memory }) => memory) : [],
        ),
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        const reason = error instanceof StoreUnavailable ? error.reason : undefined;
        say({ kind: 'failed', number, failure: { message: text, reason }, attached: database.attachedCount() });
      },
    )
    .finally(() => {
      if (call.kind === 'close') port.close();
    });
});
say({ kind: 'ready' });
