// Random traffic and every way it may arrive: hosts with boots and positions, equal times, any arrival order that the hosts'
// progress is true of, any cut into batches, kills before and after the commit.
import fc from 'fast-check';
import { createEngine } from '../../engine/create-engine.ts';
import type { Engine, RuleEpoch, Watermarks } from '../../engine/engine.ts';
import type { EngineLimits } from '../../engine/limits.ts';
import { passedUntil, watermarksOf } from '../../engine/watermark.ts';
import { type Alert, type AlertGroup, amended, type Detection, type Gap, type Grouped } from '../../event/detection.ts';
import type { NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import type { Progress } from '../../event/progress.ts';
import { committed, eventOf } from './making.ts';

export interface Traffic {
  /** Per host, in position order. */
  readonly hosts: readonly (readonly NewEvent[])[];
}

/** One step of the engine: how many events it takes, and what happens to the process. */
interface StepPlan {
  readonly take: number;
  readonly fate: 'lives' | 'killed before the commit' | 'killed after the commit';
}

export interface Arrival {
  /** Which event comes next: each number picks one of those that are left. */
  readonly picks: readonly number[];
  /** How many of those that are left, in the order of their times, it picks from. */
  readonly disorder: number;
  /** Events that come once more, some time after they came: each number picks one, and how much later. */
  readonly doubles?: readonly number[];
  readonly steps: readonly StepPlan[];
  /** How many events a host's progress stays behind what is delivered. */
  readonly progressLag: number;
}

export const trafficArbitrary: fc.Arbitrary<Traffic> = fc
  .array(
    fc.array(
      fc.record({
        gapMs: fc.constantFrom(0, 0, 1, 1, 2, 5, 12),
        user: fc.constantFrom('a', 'b', 'c', 'd'),
        rebooted: fc.constantFrom(false, false, false, false, false, true),
      }),
      { maxLength: 25 },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((hosts) => ({
    hosts: hosts.map((steps, host) => {
      let [createdMs, boot, position] = [1_000, 1, 0];
      return steps.map(({ gapMs, user, rebooted }) => {
        boot += rebooted ? 1 : 0;
        position = rebooted ? 1 : position + 1;
        createdMs += rebooted ? gapMs + 1 : gapMs;
        return eventOf({ host: `h${host}`, boot: `b${boot}`, position, createdMs, user });
      });
    }),
  }));

export const arrivalArbitrary: fc.Arbitrary<Arrival> = fc.record({
  picks: fc.array(fc.nat(1_000), { minLength: 80, maxLength: 80 }),
  steps: fc.array(
    fc.record({
      take: fc.nat(8),
      fate: fc.constantFrom(
        'lives' as const,
        'lives' as const,
        'killed before the commit' as const,
        'killed after the commit' as const,
      ),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  disorder: fc.constantFrom(1, 3, 10, 80),
  progressLag: fc.nat(3),
});

export interface Outcome {
  readonly detections: ReadonlyMap<string, Detection>;
  readonly alerts: ReadonlyMap<string, Alert>;
  /** Alert ids in the order in which they were to be notified. */
  readonly opened: readonly string[];
  readonly pending: number;
  readonly gaps: readonly Gap[];
  /** Alerts that were sent by themselves. */
  readonly notified: readonly string[];
  readonly grouped: ReadonlyMap<string, Grouped>;
  /** Messages, as they left. */
  readonly groups: readonly AlertGroup[];
}

export interface RunOptions {
  readonly epochs: readonly RuleEpoch[];
  readonly limits?: Partial<EngineLimits>;
  /** What the engine is told instead of the truth. */
  readonly distort?: (watermarks: Watermarks) => Watermarks;
  /** The watermarks that the hosts' progress makes. */
  readonly marks?: (progress: ReadonlyMap<string, Progress>) => Watermarks;
  /** What a restart finds of the committed state. */
  readonly restored?: (state: ReadonlyMap<string, string>) => ReadonlyMap<string, string>;
  /** True where the past of rules that come into force is not given with the events, but asked for, as from a store. */
  readonly asksForPast?: boolean;
  /** The time at the end; -Infinity: as far as the events say. */
  readonly endMs?: number;
}

/** All events in one step, nothing to wait for: the batch run that defines what is right. */
export function runBatch(
  traffic: Traffic,
  { epochs, limits = {}, endMs = Number.NEGATIVE_INFINITY }: RunOptions,
): Outcome {
  const { detections, alerts, opened, notified, grouped, groups } = createEngine({
    epochs,
    limits,
    state: new Map(),
  }).step(traffic.hosts.flat(), passedUntil(endMs));
  return {
    detections: new Map(detections.map((detection) => [detection.id, detection])),
    alerts: new Map(alerts.map((alert) => [alert.id, alert])),
    opened: opened.map((alert) => alert.id),
    pending: 0,
    gaps: [],
    notified: notified.map((alert) => alert.id),
    grouped: new Map(grouped.map((one) => [one.alertId, one])),
    groups,
  };
}

/** The same events as they may arrive live, with what is committed as the only memory over a kill. */
export function runLive(traffic: Traffic, arrival: Arrival, options: RunOptions): Outcome {
  const { epochs, limits = {}, distort = (watermarks: Watermarks) => watermarks } = options;
  const { endMs = Number.NEGATIVE_INFINITY, marks = watermarksOf, restored = (state) => state } = options;
  const { asksForPast = false } = options;
  const log = arrivalLog(traffic, arrival);
  const state = new Map<string, string>();
  const detections = new Map<string, Detection>();
  const alerts = new Map<string, Alert>();
  const opened: string[] = [];
  const notified: string[] = [];
  const grouped = new Map<string, Grouped>();
  const groups: AlertGroup[] = [];
  let cursor = 0;
  const gaps: Gap[] = [];
  const restarted = () => createEngine({ epochs, limits, asksForPast, state: restored(state) });
  let engine = restarted();
  const step = (plan: StepPlan, told: (read: number) => Watermarks): void => {
    const events = log.slice(cursor, cursor + plan.take);
    fillAll(engine, traffic, log.slice(0, cursor));
    const result = engine.step(events, told(cursor + events.length));
    if (plan.fate === 'killed before the commit') {
      engine = restarted();
      return;
    }
    cursor += events.length;
    committed(state, result.state);
    for (const amendment of result.amended) {
      const detection = detections.get(amendment.detectionId);
      if (detection !== undefined) detections.set(detection.id, amended(detection, amendment));
    }
    for (const detection of result.detections) detections.set(detection.id, detection);
    for (const alert of result.alerts) alerts.set(alert.id, alert);
    gaps.push(...result.gaps);
    opened.push(...result.opened.map((alert) => alert.id));
    notified.push(...result.notified.map((alert) => alert.id));
    for (const one of result.grouped) grouped.set(one.alertId, one);
    groups.push(...result.groups);
    if (plan.fate === 'killed after the commit') engine = restarted();
  };
  const told = (read: number): Watermarks =>
    distort(marks(progressAt(traffic, log.slice(0, read), arrival.progressLag)));
  for (const plan of arrival.steps) step(plan, told);
  step({ take: log.length, fate: 'lives' }, told);
  fillAll(engine, traffic, log);
  step({ take: 0, fate: 'lives' }, () => passedUntil(endMs));
  return { detections, alerts, opened, pending: engine.pending(), gaps, notified, grouped, groups };
}

/** What the server does for rules that come into force: once all from before was read, it is given to them, in order. */
function fillAll(engine: Engine, traffic: Traffic, read: readonly NewEvent[]): void {
  const orderOf = (event: NewEvent) => orderKeyOf(event.id, event.document);
  for (const { rule, sinceMs, fromMs } of engine.unfilled()) {
    const isPast = (event: NewEvent) => orderOf(event).createdMs < fromMs;
    if (read.filter(isPast).length < traffic.hosts.flat().filter(isPast).length) continue;
    const past = read.filter((event) => isPast(event) && orderOf(event).createdMs >= sinceMs);
    const filling = engine.fill({ ruleId: rule.id, ruleVersion: rule.version });
    const sorted = past.sort((a, b) => compareOrder(orderOf(a), orderOf(b)));
    filling.see(sorted.slice(0, 3));
    filling.see(sorted.slice(3));
    filling.finish();
  }
}

export function arrivalLog(traffic: Traffic, { picks, disorder, doubles = [] }: Arrival): readonly NewEvent[] {
  const createdMs = (event: NewEvent) => orderKeyOf(event.id, event.document).createdMs;
  const left = traffic.hosts.flat().sort((a, b) => createdMs(a) - createdMs(b));
  const log: NewEvent[] = [];
  for (let turn = 0; left.length > 0; turn += 1) {
    log.push(...left.splice((picks[turn % picks.length] ?? 0) % Math.min(left.length, disorder), 1));
  }
  for (const number of log.length === 0 ? [] : doubles) {
    const place = number % log.length;
    const double = log[place];
    if (double !== undefined) log.splice(place + 1 + ((number >> 4) % (log.length - place)), 0, double);
  }
  return log;
}

/** Each host's strongest true promise, less the lag: all before the first event that has not arrived. */
export function progressAt(traffic: Traffic, arrived: readonly NewEvent[], lag: number): ReadonlyMap<string, Progress> {
  const ids = new Set(arrived.map((event) => event.id));
  const progress = new Map<string, Progress>();
  traffic.hosts.forEach((events, host) => {
    const missing = events.findIndex((event) => !ids.has(event.id));
    const complete = events[(missing === -1 ? events.length : missing) - 1 - lag];
    if (complete === undefined) {
      progress.set(`h${host}`, { bootId: 'b1', position: 0, createdMs: 0 });
      return;
    }
    const { bootId, position, createdMs } = orderKeyOf(complete.id, complete.document);
    progress.set(`h${host}`, { bootId, position, createdMs });
  });
  return progress;
}
