// What the store's thread and the database's thread say to each other: calls with a number, each answered once.
import type { PackedChunk } from './chunk-reader.ts';
import type {
  BoundedRead,
  BoundedResult,
  InsertedRows,
  InsertRequest,
  Lane,
  LoadRequest,
  PreparedLoad,
  SqlParameter,
  SqlValue,
} from './session.ts';

export type DatabaseCall =
  /** Begins to use a file; answered with the session's SQL schema. */
  | { readonly kind: 'begin'; readonly session: number; readonly path: string; readonly lane: Lane }
  | { readonly kind: 'rows'; readonly session: number; readonly sql: string; readonly values: readonly SqlParameter[] }
  | {
      readonly kind: 'chunks';
      readonly areFew: boolean;
      readonly session: number;
      readonly sql: string;
      readonly values: readonly SqlParameter[];
    }
  | { readonly kind: 'end'; readonly session: number }
  | { readonly kind: 'read'; readonly session: number; readonly paths: readonly string[]; readonly read: BoundedRead }
  | { readonly kind: 'prepare'; readonly load: LoadRequest }
  | { readonly kind: 'insert'; readonly share: InsertRequest }
  | { readonly kind: 'release'; readonly path: string }
  | { readonly kind: 'close' };

export type ToDatabase =
  | { readonly kind: 'call'; readonly number: number; readonly call: DatabaseCall }
  /** Breaks off what runs in a session; answered by that call's failure. */
  | { readonly kind: 'interrupt'; readonly session: number };

export type DatabaseResult =
  | { readonly kind: 'begun'; readonly schema: string }
  | { readonly kind: 'rows'; readonly rows: SqlValue[][] }
  /** Their memory goes along. */
  | { readonly kind: 'chunks'; readonly chunks: readonly PackedChunk[] }
  | { readonly kind: 'read'; readonly result: BoundedResult }
  | { readonly kind: 'prepared'; readonly load: PreparedLoad }
  | { readonly kind: 'inserted'; readonly rows: InsertedRows | undefined }
  | { readonly kind: 'done' };

interface Failure {
  readonly message: string;
  /** Of a StoreUnavailable. */
  readonly reason: 'disk-full' | 'overloaded' | 'unreachable' | 'closed' | undefined;
}

export type FromDatabase =
  /** Said once, when calls may come. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly number: number; readonly result: DatabaseResult; readonly attached: number }
  | { readonly kind: 'failed'; readonly number: number; readonly failure: Failure; readonly attached: number }
  | { readonly kind: 'warning'; readonly text: string };
