// Messages of many alerts, and of what became of one: what each channel makes of them, with hostile text in every place.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { emailText, SUBJECT_LENGTH_MAX } from '../../alerts/channels/email.ts';
import { RICH_MEMBERS_MAX, slackMessage } from '../../alerts/channels/slack.ts';
import { createTerminalChannel, terminalText } from '../../alerts/channels/terminal.ts';
import { webhookBody } from '../../alerts/channels/webhook.ts';
import { decisionText } from '../../alerts/decision-text.ts';
import { textTable } from '../../alerts/group-message.ts';
import {
  followUpNotification,
  groupNotificationsOf,
  notificationIdOf,
  notificationsOf,
} from '../../alerts/notification.ts';
import type { AlertGroup, Detection, FollowUp, GroupMember, Notification } from '../../event/detection.ts';
import { alertWith, hostileNotification } from './making.ts';

const FROM_MS = Date.UTC(2026, 10, 21, 21, 40);
const first = alertWith({ id: 'a0', ruleName: 'SSH login failed' });
const [hostile] = [hostileNotification().alert.title];

function memberOf(at: number, changes: Partial<GroupMember> = {}): GroupMember {
  const title = `root failed from 10.0.0.${at}`;
  const { severity, fields } = first;
  return {
    alertId: `a${at}`,
    title,
    severity,
    hostId: 'h1',
    hostName: 'web-1',
    timestampMs: FROM_MS + at * 1_000,
    fields,
    ...changes,
  };
}

function groupWith(changes: Partial<AlertGroup> = {}): AlertGroup {
  return {
    id: '0group',
    ruleId: first.ruleId,
    key: [{ name: 'host.id', value: 'h1' }],
    fromMs: FROM_MS,
    untilMs: FROM_MS + 300_000,
    first,
    members: [memberOf(0), memberOf(1, { detections: 12 }), memberOf(2, { isWithdrawn: true })],
    count: 3,
    lastMs: FROM_MS + 2_000,
    isFirstSentAlone: false,
    ...changes,
  };
}

function notified(group: AlertGroup): Notification {
  const [notification] = groupNotificationsOf(group, ['slack']);
  if (notification === undefined) throw new Error('it goes to Slack');
  return notification;
}

/** Hostile and endless in each place. */
function worst(): Notification {
  const long = `${hostile}${'<&>'.repeat(3_000)}`;
  const members = Array.from({ length: 25 }, (_, at) =>
    memberOf(at, { title: long, hostName: long, hostId: `${long}${at}` }),
  );
  const rows = Array.from({ length: 50 }, (_, at) => ({ values: [`${at} ${long}`, long], count: at }));
  return notified(
    groupWith({
      first: alertWith({ ...hostileNotification().alert, title: long }),
      key: Array.from({ length: 16 }, (_, at) => ({ name: `f${at}`, value: long })),
      members,
      count: 100_000,
      table: { fields: [hostile, 'user.name'], rows, others: 7 },
    }),
  );
}

describe('a message of many alerts', () => {
  it('says how many, of what, where and when, and how to see all', () => {
    expect(terminalText(notified(groupWith()), false)).toBe(
      `[HIGH] 3 alerts: SSH login failed (h1)
  Time (UTC)      Host   Alert
  11-21 21:40:00  web-1  root failed from 10.0.0.0
  11-21 21:40:01  web-1  root failed from 10.0.0.1 (×12)
  11-21 21:40:02  web-1  root failed from 10.0.0.2 (no longer holds: events came late)
  host.id           h1
  Alerts            3
  Host              web-1 (h1)
  From              2026-11-21 21:40:00.000 UTC
  To                2026-11-21 21:40:02.000 UTC; gathered until 2026-11-21 21:45:00.000 UTC
  Rule              web-server-spawned-shell (SSH login failed)
  MITRE ATT&CK      T1505.003
  Runbook           https://runbooks.example/web-shell
  Why you get this  the rule sends one message for many alerts; the rule names no channel, so all get it
  Group             0group
  More              vedette alerts list --group 0group

`,
    );
  });

  it('counts what it does not name, and says which came late or after the first', () => {
    const many = terminalText(
      notified(groupWith({ count: 200, members: Array.from({ length: 25 }, (_, at) => memberOf(at)) })),
      false,
    );
    expect(many).toContain('[HIGH] 200 alerts:');
    expect(many).toContain('  and 190 more\n');
    expect(terminalText(notified(groupWith({ isFirstSentAlone: true })), false)).toContain('[HIGH] 3 more alerts: SSH');
    const late = terminalText(notified(groupWith({ lateFor: '0before', count: 1 })), false);
    expect(late).toContain('[HIGH] 1 late alert: SSH');
    expect(late).toContain('Late for          0before');
  });

  it('is announced by the first alert where that is sent at once', () => {
    const group = { groupId: '0group', fromMs: FROM_MS, untilMs: FROM_MS + 300_000, isSentAlone: true, isLate: false };
    const [alone] = notificationsOf(alertWith({ group }), ['terminal']);
    expect(terminalText(alone as Notification, false)).toContain(
      'other alerts of its group until 2026-11-21 21:45:00.000 UTC follow in one message',
    );
    const commandOf = (id: string): string => `npx vedette alerts show ${id} --server x`;
    expect(terminalText(notified(groupWith()), false, commandOf)).toContain(
      'npx vedette alerts list --group 0group --server x',
    );
  });

  it('shows how often values occur, the most frequent first', () => {
    const rows = [
      { values: ['root', '10.0.0.1'], count: 2 },
      { values: ['mallory', '10.0.0.2'], count: 40 },
    ];
    const text = emailText(
      notified(groupWith({ table: { fields: ['user.name', 'source.ip'], rows, others: 3 } })),
    ).text;
    expect(text).toContain(
      'user.name  source.ip  alerts\nmallory    10.0.0.2   40\nroot       10.0.0.1   2\nand 3 alerts with other values\n',
    );
    expect(textTable({ caption: '', columns: ['a', 'b'], rows: [], more: '' })).toEqual(['a  b']);
  });

  it('stays within Slack’s limits, and hostile text is literal or escaped', () => {
    const message = slackMessage(worst());
    const [header, rich, context] = message.blocks;
    expect(JSON.stringify(message.blocks).length).toBeLessThan(30_000);
    for (const parsed of [message.text, JSON.stringify(header), JSON.stringify(context)])
      expect(parsed).not.toMatch(/[<>]/);
    expect(JSON.stringify(rich)).not.toMatch(
      /"type":"(?:link|user|usergroup|broadcast|channel)"|mrkdwn|\\u001b|\u202e/,
    );
    const list = (rich as unknown as { elements: { type: string; elements: unknown[] }[] }).elements.find(
      ({ type }) => type === 'rich_text_list',
    );
    expect(list?.elements).toHaveLength(RICH_MEMBERS_MAX);
  });

  it('makes no tag, no header and no moving cursor of hostile text', () => {
    const { subject, text, html } = emailText(worst());
    expect(subject).not.toMatch(/[\r\n\u001b\u202e]/);
    expect(subject.length).toBeLessThanOrEqual(SUBJECT_LENGTH_MAX);
    expect(html).not.toMatch(/<(?!\/?(?:html|body|h2|h3|p|table|tr|th|td|code)\b|!doctype html>)/);
    expect(`${text}${html}`).not.toMatch(/[\u001b\u202e]/);
    expect(text.length + html.length).toBeLessThan(80_000);
    expect(terminalText(worst(), false)).not.toMatch(/[\u001b\u202e\r]/);
  });

  it('is JSON for programs, with all that is known', async () => {
    const body = JSON.parse(webhookBody(notified(groupWith())));
    expect(body).toMatchObject({ version: 1, kind: 'group', group: { id: '0group', count: 3, members: [{}, {}, {}] } });
    expect(body).not.toHaveProperty('alert');
    let printed = '';
    const writable = new PassThrough();
    writable.on('data', (part: Buffer) => {
      printed += part.toString();
    });
    const channel = createTerminalChannel({ writable, isJson: true });
    expect(await channel.send(worst())).toEqual({ kind: 'sent' });
    expect(printed).not.toMatch(/[\u001b\u202e]/);
    expect(JSON.parse(printed)).toMatchObject({ kind: 'group', group: { count: 100_000 } });
  });
});

describe('what became of an alert', () => {
  const followUp: FollowUp = {
    kind: 'follow-up',
    inReplyTo: notificationIdOf('0alert', 'email', 'opened'),
    change: 'changed',
    detections: 5,
    withdrawn: 2,
    facts: { count: 7, [hostile]: hostile },
    because: [hostile, 'e2', 'e3', 'e4'],
  };
  const told = (changes: Partial<FollowUp> = {}, alert = alertWith()) =>
    followUpNotification(alert, { channel: 'email', nth: 1 }, { ...followUp, ...changes });

  it('is short, and names what changed and why', () => {
    const text = terminalText(told(), false);
    expect(text).toContain('[HIGH] Changed: apache2 spawned bash on web-1');
    expect(text).toContain('2 of its 5 detections no longer hold.');
    expect(text).toMatch(/Counted now +7\n/);
    expect(text).not.toContain('e4');
    expect(text).not.toMatch(/[\u001b\u202e\r]/);
    expect(terminalText(told({ change: 'withdrawn', withdrawn: 5 }), false)).toContain(
      '[HIGH] No longer holds: apache2',
    );
    expect(terminalText(told({ change: 'restored', withdrawn: 0 }), false)).toContain('[HIGH] Holds again: apache2');
    expect(terminalText(told({ withdrawn: 0 }), false)).toContain('It rests on other events than was told.');
    expect(JSON.parse(webhookBody(told()))).toMatchObject({
      kind: 'follow-up',
      change: 'changed',
      alert: { id: '0alert' },
    });
    expect(slackMessage(told()).blocks).toHaveLength(3);
  });

  it('bears the subject of the mail that it answers', () => {
    expect(emailText(told()).subject).toBe('Re: Vedette [HIGH] apache2 spawned bash on web-1');
    const { subject, html } = emailText(told({}, hostileNotification().alert));
    expect(subject).not.toMatch(/[\r\n\u001b\u202e]/);
    expect(html).not.toMatch(/<(?!\/?(?:html|body|h2|h3|p|table|tr|th|td|code)\b|!doctype html>)/);
  });

  it('has an id for each change, channel and alert', () => {
    const ids = [told(), followUpNotification(alertWith(), { channel: 'email', nth: 2 }, followUp)].map(({ id }) => id);
    expect(new Set([...ids, followUp.inReplyTo]).size).toBe(3);
  });
});

describe('a decision in words', () => {
  const order = { createdMs: FROM_MS, hostId: 'h1', bootId: 'b', position: 1, id: 'e1' };
  const detection: Detection = {
    ...{ id: 'd', ruleId: 'r', ruleVersion: 'v', eventId: 'e1', order, key: '[]', suppressKey: '[]' },
    ...{ alertId: 'a', decision: 'opened', isLate: false },
  };
  const group = { groupId: 'g', fromMs: FROM_MS, untilMs: FROM_MS + 60_000, isSentAlone: false, isLate: false };
  it.each([
    [{}, {}, 'opened alert a'],
    [{ untilMs: FROM_MS + 1_000 }, {}, 'opened alert a; its key is suppressed until 2026-11-21 21:40:01.000 UTC'],
    [
      { decision: 'joined', untilMs: FROM_MS + 1_000, isLate: true },
      { group },
      'suppressed: joined alert a, which holds its key until 2026-11-21 21:40:01.000 UTC; it came late',
    ],
    [{ decision: 'test', alertId: undefined }, undefined, 'kept and not sent: the rule is in status test'],
    [{}, { group: 'waits' }, 'opened alert a; it waits to be grouped with others of its time'],
    [{}, { group }, 'opened alert a; in the message of group g, of the alerts until 2026-11-21 21:41:00.000 UTC'],
    [
      {},
      { group: { ...group, isSentAlone: true } },
      'opened alert a; sent by itself, as the first of group g, which gathers until 2026-11-21 21:41:00.000 UTC',
    ],
    [
      {},
      { group: { ...group, isLate: true } },
      'opened alert a; it came late to the alerts of its time, and is in the message of group g',
    ],
    [
      { amended: { as: 'withdrawn', because: ['x', 'y'] } },
      {},
      'opened alert a; it no longer holds, because of events that came late (x, y)',
    ],
    [{ amended: { as: 'changed', because: [] } }, {}, 'opened alert a; changed by events that came late'],
  ] as const)('%j, %j: %s', (changes, alert, text) => {
    const about = alert === undefined ? undefined : alertWith({ suppressedUntilMs: 0, ...alert });
    expect(decisionText({ ...detection, ...changes } as Detection, about)).toBe(text);
  });
});
