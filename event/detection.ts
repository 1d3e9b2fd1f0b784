// The three words for what rules bring about (docs/glossary.md). Detection: a rule matched. Alert: what suppression makes of
// detections; it has a life. Notification: what was sent of an alert to one channel.
import type { OrderKey } from './order.ts';

/** A rule matched one event. Its id is a function of rule, rule version and event, so any replay makes the same one. */
export interface Detection {
  readonly id: string;
  readonly ruleId: string;
  readonly ruleVersion: string;
  readonly eventId: string;
  readonly order: OrderKey;
  /** Values of the rule's `by` fields, as canonical JSON: `["h1","root"]`; `[]` without `by`. */
  readonly key: string;
  /** Values of `alert.suppress.by` (else of `by`), as canonical JSON: what suppression counts as "the same". */
  readonly suppressKey: string;
  /** The alert that it opened or joined; undefined for a rule in status `test`. */
  readonly alertId: string | undefined;
  /** What suppression decided, and why. */
  readonly decision: 'opened' | 'joined' | 'test';
  /** Until when its key is suppressed by the alert that it opened or joined, `event.created`, epoch ms; absent without suppression. */
  readonly untilMs?: number;
  /** True when it was folded after a later detection of the same rule and key. */
  readonly isLate: boolean;
  /** Of a rule on many events: what it rests on. */
  readonly found?: DetectionGround;
  /** Set when events that came late changed it. It is kept, also where it no longer holds: what was sent was sent. */
  readonly amended?: {
    readonly as: 'withdrawn' | 'changed';
    /** Events that came late, some of them. */
    readonly because: readonly string[];
  };
}

interface DetectionGround {
  /** The oldest first; of very many, the first and the last are among them. `eventId` is that of the one that completed it. */
  readonly eventIds: readonly string[];
  /** `event.created` of the first, epoch ms. */
  readonly firstMs: number;
  /** Figures by name: `count`, `value`, … */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** What events that came late make of a detection. */
export interface Amendment {
  readonly detectionId: string;
  readonly ruleId?: string;
  /** Events that came late, some of them. */
  readonly because: readonly string[];
  /** What it is now; undefined: it does not hold. */
  readonly now: { readonly eventId: string; readonly order: OrderKey; readonly found: DetectionGround } | undefined;
}

/** The detection as it stands after the amendment. */
export function amended(detection: Detection, { because, now }: Amendment): Detection {
  return { ...detection, ...now, amended: { as: now === undefined ? 'withdrawn' : 'changed', because } };
}

/** Matches of a rule that came so late that they were not computed with what came after them. */
export interface Gap {
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** The values of the key, as canonical JSON. */
  readonly key: string;
  readonly matches: number;
  /** `event.created` of the first and the last, epoch ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** One of them. */
  readonly eventId: string;
  /** `age`: behind what is kept of the key. `budget`: the rule had been computed again too much. */
  readonly reason: 'age' | 'budget';
}

/** Into which message grouping put an alert (docs/decisions/0040). */
export interface Grouped {
  readonly alertId: string;
  readonly groupId: string;
  /** The span of the group, `event.created`, epoch ms; its message leaves when `untilMs` has passed. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** True of the first alert of a group where the rule has it sent at once. */
  readonly isSentAlone: boolean;
  /** True when the message of its time had left. */
  readonly isLate: boolean;
}

/** One message for many alerts of a rule. */
export interface AlertGroup {
  /** A function of the rule's id, the group's key and its first alert. */
  readonly id: string;
  readonly ruleId: string;
  /** The values of `alert.group.by`, as text. */
  readonly key: readonly { readonly name: string; readonly value: string }[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** The alert that opened it. */
  readonly first: Alert;
  /** In reference order, the first ones; without `first` where that was sent by itself. */
  readonly members: readonly GroupMember[];
  /** All that the message is about, those that it does not name included. */
  readonly count: number;
  /** `event.created` of the last, epoch ms. */
  readonly lastMs: number;
  readonly table?: GroupTable;
  readonly isFirstSentAlone: boolean;
  /** Of alerts that came when the message of their time had left: that message's group. */
  readonly lateFor?: string;
}

/** What a message says of one of many alerts. */
export interface GroupMember {
  readonly alertId: string;
  readonly title: string;
  readonly severity: Severity;
  readonly hostId: string;
  readonly hostName: string;
  readonly timestampMs: number;
  readonly fields: Alert['fields'];
  /** As the message leaves: detections in it, and whether none of them holds any more. */
  readonly detections?: number;
  readonly isWithdrawn?: boolean;
}

/** How often each combination of values occurs. */
export interface GroupTable {
  readonly fields: readonly string[];
  readonly rows: readonly { readonly values: readonly string[]; readonly count: number }[];
  /** Alerts whose combination is in no row, because there are too many. */
  readonly others: number;
}

export const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];
export type AlertStatus = 'open' | 'acknowledged' | 'closed';

export interface Alert {
  /** A function of the rule's id, the suppression key and the detection that opened it. */
  readonly id: string;
  readonly ruleId: string;
  readonly ruleVersion: string;
  readonly ruleName: string;
  readonly description: string;
  readonly severity: Severity;
  readonly risk: number | undefined;
  readonly mitre: readonly string[];
  readonly tags: readonly string[];
  readonly references: readonly string[];
  readonly runbook: string | undefined;
  /** Who wrote the rule, and under which licence: many are used on the condition that alerts name both. */
  readonly author?: string;
  readonly license?: string;
  /** What else makes the rule alert, and is harmless. */
  readonly falsePositives?: readonly string[];
  /** Channel names asked for by the rule; undefined: the terminal and all configured channels. */
  readonly to: readonly string[] | undefined;
  readonly suppressKey: string;
  /** The rendered title: plain text from hostile parts; each channel escapes it for itself. */
  readonly title: string;
  /** `alert.include` fields of the opening event, in the rule's order, as text. */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly hostId: string;
  readonly hostName: string;
  readonly firstEventId: string;
  readonly lastEventId: string;
  /** `@timestamp` of the opening event, epoch ms: what people see. */
  readonly timestampMs: number;
  /** `event.created` of the opening and of the last joined event, epoch ms: what the fold goes by. */
  readonly openedMs: number;
  readonly lastMs: number;
  /** Detections with `event.created` below this join; 0 when the rule suppresses nothing. */
  readonly suppressedUntilMs: number;
  /** How many times in a row the key has alerted (exponential suppression), from 0. */
  readonly growth: number;
  /** Detections in this alert, the opening one included. */
  readonly count: number;
  /** How many of them no longer hold, because events came late; absent where all do. */
  readonly withdrawn?: number;
  readonly isLate: boolean;
  readonly status: AlertStatus;
  /** Of a rule that groups: `waits` until it is known into which message it comes. */
  readonly group?: 'waits' | Omit<Grouped, 'alertId'>;
}

/** One message to be sent, or sent, about an alert or a group of them. */
export interface Notification {
  /** A function of alert, channel and reason: writing it twice is writing it once. */
  readonly id: string;
  /** The id of the alert, or of the group. */
  readonly alertId: string;
  readonly channel: string;
  /** Why it is sent, for people: e.g. `first notification of this alert`. */
  readonly reason: string;
  /** Of a group, the first one. */
  readonly alert: Alert;
  /** Absent: that the alert was opened. */
  readonly about?: { readonly kind: 'group'; readonly group: AlertGroup } | FollowUp;
}

/** Events that came late changed what was told of an alert. */
export interface FollowUp {
  readonly kind: 'follow-up';
  /** The notification to the same channel that told of the alert. */
  readonly inReplyTo: string;
  /** `withdrawn`: no detection of the alert holds any more. `changed`: some do not, or rest on other events. `restored`: they hold again. */
  readonly change: 'withdrawn' | 'changed' | 'restored';
  /** Detections of the alert, and how many no longer hold. */
  readonly detections: number;
  readonly withdrawn: number;
  /** Figures of the opening detection as they are now, where they changed. */
  readonly facts: DetectionGround['facts'];
  /** Events that came late, some of them. */
  readonly because: readonly string[];
}
