// Cursors of stores that number their events in one row: `v1:SEQ`, the last number that was read.
import type { Cursor } from './port.ts';

export function formatCursor(seq: number): Cursor {
  return `v1:${seq}`;
}

/** The number in a cursor; 0 for undefined. Throws on text that no such store has made: the caller's state is damaged. */
export function parseCursor(cursor: Cursor | undefined): number {
  if (cursor === undefined) return 0;
  const match = /^v1:([0-9]{1,15})$/.exec(cursor);
  if (match === null) throw new Error(`this is not a cursor of this store: ${JSON.stringify(cursor.slice(0, 80))}`);
  return Number(match[1]);
}
