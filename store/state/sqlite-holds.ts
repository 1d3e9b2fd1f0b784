// Legal holds in SQLite. A hold is never removed, only released: who held what, and until when, is part of the record.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { HoldPort, HoldRecord } from './state-port.ts';

export function holdPort(database: DatabaseSync): HoldPort {
  const list = database.prepare('SELECT * FROM holds ORDER BY number');
  const one = database.prepare('SELECT * FROM holds WHERE number = ?');
  const add = database.prepare(
    'INSERT INTO holds (from_ms, until_ms, host_id, reason, added_by, added_ms) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const release = database.prepare(
    'UPDATE holds SET released_by = ?, released_ms = ?, released_why = ? WHERE number = ? AND released_ms IS NULL',
  );
  const numbered = (number: number | bigint): HoldRecord | undefined => {
    const row = one.get(number);
    return row === undefined ? undefined : toHold(row);
  };
  return {
    list: () => list.all().map(toHold),
    add({ fromMs, untilMs, hostId, reason, addedBy, addedMs }) {
      const { lastInsertRowid } = add.run(fromMs, untilMs, hostId ?? null, reason, addedBy, addedMs);
      const hold = numbered(lastInsertRowid);
      if (hold === undefined) throw new Error('a hold was written and is not there');
      return hold;
    },
    release(id, { by, atMs, why }) {
      const number = /^hold-([0-9]{1,15})$/.exec(id)?.[1];
      if (number === undefined || release.run(by, atMs, why, Number(number)).changes !== 1) return undefined;
      return numbered(Number(number));
    },
  };
}

function toHold(row: Record<string, SQLOutputValue>): HoldRecord {
  const releasedMs = row['released_ms'];
  return {
    id: `hold-${String(row['number'])}`,
    fromMs: Number(row['from_ms']),
    untilMs: Number(row['until_ms']),
    hostId: row['host_id'] === null ? undefined : String(row['host_id']),
    reason: String(row['reason']),
    addedBy: String(row['added_by']),
    addedMs: Number(row['added_ms']),
    released:
      releasedMs === null
        ? undefined
        : { by: String(row['released_by']), atMs: Number(releasedMs), why: String(row['released_why']) },
  };
}
