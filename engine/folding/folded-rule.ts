// The rules on many events as the engine folds them: each version with its fold, since when it holds, and whom it follows.
//
// A version that comes into force later than time 0 is folded over what was before, as far back as it remembers, and raises
// nothing there: so it begins with its windows filled. The same holds for a backtest, so live and backtest agree.
import type { Rule } from '../../rules/rule.ts';
import type { RuleEpoch } from '../engine.ts';
import { foldOf, type PartsOf, partsOf } from '../kinds/fold-of.ts';
import type { KindFold } from '../kinds/kind-fold.ts';

/** `fromMs` inclusive, `untilMs` exclusive, of `event.created`. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface FoldedRule {
  readonly rule: Rule;
  readonly fold: KindFold<unknown>;
  readonly partsOf: PartsOf;
  /** When it is in force, and raises what it finds. */
  readonly inForce: readonly Span[];
  /** When it is only filled: just before it comes into force. */
  readonly filling: readonly Span[];
  /** True when each of its keys belongs to one host: then it follows that host's progress alone. */
  readonly isHostBound: boolean;
  /** True when time alone makes findings: then a host that lags is judged by the others' time. */
  readonly findsByTime: boolean;
  /** 0, or for `together` one more than the rules whose detections it takes. */
  readonly level: number;
  /** The `together` rules that take its detections. */
  readonly togethers: readonly Rule[];
  /** Undefined where it is the server's. */
  readonly latenessMs: number | undefined;
}

/** No rule is filled from further back. */
export const FILL_MS_MAX: number = 30 * 86_400_000;
/** The longest chain of `together` rules; a longer one (or a circle) ends here. */
const LEVELS_MAX = 8;
/** A rule that names no other lateness than this follows the server's. */
const RULE_LATENESS_MS = 10_000;

/** By version. Rules that are off have none, and neither have single events. */
export function foldedRules(epochs: readonly RuleEpoch[]): ReadonlyMap<string, FoldedRule> {
  const rules = epochs.flatMap((epoch) => epoch.rules).filter(({ status }) => status !== 'off');
  const folded = new Map<string, FoldedRule>();
  for (const rule of rules) {
    const fold = folded.has(rule.version) ? undefined : foldOf(rule.kind);
    if (fold === undefined) continue;
    const inForce = spansOf(rule, epochs);
    const fillMs = rule.kind.kind === 'together' ? 0 : memoryMsOf(rule);
    folded.set(rule.version, {
      rule,
      fold,
      partsOf: partsOf(rule),
      inForce,
      filling: inForce.flatMap(({ fromMs }) =>
        fromMs > 0 && fillMs > 0 ? [{ fromMs: fromMs - fillMs, untilMs: fromMs }] : [],
      ),
      isHostBound: isHostBound(rule, rules, 0),
      findsByTime: findsByTime(rule),
      level: levelOf(rule, rules, 0),
      togethers: togethersOf(rule, rules),
      latenessMs: rule.latenessMs === RULE_LATENESS_MS ? undefined : rule.latenessMs,
    });
  }
  return folded;
}

/** How far back events matter to what the rule finds, at most {@link FILL_MS_MAX}; 0 of a rule on single events. */
export function memoryMsOf({ kind }: Pick<Rule, 'kind'>): number {
  return Math.min(foldOf(kind)?.memoryMs ?? 0, FILL_MS_MAX);
}

/** The rules on many detections that take those of this rule, each version once; none that this rule takes from itself. */
function togethersOf(rule: Rule, rules: readonly Rule[]): readonly Rule[] {
  const level = levelOf(rule, rules, 0);
  const taking = rules.filter(
    (other) => other.kind.kind === 'together' && other.kind.rules.includes(rule.id) && levelOf(other, rules, 0) > level,
  );
  return [...new Map(taking.map((other) => [other.version, other])).values()];
}

export function isWithin(spans: readonly Span[], createdMs: number): boolean {
  return spans.some(({ fromMs, untilMs }) => fromMs <= createdMs && createdMs < untilMs);
}

function spansOf({ version }: Rule, epochs: readonly RuleEpoch[]): readonly Span[] {
  const spans: Span[] = [];
  epochs.forEach((epoch, place) => {
    if (!epoch.rules.some((rule) => rule.version === version)) return;
    const untilMs = epochs[place + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const before = spans.at(-1);
    if (before?.untilMs === epoch.fromMs) spans[spans.length - 1] = { fromMs: before.fromMs, untilMs };
    else spans.push({ fromMs: epoch.fromMs, untilMs });
  });
  return spans;
}

function isHostBound(rule: Rule, rules: readonly Rule[], depth: number): boolean {
  const { kind, by } = rule;
  const steps = kind.kind === 'sequence' || kind.kind === 'combination' ? kind.steps : (rule.cases ?? []);
  const keys = [by, ...steps.map((step) => step.by)];
  const place = by.indexOf('host.id');
  if (place === -1 || keys.some((fields) => fields[place] !== 'host.id')) return false;
  if (kind.kind !== 'together') return true;
  const members = rules.filter(({ id }) => kind.rules.includes(id));
  return members.every(
    (member) => member.kind.kind === 'single' || (depth < LEVELS_MAX && isHostBound(member, rules, depth + 1)),
  );
}

function levelOf(rule: Rule, rules: readonly Rule[], depth: number): number {
  const { kind } = rule;
  if (kind.kind !== 'together' || depth >= LEVELS_MAX) return 0;
  const members = rules.filter(({ id }) => kind.rules.includes(id));
  return 1 + Math.max(0, ...members.map((member) => levelOf(member, rules, depth + 1)));
}

function findsByTime({ kind }: Rule): boolean {
  switch (kind.kind) {
    case 'absence':
      return true;
    case 'spike':
      return kind.direction !== 'up' || kind.restart !== undefined;
    case 'threshold':
      return kind.atMost !== undefined;
    case 'distinct':
    case 'ratio':
      return kind.below !== undefined;
    case 'metric':
      return kind.below !== undefined || kind.to !== undefined;
    case 'sequence':
      return kind.steps.at(-1)?.isAbsent === true;
    default:
      return false;
  }
}

/** By version of a rule on single events: who takes its detections. */
export function singleTogethers(epochs: readonly RuleEpoch[]): ReadonlyMap<string, readonly Rule[]> {
  const rules = epochs.flatMap((epoch) => epoch.rules).filter(({ status }) => status !== 'off');
  const taking = new Map<string, readonly Rule[]>();
  for (const rule of rules) {
    if (rule.kind.kind !== 'single' || taking.has(rule.version)) continue;
    const togethers = togethersOf(rule, rules);
    if (togethers.length > 0) taking.set(rule.version, togethers);
  }
  return taking;
}

/** Each epoch is cut where a rule begins to be filled, and holds that rule too from there on. */
export function withFilling(epochs: readonly RuleEpoch[], rules: readonly FoldedRule[]): readonly RuleEpoch[] {
  const spans = rules.flatMap(({ rule, filling }) => filling.map((span) => ({ rule, ...span })));
  if (spans.length === 0) return epochs;
  const cuts = new Set([...epochs, ...spans].map(({ fromMs }) => fromMs));
  const first = epochs[0]?.fromMs ?? 0;
  return [...cuts]
    .sort((a, b) => a - b)
    .map((fromMs) => {
      const inForce = epochs.findLast((epoch) => epoch.fromMs <= fromMs)?.rules ?? [];
      const filled = spans.filter((span) => span.fromMs <= fromMs && fromMs < span.untilMs).map(({ rule }) => rule);
      return {
        fromMs,
        rules: [...inForce, ...filled.filter(({ version }) => !inForce.some((rule) => rule.version === version))],
      };
    })
    .filter(({ fromMs, rules: some }) => fromMs >= first || some.length > 0);
}
