// The engine's own part of the state: cursor, fold, the commit of a step, and the control log.
import type { DatabaseSync } from 'node:sqlite';
import { alertWriter, amendmentWriter, detectionWriter, gapWriter, groupedWriter } from './sqlite-alerts.ts';
import { notificationWriter } from './sqlite-outbox.ts';
import type { InTransaction } from './sqlite-state.ts';
import type { ControlEntry, ControlLogPort, EngineStatePort } from './state-port.ts';

export function engineState(
  database: DatabaseSync,
  {
    inTransaction,
    inRepeatableTransaction,
  }: Readonly<Record<'inTransaction' | 'inRepeatableTransaction', InTransaction>>,
): EngineStatePort {
  const readCursor = database.prepare('SELECT cursor FROM cursor');
  const writeCursor = database.prepare(
    'INSERT INTO cursor VALUES (1, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor',
  );
  const readFold = database.prepare('SELECT key, value FROM fold');
  const writeFold = database.prepare('INSERT INTO fold VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
  const removeFold = database.prepare('DELETE FROM fold WHERE key = ?');
  const writeDetection = detectionWriter(database);
  const amend = amendmentWriter(database);
  const writeGap = gapWriter(database);
  const writeAlert = alertWriter(database);
  const writeGrouped = groupedWriter(database);
  const writeNotification = notificationWriter(database);
  return {
    loadCursor() {
      const cursor = readCursor.get()?.['cursor'];
      // Empty: of a state that holds what other processes found, and follows no store itself.
      return cursor === undefined || cursor === '' ? undefined : String(cursor);
    },
    loadState: () => new Map(readFold.all().map((row) => [String(row['key']), String(row['value'])])),
    commit(commit) {
      const within = commit.isRepeatable === true ? inRepeatableTransaction : inTransaction;
      within(() => {
        for (const [key, value] of commit.state) {
          if (value === undefined) removeFold.run(key);
          else writeFold.run(key, value);
        }
        for (const amendment of commit.amended ?? []) amend.change(amendment);
        for (const detection of commit.detections) writeDetection(detection);
        for (const alert of commit.alerts) writeAlert(alert);
        for (const grouped of commit.grouped ?? []) writeGrouped(grouped);
        amend.countWithdrawn(commit.detections);
        for (const gap of commit.gaps ?? []) writeGap(gap);
        for (const notification of commit.outbox) writeNotification(notification);
        writeCursor.run(commit.cursor);
      });
    },
  };
}

export function controlLog(database: DatabaseSync, inTransaction: InTransaction): ControlLogPort {
  const readAll = database.prepare('SELECT seq, from_ms, kind, rules FROM control_log ORDER BY seq');
  const write = database.prepare('INSERT INTO control_log (from_ms, kind, rules) VALUES (?, ?, ?)');
  const readSource = database.prepare('SELECT source FROM rule_sources WHERE version = ?');
  // A version is the hash of what it means: the first text stored under it is as good as any later one.
  const writeSource = database.prepare('INSERT INTO rule_sources VALUES (?, ?) ON CONFLICT DO NOTHING');
  return {
    entries: () =>
      readAll.all().map((row): ControlEntry => {
        const payload: unknown = JSON.parse(String(row['rules']));
        const change = row['kind'] === 'rules' ? { rules: payload } : payload;
        const entry = { seq: Number(row['seq']), fromMs: Number(row['from_ms']), kind: row['kind'] };
        return { ...entry, ...(change as object) } as ControlEntry;
      }),
    append: (change, sources) =>
      inTransaction(() => {
        for (const [version, source] of sources) writeSource.run(version, source);
        const { kind, fromMs, ...payload } = change;
        const json = JSON.stringify('rules' in payload ? payload.rules : payload);
        const { lastInsertRowid } = write.run(fromMs, kind, json);
        return { ...change, seq: Number(lastInsertRowid) };
      }),
    source(version) {
      const source = readSource.get(version)?.['source'];
      return source === undefined ? undefined : String(source);
    },
  };
}
