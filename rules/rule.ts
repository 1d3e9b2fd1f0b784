// A rule after reading: checked, typed, its expressions compiled. What the engine, the backtest and the alerts work with.

import type { Severity } from '../event/detection.ts';
import type { EventDocument } from '../event/document.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { RuleKind, SequenceStep } from './kind.ts';
import type { Necessary } from './necessary.ts';
import type { Schedule } from './schedule.ts';

/**
 * A compiled expression. Pure and synchronous; sees the event and the event's time, nothing else; never mutates the event.
 * Throws {@link ExpressionError} when it fails or runs out of fuel: that means "no match", counted on the rule's health.
 */
export type Predicate = (event: EventDocument, nowMs: number, meter?: FuelMeter) => boolean;

/** Adds up what evaluations spent (rules/expression/evaluation.ts says how much work a unit is), those that failed included. */
export interface FuelMeter {
  spent: number;
}

/** An expression failed on one event. `code` is JSONata's (`T2009`) or ours (`fuel`). */
export class ExpressionError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ExpressionError';
    this.code = code;
  }
}

export interface RuleException {
  readonly match: Predicate;
  readonly source: string;
  readonly reason: string;
  readonly owner: string;
  /** Event time from which it no longer holds; undefined: never ends (a lint warns). */
  readonly expiresMs: number | undefined;
}

export interface Suppression {
  readonly forMs: number;
  /** Fields whose values are "the same"; the rule's `by` where the file gives none. */
  readonly by: readonly string[];
  /** Exponential: each alert that follows within twice the last span doubles it, up to this. */
  readonly growMs: number | undefined;
}

/** One message for many alerts (docs/decisions/0040). */
export interface Grouping {
  /** From its first alert on, or until the next of these times. */
  readonly span:
    | { readonly kind: 'for'; readonly forMs: number }
    | { readonly kind: 'schedule'; readonly schedule: Schedule };
  /** Alerts with the same values of these share a message; without any, all of the rule. */
  readonly by: readonly string[];
  /** Fields whose values the message counts. */
  readonly table: readonly string[];
  /** True: the first alert is sent at once, and the message holds those that follow. */
  readonly sendsFirst: boolean;
}

interface RuleOrigin {
  /** `sigma`, `elastalert`. */
  readonly format: string;
  readonly id: string | undefined;
  /** As it is called there. */
  readonly status: string | undefined;
  readonly date: string | undefined;
  readonly modified: string | undefined;
  /** How it is related to which other rule, each as one text. */
  readonly related: readonly string[];
}

export interface RuleTest {
  readonly name: string;
  /** In nested form, with `event.created` filled in where the file gives none. */
  readonly events: readonly EventDocument[];
  /** How many alerts these events must make. */
  readonly alerts: number;
  /** How many messages; undefined: not asked. */
  readonly messages?: number | undefined;
  /** Time that passes after the last event, ms: what does not come is found by it. */
  readonly progressMs: number;
  readonly line: number;
}

export interface Rule {
  readonly id: string;
  /** Hash of its meaning: the parsed rule, its lists, its limits and the mapping version. */
  readonly version: string;
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly risk: number | undefined;
  readonly tags: readonly string[];
  readonly mitre: readonly string[];
  readonly author: string | undefined;
  /** Under which it is used, where it is not the users' own. */
  readonly license?: string | undefined;
  /** Where a rule of another tool comes from. */
  readonly origin?: RuleOrigin | undefined;
  readonly references: readonly string[];
  readonly falsePositives: readonly string[];
  /** `off` is not evaluated; `test` is evaluated, its detections are kept, nothing is sent. */
  readonly status: 'off' | 'test' | 'stable';
  /** Of a sequence or a combination: what all steps have in common. Of `together`, which is about detections: never true. */
  readonly match: Predicate;
  /** '' where the rule has no `match`. */
  readonly matchSource: string;
  /** What must hold before the rule can match; undefined when nothing is known (the rule meets every event). */
  readonly necessary: Necessary | undefined;
  readonly by: readonly string[];
  /** What it asks of many events; `single` where it asks nothing. */
  readonly kind: RuleKind;
  /** Sorts of events that count, each with its own key; of a kind that counts or measures. Undefined: all that match, under `by`. */
  readonly cases?: readonly SequenceStep[] | undefined;
  /** How long the fold waits for hosts that are behind, wall-clock ms; only where the key spans hosts. */
  readonly latenessMs: number;
  readonly except: readonly RuleException[];
  readonly alert: {
    readonly title: string;
    readonly include: readonly string[];
    readonly suppress: Suppression | undefined;
    /** Undefined: each alert is a message. */
    readonly group?: Grouping | undefined;
    readonly to: readonly string[] | undefined;
    readonly runbook: string | undefined;
  };
  readonly tests: readonly RuleTest[];
  readonly file: string;
  /** Everything that `readRuleSource` needs to make this very rule again, as one line of JSON (text, lists and macros). */
  readonly sourceJson: string;
}

/** What a folder of rules came to. A broken file stops neither the others nor the start. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
}
