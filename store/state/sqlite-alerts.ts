// Alerts and detections in SQLite. The engine writes alerts again and again; a status that a person set outlives that.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  type Alert,
  type AlertStatus,
  type Amendment,
  amended,
  type Detection,
  type Gap,
  type Grouped,
} from '../../event/detection.ts';
import { notificationReader } from './sqlite-outbox.ts';
import type { AlertBookPort } from './state-port.ts';

/** The longest list that one call answers. */
const LIST_MAX = 10_000;
/** So many gaps are kept, the newest. */
const GAPS_MAX = 10_000;

type Row = Record<string, SQLOutputValue>;

export function detectionWriter(database: DatabaseSync): (detection: Detection) => void {
  const write = database.prepare(`INSERT INTO detections VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET alert_id = excluded.alert_id, created_ms = excluded.created_ms, host_id = excluded.host_id,
      boot_id = excluded.boot_id, position = excluded.position, event_id = excluded.event_id, json = excluded.json`);
  return (detection) => {
    const { createdMs, hostId, bootId, position } = detection.order;
    const { id, alertId, eventId } = detection;
    write.run(id, alertId ?? null, createdMs, hostId, bootId, position, eventId, JSON.stringify(detection));
  };
}

export function alertWriter(database: DatabaseSync): (alert: Alert) => void {
  const write =
    database.prepare(`INSERT INTO alerts (id, rule_id, opened_ms, last_ms, status, json) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET rule_id = excluded.rule_id, opened_ms = excluded.opened_ms, last_ms = excluded.last_ms,
      json = excluded.json, status = CASE is_by_person WHEN 1 THEN status ELSE excluded.status END`);
  return (alert) => {
    write.run(alert.id, alert.ruleId, alert.openedMs, alert.lastMs, alert.status, JSON.stringify(alert));
  };
}

/** Into which message an alert comes: beside what the engine writes of it, again and again. */
export function groupedWriter(database: DatabaseSync): (grouped: Grouped) => void {
  const write = database.prepare('UPDATE alerts SET grouped = ? WHERE id = ?');
  return ({ alertId, ...grouped }) => {
    write.run(JSON.stringify(grouped), alertId);
  };
}

/** Changes stored detections, and counts for their alerts how many no longer hold. */
export function amendmentWriter(database: DatabaseSync): {
  change(amendment: Amendment): void;
  /** After the commit's detections are written: one that was withdrawn may hold again. */
  countWithdrawn(detections: readonly Detection[]): void;
} {
  const read = database.prepare('SELECT json FROM detections WHERE id = ?');
  const write = detectionWriter(database);
  const count = database.prepare(`UPDATE alerts SET withdrawn = (SELECT count(*) FROM detections
    WHERE alert_id = alerts.id AND json ->> '$.amended.as' = 'withdrawn') WHERE id = ?`);
  const touched = new Set<string>();
  return {
    change(amendment) {
      const row = read.get(amendment.detectionId);
      if (row === undefined) return;
      const detection = amended(toDetection(row), amendment);
      write(detection);
      if (detection.alertId !== undefined) touched.add(detection.alertId);
    },
    countWithdrawn(detections) {
      for (const { isLate, alertId } of detections) if (isLate && alertId !== undefined) touched.add(alertId);
      for (const alertId of touched) count.run(alertId);
      touched.clear();
    },
  };
}

export function gapWriter(database: DatabaseSync): (gap: Gap) => void {
  const write = database.prepare('INSERT INTO gaps (to_ms, json) VALUES (?, ?)');
  const prune = database.prepare('DELETE FROM gaps WHERE number <= (SELECT max(number) FROM gaps) - ?');
  return (gap) => {
    write.run(gap.toMs, JSON.stringify(gap));
    prune.run(GAPS_MAX);
  };
}

export function alertBook(database: DatabaseSync): AlertBookPort {
  const one = database.prepare('SELECT json, status, withdrawn, grouped FROM alerts WHERE id = ?');
  const ofAlert = database.prepare(
    'SELECT json FROM detections WHERE alert_id = ? ORDER BY created_ms, host_id, boot_id, position, event_id LIMIT ?',
  );
  const oneDetection = database.prepare('SELECT json FROM detections WHERE id = ?');
  const ofEvent = database.prepare('SELECT json FROM detections WHERE event_id = ? ORDER BY id LIMIT ?');
  const setStatus = database.prepare('UPDATE alerts SET status = ?, is_by_person = 1 WHERE id = ?');
  const listed = (which: string) =>
    database.prepare(`SELECT json, status, withdrawn, grouped FROM alerts
    WHERE ${which}last_ms >= :since AND (:status IS NULL OR status = :status) AND (:rule IS NULL OR rule_id = :rule)
    ORDER BY opened_ms DESC, id DESC LIMIT :limit`);
  const list = listed('');
  // Apart, so that its index is used.
  const listGroup = listed("grouped IS NOT NULL AND grouped ->> '$.groupId' = :group AND ");
  const gaps = database.prepare('SELECT json FROM gaps ORDER BY number DESC LIMIT ?');
  const notificationsOf = notificationReader(database);
  return {
    list({ sinceMs, status, ruleId, groupId, limit }) {
      const asked = {
        since: sinceMs ?? -Number.MAX_VALUE,
        status: status ?? null,
        rule: ruleId ?? null,
        limit: bounded(limit),
      };
      const rows = groupId === undefined ? list.all(asked) : listGroup.all({ ...asked, group: groupId });
      return rows.map(toAlert);
    },
    get(id) {
      const row = one.get(id);
      return row === undefined ? undefined : toAlert(row);
    },
    detectionsOf: (alertId, limit) => ofAlert.all(alertId, bounded(limit)).map(toDetection),
    detection(id) {
      const row = oneDetection.get(id);
      return row === undefined ? undefined : toDetection(row);
    },
    detectionsOfEvent: (eventId, limit) => ofEvent.all(eventId, bounded(limit)).map(toDetection),
    notificationsOf,
    gaps: (limit) => gaps.all(bounded(limit)).map((row) => JSON.parse(String(row['json']))),
    setStatus: (id, status) => setStatus.run(status, id).changes === 1,
    *detections(fromMs, untilMs) {
      // A statement of its own: two callers may read at the same time.
      const statement = database.prepare(`SELECT json FROM detections WHERE created_ms >= ? AND created_ms < ?
        ORDER BY created_ms, host_id, boot_id, position, event_id, id`);
      for (const row of statement.iterate(fromMs, untilMs)) yield toDetection(row);
    },
  };
}

function toAlert(row: Row): Alert {
  const withdrawn = Number(row['withdrawn']);
  const grouped = row['grouped'] === null ? {} : { group: JSON.parse(String(row['grouped'])) };
  const alert: Alert = { ...JSON.parse(String(row['json'])), ...grouped, status: String(row['status']) as AlertStatus };
  return withdrawn === 0 ? alert : { ...alert, withdrawn };
}

function toDetection(row: Row): Detection {
  return JSON.parse(String(row['json']));
}

function bounded(limit: number): number {
  return Math.max(0, Math.min(Math.floor(limit), LIST_MAX));
}
