// What a rule asks of many events: its kind, checked and compiled. `single` asks nothing: every match is a detection. All others
// count, compare or order the matches that share a key, on event time (`event.created`).
import type { Predicate } from './rule.ts';

/** `by` of one step: fields whose values, in their order, are the step's key. */
type KeyFields = readonly string[];

export type RuleKind =
  | { readonly kind: 'single' }
  | ThresholdKind
  | DistinctKind
  | NewValueKind
  | ChangeKind
  | SpikeKind
  | AbsenceKind
  | RatioKind
  | MetricKind
  | SequenceKind
  | CombinationKind
  | TogetherKind;

type KindName = RuleKind['kind'];
export type KindOf<Name extends KindName> = Extract<RuleKind, { readonly kind: Name }>;

/** Figures that a detection of each kind has: titles and `include` name them as fields. Some kinds have some of them only. */
export const FIGURES: { readonly [Name in KindName]: readonly string[] } = {
  single: [],
  threshold: ['count'],
  distinct: ['count', 'last_seen'],
  new_value: ['value', 'values_forgotten'],
  change: ['before', 'after'],
  spike: ['value', 'reference', 'grain_ms', 'cut_before'],
  absence: ['count', 'last_seen'],
  ratio: ['value', 'count', 'grain_ms'],
  metric: ['value', 'count', 'grain_ms', 'cut_before'],
  sequence: ['steps', 'took_ms'],
  combination: ['count'],
  together: ['count', 'steps', 'took_ms'],
};

/** At least `count` matches within `withinMs`. */
interface ThresholdKind {
  readonly kind: 'threshold';
  readonly count: number;
  readonly withinMs: number;
  /**
   * `episode`: one detection from when the sliding count reaches `count` until it falls below.
   * `restart`: one at each time that it reaches `count`, and the window begins anew, as ElastAlert's `frequency` does.
   */
  readonly mode: 'episode' | 'restart';
  /** And no more than so many, which a window has to be over for (engine/kinds/whole-window.ts); never with `restart`. */
  readonly atMost?: number | undefined;
}

/** More (`above`) or fewer (`below`) different values of a field within `withinMs`; with both bounds: between them, once a window is over. */
interface DistinctKind {
  readonly kind: 'distinct';
  readonly field: string;
  readonly above: number | undefined;
  readonly below: number | undefined;
  readonly withinMs: number;
}

/** A match in which one of the fields is missing: passed over, or the missing is a value like others. */
export type MissingField = 'skip' | 'value';

/** A combination of values that the key has not had for `rememberMs`; nothing is found of a key in its first `learnMs`. */
interface NewValueKind {
  readonly kind: 'new_value';
  readonly fields: readonly string[];
  readonly learnMs: number;
  /** At least `learnMs`. */
  readonly rememberMs: number;
  readonly missing: MissingField;
}

/** A combination of values that differs from the key's last one, which is no older than `withinMs` (undefined: of any age). */
interface ChangeKind {
  readonly kind: 'change';
  readonly fields: readonly string[];
  readonly withinMs: number | undefined;
  readonly missing: MissingField;
}

export interface Metric {
  readonly aggregate: 'avg' | 'sum' | 'min' | 'max' | 'count' | 'distinct' | { readonly percentile: number };
  /** `count` counts the matches that have it; undefined: all. */
  readonly field: string | undefined;
}

/** Count (or metric) of the last `withinMs` against that of the `withinMs` before. */
interface SpikeKind {
  readonly kind: 'spike';
  readonly factor: number;
  readonly withinMs: number;
  readonly direction: 'up' | 'down' | 'both';
  /** The greater of the two counts is at least so many. */
  readonly atLeast: number;
  readonly metric: Metric | undefined;
  /** Judged as ElastAlert's `spike` is (engine/kinds/spike-restart.ts); without it there are episodes. */
  readonly restart?: SpikeRestart;
}

export interface SpikeRestart {
  /** Judged at each full `everyMs` of the clock, too. */
  readonly everyMs: number;
  readonly nowAtLeast: number;
  readonly beforeAtLeast: number;
  /** A key without any match in either window is kept: only where there is one key. */
  readonly isKept: boolean;
}

/** Fewer than `fewerThan` matches within `withinMs`, of keys that have been seen. */
interface AbsenceKind {
  readonly kind: 'absence';
  readonly fewerThan: number;
  readonly withinMs: number;
}

/** The share of matches of which `of` holds too. */
interface RatioKind {
  readonly kind: 'ratio';
  readonly of: Predicate;
  /** As written, for people. */
  readonly ofSource: string;
  readonly above: number | undefined;
  readonly below: number | undefined;
  readonly atLeast: number;
  readonly withinMs: number;
}

interface MetricKind {
  readonly kind: 'metric';
  readonly metric: Metric;
  readonly above: number | undefined;
  readonly below: number | undefined;
  /** No less than `from` and no more than `to`. Other than `above` and `below`, of which one is enough, both have to hold. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly atLeast: number;
  readonly withinMs: number;
}

export interface SequenceStep {
  readonly match: Predicate;
  /** As written, for people. */
  readonly source: string;
  /** A join on other fields than the rule's `by`: as many of them, compared by their places. */
  readonly by: KeyFields;
  /** True: between the step before and the one after no such event; as the last step: until `withinMs` is over. Never the first. */
  readonly isAbsent: boolean;
}

/** Matches in this order within `withinMs`, from the first to the last, under one key. */
interface SequenceKind {
  readonly kind: 'sequence';
  readonly withinMs: number;
  readonly steps: readonly SequenceStep[];
  /** Ends every sequence of the key that is under way. */
  readonly until: Predicate | undefined;
  readonly untilSource: string | undefined;
}

/** Matches of at least `atLeast` of the steps, none of which is absent, in any order within `withinMs`, under one key. */
interface CombinationKind {
  readonly kind: 'combination';
  readonly withinMs: number;
  readonly steps: readonly SequenceStep[];
  readonly atLeast: number;
}

/** Detections of all these rules under one key within `withinMs`; `isOrdered`: in this order. */
interface TogetherKind {
  readonly kind: 'together';
  readonly rules: readonly string[];
  readonly withinMs: number;
  readonly isOrdered: boolean;
  /** So many detections, of whichever of the rules; undefined: one of each at least. Never ordered. */
  readonly count?: number | undefined;
}
