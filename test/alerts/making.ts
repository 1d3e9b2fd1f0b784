// Hand-made alerts and notifications for the tests of alerts/.
import type { Alert, Notification } from '../../event/detection.ts';

export function alertWith(changes: Partial<Alert> = {}): Alert {
  return {
    id: '0alert',
    ruleId: 'web-server-spawned-shell',
    ruleVersion: 'v1',
    ruleName: 'Web server spawned a shell',
    description: 'A web server process started a command shell.',
    severity: 'high',
    risk: 73,
    mitre: ['T1505.003'],
    tags: ['linux'],
    references: [],
    runbook: 'https://runbooks.example/web-shell',
    to: undefined,
    suppressKey: '["h1"]',
    title: 'apache2 spawned bash on web-1',
    fields: [
      { name: 'user.name', value: 'www-data' },
      { name: 'process.command_line', value: "bash -c 'id; uname -a'" },
    ],
    hostId: 'h1',
    hostName: 'web-1',
    firstEventId: 'h1.b.1',
    lastEventId: 'h1.b.1',
    timestampMs: Date.UTC(2026, 10, 21, 21, 43, 44, 120),
    openedMs: 1_000,
    lastMs: 1_000,
    suppressedUntilMs: Date.UTC(2026, 10, 21, 22, 43, 44),
    growth: 0,
    count: 1,
    isLate: false,
    status: 'open',
    ...changes,
  };
}

export function notificationWith(changes: Partial<Notification> = {}): Notification {
  return {
    id: '0notification',
    alertId: '0alert',
    channel: 'webhook',
    reason: 'a reason',
    alert: alertWith(),
    ...changes,
  };
}

/** What an attacker would put into a command line. */
const HOSTILE =
  'x <!channel> <https://evil.example|click> *b* `c` & "q" \'s\' \u001b[2J\r\nBcc: a@evil.example\u202e <img src=x onerror=1>';

export function hostileNotification(): Notification {
  return notificationWith({
    reason: HOSTILE,
    alert: alertWith({
      title: HOSTILE,
      description: HOSTILE,
      hostName: HOSTILE,
      ruleName: HOSTILE,
      runbook: 'javascript:alert(1)',
      fields: [
        { name: 'process.command_line', value: HOSTILE },
        { name: HOSTILE, value: HOSTILE },
      ],
    }),
  });
}
