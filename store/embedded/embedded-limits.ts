// What the embedded store takes of memory, disk and time at the most: each with a name, to be set by tests.
import { SLICE_ROWS } from './scan.ts';
import type { TailLimits } from './tail.ts';

export interface EmbeddedLimits {
  /** Bytes, and number, of events that may wait in the log for partitions. */
  readonly backlogBytesMax: number;
  readonly backlogEventsMax: number;
  /** Bytes of them that are kept in memory too. */
  readonly memoryBytesMax: number;
  readonly waitingBatchesMax: number;
  readonly waitingBytesMax: number;
  /** Nothing more is acknowledged while the disk has less room. */
  readonly freeBytesLeast: number;
  readonly groupBytesMax: number;
  /** A log segment is closed when it is this long. */
  readonly segmentBytesMax: number;
  /** Events (and their bytes) that stay in memory for followers after they were loaded. */
  readonly recentEvents: number;
  readonly recentBytes: number;
  /** A partition with so many events is followed by another of the same period. */
  readonly partitionRowsMax: number;
  /** An event is in a partition after about this time. */
  readonly loadDelayMs: number;
  /** How long a search counts how many events match in all; then the total is a lower bound. */
  readonly countMs: number;
  /** A slice of a scan takes at most so many events of each partition. */
  readonly sliceRows: number;
  /** What DuckDB may use; the process needs more than that. */
  readonly databaseBytesMax: number;
  readonly databaseThreads: number;
}

const MIB = 1024 * 1024;
export const EMBEDDED_LIMITS: EmbeddedLimits = {
  backlogBytesMax: 16_384 * MIB,
  backlogEventsMax: 6_000_000,
  memoryBytesMax: 48 * MIB,
  waitingBatchesMax: 1_000,
  waitingBytesMax: 64 * MIB,
  freeBytesLeast: 256 * MIB,
  groupBytesMax: 8 * MIB,
  segmentBytesMax: 64 * MIB,
  recentEvents: 10_000,
  recentBytes: 16 * MIB,
  partitionRowsMax: 2_000_000,
  loadDelayMs: 1_000,
  countMs: 150,
  sliceRows: SLICE_ROWS,
  databaseBytesMax: 512 * MIB,
  databaseThreads: 2,
};

export function tailLimits({ memoryBytesMax, recentEvents, recentBytes }: EmbeddedLimits): TailLimits {
  return { pendingBytes: memoryBytesMax, recentEvents, recentBytes };
}
