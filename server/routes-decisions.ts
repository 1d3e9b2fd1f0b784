// What became of one event: for each rule that was in force at its time and that it matched, what was decided and why. Detections tell
// what is stored with them; what hides an event before it is one (an exception, a quarantine) follows from the rule's version of that
// time and the control log, and is worked out again from these.
import { decisionText } from '../alerts/decision-text.ts';
import type { Quarantine } from '../engine/containment.ts';
import type { RuleEpoch } from '../engine/engine.ts';
import type { Detection } from '../event/detection.ts';
import { type OrderKey, orderKeyOf } from '../event/order.ts';
import { explainRule } from '../rules/explain/explain-rule.ts';
import { verdictLine } from '../rules/explain/explanation-text.ts';
import { treesOf } from '../rules/explain/rule-trees.ts';
import type { Rule } from '../rules/rule.ts';
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import type { AlertBookPort } from '../store/state/state-port.ts';
import type { DecisionApiRecord, DecisionsResponse } from './api.ts';
import { problem } from './api-error.ts';
import { API_PREFIX, type Http } from './http.ts';
import { fieldsOf, optionalTextIn, textIn } from './request-shape.ts';

const DETECTIONS_LIMIT = 1_000;

export interface DecisionsContext {
  readonly alerts: Pick<AlertBookPort, 'get' | 'detectionsOfEvent'>;
  readonly store: Pick<EventStore, 'get'>;
  /** The rules that were in force at and after this event time. */
  readonly epochsSince: (sinceMs: number) => readonly RuleEpoch[];
  /** Each that ever was. */
  readonly quarantines: () => readonly Quarantine[];
  /** Up to when everything is decided, epoch ms. */
  readonly settledMs: () => number;
}

export function decisionRoutes({ app, needs }: Http, context: DecisionsContext): void {
  const { alerts, store, epochsSince } = context;

  app.get(`${API_PREFIX}/decisions`, needs('read'), async (request): Promise<DecisionsResponse> => {
    const query = fieldsOf(request.query);
    const eventId = textIn(query, 'event', 1_024);
    const ruleId = optionalTextIn(query, 'rule', 256);
    const document = await eventOf(store, eventId);
    const detections = alerts
      .detectionsOfEvent(eventId, DETECTIONS_LIMIT)
      .filter((detection) => ruleId === undefined || detection.ruleId === ruleId);
    const decided = detections.map((detection) => ofDetection(detection, context));
    if (document === undefined) {
      if (decided.length > 0) return { decisions: decided };
      throw problem(404, 'no-event', 'there is no such event', 'Its id stands in `vedette search --json` as `_id`.');
    }
    const order = orderKeyOf(eventId, document);
    const rules = epochsSince(order.createdMs).findLast(({ fromMs }) => fromMs <= order.createdMs)?.rules ?? [];
    const known = new Set(detections.map((detection) => detection.ruleId));
    const others = rules.flatMap((rule) => {
      if (known.has(rule.id) || rule.kind.kind === 'together' || (ruleId !== undefined && rule.id !== ruleId))
        return [];
      return matches(rule, document, order) ? [hidden(rule, document, order, context)] : [];
    });
    return { decisions: [...decided, ...others.filter((one) => one !== undefined)] };
  });
}

function ofDetection(detection: Detection, { alerts }: DecisionsContext): DecisionApiRecord {
  const { ruleId, ruleVersion, decision, alertId } = detection;
  const alert = alertId === undefined ? undefined : alerts.get(alertId);
  return {
    ruleId,
    ruleVersion,
    decision,
    why: decisionText(detection, alert),
    detectionId: detection.id,
    ...(alertId === undefined ? {} : { alertId }),
    ...(typeof alert?.group === 'object' ? { groupId: alert.group.groupId } : {}),
  };
}

/** Why a rule that matches the event has no detection that it completed. */
function hidden(
  rule: Rule,
  document: Parameters<typeof explainRule>[2],
  order: OrderKey,
  { quarantines, settledMs }: DecisionsContext,
): DecisionApiRecord | undefined {
  const told = { ruleId: rule.id, ruleVersion: rule.version };
  if (rule.status === 'off') return undefined;
  const explanation = explainRule(rule, treesOf(rule), document);
  if (explanation.verdict === 'excepted') return { ...told, decision: 'excepted', why: verdictLine(explanation) };
  if (explanation.verdict !== 'match') return undefined;
  const holding = quarantines().find((one) => isHolding(one, rule, order));
  if (holding !== undefined) {
    const whose = holding.hostId === undefined ? '' : ` of host ${holding.hostId}`;
    const why = `not judged: the rule was quarantined from events${whose} since ${new Date(holding.fromMs).toISOString()}: ${holding.reason}`;
    return { ...told, decision: 'quarantined', why };
  }
  if (order.createdMs >= settledMs())
    return { ...told, decision: 'waits', why: 'it matches; what becomes of it is not decided yet' };
  return rule.kind.kind === 'single'
    ? {
        ...told,
        decision: 'unknown',
        why: 'it matches, and no detection is stored: it was not given to the rule, or is older than what is kept',
      }
    : {
        ...told,
        decision: 'counted',
        why: `it counts for the rule, and completed nothing: \`vedette explain ${rule.id} --event ${typable(order.id)}\` says how far its window came`,
      };
}

/** An id in a command that a person may copy: only where a shell sees nothing else in it. */
function typable(id: string): string {
  return /^[\w.:-]+$/.test(id) ? id : 'ID';
}

function isHolding({ ruleVersion, hostId, fromMs, untilMs }: Quarantine, rule: Rule, order: OrderKey): boolean {
  const isOfIt = ruleVersion === rule.version && (hostId === undefined || hostId === order.hostId);
  return isOfIt && fromMs <= order.createdMs && order.createdMs < (untilMs ?? Number.POSITIVE_INFINITY);
}

function matches(rule: Rule, document: Parameters<Rule['match']>[0], order: OrderKey): boolean {
  try {
    return rule.match(document, order.createdMs);
  } catch {
    return false;
  }
}

async function eventOf(store: DecisionsContext['store'], id: string) {
  try {
    return await store.get(id);
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}
