// What the store asks of its database, in plain values, so that the database may live in a thread of its own (database-thread.ts).
import type { SqlCell, SqlColumn } from '../port.ts';
import type { PackedChunk } from './chunk-reader.ts';
import type { NewestByHost } from './newest-by-host.ts';
import type { Span } from './span.ts';

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

/** One load that is stored, and what is read meanwhile: a checkpoint lasts longer than one load takes to read. */
export const LOADS_PREPARED = 3;

/** Readers, the writer and look-ups of ids have connections of their own, so that a long search holds up no append. */
export type Lane = 'read' | 'write' | 'lookup';

export interface Session {
  /** SQL name of the attached file; its table is `SCHEMA.events`. */
  readonly schema: string;
  /** Runs one statement and gives its rows. */
  rows(sql: string, values?: readonly SqlParameter[]): Promise<SqlValue[][]>;
  /** Runs one statement whose columns are of a layout's types, and gives its rows as they lie in the database's memory. */
  chunks(
    sql: string,
    values?: readonly SqlParameter[],
    /** Of rows that are far between: they are gathered first, or there would be a chunk for every few of them. */
    areFew?: boolean,
  ): Promise<readonly PackedChunk[]>;
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
  /** Reads events of the log, to be inserted; those that were read {@link LOADS_PREPARED} calls before are forgotten. */
  prepare(load: LoadRequest): Promise<PreparedLoad>;
  /**
   * Stores a period's events of a load that was prepared, in one transaction; makes the tables first where `isNew`. Answers what the
   * stored ones lie between, undefined when all were skipped. It may have been committed when it throws.
   */
  insert(share: InsertRequest): Promise<InsertedRows | undefined>;
  /** Detaches a file, once nobody uses it, so that it may be removed. Writes its open log into it first. */
  release(path: string): Promise<void>;
  attachedCount(): number;
  close(): Promise<void>;
}

export interface LoadRequest {
  /** What it is called by who inserts its events; no other is called so. */
  readonly number: number;
  /** Whole lines of the log. */
  readonly parts: readonly { readonly path: string; readonly from: number; readonly to: number }[];
  /** Decides how coarse the partitions of old events are. */
  readonly nowMs: number;
  /** Whether ids are wanted: some of the events may be stored already. */
  readonly wantsIds: boolean;
}

export interface PreparedLoad {
  /** The events that were read are of these periods (periods.ts). */
  readonly periods: readonly string[];
  readonly ids: readonly { readonly id: string; readonly timestampMs: number }[];
  /** Lines that could be read when they were acknowledged, and cannot now. */
  readonly damagedLines: number;
}

export interface InsertRequest {
  /** The number of the load. */
  readonly load: number;
  readonly path: string;
  readonly period: string;
  readonly isNew: boolean;
  /** Ids that are stored already. */
  readonly skip: readonly string[];
}

export interface InsertedRows {
  readonly span: Span;
  readonly newest: NewestByHost;
}

export interface DatabaseLimits {
  /** The only folder whose files it may touch; any file where absent. */
  readonly folder?: string;
  readonly memoryBytesMax: number;
  /** Where it may put what does not fit in memory; without it, such work fails, and a checkpoint that fails invalidates the database. */
  readonly spillFolder?: string;
  readonly threads: number;
}
