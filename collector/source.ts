// Where records come from, as the reader sees it: the kernel's unicast stream, its multicast group, or a recording.
import type { AuditRecord } from '../audit/event.ts';
import type { Loss } from './loss-ledger.ts';
import type { Mode, Notice, Refusal } from './options.ts';
import type { Tamper } from './tamper.ts';

/** What one drain brought. */
export interface Drained {
  readonly records: number;
  /** How often the socket said that its queue overflowed (ENOBUFS) since the last drain. */
  readonly overflows: number;
  /** Datagrams that were no audit record or did not fit a slot: never silently passed over. */
  readonly unreadable: number;
  /** True when more was waiting than one drain takes. */
  readonly hasMore: boolean;
}

/** The kernel's own account. */
export interface KernelFigures {
  /** Records that the kernel lost since boot. */
  readonly lost: number;
  readonly backlog: number;
  readonly isOwner: boolean;
}

export interface RecordSource {
  readonly mode: Mode;
  /** Hands on what is there now, in order of arrival; never waits. */
  drain(onRecord: (record: AuditRecord) => void): Drained;
  /**
   * Whether what happened while no collector read was kept in a socket that outlived it: then the gaps in the serials say all that
   * is missing. Undefined while that is not known; absent where it never is so.
   */
  keptWatching?(): boolean | undefined;
  /** The descriptor that becomes readable when there is something to drain; absent where there is none to wait for. */
  descriptor?(): number;
  /** Has the kernel write a record of its own, so that its serial shows what is missing before it; absent where nobody may ask. */
  prompt?(): void;
  /** How much the kernel keeps for us between two drains, bytes; absent where nothing is lost by waiting. */
  queueBytes?(): number;
  /** True when nothing will ever come again (the end of a recording). */
  isEnded(): boolean;
  /** Asks the kernel how it does; undefined where it cannot be asked. */
  check(): KernelFigures | undefined;
  /** What was found to be done to the watching since the last call, the oldest first; absent where nothing can be found. */
  takeTampers?(): readonly Tamper[];
  /**
   * Of a log: so many of the records that it handed on are in the spool's files, from the first on, and need not be read again. Throws
   * what the disk throws.
   */
  keep?(settledRecords: number): void;
  /** Of a log: what of it is certainly gone; told once. */
  takeLosses?(): readonly Loss[];
  /** Replaces the processes that are left out; pids that ended are dropped by `check`. */
  excludePids(pids: readonly number[]): void;
  /** First step of stopping: asks for no more events. What is on its way can still be drained. */
  quiesce(): void;
  /** Puts everything back and lets go. */
  close(): void;
}

export type SourceStart =
  | { readonly kind: 'open'; readonly source: RecordSource; readonly notices: readonly Notice[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
