// Puts the engine together: match at once, fold later. Each event meets the rules in force at its `event.created`; what matches
// waits until nothing before it can come, then goes through suppression in reference order. So which alerts there are depends
// on the events alone, not on how they arrived, how they were cut into batches, or how often the process was killed.
import type { Alert, Detection } from '../event/detection.ts';
import type { EventDocument, NewEvent } from '../event/document.ts';
import { compareOrder, type OrderKey, orderKeyOf } from '../event/order.ts';
import type { FuelMeter, Rule } from '../rules/rule.ts';
import { type CandidateDetection, candidateOf, type SuppressedDetection } from './candidate-detection.ts';
import { type CandidateIndex, indexRules } from './candidates.ts';
import {
  CONTAINMENT_LIMITS,
  type Containment,
  type ContainmentLimits,
  createContainment,
  type Quarantine,
} from './containment.ts';
import type { Engine, RuleEpoch, RuleVersion, StepResult } from './engine.ts';
import { createHealthBook, type HealthBook } from './health-book.ts';
import { ENGINE_LIMITS, type EngineLimits } from './limits.ts';
import { createPending } from './pending.ts';
import { pendingKey, pendingText, readState } from './state-text.ts';
import type { Folded } from './suppression.ts';
import { byLastFolded, createWindowsBook, type WindowsBook } from './windows-book.ts';

export interface EngineOptions {
  /** Ordered by `fromMs`. */
  readonly epochs: readonly RuleEpoch[];
  /** The committed state: the entries of every step so far, the later winning. */
  readonly state: ReadonlyMap<string, string>;
  readonly limits?: Partial<EngineLimits>;
  /** What the control log says, and what a rule may cost. */
  readonly quarantines?: readonly Quarantine[];
  readonly containment?: ContainmentLimits;
  /** The greatest `event.created` that was judged before, epoch ms. */
  readonly judgedMs?: number;
  /** Milliseconds that pass, to measure what rules cost; nothing decides by it. */
  readonly stopwatch?: () => number;
}

/** Throws StateUnreadable when the state is of another format. */
export function createEngine(options: EngineOptions): Engine {
  const limits = { ...ENGINE_LIMITS, ...options.limits };
  const epochs = options.epochs.map((epoch) => ({ fromMs: epoch.fromMs, index: indexRules(epoch.rules) }));
  const health = createHealthBook(options.epochs.flatMap((epoch) => epoch.rules.map((rule) => rule.id)));
  const containment = createContainment({
    limits: options.containment ?? CONTAINMENT_LIMITS,
    quarantines: options.quarantines ?? [],
    judgedMs: options.judgedMs ?? 0,
    onUnjudged: (ruleId) => health.count(ruleId, 'unjudged'),
  });
  const watched: Watched = { health, containment, stopwatch: options.stopwatch, meter: { spent: 0 } };
  const pending = createPending(limits);
  const book = createWindowsBook(limits, (ruleId) => health.count(ruleId, 'evicted'));
  /** Pending detections that the committed state holds. */
  const persisted = new Set<string>();

  const restored = readState(options.state);
  for (const { id, group, windows } of [...restored.windows].sort(byLastFolded)) book.restore(id, group, windows);
  for (const candidate of restored.pending) {
    pending.add(candidate);
    persisted.add(candidate.detection.id);
  }

  return {
    step(events, watermarks, catchingUp) {
      const ready: CandidateDetection[] = [];
      const waiting: SuppressedDetection[] = [];
      for (const candidate of matched(events, epochs, { ...watched, catchingUp })) {
        if (candidate.kind !== 'suppressed') ready.push(candidate);
        else if (pending.add(candidate)) waiting.push(candidate);
      }
      for (const { candidate, isForced } of pending.release(watermarks)) {
        if (isForced) health.count(candidate.detection.ruleId, 'forced');
        ready.push(candidate);
      }
      const folded = foldAll(ready.sort(byOrderAndRule), book, watched);
      const state = new Map(book.takeChanges(ready.at(-1)?.detection.order.createdMs ?? 0));
      for (const { detection } of ready)
        if (persisted.delete(detection.id)) state.set(pendingKey(detection.id), undefined);
      for (const candidate of waiting) {
        const { id } = candidate.detection;
        if (!pending.has(id)) continue;
        persisted.add(id);
        state.set(pendingKey(id), pendingText(candidate));
      }
      return { ...folded, state, quarantined: containment.takeDecided() };
    },
    useQuarantines: (quarantines) => containment.use(quarantines),
    quarantines: () => containment.inForce(),
    pending: () => pending.size(),
    health: () => health.list(),
  };
}

function* matched(
  events: readonly NewEvent[],
  epochs: readonly { readonly fromMs: number; readonly index: CandidateIndex }[],
  watched: Watched & { readonly catchingUp: RuleVersion | undefined },
): Generator<CandidateDetection> {
  const { containment, catchingUp } = watched;
  for (const { id, document } of events) {
    const order = orderKeyOf(id, document);
    containment.sees(order.createdMs);
    const epoch = epochs.findLast(({ fromMs }) => fromMs <= order.createdMs);
    for (const rule of epoch?.index.candidates(document) ?? []) {
      if (catchingUp === undefined) {
        if (!containment.mayJudge(rule, order)) continue;
      } else if (rule.id !== catchingUp.ruleId || rule.version !== catchingUp.ruleVersion) continue;
      else if (!containment.mayCatchUp(rule, order)) continue;
      if (matches(rule, document, order, watched)) yield candidateOf(rule, document, order);
    }
  }
}

/** What is counted, measured and contained while rules are evaluated. */
interface Watched {
  readonly health: HealthBook;
  readonly containment: Containment;
  readonly stopwatch: (() => number) | undefined;
  readonly meter: FuelMeter;
}

function matches(rule: Rule, document: EventDocument, order: OrderKey, watched: Watched): boolean {
  const { health, containment, meter } = watched;
  const stopwatch = health.evaluates(rule.id) ? watched.stopwatch : undefined;
  const beganMs = stopwatch?.() ?? 0;
  meter.spent = 0;
  const isMatch = isDetected(rule, document, order, watched);
  health.spent(rule.id, meter.spent, stopwatch === undefined ? undefined : (stopwatch() - beganMs) * 1_000);
  containment.charge(rule, order, meter.spent);
  return isMatch;
}

/** A failing expression is no match; a failing exception excepts nothing. Either is counted, and neither stops the step. */
function isDetected(rule: Rule, document: EventDocument, order: OrderKey, { health, meter }: Watched): boolean {
  const holds = (predicate: Rule['match']): boolean => {
    try {
      return predicate(document, order.createdMs, meter);
    } catch (error) {
      health.failed(rule.id, error, order.id);
      return false;
    }
  };
  if (!holds(rule.match)) return false;
  health.matched(rule.id, order.createdMs);
  const isExcepted = rule.except.some(
    ({ expiresMs, match }) => (expiresMs === undefined || order.createdMs < expiresMs) && holds(match),
  );
  if (isExcepted) health.count(rule.id, 'excepted');
  return !isExcepted;
}

function foldAll(
  ready: readonly CandidateDetection[],
  book: WindowsBook,
  { health, containment }: Watched,
): Omit<StepResult, 'state' | 'quarantined'> {
  const detections: Detection[] = [];
  const alerts = new Map<string, Alert>();
  const openedIds: string[] = [];
  for (const candidate of ready) {
    const { detection } = candidate;
    if (candidate.kind === 'test') {
      detections.push({ ...detection, alertId: undefined, decision: 'test', isLate: false });
      continue;
    }
    const { decision, alert, isLate } = candidate.kind === 'suppressed' ? book.fold(candidate) : alone(candidate.draft);
    if (isLate) health.count(detection.ruleId, 'late');
    if (decision === 'opened') {
      openedIds.push(alert.id);
      containment.chargeAlert({ id: detection.ruleId, version: detection.ruleVersion }, detection.order);
    }
    alerts.set(alert.id, alert);
    detections.push({ ...detection, alertId: alert.id, decision, isLate });
  }
  const opened = openedIds.map((id) => alerts.get(id) as Alert);
  return { detections, alerts: [...alerts.values()], opened };
}

function alone(draft: Alert): Pick<Folded, 'decision' | 'alert' | 'isLate'> {
  return { decision: 'opened', alert: draft, isLate: false };
}

function byOrderAndRule(a: CandidateDetection, b: CandidateDetection): number {
  const [one, other] = [a.detection.ruleId, b.detection.ruleId];
  return compareOrder(a.detection.order, b.detection.order) || (one < other ? -1 : one > other ? 1 : 0);
}
