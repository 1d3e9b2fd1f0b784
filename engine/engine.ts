// The engine: a fold over events. (state, events) → (state, detections, alerts). It reads no clock, no file and no network;
// live, the server feeds it from the store; a backtest feeds it from the past. Everything that decides is here.
import type { Alert, AlertGroup, Amendment, Detection, Gap, Grouped } from '../event/detection.ts';
import type { NewEvent } from '../event/document.ts';
import type { OrderKey } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';
import type { Quarantine } from './containment.ts';
import type { Unfilled } from './folding/folding.ts';

/** The rules in force from an event time (`event.created`, epoch ms) on. Epochs are ordered by time; the first may be 0. */
export interface RuleEpoch {
  readonly fromMs: number;
  readonly rules: readonly Rule[];
}

/**
 * How far the events that were given to `step` are complete; what decides when suppression may go on. The fold is exact as
 * long as no event comes that sorts before an order that was said to be passed; one that does is late, marked and counted.
 * The server makes them with `watermarksOf` (engine/watermark.ts) from each host's progress. A progress may be used only from
 * the step on that holds every event which was delivered with it or before it.
 */
export interface Watermarks {
  /** True when nothing from `order.hostId` that sorts before `order` is still to come. True for hosts nobody waits for. */
  hostPassed(order: OrderKey): boolean;
  /** The same for every host that is waited for; nobody waits for one that is behind by more than `latenessMs` of wall clock. */
  allPassed(order: OrderKey, latenessMs?: number): boolean;
  /**
   * What time alone brings about goes by these. No event of the host with an earlier `event.created` is still to come; -Infinity of
   * a host that nobody waits for: its silence says nothing.
   */
  hostTimeMs(hostId: string): number;
  /** The same over all hosts that are waited for. */
  allTimeMs(latenessMs?: number): number;
  /** The greatest of all hosts' times. */
  latestMs(): number;
}

export interface RuleVersion {
  readonly ruleId: string;
  readonly ruleVersion: string;
}

/** What one step brought about. `state` holds changed entries only: text by key, undefined removes. */
export interface StepResult {
  /** Decided in this step, in reference order. One that waits for its watermark appears in the step that folds it. */
  readonly detections: readonly Detection[];
  /** New and changed alerts, each once, as they stand after the step. */
  readonly alerts: readonly Alert[];
  /** The alerts of `alerts` that were opened in this step, in reference order. */
  readonly opened: readonly Alert[];
  /** Alerts of which a message is to be sent: those that were opened and are not grouped, and first ones of groups that are sent by themselves. */
  readonly notified: readonly Alert[];
  /** Into which messages alerts come, of rules that group. To be applied after `alerts`. */
  readonly grouped: readonly Grouped[];
  /** Messages that leave, each once. */
  readonly groups: readonly AlertGroup[];
  readonly state: ReadonlyMap<string, string | undefined>;
  /** Detections of earlier steps that no longer hold, or rest on other events, because some came late. To be applied before `detections`. */
  readonly amended: readonly Amendment[];
  /** Events that came too late to be computed with what came after them. */
  readonly gaps: readonly Gap[];
  /** Rules that cost more than their share, and are not evaluated from now on. The control log is to have them before the commit. */
  readonly quarantined: readonly Quarantine[];
}

export interface RuleHealth {
  readonly ruleId: string;
  readonly evaluations: number;
  readonly matches: number;
  readonly excepted: number;
  /** Evaluations that failed: they count as "no match" (of an exception: as "not excepted"). */
  readonly errors: number;
  /** The last failure's text and its event's id, for people; undefined when there was none. */
  readonly lastError: string | undefined;
  /** Detections that were folded behind a later one of the same rule and key. */
  readonly late: number;
  /** Detections that were folded, and messages of groups that left, before their watermark, because too many waited. */
  readonly forced: number;
  /** Suppression keys, and keys of rules on many events, that were forgotten before their time, because there were too many. */
  readonly evicted: number;
  /** How many times a key was computed again, because events came late. */
  readonly recomputed: number;
  /** Detections that were raised or withdrawn by that. */
  readonly amended: number;
  /** Matches that came too late to be computed with what came after them. */
  readonly gaps: number;
  /** What its evaluations spent (rules/expression/evaluation.ts). */
  readonly fuel: number;
  /** Processor time of its evaluations, µs: each of some is measured and stands for the others. 0 where nobody measures. */
  readonly cpuUs: number;
  /** `event.created` of the last event that it matched, epoch ms. */
  readonly lastMatchMs: number | undefined;
  /** Events that it was kept from while quarantined. */
  readonly unjudged: number;
}

/** Which live windows of a rule are asked for. */
export interface LiveKeysQuestion {
  readonly ruleId: string;
  /** True of the keys that are meant, by the values of `by` as canonical JSON. */
  readonly isAsked: (key: string) => boolean;
  readonly limit: number;
  /** Event time, epoch ms. */
  readonly nowMs: number;
}

/** One key of a rule on many events, as it stands. */
export interface LiveKeyStanding {
  readonly ruleVersion: string;
  /** The values of `by`, as canonical JSON. */
  readonly key: string;
  /** `event.created` of its last match, epoch ms. */
  readonly lastMs: number;
  /** How far its window is, in words. */
  readonly standing: readonly string[];
  /** Events that are kept of it, the newest last, some of them. */
  readonly eventIds: readonly string[];
}

export interface LiveKeys {
  /** Those seen last first, {@link LiveKeysQuestion.limit} at most. */
  readonly keys: readonly LiveKeyStanding[];
  /** How many there are that are asked for. */
  readonly total: number;
}

/** The past of one rule, in reference order. Steps may come in between. */
export interface EngineFilling {
  see(events: readonly NewEvent[]): void;
  /** Everything before it comes into force was seen. */
  finish(): void;
}

/**
 * The live and the backtest engine alike. When what a step brought about could not be committed, throw the engine away and
 * make another one from the committed state: its memory is ahead of what is durable.
 */
export interface Engine {
  /**
   * Matches the events, folds every detection that the watermarks have passed. Any order and any cut give the same set.
   * `catchingUp`: only this rule judges these events, which a quarantine that is over had kept it from.
   */
  step(events: readonly NewEvent[], watermarks: Watermarks, catchingUp?: RuleVersion): StepResult;
  /** The quarantines in force from now on, as the control log has them. */
  useQuarantines(quarantines: readonly Quarantine[]): void;
  quarantines(): readonly Quarantine[];
  /** Rules that come into force and are to be folded over their past first; what they match from then on waits. */
  unfilled(): readonly Unfilled[];
  /** Begins to fill one of them, anew if it was begun before. What it changes is in the state of the step after `finish`. */
  fill(version: RuleVersion): EngineFilling;
  /** Groups of alerts whose message has not left, as it would be now. */
  openGroups(): readonly AlertGroup[];
  /** Detections, matches and alerts that wait for a watermark. */
  pending(): number;
  /** True when watermarks that move change nothing. */
  isIdle(): boolean;
  /** Keys of rules on many events, and the matches that are kept of them. */
  keys(): { readonly keys: number; readonly kept: number };
  /** The live windows of a rule; undefined where no rule on many events has this id. */
  liveKeys(question: LiveKeysQuestion): LiveKeys | undefined;
  health(): readonly RuleHealth[];
}
