// What a load reads: lines of the log, parsed, by the period of their partitions.
import { timestampOf } from '../admission.ts';
import { type ColumnValue, toRow } from './columns.ts';
import { parseLine, readLines } from './log-lines.ts';
import { byPeriod } from './periods.ts';
import type { LoadRequest, PreparedLoad } from './session.ts';

/** An event on its way into a partition. */
export interface NewRow {
  readonly id: string;
  readonly timestampMs: number;
  /** In the order of LAYOUT. The document itself is not kept: it is five times as large. */
  readonly row: readonly ColumnValue[];
}

export async function readLoad({
  parts,
  nowMs,
  wantsIds,
}: LoadRequest): Promise<Omit<PreparedLoad, 'periods'> & { readonly periods: ReadonlyMap<string, readonly NewRow[]> }> {
  const rows: NewRow[] = [];
  let damagedLines = 0;
  const bad = (): void => {
    damagedLines++;
  };
  for (const part of parts) {
    for await (const lines of readLines(part, bad)) {
      for (const { line } of lines) {
        const { id, document } = parseLine(line);
        const timestampMs = timestampOf(document) ?? 0;
        rows.push({ id, timestampMs, row: toRow({ seq: line.seq, id, document, timestampMs }) });
      }
    }
  }
  const ids = wantsIds ? rows.map(({ id, timestampMs }) => ({ id, timestampMs })) : [];
  return { periods: byPeriod(rows, nowMs), ids, damagedLines };
}
