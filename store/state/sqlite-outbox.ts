// The outbox in SQLite: notifications wait here until a channel took them, through any number of restarts.
import type { DatabaseSync } from 'node:sqlite';
import type { Notification } from '../../event/detection.ts';
import type { NotificationRecord, OutboxPort } from './state-port.ts';

/** Longest stored error text of an attempt, characters. */
const ERROR_CHARS_MAX = 2_000;
/** What a channel calls a message, characters. */
const REFERENCE_CHARS_MAX = 200;

export function notificationWriter(database: DatabaseSync): (notification: Notification) => void {
  const write =
    database.prepare(`INSERT INTO outbox (id, alert_id, channel, reason, json, state, attempts, due_ms, replies_to)
    VALUES (?, ?, ?, ?, ?, 'pending', 0, 0, ?) ON CONFLICT (id) DO NOTHING`);
  return (notification) => {
    const { id, alertId, channel, reason, about } = notification;
    const repliesTo = about?.kind === 'follow-up' ? about.inReplyTo : null;
    write.run(id, alertId, channel, reason, JSON.stringify(notification), repliesTo);
  };
}

export function notificationReader(database: DatabaseSync): (alertId: string) => readonly NotificationRecord[] {
  const read = database.prepare(
    'SELECT id, channel, reason, state, attempts, at_ms, error FROM outbox WHERE alert_id = ? ORDER BY number LIMIT 1000',
  );
  return (alertId) =>
    read.all(alertId).map((row) => ({
      id: String(row['id']),
      channel: String(row['channel']),
      reason: String(row['reason']),
      state: String(row['state']) as NotificationRecord['state'],
      attempts: Number(row['attempts']),
      atMs: row['at_ms'] === null ? undefined : Number(row['at_ms']),
      error: row['error'] === null ? undefined : String(row['error']),
    }));
}

export function outbox(database: DatabaseSync): OutboxPort {
  const due = database.prepare(`SELECT json, attempts, due_ms, replies_to,
      (SELECT state FROM outbox AS told WHERE told.id = outbox.replies_to) AS told,
      (SELECT reference FROM outbox AS told WHERE told.id = outbox.replies_to) AS reference
    FROM outbox WHERE state = 'pending' AND channel = ? AND due_ms <= ? AND told IS NOT 'pending' ORDER BY number LIMIT ?`);
  const channels = database.prepare("SELECT DISTINCT channel FROM outbox WHERE state = 'pending' ORDER BY channel");
  const record =
    database.prepare(`UPDATE outbox SET state = ?, attempts = attempts + 1, due_ms = ?, at_ms = ?, error = ?, reference = ?
    WHERE id = ? AND state = 'pending'`);
  const counts = database.prepare('SELECT state, count(*) AS n FROM outbox GROUP BY state');
  return {
    due: (channel, nowMs, limit) =>
      due.all(channel, nowMs, Math.max(0, Math.floor(limit))).map((row) => ({
        notification: JSON.parse(String(row['json'])),
        attempts: Number(row['attempts']),
        dueMs: Number(row['due_ms']),
        ...(row['replies_to'] === null
          ? {}
          : {
              repliesTo: {
                isSent: row['told'] === 'sent',
                reference: row['reference'] === null ? undefined : String(row['reference']),
              },
            }),
      })),
    pendingChannels: () => channels.all().map((row) => String(row['channel'])),
    record(id, outcome) {
      switch (outcome.kind) {
        case 'sent':
          record.run('sent', 0, outcome.atMs, null, outcome.reference?.slice(0, REFERENCE_CHARS_MAX) ?? null, id);
          break;
        case 'retry':
          record.run('pending', outcome.dueMs, null, outcome.error.slice(0, ERROR_CHARS_MAX), null, id);
          break;
        case 'failed':
          record.run('failed', 0, outcome.atMs, outcome.error.slice(0, ERROR_CHARS_MAX), null, id);
          break;
      }
    },
    counts() {
      const byState = new Map(counts.all().map((row) => [String(row['state']), Number(row['n'])]));
      const of = (state: NotificationRecord['state']): number => byState.get(state) ?? 0;
      return { pending: of('pending'), sent: of('sent'), failed: of('failed') };
    },
  };
}
