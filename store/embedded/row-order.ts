// In which order the rows of one load are stored: those that are alike stand together. Their texts then compress better, and rows that are
// looked for by program and user stand in few of DuckDB's vectors, which are what its compression unpacks at once (decision 0046).
// What is read has an order of its own (`_seq`, `_ts`, `_created`); none relies on this one.
import { LAYOUT } from './columns.ts';
import { COLUMNS, NULL_LENGTH, type RowTable } from './row-table.ts';

const KEY_COLUMNS: readonly number[] = ['process.executable', 'event.action', 'user.name', '_host'].map((name) =>
  LAYOUT.columns.findIndex((column) => column.name === name),
);
/** Of each column, bytes that are compared. */
const KEY_BYTES_MAX = 64;

/** The same rows, alike ones together; among those in the order in which they came. */
export function orderedRows({ values, lengths, bytes }: RowTable, rows: readonly number[]): readonly number[] {
  const alike = new Map<string, number[]>();
  for (const row of rows) {
    let key = '';
    for (const column of KEY_COLUMNS) {
      const place = row * COLUMNS + column;
      const length = lengths[place] ?? NULL_LENGTH;
      const start = values[place] ?? 0;
      // Bytes that are cut within a letter, or read as another alphabet's, order rows as well as any.
      if (length > 0) key += bytes.toString('latin1', start, start + Math.min(length, KEY_BYTES_MAX));
      key += '\u0000';
    }
    const same = alike.get(key);
    if (same === undefined) alike.set(key, [row]);
    else same.push(row);
  }
  return [...alike.keys()].sort().flatMap((key) => alike.get(key) ?? []);
}
