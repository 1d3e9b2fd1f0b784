// A state file of an earlier version goes on where that version left it. `test/data/state-format-5.sqlite.gz` was written by the version
// before alerts were grouped, while rules were half-way: matches kept, matches and a detection that wait, notifications unsent.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import type { StepResult } from '../../engine/engine.ts';
import { passedUntil } from '../../engine/watermark.ts';
import type { NewEvent } from '../../event/document.ts';
import { readRuleSource } from '../../rules/rule-files.ts';
import { epochsOf } from '../../server/control-log.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';

const START_MS = Date.UTC(2026, 4, 1, 12);
const opened: SqliteState[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-former-'));
});
afterEach(() => {
  for (const state of opened.splice(0)) state.close();
  rmSync(folder, { recursive: true });
});

function openFile(file: string): SqliteState {
  const state = openSqliteState(file);
  opened.push(state);
  return state;
}

function fileOfFormatFive(): string {
  const file = join(folder, 'state.sqlite');
  writeFileSync(file, gunzipSync(readFileSync(join(import.meta.dirname, '../data/state-format-5.sqlite.gz'))));
  return file;
}

function event(position: number, seconds: number, program: string, user = 'eve'): NewEvent {
  const time = new Date(START_MS + seconds * 1_000).toISOString();
  return {
    id: `h1.b1.${position}`,
    document: {
      '@timestamp': time,
      event: { created: time },
      host: { id: 'h1', name: 'web-1', boot: { id: 'b1' } },
      user: { name: user },
      process: { name: program },
      vedette: { position },
    },
  };
}

/** What the earlier version read, and what comes after it. */
const BEFORE: readonly NewEvent[] = [
  event(1, 0, 'backup'),
  ...[10, 11, 12].map((seconds, at) => event(2 + at, seconds, 'sh', 'bob')),
  event(5, 100, 'nmap'),
  event(6, 110, 'sh'),
  event(7, 120, 'sh'),
  event(8, 130, 'sh', 'bob'),
  event(9, 140, 'nmap', 'bob'),
];
const AFTER: readonly NewEvent[] = [event(10, 150, 'sh'), event(11, 160, 'curl'), event(12, 170, 'sh', 'bob')];

function engineOf(state: SqliteState, entries: ReadonlyMap<string, string>) {
  const { epochs, unreadable } = epochsOf(state.controlLog, { sinceMs: 0, loaded: [], remake: readRuleSource });
  expect(unreadable).toEqual([]);
  return createEngine({ epochs, state: entries });
}

function alertsOf(steps: readonly StepResult[]) {
  const alerts = new Map(steps.flatMap((step) => step.alerts).map((alert) => [alert.id, alert]));
  return [...alerts.values()].map(({ id, title, fields, count, hostName }) => ({ id, title, fields, count, hostName }));
}

describe('a state file of format 5', () => {
  it('keeps its alerts, what people said of them, and what is still to be sent', () => {
    const file = fileOfFormatFive();
    const state = openFile(file);
    const alerts = state.alerts.list({ limit: 10 });
    expect(alerts.map(({ title, status, group }) => [title, status, group])).toEqual([
      ['eve ran nmap', 'open', undefined],
      ['New program', 'open', undefined],
      ['3 shells of bob', 'acknowledged', undefined],
    ]);
    expect(state.outbox.counts()).toEqual({ pending: 2, sent: 1, failed: 0 });
    expect(
      state.outbox.due('slack', Number.MAX_SAFE_INTEGER, 9).map(({ notification }) => notification.alertId),
    ).toEqual(
      alerts
        .slice(0, 2)
        .map(({ id }) => id)
        .reverse(),
    );
    expect(state.accounts.byTokenHash('a'.repeat(64))).toMatchObject({ id: 'h1', role: 'host' });
    state.close();
    expect(openFile(file).alerts.list({ limit: 10 })).toEqual(alerts);
  });

  it('its windows go on: with what comes, they find what one run over everything finds', () => {
    const file = fileOfFormatFive();
    const state = openFile(file);
    const before = [...state.alerts.detections(0, Number.MAX_SAFE_INTEGER)].map(({ id }) => id);
    const engine = engineOf(state, state.engine.loadState());
    const first = engine.step(AFTER, passedUntil(START_MS + 170_000));
    state.engine.commit({ ...first, cursor: 'v1:12', outbox: [] });
    state.close();

    // Half of it is of the earlier format still.
    const again = openFile(file);
    const entries = again.engine.loadState();
    const formats = new Set([...entries.values()].map((text) => /^\{"v":(\d)/.exec(text)?.[1]));
    expect(formats).toEqual(new Set(['1', '2']));
    const second = engineOf(again, entries).step([], passedUntil(START_MS + 7_200_000));

    const whole = engineOf(again, new Map());
    const batch = [
      whole.step([...BEFORE, ...AFTER], passedUntil(START_MS + 170_000)),
      whole.step([], passedUntil(START_MS + 7_200_000)),
    ];
    const found = [...before, ...[first, second].flatMap((step) => step.detections).map(({ id }) => id)];
    expect([...new Set(found)].sort()).toEqual(
      batch
        .flatMap((step) => step.detections)
        .map(({ id }) => id)
        .sort(),
    );

    const told = alertsOf([first, second]);
    const toldAtOnce = new Map(alertsOf(batch).map((alert) => [alert.id, alert]));
    for (const alert of told) expect(alert).toEqual(toldAtOnce.get(alert.id));
    expect(told.map(({ title }) => title).sort()).toEqual(
      ['3 shells of eve', 'bob ran nmap', 'both on h1', '2 steps on web-1', 'no backup on web-1', 'New program'].sort(),
    );
  });
});
