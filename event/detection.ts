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

export type Severity = 'informational' | 'low' | 'medium' | 'high' | 'critical';
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
}

/** One message to be sent, or sent, about an alert. */
export interface Notification {
  /** A function of alert, channel and reason: writing it twice is writing it once. */
  readonly id: string;
  readonly alertId: string;
  readonly channel: string;
  /** Why it is sent, for people: e.g. `first notification of this alert`. */
  readonly reason: string;
  readonly alert: Alert;
}
