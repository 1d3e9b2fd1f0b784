// What is sent of a step beside new alerts, against the real state: what late events changed, once, to whom it was told, and how the
// alerts of a group stand when their message leaves.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupNotificationsOf, notificationIdOf, notificationsOf } from '../../alerts/notification.ts';
import type { StepResult } from '../../engine/engine.ts';
import type { Amendment, Detection, FollowUp, Notification } from '../../event/detection.ts';
import { createStepMessages, type StepMessages } from '../../server/step-messages.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import { sampleAlert, sampleDetection } from '../store/state-samples.ts';

const CHANNELS = ['slack', 'email'];
const EMPTY: StepResult = {
  ...{ detections: [], alerts: [], opened: [], notified: [], grouped: [], groups: [], amended: [], gaps: [] },
  ...{ state: new Map(), quarantined: [] },
};
const ALERT = sampleAlert(1, { firstEventId: 'e1', count: 2 });

let folder: string;
let state: SqliteState;
let messages: StepMessages;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-step-'));
  state = openSqliteState(join(folder, 'state.sqlite'));
  messages = createStepMessages({ alerts: state.alerts, channelNames: CHANNELS, reachable: (all) => all });
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function found(number: number, count: number, changes: Partial<Detection> = {}): Detection {
  const ground = { eventIds: [`e${number}`], firstMs: 1, facts: { count } };
  return sampleDetection(number, { alertId: ALERT.id, eventId: `e${number}`, found: ground, ...changes });
}

function commit(step: Partial<StepResult>, outbox: readonly Notification[] = []): void {
  const { detections, alerts, amended, grouped } = { ...EMPTY, ...step };
  state.engine.commit({ cursor: 'c', state: new Map(), detections, alerts, amended, grouped, outbox });
}

/** What a step with these amendments sends; it is committed. */
function sent(amended: readonly Amendment[], detections: readonly Detection[] = []): readonly Notification[] {
  const step = { ...EMPTY, amended, detections };
  const outbox = messages.of(step);
  commit(step, outbox);
  return outbox;
}

const told = (notifications: readonly Notification[]) =>
  notifications.map(({ channel, about }) => {
    const { change, withdrawn, facts, because } = about as FollowUp;
    return [channel, change, withdrawn, facts, because];
  });

const gone = (number: number): Amendment => ({ detectionId: `d${number}`, because: ['late'], now: undefined });

function now(
  number: number,
  changes: { readonly eventId?: string; readonly count: number; readonly eventIds?: readonly string[] },
): Amendment {
  const { eventId = `e${number}`, count, eventIds = ['e0', eventId] } = changes;
  const { order } = found(number, count);
  return {
    detectionId: `d${number}`,
    because: ['late'],
    now: { eventId, order, found: { eventIds, firstMs: 0, facts: { count } } },
  };
}

const opened = () =>
  commit(
    { alerts: [ALERT], detections: [found(1, 3), found(2, 4, { decision: 'joined' })] },
    notificationsOf(ALERT, ['slack']),
  );

describe('a follow-up', () => {
  it('tells once that an alert no longer holds, once that it holds again, and what of it does not', () => {
    opened();
    expect(told(sent([gone(2)]))).toEqual([['slack', 'changed', 1, {}, ['late']]]);
    const [all] = sent([gone(1)]);
    expect(told(all === undefined ? [] : [all])).toEqual([['slack', 'withdrawn', 2, {}, ['late']]]);
    expect(all?.about).toMatchObject({ inReplyTo: notificationIdOf(ALERT.id, 'slack', 'opened'), detections: 2 });
    expect(sent([gone(1)])).toEqual([]);
    expect(told(sent([], [found(1, 3, { isLate: true })]))).toEqual([['slack', 'restored', 1, {}, []]]);
    expect(new Set(state.alerts.notificationsOf(ALERT.id).map(({ id }) => id)).size).toBe(4);
  });

  it('tells other figures, and that another event completed it, and nothing of what was not told', () => {
    opened();
    expect(sent([now(1, { count: 3 })])).toEqual([]);
    expect(told(sent([now(1, { count: 5 })]))).toEqual([['slack', 'changed', 0, { count: 5 }, ['late']]]);
    expect(told(sent([now(1, { count: 5, eventId: 'e9' })]))).toEqual([['slack', 'changed', 0, {}, ['late']]]);
    expect(told(sent([now(1, { count: 6, eventId: 'e9' })]))).toEqual([
      ['slack', 'changed', 0, { count: 6 }, ['late']],
    ]);
    expect(sent([now(2, { count: 50 })])).toEqual([]);
    expect(sent([{ ...gone(1), detectionId: 'unknown' }])).toEqual([]);
  });

  it('goes to who was told, and to nobody where nobody was', () => {
    commit({ alerts: [ALERT], detections: [found(1, 3)] });
    expect(sent([gone(1)])).toEqual([]);
  });

  it('does not follow what failed', () => {
    opened();
    state.outbox.record(notificationIdOf(ALERT.id, 'slack', 'opened'), { kind: 'failed', atMs: 1, error: 'no' });
    expect(sent([gone(1), gone(2)])).toEqual([]);
  });

  it('answers the message of a group, where the alert was in one', () => {
    const group = groupOf();
    const grouped = { alertId: ALERT.id, groupId: group.id, fromMs: 0, untilMs: 9, isSentAlone: false, isLate: false };
    commit({ alerts: [ALERT], detections: [found(1, 3)], grouped: [grouped] }, groupNotificationsOf(group, CHANNELS));
    const answers = sent([gone(1)]).map(({ about }) => (about as FollowUp).inReplyTo);
    expect(answers).toEqual(CHANNELS.map((channel) => notificationIdOf(group.id, channel, 'group')));
  });

  it('comes a few times at most', () => {
    opened();
    const counts = Array.from({ length: 8 }, (_, at) => sent([now(1, { count: 10 + at })]).length);
    expect(counts).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
  });
});

describe('the message of a group', () => {
  it('says how its alerts stand as it leaves', () => {
    commit({ alerts: [ALERT], detections: [found(1, 3), found(2, 4, { decision: 'joined' })] });
    const [whole] = messages.of({ ...EMPTY, groups: [groupOf()] });
    expect(whole?.about).toMatchObject({ group: { members: [{ detections: 2 }] } });
    const step = { ...EMPTY, groups: [groupOf()], amended: [gone(1), gone(2)] };
    const all = messages.of(step);
    expect(all.map(({ about }) => about?.kind)).toEqual(['group', 'group']);
    expect(all[0]?.about).toMatchObject({ group: { members: [{ detections: 2, isWithdrawn: true }] } });
  });
});

function groupOf() {
  const { id, title, severity, hostId, hostName, timestampMs, fields } = ALERT;
  return {
    ...{ id: 'g1', ruleId: ALERT.ruleId, key: [], fromMs: 0, untilMs: 9, first: ALERT, count: 1, lastMs: 0 },
    members: [{ alertId: id, title, severity, hostId, hostName, timestampMs, fields }],
    isFirstSentAlone: false,
  };
}
