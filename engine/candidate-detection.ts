// A detection before the fold has decided about it, with everything that the fold will need: while it waits for its watermark
// its event, and even its rule, may be gone. Durable as one entry of the state, `pending:ID`, format version 1.
import type { Alert, Detection } from '../event/detection.ts';
import { type EventDocument, timeOf } from '../event/document.ts';
import type { OrderKey } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';
import { alertIdOf, detectionIdOf, suppressionIdOf } from './identity.ts';
import { keyOf } from './key.ts';
import { fieldText, renderFields, renderTitle } from './rendering.ts';

/** `test`: of a rule in status `test`, opens nothing. `single`: opens its own alert. `suppressed`: the fold decides. */
export type CandidateDetection =
  | { readonly kind: 'test'; readonly detection: UndecidedDetection }
  | { readonly kind: 'single'; readonly detection: UndecidedDetection; readonly draft: Alert }
  | SuppressedDetection;

type UndecidedDetection = Omit<Detection, 'alertId' | 'decision' | 'isLate'>;

export interface SuppressedDetection {
  readonly kind: 'suppressed';
  readonly detection: UndecidedDetection;
  /** The alert that it opens, if it opens one: `count` 1, without a window. */
  readonly draft: Alert;
  /** Of rule, key fields and their values: what is folded together. */
  readonly suppressionId: string;
  /** `host` when the key holds `host.id`: then all that is folded together comes from one host. */
  readonly scope: 'host' | 'all';
  readonly forMs: number;
  readonly growMs: number | undefined;
}

export function candidateOf(rule: Rule, document: EventDocument, order: OrderKey): CandidateDetection {
  const { suppress } = rule.alert;
  const fields = suppress?.by ?? rule.by;
  const detection: UndecidedDetection = {
    id: detectionIdOf(rule.id, rule.version, order.id),
    ruleId: rule.id,
    ruleVersion: rule.version,
    eventId: order.id,
    order,
    key: keyOf(document, rule.by),
    suppressKey: keyOf(document, fields),
  };
  if (rule.status === 'test') return { kind: 'test', detection };
  const draft = draftOf(rule, document, detection);
  if (suppress === undefined) return { kind: 'single', detection, draft };
  return {
    kind: 'suppressed',
    detection,
    draft,
    suppressionId: suppressionIdOf(rule.id, fields, detection.suppressKey),
    scope: fields.includes('host.id') ? 'host' : 'all',
    forMs: suppress.forMs,
    growMs: suppress.growMs,
  };
}

function draftOf(rule: Rule, document: EventDocument, detection: UndecidedDetection): Alert {
  const { order, suppressKey } = detection;
  return {
    id: alertIdOf(rule.id, suppressKey, detection.id),
    ruleId: rule.id,
    ruleVersion: rule.version,
    ruleName: rule.name,
    description: rule.description,
    severity: rule.severity,
    risk: rule.risk,
    mitre: rule.mitre,
    tags: rule.tags,
    references: rule.references,
    runbook: rule.alert.runbook,
    to: rule.alert.to,
    suppressKey,
    title: renderTitle(rule.alert.title, document),
    fields: renderFields(rule.alert.include, document),
    hostId: order.hostId,
    hostName: fieldText(document, 'host.name') ?? order.hostId,
    firstEventId: order.id,
    lastEventId: order.id,
    timestampMs: timeOf(document, '@timestamp') ?? order.createdMs,
    openedMs: order.createdMs,
    lastMs: order.createdMs,
    suppressedUntilMs: 0,
    growth: 0,
    count: 1,
    isLate: false,
    status: 'open',
  };
}
