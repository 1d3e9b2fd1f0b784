// The operational state: every port of it, what people set, what a kill leaves behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FollowUp } from '../../event/detection.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import type { Commit } from '../../store/state/state-port.ts';
import { sampleAlert, sampleDetection, sampleNotification } from './state-samples.ts';

const EMPTY: Commit = { cursor: 'c', state: new Map(), detections: [], alerts: [], outbox: [] };

let folder: string;
let file: string;
let state: SqliteState;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-state-'));
  file = join(folder, 'inner', 'state.sqlite');
  state = openSqliteState(file);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});
const reopen = (): void => {
  state.close();
  state = openSqliteState(file);
};

describe('the state file', () => {
  it('is readable by its owner only, and so is its folder', () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'inner')).mode & 0o777).toBe(0o700);
  });

  it('has one owner: a second one is refused with words', () => {
    expect(() => openSqliteState(file)).toThrow(/in use by another process/);
    expect(state.engine.loadCursor()).toBeUndefined();
  });

  it('refuses a file of another format instead of guessing', () => {
    state.close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => openSqliteState(file)).toThrow(/format 99/);
    const foreign = join(folder, 'foreign.sqlite');
    const other = new DatabaseSync(foreign);
    other.exec('CREATE TABLE t (x)');
    other.close();
    chmodSync(foreign, 0o600);
    expect(() => openSqliteState(foreign)).toThrow(/format 0/);
  });
});

describe('what events that came late change', () => {
  const found = { eventIds: ['e1'], firstMs: 1, facts: { count: 1 } };
  const late = (alertId: string, n: number) => sampleDetection(n, { alertId, isLate: true });
  const withdraw = (n: number) => ({ detectionId: `d${n}`, because: ['e9'], now: undefined });

  it('a detection is kept with why it no longer holds, and its alert counts it', () => {
    const detections = [sampleDetection(1), sampleDetection(2, { alertId: 'a1' })];
    state.engine.commit({ ...EMPTY, detections, alerts: [sampleAlert(1, { count: 2 })] });
    state.engine.commit({ ...EMPTY, amended: [withdraw(2), withdraw(77)] });
    reopen();
    expect(state.alerts.get('a1')).toMatchObject({ count: 2, withdrawn: 1 });
    const stored = state.alerts.detectionsOf('a1', 10);
    expect(stored.map(({ id, amended }) => [id, amended])).toEqual([
      ['d1', undefined],
      ['d2', { as: 'withdrawn', because: ['e9'] }],
    ]);
    state.engine.commit({ ...EMPTY, detections: [late('a1', 2)] });
    expect(state.alerts.get('a1')?.withdrawn).toBeUndefined();
  });

  it('a detection that rests on other events stands in its new place', () => {
    state.engine.commit({ ...EMPTY, detections: [sampleDetection(1)], alerts: [sampleAlert(1)] });
    const order = { ...sampleDetection(1).order, createdMs: 500 };
    state.engine.commit({
      ...EMPTY,
      amended: [{ detectionId: 'd1', because: [], now: { eventId: 'e0', order, found } }],
    });
    expect([...state.alerts.detections(500, 501)]).toMatchObject([
      { eventId: 'e0', found, amended: { as: 'changed' } },
    ]);
    expect(state.alerts.get('a1')?.withdrawn).toBeUndefined();
  });

  it('what was not computed again is listed, the newest first', () => {
    const gap = (n: number) => ({
      ruleId: 'r1',
      ruleVersion: 'v1',
      key: '[]',
      matches: n,
      fromMs: n,
      toMs: n,
      eventId: `e${n}`,
      reason: 'age' as const,
    });
    state.engine.commit({ ...EMPTY, gaps: [gap(1), gap(2)] });
    reopen();
    expect(state.alerts.gaps(10)).toEqual([gap(2), gap(1)]);
    state.pruneBefore(2);
    expect(state.alerts.gaps(10)).toEqual([gap(2)]);
  });
});

describe('the engine’s state', () => {
  it('survives a restart: cursor, fold, and what was removed from it', () => {
    expect(state.engine.loadCursor()).toBeUndefined();
    state.engine.commit({
      ...EMPTY,
      cursor: 'one',
      state: new Map([
        ['a', '1'],
        ['b', '2'],
        ['__proto__', 'x\u0000y'],
      ]),
    });
    state.engine.commit({
      ...EMPTY,
      cursor: 'two',
      state: new Map([
        ['a', undefined],
        ['b', '3'],
      ]),
    });
    reopen();
    expect(state.engine.loadCursor()).toBe('two');
    expect(state.engine.loadState()).toEqual(
      new Map([
        ['b', '3'],
        ['__proto__', 'x\u0000y'],
      ]),
    );
  });

  it('waits for no disk where a step would be made again, and for all of it at the next write', () => {
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec');
    const said = (): string[] => exec.mock.calls.splice(0).map(([sql]) => sql);
    try {
      state.engine.commit({ ...EMPTY, cursor: 'one', isRepeatable: true });
      expect(said()).toEqual(['PRAGMA synchronous = NORMAL', 'BEGIN IMMEDIATE', 'COMMIT', 'PRAGMA synchronous = FULL']);
      const broken = { ...EMPTY, detections: [{ ...sampleDetection(2), eventId: {} as never }], isRepeatable: true };
      expect(() => state.engine.commit(broken)).toThrow();
      expect(said().at(-1)).toBe('PRAGMA synchronous = FULL');
      state.engine.commit({ ...EMPTY, cursor: 'two', outbox: [sampleNotification(1)] });
      expect(said()).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    } finally {
      exec.mockRestore();
    }
  });

  it('is an earlier step’s, whole, wherever a power cut ends what was not waited for', () => {
    const wal = `${file}-wal`;
    const step = (cursor: string): Commit => ({
      ...EMPTY,
      cursor,
      state: new Map([['of', cursor]]),
      isRepeatable: true,
    });
    state.engine.commit({ ...EMPTY, ...step('0'), isRepeatable: false });
    const least = statSync(wal).size;
    for (let number = 1; number <= 4; number++) state.engine.commit(step(String(number)));
    const most = statSync(wal).size;
    const seen = new Set<string>();
    for (let bytes = least; bytes <= most; bytes += 2_000) {
      const cut = join(folder, `cut-${bytes}.sqlite`);
      copyFileSync(file, cut);
      copyFileSync(wal, `${cut}-wal`);
      truncateSync(`${cut}-wal`, bytes);
      const after = openSqliteState(cut);
      const cursor = after.engine.loadCursor() ?? '';
      seen.add(cursor);
      expect(after.engine.loadState()).toEqual(new Map([['of', cursor]]));
      after.close();
    }
    expect([...seen]).toEqual(expect.arrayContaining(['0', '1', '2', '3']));
  });

  it('writes all of a step or nothing', () => {
    state.engine.commit({ ...EMPTY, cursor: 'one' });
    const broken = {
      ...EMPTY,
      cursor: 'two',
      state: new Map([['a', '1']]),
      detections: [sampleDetection(1), { ...sampleDetection(2), eventId: {} as never }],
    };
    expect(() => state.engine.commit(broken)).toThrow();
    expect(state.engine.loadCursor()).toBe('one');
    expect(state.engine.loadState().size).toBe(0);
    expect([...state.alerts.detections(0, 1e15)]).toEqual([]);
    state.engine.commit({ ...EMPTY, cursor: 'three' });
    expect(state.engine.loadCursor()).toBe('three');
  });
});

describe('alerts and detections', () => {
  it('keep what the engine wrote last, but the status that a person set', () => {
    state.engine.commit({ ...EMPTY, alerts: [sampleAlert(1), sampleAlert(2)] });
    expect(state.alerts.get('a1')).toEqual(sampleAlert(1));
    expect(state.alerts.setStatus('a1', 'closed')).toBe(true);
    expect(state.alerts.setStatus('absent', 'closed')).toBe(false);
    state.engine.commit({ ...EMPTY, alerts: [sampleAlert(1, { count: 5 }), sampleAlert(2, { count: 6 })] });
    reopen();
    expect(state.alerts.get('a1')).toMatchObject({ count: 5, status: 'closed' });
    expect(state.alerts.get('a2')).toMatchObject({ count: 6, status: 'open' });
    expect(state.alerts.list({ status: 'closed', limit: 10 }).map((alert) => alert.id)).toEqual(['a1']);
    expect(state.alerts.get('absent')).toBeUndefined();
  });

  it('list newest first, filtered and at most the limit', () => {
    state.engine.commit({
      ...EMPTY,
      alerts: [1, 2, 3, 4].map((n) => sampleAlert(n, { ruleId: n === 3 ? 'r3' : 'r1' })),
    });
    const ids = (filter: Parameters<SqliteState['alerts']['list']>[0]): string[] =>
      state.alerts.list(filter).map((alert) => alert.id);
    expect(ids({ limit: 10 })).toEqual(['a4', 'a3', 'a2', 'a1']);
    expect(ids({ limit: 2 })).toEqual(['a4', 'a3']);
    expect(ids({ limit: 10, ruleId: 'r3' })).toEqual(['a3']);
    expect(ids({ limit: 10, sinceMs: 1_003 })).toEqual(['a4', 'a3']);
  });

  it('give detections in reference order; the later write of an id wins', () => {
    const late = sampleDetection(9, { order: { createdMs: 1_001, hostId: 'h0', bootId: 'b1', position: 1, id: 'e9' } });
    state.engine.commit({ ...EMPTY, detections: [sampleDetection(2), sampleDetection(1), late] });
    state.engine.commit({ ...EMPTY, detections: [sampleDetection(2, { decision: 'joined', alertId: 'a1' })] });
    const found = [...state.alerts.detections(1_001, 1_003)];
    expect(found.map((detection) => detection.id)).toEqual(['d9', 'd1', 'd2']);
    expect(found[2]).toMatchObject({ decision: 'joined', alertId: 'a1' });
    expect([...state.alerts.detections(1_001, 1_002)].map((detection) => detection.id)).toEqual(['d9', 'd1']);
    expect(state.alerts.detectionsOf('a1', 10).map((detection) => detection.id)).toEqual(['d1', 'd2']);
    expect(state.alerts.detectionsOf('a1', 1)).toHaveLength(1);
  });

  it('are pruned by event time; unsent notifications stay', () => {
    state.engine.commit({
      ...EMPTY,
      detections: [1, 2, 3].map((n) => sampleDetection(n)),
      alerts: [1, 2, 3].map((n) => sampleAlert(n)),
      outbox: [1, 2, 3].map((n) => sampleNotification(n)),
    });
    state.outbox.record('n1', { kind: 'sent', atMs: 5 });
    state.alerts.setStatus('a1', 'closed');
    expect(state.pruneBefore(1_003)).toEqual({ detections: 2, alerts: 2, alertsNotClosed: 1, notifications: 1 });
    expect([...state.alerts.detections(0, 1e15)].map((detection) => detection.id)).toEqual(['d3']);
    expect(state.outbox.counts()).toEqual({ pending: 2, sent: 0, failed: 0 });
  });
});

describe('groups', () => {
  const grouped = (alertId: string, groupId: string) => ({
    ...{ alertId, groupId, fromMs: 1, untilMs: 9, isSentAlone: false, isLate: false },
  });

  it('stand beside what the engine writes of an alert again and again', () => {
    state.engine.commit({ ...EMPTY, alerts: [sampleAlert(1), sampleAlert(2)], grouped: [grouped('a1', 'g1')] });
    state.engine.commit({ ...EMPTY, alerts: [{ ...sampleAlert(1), count: 7, group: 'waits' }] });
    expect(state.alerts.get('a1')).toMatchObject({ count: 7, group: { groupId: 'g1', untilMs: 9 } });
    expect(state.alerts.list({ limit: 10, groupId: 'g1' }).map(({ id }) => id)).toEqual(['a1']);
    expect(state.alerts.list({ limit: 10, groupId: 'g2' })).toEqual([]);
    expect(state.alerts.list({ limit: 10 })).toHaveLength(2);
  });

  it('are pruned with their alerts, and what was sent of them', () => {
    state.engine.commit({
      ...EMPTY,
      alerts: [sampleAlert(1), sampleAlert(2)],
      grouped: [grouped('a1', 'g1')],
      outbox: [sampleNotification(1, { alertId: 'g1' }), sampleNotification(2, { alertId: 'g2' })],
    });
    for (const id of ['n1', 'n2']) state.outbox.record(id, { kind: 'sent', atMs: 5 });
    expect(state.pruneBefore(1e15)).toMatchObject({ alerts: 2, notifications: 1 });
    expect(state.alerts.notificationsOf('g2')).toHaveLength(1);
  });

  it('an event’s detections are found by it', () => {
    const [one, two] = [sampleDetection(1), sampleDetection(2)];
    state.engine.commit({ ...EMPTY, detections: [one, two] });
    expect(state.alerts.detectionsOfEvent(one.eventId, 10)).toEqual([one]);
    expect(state.alerts.detection(two.id)).toEqual(two);
    expect(state.alerts.detection('nowhere')).toBeUndefined();
  });
});

describe('the outbox', () => {
  it('gives an answer only once what it answers has ended, with what the channel calls that', () => {
    const followUp: FollowUp = {
      kind: 'follow-up',
      inReplyTo: 'n1',
      change: 'withdrawn',
      detections: 1,
      withdrawn: 1,
      facts: {},
      because: [],
    };
    const answer = sampleNotification(2, { alertId: 'a1', about: followUp });
    state.engine.commit({ ...EMPTY, outbox: [sampleNotification(1), answer] });
    const due = () => state.outbox.due('slack', 1e15, 10).map(({ notification: { id }, repliesTo }) => [id, repliesTo]);
    expect(due()).toEqual([['n1', undefined]]);
    state.outbox.record('n1', { kind: 'retry', dueMs: 500, error: 'later' });
    expect(due()).toEqual([['n1', undefined]]);
    state.outbox.record('n1', { kind: 'sent', atMs: 600, reference: '1.2' });
    reopen();
    expect(due()).toEqual([['n2', { isSent: true, reference: '1.2' }]]);
    state.engine.commit({
      ...EMPTY,
      outbox: [sampleNotification(3), { ...answer, id: 'n4', about: { ...followUp, inReplyTo: 'n3' } }],
    });
    state.outbox.record('n2', { kind: 'sent', atMs: 700 });
    state.outbox.record('n3', { kind: 'failed', atMs: 700, error: 'no' });
    expect(due()).toEqual([['n4', { isSent: false, reference: undefined }]]);
  });

  it('queues an id once, gives what is due in order, and keeps the outcome', () => {
    state.engine.commit({ ...EMPTY, outbox: [sampleNotification(1), sampleNotification(2), sampleNotification(1)] });
    state.engine.commit({ ...EMPTY, outbox: [sampleNotification(1, { channel: 'other' })] });
    expect(state.outbox.due('slack', 0, 10).map((entry) => entry.notification.id)).toEqual(['n1', 'n2']);
    expect(state.outbox.due('slack', 0, 1)).toHaveLength(1);
    expect(state.outbox.due('other', 0, 10)).toEqual([]);
    expect(state.outbox.pendingChannels()).toEqual(['slack']);
    state.outbox.record('n1', { kind: 'retry', dueMs: 500, error: 'refused' });
    reopen();
    expect(state.outbox.due('slack', 499, 10).map((entry) => entry.notification.id)).toEqual(['n2']);
    expect(state.outbox.due('slack', 500, 10)[0]).toEqual({
      notification: sampleNotification(1),
      attempts: 1,
      dueMs: 500,
    });
    state.outbox.record('n1', { kind: 'sent', atMs: 600 });
    state.outbox.record('n2', { kind: 'failed', atMs: 700, error: 'no such channel' });
    expect(state.outbox.counts()).toEqual({ pending: 0, sent: 1, failed: 1 });
    expect(state.alerts.notificationsOf('a1')).toEqual([
      {
        id: 'n1',
        channel: 'slack',
        reason: 'first notification of this alert',
        state: 'sent',
        attempts: 2,
        atMs: 600,
        error: undefined,
      },
    ]);
    expect(state.alerts.notificationsOf('a2')[0]).toMatchObject({ state: 'failed', error: 'no such channel' });
    // Sent stays sent: neither a late outcome nor the same notification from a replay queues it again.
    state.outbox.record('n1', { kind: 'retry', dueMs: 0, error: 'late' });
    state.engine.commit({ ...EMPTY, outbox: [sampleNotification(1)] });
    expect(state.outbox.due('slack', 1e15, 10)).toEqual([]);
    expect(state.outbox.pendingChannels()).toEqual([]);
  });
});

describe('the control log', () => {
  it('keeps entries in order and the first source of a version', () => {
    const first = state.controlLog.append(
      { fromMs: 10, kind: 'rules', rules: [{ id: 'r1', version: 'v1' }] },
      new Map([['v1', 'one']]),
    );
    const second = state.controlLog.append({ fromMs: 20, kind: 'rules', rules: [] }, new Map([['v1', 'changed']]));
    reopen();
    expect(state.controlLog.entries()).toEqual([first, second]);
    expect(second.seq).toBeGreaterThan(first.seq);
    expect(state.controlLog.source('v1')).toBe('one');
    expect(state.controlLog.source('v2')).toBeUndefined();
  });
});

describe('accounts and hosts', () => {
  it('find an account by its token’s hash, replace the token, revoke and enrol again', () => {
    const account = { id: 'h1', role: 'host', isRevoked: false, createdMs: 5 } as const;
    state.accounts.put(account, 'hash1');
    expect(state.accounts.byTokenHash('hash1')).toEqual(account);
    expect(state.accounts.revoke('h1')).toBe(true);
    expect(state.accounts.revoke('absent')).toBe(false);
    reopen();
    expect(state.accounts.byTokenHash('hash1')).toMatchObject({ isRevoked: true });
    state.accounts.put(account, 'hash2');
    expect(state.accounts.byTokenHash('hash1')).toBeUndefined();
    expect(state.accounts.byId('h1')).toEqual(account);
    expect(() => state.accounts.put({ ...account, id: 'h2' }, 'hash2')).toThrow();
    expect(state.accounts.list()).toEqual([account]);
  });

  it('keep a host’s record', () => {
    const host = {
      id: 'h1',
      name: 'web',
      firstSeenMs: 1,
      lastSeenMs: 2,
      progress: { bootId: 'b', position: 3, createdMs: 4 },
      silentSinceMs: undefined,
      isSignedOff: false,
      counters: { events: 9 },
    };
    state.hosts.put(host);
    state.hosts.put({ ...host, lastSeenMs: 7 });
    reopen();
    expect(state.hosts.get('h1')).toEqual({ ...host, lastSeenMs: 7 });
    expect(state.hosts.list()).toHaveLength(1);
    expect(state.hosts.get('h2')).toBeUndefined();
  });
});

describe('a kill between steps', () => {
  it('leaves cursor, fold, detections, alerts and outbox in step, and loses no committed step', async () => {
    state.close();
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'state-writer.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = 0;
      let steps = 0;
      const killAfter = 5 + Math.floor(Math.random() * 60);
      for await (const line of createInterface({ input: child.stdout })) {
        told = Number(line);
        if (++steps === killAfter) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      state = openSqliteState(file);
      const cursor = Number(state.engine.loadCursor());
      expect(cursor).toBeGreaterThanOrEqual(told);
      expect([...state.alerts.detections(0, 1e15)]).toHaveLength(cursor);
      expect(state.alerts.list({ limit: 10_000 })).toHaveLength(cursor);
      expect(state.outbox.counts().pending).toBe(cursor);
      const fold = state.engine.loadState();
      expect(fold.get(`key-${cursor % 7}`)).toBe(String(cursor));
      expect([...fold.keys()].filter((key) => key.startsWith('once-'))).toEqual([`once-${cursor}`]);
      state.close();
    }
    state = openSqliteState(file);
  });
});
