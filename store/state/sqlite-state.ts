// The operational state in one SQLite file (node:sqlite): the engine's cursor and fold, detections, alerts, the outbox, accounts,
// hosts and the control log. Every write is durable when its call returns, but a step that would be made again; a step's commit is one
// transaction.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { alertBook } from './sqlite-alerts.ts';
import { accountPort, hostBook } from './sqlite-books.ts';
import { controlLog, engineState } from './sqlite-engine.ts';
import { holdPort } from './sqlite-holds.ts';
import { openRecords } from './sqlite-open-records.ts';
import { outbox } from './sqlite-outbox.ts';
import type {
  AccountPort,
  AlertBookPort,
  ControlLogPort,
  EngineStatePort,
  HoldPort,
  HostBookPort,
  OpenRecordsPort,
  OutboxPort,
} from './state-port.ts';

/** Version of the tables below, kept as SQLite's `user_version`. */
const STATE_FORMAT = 6;
/** `application_id` of the file: "VDST". */
const APPLICATION_ID = 0x56445354;

interface PruneCounts {
  readonly detections: number;
  readonly alerts: number;
  /** How many of `alerts` nobody had closed. */
  readonly alertsNotClosed: number;
  readonly notifications: number;
}

export interface SqliteState {
  readonly engine: EngineStatePort;
  readonly controlLog: ControlLogPort;
  readonly outbox: OutboxPort;
  readonly alerts: AlertBookPort;
  readonly accounts: AccountPort;
  readonly hosts: HostBookPort;
  readonly openRecords: OpenRecordsPort;
  readonly holds: HoldPort;
  /** Removes detections, alerts and ended notifications that are older (event time, epoch ms). Unsent ones stay. */
  pruneBefore(ms: number): PruneCounts;
  close(): void;
}

/** What each version added to the one before, from the second on. */
const ADDED: readonly string[] = [
  `CREATE TABLE open_records (
    number INTEGER PRIMARY KEY, host_id TEXT NOT NULL, key TEXT NOT NULL, is_stored INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE INDEX open_records_host ON open_records (host_id, key);`,
  `CREATE TABLE holds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, from_ms REAL NOT NULL, until_ms REAL NOT NULL, host_id TEXT, reason TEXT NOT NULL,
    added_by TEXT NOT NULL, added_ms REAL NOT NULL, released_by TEXT, released_ms REAL, released_why TEXT) STRICT;`,
  // The control log's entries may be of further kinds, which no earlier version reads; `rules` then holds the entry's JSON.
  '',
  `ALTER TABLE alerts ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE gaps (number INTEGER PRIMARY KEY, to_ms REAL NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE INDEX gaps_to ON gaps (to_ms);`,
  `ALTER TABLE alerts ADD COLUMN grouped TEXT;
  CREATE INDEX alerts_group ON alerts (grouped ->> '$.groupId') WHERE grouped IS NOT NULL;
  CREATE INDEX detections_event ON detections (event_id);
  ALTER TABLE outbox ADD COLUMN reference TEXT;
  ALTER TABLE outbox ADD COLUMN replies_to TEXT;`,
];
const TABLES = `
  CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL) STRICT;
  CREATE TABLE fold (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE detections (
    id TEXT PRIMARY KEY, alert_id TEXT, created_ms REAL NOT NULL, host_id TEXT NOT NULL, boot_id TEXT NOT NULL,
    position REAL NOT NULL, event_id TEXT NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE INDEX detections_order ON detections (created_ms, host_id, boot_id, position, event_id, id);
  CREATE INDEX detections_alert ON detections (alert_id, created_ms);
  CREATE TABLE alerts (
    id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, opened_ms REAL NOT NULL, last_ms REAL NOT NULL, status TEXT NOT NULL,
    is_by_person INTEGER NOT NULL DEFAULT 0, json TEXT NOT NULL) STRICT;
  CREATE INDEX alerts_opened ON alerts (opened_ms);
  CREATE TABLE outbox (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alert_id TEXT NOT NULL, channel TEXT NOT NULL, reason TEXT NOT NULL,
    json TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, due_ms REAL NOT NULL, at_ms REAL, error TEXT) STRICT;
  CREATE INDEX outbox_due ON outbox (channel, number) WHERE state = 'pending';
  CREATE INDEX outbox_state ON outbox (state);
  CREATE INDEX outbox_alert ON outbox (alert_id, number);
  CREATE TABLE control_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, from_ms REAL NOT NULL, kind TEXT NOT NULL, rules TEXT NOT NULL) STRICT;
  CREATE TABLE rule_sources (version TEXT PRIMARY KEY, source TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY, role TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, is_revoked INTEGER NOT NULL,
    created_ms REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE hosts (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** In place of a file: of what is durable elsewhere. */
export const IN_MEMORY = ':memory:';

/** Opens the file, creating it (mode 0600) if need be. Throws when another process has it open or its format is not ours. */
export function openSqliteState(file: string): SqliteState {
  if (file !== IN_MEMORY) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
  }
  const database = new DatabaseSync(file);
  try {
    prepareFile(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
  const inTransaction = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself rolls back when the disk is full; a second rollback would hide the reason.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  /** A power cut may take it, and what follows it of the same kind, as a whole: the file's writes are durable in their order (its WAL). */
  const inRepeatableTransaction: InTransaction = (work) => {
    database.exec('PRAGMA synchronous = NORMAL');
    try {
      return inTransaction(work);
    } finally {
      database.exec('PRAGMA synchronous = FULL');
    }
  };
  return {
    engine: engineState(database, { inTransaction, inRepeatableTransaction }),
    controlLog: controlLog(database, inTransaction),
    outbox: outbox(database),
    alerts: alertBook(database),
    accounts: accountPort(database),
    hosts: hostBook(database, inTransaction),
    openRecords: openRecords(database, inTransaction),
    holds: holdPort(database),
    pruneBefore: (ms) => inTransaction(() => prune(database, ms)),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

/** What every part of the state is given to write several rows at once. */
export type InTransaction = <T>(work: () => T) => T;

function prepareFile(database: DatabaseSync, file: string): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;');
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE;');
  } catch (error) {
    if (/locked/.test(String(error)))
      throw new Error(`${file} is in use by another process: only one server may have it open`);
    throw error;
  }
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  const application = Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
  const isEmpty = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
  if (isEmpty) {
    database.exec(`${TABLES} ${ADDED.join('\n')} PRAGMA application_id = ${APPLICATION_ID};`);
  } else if (application !== APPLICATION_ID || version < 1 || version > STATE_FORMAT) {
    throw new Error(`${file} has format ${version}, and this version of Vedette reads format ${STATE_FORMAT}`);
  } else database.exec(ADDED.slice(version - 1).join('\n'));
  database.exec(`PRAGMA user_version = ${STATE_FORMAT}; COMMIT`);
}

function prune(database: DatabaseSync, ms: number): PruneCounts {
  const removed = (sql: string): number => Number(database.prepare(sql).run(ms).changes);
  const open = database.prepare("SELECT count(*) AS n FROM alerts WHERE last_ms < ? AND status <> 'closed'").get(ms);
  removed('DELETE FROM gaps WHERE to_ms < ?');
  return {
    detections: removed('DELETE FROM detections WHERE created_ms < ?'),
    notifications: removed(
      `DELETE FROM outbox WHERE state <> 'pending' AND alert_id IN (SELECT id FROM alerts WHERE last_ms < ?1
        UNION SELECT grouped ->> '$.groupId' FROM alerts WHERE last_ms < ?1 AND grouped IS NOT NULL)`,
    ),
    alerts: removed('DELETE FROM alerts WHERE last_ms < ?'),
    alertsNotClosed: Number(open?.['n']),
  };
}
