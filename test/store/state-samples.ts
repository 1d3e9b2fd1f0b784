// Detections, alerts and notifications by number, for the tests of the state.
import type { Alert, Detection, Notification } from '../../event/detection.ts';

export function sampleDetection(n: number, over: Partial<Detection> = {}): Detection {
  return {
    id: `d${n}`,
    ruleId: 'r1',
    ruleVersion: 'v1',
    eventId: `e${n}`,
    order: { createdMs: 1_000 + n, hostId: 'h1', bootId: 'b1', position: n, id: `e${n}` },
    key: '["h1"]',
    suppressKey: '["h1"]',
    alertId: `a${n}`,
    decision: 'opened',
    isLate: false,
    ...over,
  };
}

export function sampleAlert(n: number, over: Partial<Alert> = {}): Alert {
  return {
    id: `a${n}`,
    ruleId: 'r1',
    ruleVersion: 'v1',
    ruleName: 'Rule',
    description: 'about',
    severity: 'high',
    risk: undefined,
    mitre: ['T1059'],
    tags: [],
    references: [],
    runbook: undefined,
    to: undefined,
    suppressKey: '["h1"]',
    title: 'title \u0000 \ud800 "quoted"',
    fields: [{ name: 'process.name', value: 'bash' }],
    hostId: 'h1',
    hostName: 'web-1',
    firstEventId: `e${n}`,
    lastEventId: `e${n}`,
    timestampMs: 900 + n,
    openedMs: 1_000 + n,
    lastMs: 1_000 + n,
    suppressedUntilMs: 0,
    growth: 0,
    count: 1,
    isLate: false,
    status: 'open',
    ...over,
  };
}

export function sampleNotification(n: number, over: Partial<Notification> = {}): Notification {
  return {
    id: `n${n}`,
    alertId: `a${n}`,
    channel: 'slack',
    reason: 'first notification of this alert',
    alert: sampleAlert(n),
    ...over,
  };
}
