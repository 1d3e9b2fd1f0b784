// Connections that pieces of work take turns with: each has one of its own, the others wait.
import type { DuckDBConnection } from '@duckdb/node-api';
import { StoreUnavailable } from '../port.ts';

/** At most so many pieces of work wait for a connection; one more is refused. */
const WAITING_MAX = 1_000;

export interface ConnectionLane {
  run<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** Resolves when nothing is at work any more: a connection that is closed under its work takes the process with it. */
  close(): Promise<void>;
}

/** Gives each piece of work a connection of its own; the others wait their turn. */
export function createLane(connections: readonly DuckDBConnection[]): ConnectionLane {
  const free = [...connections];
  const waiting: ((connection: DuckDBConnection) => void)[] = [];
  let whenIdle: (() => void) | undefined;
  return {
    async run(work) {
      if (waiting.length >= WAITING_MAX)
        throw new StoreUnavailable('overloaded', 'too many requests wait for the store');
      const connection = free.pop() ?? (await new Promise<DuckDBConnection>((resolve) => waiting.push(resolve)));
      try {
        return await work(connection);
      } finally {
        const next = waiting.shift();
        if (next !== undefined) next(connection);
        else if (free.push(connection) === connections.length) whenIdle?.();
      }
    },
    async close() {
      if (free.length < connections.length) await new Promise<void>((resolve) => (whenIdle = resolve));
      for (const connection of connections) connection.closeSync();
    },
  };
}
