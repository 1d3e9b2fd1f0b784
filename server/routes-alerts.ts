// Alerts: the list, one with all that led to it, and what people make of it.
import { decisionText } from '../alerts/decision-text.ts';
import type { AlertStatus } from '../event/detection.ts';
import type { EventDocument } from '../event/document.ts';
import { explainRule } from '../rules/explain/explain-rule.ts';
import { explanationLines } from '../rules/explain/explanation-text.ts';
import { treesOf } from '../rules/explain/rule-trees.ts';
import { ruleSentence } from '../rules/explain/sentence.ts';
import type { Rule } from '../rules/rule.ts';
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import type { AlertBookPort } from '../store/state/state-port.ts';
import type { AlertResponse, AlertsResponse, GapsResponse } from './api.ts';
import { problem } from './api-error.ts';
import { API_PREFIX, type Http } from './http.ts';
import { fieldsOf, optionalOneOf, optionalTextIn, optionalTimeIn, optionalWholeIn } from './request-shape.ts';

const ALERTS_LIMIT = 100;
export const ALERTS_LIMIT_MAX = 10_000;
/** So many detections are told of one alert, the first ones; `alert.count` says how many there are. */
const DETECTIONS_LIMIT = 1_000;

const STATUSES = ['open', 'acknowledged', 'closed'] as const satisfies readonly AlertStatus[];

export function alertRoutes(
  { app, needs }: Http,
  context: {
    readonly alerts: AlertBookPort;
    readonly store: EventStore;
    /** The rule as it was when it alerted; undefined where its text is not kept or cannot be read any more. */
    readonly ruleOf: (version: string) => Rule | undefined;
  },
): void {
  const { alerts, store, ruleOf } = context;

  const alertOf = (request: { readonly params: unknown }) => {
    const { id } = request.params as { readonly id: string };
    const alert = alerts.get(id);
    if (alert === undefined) throw problem(404, 'no-alert', 'there is no such alert', 'See `vedette alerts list`.');
    return alert;
  };

  app.get(`${API_PREFIX}/alerts`, needs('read'), async (request): Promise<AlertsResponse> => {
    const query = fieldsOf(request.query);
    const sinceMs = optionalTimeIn(query, 'since');
    const status = optionalOneOf(query, 'status', STATUSES);
    const ruleId = optionalTextIn(query, 'rule', 256);
    const groupId = optionalTextIn(query, 'group', 256);
    const limit = optionalWholeIn(query, 'limit', { min: 1, max: ALERTS_LIMIT_MAX }) ?? ALERTS_LIMIT;
    return {
      alerts: alerts.list({
        limit,
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(status === undefined ? {} : { status }),
        ...(ruleId === undefined ? {} : { ruleId }),
        ...(groupId === undefined ? {} : { groupId }),
      }),
    };
  });

  // What came too late to be computed with what came after it, the newest first.
  app.get(`${API_PREFIX}/gaps`, needs('read'), async (request): Promise<GapsResponse> => {
    const limit = optionalWholeIn(fieldsOf(request.query), 'limit', { min: 1, max: ALERTS_LIMIT_MAX }) ?? ALERTS_LIMIT;
    return { gaps: alerts.gaps(limit) };
  });

  app.get(`${API_PREFIX}/alerts/:id`, needs('read'), async (request): Promise<AlertResponse> => {
    const alert = alertOf(request);
    const event = await eventIfReachable(store, alert.firstEventId);
    return {
      alert,
      detections: alerts
        .detectionsOf(alert.id, DETECTIONS_LIMIT)
        .map((detection) => ({ ...detection, why: decisionText(detection, alert) })),
      notifications: [
        ...alerts.notificationsOf(alert.id),
        ...(typeof alert.group === 'object' ? alerts.notificationsOf(alert.group.groupId) : []),
      ],
      event,
      ...whyOf(ruleOf(alert.ruleVersion), event),
    };
  });

  app.post(`${API_PREFIX}/alerts/:id/status`, needs('administer'), async (request): Promise<AlertResponse['alert']> => {
    const { id } = alertOf(request);
    const status = optionalOneOf(fieldsOf(request.body), 'status', STATUSES);
    if (status === undefined) {
      throw problem(400, 'bad-request', 'status is missing', `Send {"status": …} with one of ${STATUSES.join(', ')}.`);
    }
    alerts.setStatus(id, status);
    return alertOf(request);
  });
}

/** What the rule says, and which of its clauses the event met with which values. */
function whyOf(
  rule: Rule | undefined,
  event: EventDocument | undefined,
): Pick<AlertResponse, 'sentence' | 'explanation'> {
  if (rule === undefined) return {};
  const trees = treesOf(rule);
  const sentence = ruleSentence(rule, trees);
  return event === undefined
    ? { sentence }
    : { sentence, explanation: explanationLines(explainRule(rule, trees, event)) };
}

/** The event; undefined where it is past its retention, or the store cannot be asked: the alert is worth showing all the same. */
async function eventIfReachable(store: EventStore, id: string): Promise<EventDocument | undefined> {
  try {
    return await store.get(id);
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}
