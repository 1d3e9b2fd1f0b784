// Audit records of shippers that were acknowledged before their event was whole: kept here until the event is stored. Each request adds
// a part to the events that it leaves open; an event that took several stays a while after it was stored, so that a repeat is known.
import type { DatabaseSync } from 'node:sqlite';
import type { InTransaction } from './sqlite-state.ts';
import type { OpenRecordsPort } from './state-port.ts';

export function openRecords(database: DatabaseSync, inTransaction: InTransaction): OpenRecordsPort {
  const hosts = database.prepare('SELECT DISTINCT host_id FROM open_records');
  const read = database.prepare('SELECT key, is_stored, json FROM open_records WHERE host_id = ? ORDER BY number');
  const add = database.prepare('INSERT INTO open_records (host_id, key, is_stored, json) VALUES (?, ?, 0, ?)');
  const mark = database.prepare('UPDATE open_records SET is_stored = 1 WHERE host_id = ? AND key = ?');
  const remove = database.prepare('DELETE FROM open_records WHERE host_id = ? AND key = ?');
  return {
    hosts: () => hosts.all().map((row) => String(row['host_id'])),
    of: (hostId) =>
      read.all(hostId).map((row) => ({
        key: String(row['key']),
        isStored: row['is_stored'] === 1,
        json: String(row['json']),
      })),
    change(hostId, { added, stored, removed }) {
      inTransaction(() => {
        // In this order: an event that begins anew under its key takes the place of the one before.
        for (const key of removed) remove.run(hostId, key);
        for (const { key, json } of added) add.run(hostId, key, json);
        for (const key of stored) mark.run(hostId, key);
      });
    },
  };
}
