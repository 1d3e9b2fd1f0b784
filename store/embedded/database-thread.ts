// The database as the store sees it: in a thread of its own, so that no load, search or checkpoint holds up who acknowledges.
// What is asked goes there as a message. Keeps the process alive only while something is asked.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '../port.ts';
import type { DatabaseCall, DatabaseResult, FromDatabase, ToDatabase } from './database-messages.ts';
import type { Database, DatabaseLimits, Session } from './session.ts';

interface Caller {
  readonly resolve: (result: DatabaseResult) => void;
  readonly reject: (error: unknown) => void;
}

export async function openDatabaseThread(limits: DatabaseLimits, warn: (text: string) => void): Promise<Database> {
  const program = new URL(`./database-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(program, { workerData: limits, name: 'database' });
  const callers = new Map<number, Caller>();
  const ready = Promise.withResolvers<void>();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let calls = 0;
  let sessions = 0;
  let attached = 0;
  /** Why no call is answered any more. */
  let end: Error | undefined;

  const fail = (error: Error): void => {
    end ??= error;
    ready.reject(end);
    for (const caller of callers.values()) caller.reject(end);
    callers.clear();
  };
  worker.on('error', (error: Error) => fail(new Error(`the database’s thread ended: ${error.message}`)));
  worker.on('exit', (code) => fail(new Error(`the database’s thread ended with code ${code}`)));
  worker.on('message', (message: FromDatabase) => {
    switch (message.kind) {
      case 'ready':
        ready.resolve();
        return;
      case 'warning':
        warn(message.text);
        return;
      case 'answer':
      case 'failed': {
        const caller = callers.get(message.number);
        callers.delete(message.number);
        if (callers.size === 0) worker.unref();
        attached = message.attached;
        if (message.kind === 'answer') caller?.resolve(message.result);
        else caller?.reject(errorOf(message.failure));
      }
    }
  });

  const ask = (call: DatabaseCall): Promise<DatabaseResult> =>
    new Promise((resolve, reject) => {
      if (end !== undefined) {
        reject(end);
        return;
      }
      if (callers.size === 0) worker.ref();
      const number = ++calls;
      callers.set(number, { resolve, reject });
      worker.postMessage({ kind: 'call', number, call } satisfies ToDatabase);
    });

  await ready.promise;
  worker.unref();

  return {
    async use(path, lane, work, signal) {
      signal?.throwIfAborted();
      const number = ++sessions;
      const begun = await ask({ kind: 'begin', session: number, path, lane });
      const interrupt = (): void => worker.postMessage({ kind: 'interrupt', session: number } satisfies ToDatabase);
      signal?.addEventListener('abort', interrupt, { once: true });
      const session: Session = {
        schema: begun.kind === 'begun' ? begun.schema : '',
        async rows(sql, values = []) {
          signal?.throwIfAborted();
          const answer = await ask({ kind: 'rows', session: number, sql, values });
          return answer.kind === 'rows' ? answer.rows : [];
        },
        async chunks(sql, values = [], areFew = false) {
          signal?.throwIfAborted();
          const answer = await ask({ kind: 'chunks', session: number, sql, values, areFew });
          return answer.kind === 'chunks' ? answer.chunks : [];
        },
      };
      try {
        return await work(session);
      } catch (error) {
        // An interrupted statement fails in DuckDB's words; who broke it off wants to read their own.
        signal?.throwIfAborted();
        throw error;
      } finally {
        signal?.removeEventListener('abort', interrupt);
        await ask({ kind: 'end', session: number });
      }
    },
    async read(paths, read, signal) {
      signal?.throwIfAborted();
      const number = ++sessions;
      const interrupt = (): void => worker.postMessage({ kind: 'interrupt', session: number } satisfies ToDatabase);
      signal?.addEventListener('abort', interrupt, { once: true });
      try {
        const answer = await ask({ kind: 'read', session: number, paths, read });
        if (answer.kind !== 'read') throw new Error('the database’s thread answered something else');
        return answer.result;
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        signal?.removeEventListener('abort', interrupt);
      }
    },
    async prepare(load) {
      const answer = await ask({ kind: 'prepare', load });
      return answer.kind === 'prepared' ? answer.load : { periods: [], ids: [], damagedLines: 0 };
    },
    async insert(share) {
      const answer = await ask({ kind: 'insert', share });
      return answer.kind === 'inserted' ? answer.rows : undefined;
    },
    async release(path) {
      await ask({ kind: 'release', path });
    },
    attachedCount: () => attached,
    async close() {
      if (end === undefined) {
        await ask({ kind: 'close' });
        end = new StoreUnavailable('closed', 'the store is closed');
      }
      worker.ref();
      await exited;
    },
  };
}

function errorOf({ message, reason }: { message: string; reason: StoreUnavailable['reason'] | undefined }): Error {
  return reason === undefined ? new Error(message) : new StoreUnavailable(reason, message);
}
