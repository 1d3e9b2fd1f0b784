// Puts the engine together: match at once, fold later. Each event meets the rules in force at its `event.created`; what matches
// waits until nothing before it can come, then goes through suppression in reference order. So which alerts there are depends
// on the events alone, not on how they arrived, how they were cut into batches, or how often the process was killed.
// Rules on many events are folded in between (folding/); what they find goes through suppression like any other detection.
import type { Alert, Amendment, Detection } from '../event/detection.ts';
import type { NewEvent, StoredEvent } from '../event/document.ts';
import { compareOrder, createdMsOf, orderKeyOf } from '../event/order.ts';
import { type CandidateDetection, candidateOf, type SuppressedDetection } from './candidate-detection.ts';
import { indexRules } from './candidates.ts';
import { CONTAINMENT_LIMITS, type ContainmentLimits, createContainment, type Quarantine } from './containment.ts';
import type { Engine, RuleEpoch, RuleVersion, StepResult } from './engine.ts';
import { createFolding } from './folding/folding.ts';
import type { Amended } from './folding/late-matches.ts';
import { createGroupsBook, type GroupsBook } from './groups-book.ts';
import { createHealthBook } from './health-book.ts';
import { judge, type Watched } from './judge.ts';
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
  /** True where rules come into force whose past is in a store: they are filled from there (`unfilled`). Else it is among the events. */
  readonly asksForPast?: boolean;
}

/** Throws StateUnreadable when the state is of another format. */
export function createEngine(options: EngineOptions): Engine {
  const limits = { ...ENGINE_LIMITS, ...options.limits };
  const health = createHealthBook(options.epochs.flatMap((epoch) => epoch.rules.map((rule) => rule.id)));
  const containment = createContainment({
    limits: options.containment ?? CONTAINMENT_LIMITS,
    quarantines: options.quarantines ?? [],
    judgedMs: options.judgedMs ?? 0,
    onUnjudged: (ruleId) => health.count(ruleId, 'unjudged'),
  });
  const folding = createFolding({
    epochs: options.epochs,
    state: options.state,
    limits,
    asksForPast: options.asksForPast ?? false,
    count: health.count,
    mayFind: containment.mayFind,
  });
  const epochs = folding.epochs.map((epoch) => ({ fromMs: epoch.fromMs, index: indexRules(epoch.rules) }));
  const watched: Watched = { health, containment, stopwatch: options.stopwatch, meter: { spent: 0 } };
  const pending = createPending(limits);
  const groups = createGroupsBook(limits, options.state, (ruleId) => health.count(ruleId, 'forced'));
  const book = createWindowsBook(limits, (ruleId) => health.count(ruleId, 'evicted'));
  /** Pending detections that the committed state holds. */
  const persisted = new Set<string>();

  const restored = readState(options.state);
  for (const { id, group, windows } of [...restored.windows].sort(byLastFolded)) book.restore(id, group, windows);
  for (const candidate of restored.pending) {
    pending.add(candidate);
    persisted.add(candidate.detection.id);
  }

  /** Gives each event to the rules of its time; answers what rules on single events found. */
  const match = (events: readonly NewEvent[], only: RuleVersion | undefined): CandidateDetection[] => {
    const found: CandidateDetection[] = [];
    for (const event of events) {
      // A document that was not parsed, and that no rule can match, stays so: parsing costs more than all the rest.
      const { unparsed } = event as Partial<StoredEvent>;
      const createdMs = unparsed?.createdMs ?? createdMsOf(event.document);
      containment.sees(createdMs);
      const epoch = epochs.findLast(({ fromMs }) => fromMs <= createdMs);
      if (epoch === undefined || (unparsed !== undefined && !epoch.index.hasCandidates(unparsed))) continue;
      const { id, document } = event;
      const rules = epoch.index.candidates(document);
      if (rules.length === 0) continue;
      const order = orderKeyOf(id, document);
      for (const rule of rules) {
        if (only !== undefined && (rule.id !== only.ruleId || rule.version !== only.ruleVersion)) continue;
        const may = only === undefined ? containment.mayJudge : containment.mayCatchUp;
        if (!may(rule, order)) continue;
        const judged = { rule, document, order };
        judge(judged, watched, (holds) => {
          if (folding.isFolded(rule)) return folding.see(judged, holds);
          const candidate = candidateOf(rule, document, order);
          found.push(candidate);
          folding.detected(judged, candidate.detection.id);
        });
      }
    }
    return found;
  };

  return {
    step(events, watermarks, catchingUp) {
      const ready: CandidateDetection[] = [];
      const waiting: SuppressedDetection[] = [];
      const late = new Set<string>();
      const put = (candidate: CandidateDetection, mustWait: boolean): void => {
        if (candidate.kind !== 'suppressed' || !mustWait) ready.push(candidate);
        else if (pending.add(candidate)) waiting.push(candidate);
      };
      for (const candidate of match(events, catchingUp)) put(candidate, true);
      const { candidates, amended, gaps } = folding.advance(watermarks);
      for (const { candidate, isLate, waitsForAll } of candidates) {
        if (isLate) late.add(candidate.detection.id);
        put(candidate, waitsForAll);
      }
      for (const { candidate, isForced } of pending.release(watermarks)) {
        if (isForced) health.count(candidate.detection.ruleId, 'forced');
        ready.push(candidate);
      }
      const folded = foldAll(ready.sort(byOrderAndRule), late, { book, groups, watched });
      const { grouped, sentAlone, left } = groups.advance(watermarks);
      const state = new Map(book.takeChanges(ready.at(-1)?.detection.order.createdMs ?? 0));
      for (const { detection } of ready)
        if (persisted.delete(detection.id)) state.set(pendingKey(detection.id), undefined);
      for (const candidate of waiting) {
        const { id } = candidate.detection;
        if (!pending.has(id)) continue;
        persisted.add(id);
        state.set(pendingKey(id), pendingText(candidate));
      }
      for (const [key, text] of groups.takeChanges()) state.set(key, text);
      folding.takeChanges(state);
      return {
        ...folded,
        notified: [...folded.notified, ...sentAlone],
        grouped,
        groups: left,
        amended: amended.map(amendmentOf),
        gaps,
        state,
        quarantined: containment.takeDecided(),
      };
    },
    useQuarantines: (quarantines) => containment.use(quarantines),
    quarantines: () => containment.inForce(),
    unfilled: () => folding.unfilled(),
    fill({ ruleId, ruleVersion }) {
      const { finish } = folding.fill(ruleVersion);
      return { see: (events) => void match(events, { ruleId, ruleVersion }), finish };
    },
    openGroups: () => groups.open(),
    pending: () => pending.size() + groups.waiting() + folding.waiting(),
    isIdle: () => pending.size() === 0 && groups.isIdle() && folding.isIdle(),
    keys: () => folding.counts(),
    liveKeys: (question) => folding.liveKeys(question),
    health: () => health.list(),
  };
}

function foldAll(
  ready: readonly CandidateDetection[],
  lateIds: ReadonlySet<string>,
  { book, groups, watched }: { readonly book: WindowsBook; readonly groups: GroupsBook; readonly watched: Watched },
): Pick<StepResult, 'detections' | 'alerts' | 'opened' | 'notified'> {
  const { health, containment } = watched;
  const waitingIds = new Set<string>();
  const detections: Detection[] = [];
  const alerts = new Map<string, Alert>();
  const openedIds: string[] = [];
  for (const candidate of ready) {
    const { detection } = candidate;
    const isFoundLate = lateIds.has(detection.id);
    if (candidate.kind === 'test') {
      detections.push({ ...detection, alertId: undefined, decision: 'test', isLate: isFoundLate });
      continue;
    }
    const { decision, alert, isLate } = candidate.kind === 'suppressed' ? book.fold(candidate) : alone(candidate.draft);
    if (isLate && !isFoundLate) health.count(detection.ruleId, 'late');
    if (decision === 'opened') {
      openedIds.push(alert.id);
      containment.chargeAlert({ id: detection.ruleId, version: detection.ruleVersion }, detection.order);
    }
    if (decision === 'opened' && candidate.grouping !== undefined) {
      waitingIds.add(alert.id);
      groups.add({ order: detection.order, alert, plan: candidate.grouping });
    }
    alerts.set(alert.id, isFoundLate && decision === 'opened' ? { ...alert, isLate: true } : alert);
    const until = alert.suppressedUntilMs > alert.openedMs ? { untilMs: alert.suppressedUntilMs } : {};
    detections.push({ ...detection, alertId: alert.id, decision, ...until, isLate: isLate || isFoundLate });
  }
  const opened = openedIds.map((id) => alerts.get(id) as Alert);
  const notified = waitingIds.size === 0 ? opened : opened.filter(({ id }) => !waitingIds.has(id));
  return { detections, alerts: [...alerts.values()], opened, notified };
}

function amendmentOf({ detectionId, rule, finding, because }: Amended): Amendment {
  const ruleId = rule.id;
  if (finding === undefined) return { detectionId, ruleId, because, now: undefined };
  const { at, eventIds, firstMs, facts } = finding.found;
  return { detectionId, ruleId, because, now: { eventId: at.id, order: at, found: { eventIds, firstMs, facts } } };
}

function alone(draft: Alert): Pick<Folded, 'decision' | 'alert' | 'isLate'> {
  return { decision: 'opened', alert: draft, isLate: false };
}

function byOrderAndRule(a: CandidateDetection, b: CandidateDetection): number {
  const [one, other] = [a.detection.ruleId, b.detection.ruleId];
  return compareOrder(a.detection.order, b.detection.order) || (one < other ? -1 : one > other ? 1 : 0);
}
