// A backtest is the live engine on the past: the stored events of a range, in reference order, through the very same fold.
// There is nothing to wait for, since the store has everything; results are bounded, totals are exact. What no rule can match is
// left to the store to leave out, where the rules tell that.
import { CONTAINMENT_LIMITS, NOTHING_DECIDED, type Quarantine } from '../engine/containment.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { RuleEpoch, RuleHealth } from '../engine/engine.ts';
import { passedUntil } from '../engine/watermark.ts';
import type { Alert, AlertGroup, Detection } from '../event/detection.ts';
import type { NewEvent } from '../event/document.ts';
import { createdMsOf, orderKeyOf } from '../event/order.ts';
import type { EventStore, TimeRange } from '../store/port.ts';
import { candidateQuery } from './candidate-query.ts';

export interface BacktestOptions {
  readonly store: Pick<EventStore, 'scan'>;
  readonly epochs: readonly RuleEpoch[];
  /** Of `event.created`. */
  readonly range: TimeRange;
  /**
   * So much before the range is folded too, without being reported, so that suppression windows which were open at its start
   * are open again. Exact where a key was quiet for twice its window within it, or where the events begin within it.
   */
  readonly warmupMs?: number;
  /** As it was: what live did not judge. Without it a rule that costs too much is told, and judges no more. */
  readonly quarantines?: readonly Quarantine[];
  /** False for rules that are there for others' sake: what `together` names. Without it all are reported. */
  readonly isReported?: (ruleId: string) => boolean;
  /** False for events that live does not evaluate either, such as imported ones. */
  readonly isEvaluated?: (event: NewEvent) => boolean;
  readonly limits?: Partial<BacktestLimits>;
  readonly onProgress?: (progress: BacktestProgress) => void;
  /** Ends the run after the batch at hand; what was found so far is returned. */
  readonly signal?: AbortSignal;
}

interface BacktestLimits {
  /** Alerts returned, the first ones; the others are counted. */
  readonly alertsMax: number;
  /** Detections returned, the first ones; the others are counted. */
  readonly detectionsMax: number;
}

const BACKTEST_LIMITS: BacktestLimits = { alertsMax: 10_000, detectionsMax: 1_000_000 };

interface BacktestProgress {
  readonly eventsRead: number;
  readonly detections: number;
  readonly alerts: number;
}

export interface BacktestRun {
  /** Events of the range, without the warm-up, that the store gave. */
  readonly eventsRead: number;
  /** True when the store was asked only for events that a rule may match: the range may have held any number of others. */
  readonly isNarrowed: boolean;
  /** In reference order. */
  readonly detections: readonly Detection[];
  readonly detectionsTotal: number;
  /** Alerts that a detection of the range opened or joined, as they stand at its end, in the order of their first such one. */
  readonly alerts: readonly Alert[];
  readonly alertsTotal: number;
  /** How many would have been sent: one of each alert, or of a group of them; those of groups that have not left at its end included. */
  readonly messages: number;
  /** Of rules that group: the group by alert, of the first `alertsMax`. */
  readonly groupOf: ReadonlyMap<string, string>;
  /** Evaluations that failed, the warm-up's included. */
  readonly errors: number;
  readonly health: readonly RuleHealth[];
  /** Rules that cost so much that live would have quarantined them: their figures are of what they judged until then. */
  readonly tooCostly: readonly string[];
  /** False when the signal ended it early. */
  readonly isComplete: boolean;
}

/** Rejects when the store fails. Lets other work run between batches. */
export async function runBacktest(options: BacktestOptions): Promise<BacktestRun> {
  const {
    store,
    epochs,
    range,
    warmupMs = 0,
    isEvaluated = () => true,
    isReported = () => true,
    onProgress,
    signal,
  } = options;
  const limits = { ...BACKTEST_LIMITS, ...options.limits };
  const { quarantines } = options;
  const engine = createEngine({
    epochs,
    state: new Map(),
    // How much a rule would alert is what the figures are for.
    ...(quarantines === undefined
      ? { containment: { ...CONTAINMENT_LIMITS, fuelPerAlert: 0 } }
      : { containment: NOTHING_DECIDED, quarantines }),
  });
  const tooCostly: string[] = [];
  const detections: Detection[] = [];
  const alerts = new Map<string, Alert>();
  /** Alerts of the warm-up that the range joined: no more than there are suppression keys. */
  const carriedIds = new Set<string>();
  const groupOf = new Map<string, string>();
  let [eventsRead, detectionsTotal, openedTotal, isComplete] = [0, 0, 0, true];
  let messages = 0;
  const isOfRange = ({ ruleId, lastMs }: Pick<AlertGroup, 'ruleId' | 'lastMs'>): boolean =>
    lastMs >= range.fromMs && isReported(ruleId);

  /** Everything before `nowMs` was seen. */
  const take = (events: readonly NewEvent[], nowMs: number): void => {
    const step = engine.step(events.filter(isEvaluated), passedUntil(nowMs));
    for (const { ruleId } of step.quarantined) if (!tooCostly.includes(ruleId)) tooCostly.push(ruleId);
    messages += step.groups.filter(isOfRange).length;
    messages += step.notified.filter(({ ruleId, openedMs }) => isOfRange({ ruleId, lastMs: openedMs })).length;
    for (const { alertId, groupId } of step.grouped) if (groupOf.size < limits.alertsMax) groupOf.set(alertId, groupId);
    const changed = new Map(step.alerts.map((alert) => [alert.id, alert]));
    for (const detection of step.detections) {
      if (detection.order.createdMs < range.fromMs || !isReported(detection.ruleId)) continue;
      detectionsTotal += 1;
      if (detections.length < limits.detectionsMax) detections.push(detection);
      const alert = detection.alertId === undefined ? undefined : changed.get(detection.alertId);
      if (alert === undefined) continue;
      if (detection.decision === 'opened') openedTotal += 1;
      else if (alert.openedMs < range.fromMs) carriedIds.add(alert.id);
      if (alerts.has(alert.id) || alerts.size < limits.alertsMax) alerts.set(alert.id, alert);
    }
  };

  const scanned = { fromMs: range.fromMs - warmupMs, untilMs: range.untilMs };
  const query = candidateQuery(epochs);
  const asked = { ...(query === undefined ? {} : { query }), ...(signal === undefined ? {} : { signal }) };
  for await (const events of store.scan(scanned, asked)) {
    if (signal?.aborted === true) {
      isComplete = false;
      break;
    }
    take(events, lastCreatedMs(events));
    eventsRead += events.filter((event) => orderKeyOf(event.id, event.document).createdMs >= range.fromMs).length;
    onProgress?.({ eventsRead, detections: detectionsTotal, alerts: openedTotal + carriedIds.size });
    await otherWork();
  }
  if (isComplete && signal?.aborted !== true) take([], range.untilMs - 1);
  return {
    eventsRead,
    isNarrowed: query !== undefined,
    detections,
    detectionsTotal,
    alerts: [...alerts.values()],
    alertsTotal: openedTotal + carriedIds.size,
    messages: messages + engine.openGroups().filter(isOfRange).length,
    groupOf,
    errors: engine.health().reduce((sum, row) => sum + row.errors, 0),
    health: engine.health(),
    tooCostly,
    isComplete: isComplete && signal?.aborted !== true,
  };
}

function lastCreatedMs(events: readonly NewEvent[]): number {
  const last = events.at(-1);
  return last === undefined ? Number.NEGATIVE_INFINITY : createdMsOf(last.document);
}

function otherWork(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
