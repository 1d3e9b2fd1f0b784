// Whether a partition has odd rows (columns.ts) is asked once, so that conditions over one without them, as nearly all are, need not
// ask each row: DuckDB is several times as fast at a plain test.
import type { Layout } from './columns.ts';
import type { Partition, PartitionSession } from './partitions.ts';

/** `isEven`: no row that is looked at is odd. */
export interface AskedLayout extends Layout {
  readonly isEven?: boolean;
}

interface Known {
  /** Of the events up to this number. */
  readonly upTo: number;
  readonly isEven: boolean;
}

/** Rows never change, and those of greater numbers only are added. */
const known = new WeakMap<Partition, Known>();

/** The layout for conditions on events up to a number, all of which are loaded. */
export async function askedLayout(
  { layout, schema, rows }: PartitionSession,
  partition: Partition,
  loadedSeq: number,
): Promise<AskedLayout> {
  const before = known.get(partition) ?? { upTo: -1, isEven: true };
  if (!before.isEven) return layout;
  const maxSeq = partition.span?.maxSeq ?? Number.POSITIVE_INFINITY;
  if (before.upTo < Math.min(loadedSeq, maxSeq)) {
    const [odd] = await rows(
      `SELECT count("_odd") FROM ${schema}.events WHERE _seq > ${before.upTo} AND _seq <= ${loadedSeq}`,
    );
    known.set(partition, { upTo: loadedSeq, isEven: Number(odd?.[0] ?? 1) === 0 });
  }
  return known.get(partition)?.isEven === true ? { ...layout, isEven: true } : layout;
}
