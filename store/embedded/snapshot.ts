// What one read of the store looks at: its state at one moment, and of each partition what a range of time leaves.
import type { TimeRange } from '../port.ts';
import type { Partition, Partitions } from './partitions.ts';
import type { TailEntry } from './tail.ts';

/** The store's state at one moment: partitions up to a number, and every later event in memory. */
export interface Snapshot {
  readonly partitions: Partitions;
  readonly loadedSeq: number;
  readonly pending: readonly TailEntry[];
}

/** The partitions that hold events of a range of `@timestamp`. */
export function partitionsIn({ partitions }: Snapshot, range: TimeRange): readonly Partition[] {
  return partitions
    .all()
    .filter(({ span }) => span !== undefined && span.maxTs >= range.fromMs && span.minTs < range.untilMs);
}

/** What of a partition is looked at; only what its span does not say already. */
export function boundsOf({ span }: Partition, range: TimeRange, loadedSeq: number): string {
  const bounds: string[] = [];
  if (span === undefined || span.minTs < range.fromMs) bounds.push(`_ts >= ${wholeSql(range.fromMs)}`);
  if (span === undefined || span.maxTs >= range.untilMs) bounds.push(`_ts < ${wholeSql(range.untilMs)}`);
  // More may have been loaded meanwhile.
  if (span === undefined || span.maxSeq > loadedSeq) bounds.push(`_seq <= ${loadedSeq}`);
  return bounds.join(' AND ') || 'TRUE';
}

/** An end of a range of `@timestamp`, which are whole: as a number of the column's own type, that no row need be cast. */
function wholeSql(ms: number): string {
  return String(Math.max(-1, Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER)));
}

/** An end of a range that the database can compare with. */
export function finite(ms: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(ms, Number.MAX_VALUE));
}
