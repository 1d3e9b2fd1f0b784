// What a load reads: lines of the log as rows, by the period of their partitions.
import { timestampOf } from '../admission.ts';
import { toRow } from './columns.ts';
import { parseLine, type RawLine, type ReadMemory, readLines } from './log-lines.ts';
import { byPeriod } from './periods.ts';
import type { RowScan } from './row-scan.ts';
import type { RowTable } from './row-table.ts';
import type { LoadRequest, PreparedLoad } from './session.ts';

/** Rows of a table, by number. */
export type RowsByPeriod = ReadonlyMap<string, readonly number[]>;

/** Reads the lines into a table, block by block; before each it lets `others` go first. */
export async function readLoad(
  { parts, nowMs, wantsIds }: LoadRequest,
  {
    table,
    scan,
    memory,
    others,
  }: {
    readonly table: RowTable;
    readonly scan: RowScan;
    readonly memory: ReadMemory;
    readonly others: () => Promise<void> | undefined;
  },
): Promise<Omit<PreparedLoad, 'periods'> & { readonly periods: RowsByPeriod }> {
  table.clear();
  let damagedLines = 0;
  const bad = (): void => {
    damagedLines++;
  };
  for (const part of parts) {
    for await (const lines of readLines(part, bad, memory)) {
      await others();
      for (const { line } of lines) if (!scan(line, table)) addParsed(line, table);
    }
  }
  const { ids, timestampsMs } = table;
  const places = timestampsMs.map((timestampMs, row) => ({ row, timestampMs }));
  const periods = [...byPeriod(places, nowMs)].map(
    ([period, members]) => [period, members.map(({ row }) => row)] as const,
  );
  return {
    periods: new Map(periods),
    ids: wantsIds ? ids.map((id, row) => ({ id, timestampMs: timestampsMs[row] ?? 0 })) : [],
    damagedLines,
  };
}

function addParsed(line: RawLine, table: RowTable): void {
  const { id, document } = parseLine(line);
  const timestampMs = timestampOf(document) ?? 0;
  table.add(toRow({ seq: line.seq, id, document, timestampMs }), id, timestampMs);
}
