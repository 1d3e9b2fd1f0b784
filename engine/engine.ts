// The engine: a fold over events. (state, events) → (state, detections, alerts). It reads no clock, no file and no network;
// live, the server feeds it from the store; a backtest feeds it from the past. Everything that decides is here.
import type { Alert, Detection } from '../event/detection.ts';
import type { NewEvent } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';

/** The rules in force from an event time (`event.created`, epoch ms) on. Epochs are ordered by time; the first may be 0. */
export interface RuleEpoch {
  readonly fromMs: number;
  readonly rules: readonly Rule[];
}

/** How far each host is complete; what decides when suppression may go on. */
export interface Watermarks {
  /** For a host: nothing with `event.created` below this is still to come. Infinity for a host that is silent or unknown. */
  ofHost(hostId: string): number;
  /** The least over all live hosts. */
  ofAll(): number;
}

/** What one step brought about. `state` holds changed entries only: text by key, undefined removes. */
export interface StepResult {
  readonly detections: readonly Detection[];
  readonly alerts: readonly Alert[];
  /** The alerts of `alerts` that were opened in this step, in reference order: each is to be notified once. */
  readonly opened: readonly Alert[];
  readonly state: ReadonlyMap<string, string | undefined>;
}

export interface RuleHealth {
  readonly ruleId: string;
  readonly evaluations: number;
  readonly matches: number;
  readonly excepted: number;
  readonly errors: number;
  /** The last failure's text, for people; undefined when there was none. */
  readonly lastError: string | undefined;
}

/** The live and the backtest engine alike. */
export interface Engine {
  /** Matches the events, folds every detection that the watermarks have passed. Any order and any cut give the same set. */
  step(events: readonly NewEvent[], watermarks: Watermarks): StepResult;
  /** Detections that wait for a watermark. */
  pending(): number;
  health(): readonly RuleHealth[];
}
