// What the store asks of its database, in plain values, so that the database may live in a thread of its own (database-thread.ts).
import type { EventDocument } from '../../event/document.ts';
import type { SqlCell, SqlColumn } from '../port.ts';

/** A value of SQL on its way in. A number is bound as DOUBLE, a bigint as BIGINT, a list by its first member (an empty one: VARCHAR[]). */
export type SqlParameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly string[]
  | readonly bigint[]
  | readonly number[];
/** A value of SQL on its way out: BIGINT as bigint, lists as arrays, and as text what JavaScript has no word for. */
export type SqlValue = string | number | bigint | boolean | null | readonly SqlValue[];

/** Readers, the writer and look-ups of ids have connections of their own, so that a long search holds up no append. */
export type Lane = 'read' | 'write' | 'lookup';

export interface Session {
  /** SQL name of the attached file; its table is `SCHEMA.events`. */
  readonly schema: string;
  /** Runs one statement and gives its rows. */
  rows(sql: string, values?: readonly SqlParameter[]): Promise<SqlValue[][]>;
}

/** One statement that is not ours, with bounds. */
export interface BoundedRead {
  /** Statements of ours that come before it; `$schema_N$` in them stands for the N-th file. */
  readonly views: readonly string[];
  readonly sql: string;
  readonly values: readonly string[];
  readonly rowsMax: number;
  /** Of the rows as JSON. */
  readonly bytesMax: number;
}

export interface BoundedResult {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly (readonly SqlCell[])[];
  readonly cut: 'rows' | 'bytes' | undefined;
}

export interface Database {
  /** Works on one partition file, which stays attached meanwhile. When `signal` aborts, the statement that runs is broken off. */
  use<T>(path: string, lane: Lane, work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Runs a statement over several files, which stay attached meanwhile, in a connection that ends with it; one such at a time. */
  read(paths: readonly string[], read: BoundedRead, signal?: AbortSignal): Promise<BoundedResult>;
  /** Stores entries in one transaction; makes the tables first where `isNew`. It may have been committed when it throws. */
  insert(path: string, entries: readonly NewRow[], isNew: boolean): Promise<void>;
  /** Detaches a file, once nobody uses it, so that it may be removed. Writes its open log into it first. */
  release(path: string): Promise<void>;
  attachedCount(): number;
  close(): Promise<void>;
}

/** An event on its way into a partition. */
export interface NewRow {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
  readonly timestampMs: number;
}

export interface DatabaseLimits {
  readonly memoryBytesMax: number;
  /** Where it may put what does not fit in memory; without it, such work fails, and a checkpoint that fails invalidates the database. */
  readonly spillFolder?: string;
  readonly threads: number;
}
