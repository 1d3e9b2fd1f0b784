// How far a rule on many events came under one key: its matches through the very fold that runs live, what it found, and how near it came
// where it found nothing, by asking the same fold with a softer rule: a lower count, fewer steps, more time.

import { keyOf } from '../engine/key.ts';
import { foldOf, partsOf } from '../engine/kinds/fold-of.ts';
import { compareRoles, type Found, type KindFold, type Match } from '../engine/kinds/kind-fold.ts';
import type { EventDocument, NewEvent } from '../event/document.ts';
import { formatDuration } from '../event/duration.ts';
import { compareOrder, orderKeyOf } from '../event/order.ts';
import type { RuleKind } from '../rules/kind.ts';
import type { Predicate, Rule } from '../rules/rule.ts';

export interface ExplainedKey {
  /** Values of `by`, as canonical JSON. */
  readonly key: string;
  readonly matches: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly found: readonly Found[];
  /** How near it came; of what it found, its figures. Sentences without a full stop. */
  readonly remarks: readonly string[];
}

export interface WindowQuestion {
  readonly rule: Rule;
  /** In any order. */
  readonly events: readonly NewEvent[];
  /** Until when nothing more is to come, epoch ms: what time alone brings about is found until then. */
  readonly untilMs: number;
  /** The keys that are asked for; undefined: all of them. */
  readonly isAsked?: (key: string) => boolean;
}

/** Keys past these are counted and not explained. */
const KEYS_MAX = 100;

/** Keys with the most matches first. `single` and `together` have no window of events of their own: then there are none. */
export function explainWindow(question: WindowQuestion): {
  readonly keys: readonly ExplainedKey[];
  readonly keysTotal: number;
} {
  const { rule, isAsked = () => true } = question;
  const byKey = new Map<string, Match[]>();
  for (const { key, match } of matchesOf(question)) {
    if (!isAsked(key)) continue;
    const matches = byKey.get(key);
    if (matches === undefined) byKey.set(key, [match]);
    else matches.push(match);
  }
  const sorted = [...byKey].sort(([, a], [, b]) => b.length - a.length);
  const keys = sorted.slice(0, KEYS_MAX).map(([key, matches]) => explainKey(rule.kind, key, matches, question.untilMs));
  return { keys, keysTotal: sorted.length };
}

/** The keys under which an event counts. */
export function keysOfEvent(rule: Rule, event: NewEvent): readonly string[] {
  const question = { rule, events: [event], untilMs: 0 };
  return [...new Set(matchesOf(question).map(({ key }) => key))];
}

function matchesOf({ rule, events }: WindowQuestion): readonly { readonly key: string; readonly match: Match }[] {
  const parts = partsOf(rule);
  const ordered = events.map(({ id, document }) => ({ document, order: orderKeyOf(id, document) }));
  ordered.sort((a, b) => compareOrder(a.order, b.order));
  return ordered.flatMap(({ document, order }) => {
    const holds = (predicate: Predicate): boolean => holdsOf(predicate, document, order.createdMs);
    if (!holds(rule.match)) return [];
    const isExcepted = rule.except.some(
      ({ expiresMs, match }) => (expiresMs === undefined || order.createdMs < expiresMs) && holds(match),
    );
    if (isExcepted) return [];
    return parts(document, holds)
      .toSorted((a, b) => compareRoles(a.role, b.role))
      .map(({ by, role, values }) => ({ key: keyOf(document, by), match: { order, role, values } }));
  });
}

function holdsOf(predicate: Predicate, document: EventDocument, nowMs: number): boolean {
  try {
    return predicate(document, nowMs);
  } catch {
    return false;
  }
}

function explainKey(kind: RuleKind, key: string, matches: readonly Match[], untilMs: number): ExplainedKey {
  const fold = foldOf(kind);
  const found = fold === undefined ? [] : foundBy(fold, matches, untilMs);
  const told = {
    key,
    matches: matches.length,
    firstMs: matches[0]?.order.createdMs ?? 0,
    lastMs: matches.at(-1)?.order.createdMs ?? 0,
  };
  const remarks = found.length > 0 ? found.map(({ facts }) => factsText(facts)) : nearnessOf(kind, matches, untilMs);
  return { ...told, found, remarks: remarks.filter((remark) => remark !== '') };
}

/** All that a fold finds of these matches, and of the time until `untilMs`. */
function foundBy(fold: KindFold<unknown>, matches: readonly Match[], untilMs: number): readonly Found[] {
  const found: Found[] = [];
  let state: unknown;
  const passUntil = (nowMs: number): void => {
    while (state !== undefined && fold.dueMs(state) <= nowMs) {
      const dueMs = fold.dueMs(state);
      const passed = fold.pass(state, dueMs);
      found.push(...passed.found);
      if (passed.state !== undefined && fold.dueMs(passed.state) <= dueMs) break;
      state = passed.state;
    }
  };
  for (const match of matches) {
    passUntil(match.order.createdMs);
    const seen = fold.see(state, match);
    found.push(...seen.found);
    state = seen.state;
  }
  passUntil(untilMs);
  return found;
}

function findsAny(kind: RuleKind, matches: readonly Match[], untilMs: number): readonly Found[] {
  const fold = foldOf(kind);
  return fold === undefined ? [] : foundBy(fold, matches, untilMs);
}

function nearnessOf(kind: RuleKind, matches: readonly Match[], untilMs: number): readonly string[] {
  const within = 'withinMs' in kind && kind.withinMs !== undefined ? formatDuration(kind.withinMs) : '';
  switch (kind.kind) {
    case 'single':
    case 'together':
      return [];
    case 'threshold': {
      if (kind.atMost !== undefined) {
        const bounds = `${kind.count} to ${kind.atMost}`;
        return [`no window of ${within} that a match began is over with ${bounds} matches in it`];
      }
      const most = greatest(kind.count - 1, (count) => findsAny({ ...kind, count }, matches, untilMs).length > 0);
      return [`${most} of ${kind.count} within ${within} at the most`];
    }
    case 'distinct': {
      if (kind.above === undefined || kind.below !== undefined) return [];
      const most = greatest(
        kind.above,
        (count) => findsAny({ ...kind, above: count - 1 }, matches, untilMs).length > 0,
      );
      return [
        `${most} different values of ${kind.field} within ${within} at the most; more than ${kind.above} are needed`,
      ];
    }
    case 'combination': {
      const most = greatest(kind.atLeast - 1, (atLeast) => findsAny({ ...kind, atLeast }, matches, untilMs).length > 0);
      return [`${most} of ${kind.steps.length} steps within ${within} at the most; ${kind.atLeast} are needed`];
    }
    case 'sequence':
      return sequenceNearness(kind, matches, untilMs);
    case 'absence': {
      const last = matches.at(-1)?.order.createdMs ?? 0;
      const counted = matches.filter(({ order }) => order.createdMs > last - kind.withinMs).length;
      return [`never fewer than ${kind.fewerThan} within ${within}; ${counted} in the last ${within} of it`];
    }
    case 'metric':
      return softened(
        { ...kind, above: Number.NEGATIVE_INFINITY, below: undefined, from: undefined, to: undefined },
        kind,
        matches,
        untilMs,
      );
    case 'ratio':
      return softened({ ...kind, above: Number.NEGATIVE_INFINITY, below: undefined }, kind, matches, untilMs);
    case 'spike': {
      const last = matches.at(-1)?.order.createdMs ?? 0;
      const countOf = (fromMs: number, toMs: number): number =>
        matches.filter(({ order }) => order.createdMs > fromMs && order.createdMs <= toMs).length;
      const now = countOf(last - kind.withinMs, last);
      const before = countOf(last - 2 * kind.withinMs, last - kind.withinMs);
      return [
        `${now} in the last ${within}, ${before} in the ${within} before; ${kind.factor} times is asked, of at least ${kind.atLeast}`,
      ];
    }
    case 'new_value':
    case 'change': {
      const counts = new Map<string, number>();
      for (const { values } of matches)
        counts.set(JSON.stringify(values), (counts.get(JSON.stringify(values)) ?? 0) + 1);
      const shown = [...counts].slice(-5).map(([values, count]) => `${values} (${count})`);
      const more = counts.size > 5 ? `, the last 5 of ${counts.size}` : '';
      const learning = kind.kind === 'new_value' ? `; a key is learned for ${formatDuration(kind.learnMs)}` : '';
      return [`values of ${kind.fields.join(', ')}: ${shown.join(', ')}${more}${learning}`];
    }
  }
}

/** The figure of the last window: with as many events asked as it has, and any value allowed, the fold tells it at the last one. */
function softened(
  soft: RuleKind & { readonly kind: 'metric' | 'ratio' },
  kind: RuleKind & { readonly kind: 'metric' | 'ratio' },
  matches: readonly Match[],
  untilMs: number,
): readonly string[] {
  const last = matches.at(-1)?.order.createdMs ?? 0;
  const inside = matches.filter(({ order }) => order.createdMs > last - kind.withinMs);
  const [found] = findsAny({ ...soft, atLeast: inside.length }, inside, untilMs);
  const figures = found === undefined ? '' : `${factsText(found.facts)}; `;
  const [from, to] = kind.kind === 'metric' ? [kind.from, kind.to] : [undefined, undefined];
  const range = [from === undefined ? '' : `at least ${from}`, to === undefined ? '' : `at most ${to}`];
  const bounds = [
    range.filter((bound) => bound !== '').join(' and '),
    kind.above === undefined ? '' : `more than ${kind.above}`,
    kind.below === undefined ? '' : `less than ${kind.below}`,
  ].filter((bound) => bound !== '');
  return [
    `${figures}${bounds.join(' or ')} is asked, among at least ${kind.atLeast} (the last ${formatDuration(kind.withinMs)} has ${inside.length})`,
  ];
}

function sequenceNearness(
  kind: RuleKind & { readonly kind: 'sequence' },
  matches: readonly Match[],
  untilMs: number,
): readonly string[] {
  const { steps, withinMs } = kind;
  const asked = steps.filter(({ isAbsent }) => !isAbsent).length;
  for (let length = steps.length - 1; length > 0; length -= 1) {
    if (steps[length - 1]?.isAbsent === true) continue;
    const begun = matches.filter(({ role }) => role < length);
    if (findsAny({ ...kind, steps: steps.slice(0, length) }, begun, untilMs).length === 0) continue;
    const came = steps.slice(0, length).filter(({ isAbsent }) => !isAbsent).length;
    return [`${came} of ${asked} steps${lateness(kind, matches, untilMs)}`];
  }
  const whole = lateness({ ...kind, withinMs }, matches, untilMs);
  return [`none of ${asked} steps in their order${whole}`];
}

/** `; the last came 4s too late`, where more time alone would have done; `until` and what must not come are named where they were it. */
function lateness(kind: RuleKind & { readonly kind: 'sequence' }, matches: readonly Match[], untilMs: number): string {
  const [slow] = findsAny({ ...kind, withinMs: SLOWEST_MS }, matches, untilMs).filter(
    ({ facts }) => typeof facts['took_ms'] === 'number',
  );
  const tookMs = slow?.facts['took_ms'];
  if (typeof tookMs === 'number' && tookMs > kind.withinMs) {
    return `; the last came ${formatDuration(tookMs - kind.withinMs)} too late (${formatDuration(tookMs)} after the first, ${formatDuration(kind.withinMs)} is allowed)`;
  }
  const role = (isAbsent: boolean): ReadonlySet<number> =>
    new Set(kind.steps.flatMap((step, at) => (step.isAbsent === isAbsent ? [at] : [])));
  const present = matches.filter((match) => match.role < 0 || role(false).has(match.role));
  const withoutAbsent = {
    ...kind,
    steps: kind.steps.map((step) => ({ ...step, isAbsent: false })).filter((_, at) => role(false).has(at)),
  };
  const renumbered = present.map((match) => ({
    ...match,
    role: match.role < 0 ? match.role : [...role(false)].indexOf(match.role),
  }));
  if (present.length < matches.length && findsAny(withoutAbsent, renumbered, untilMs).length > 0)
    return '; a step came that must not';
  const goingOn = matches.filter((match) => match.role >= 0);
  if (goingOn.length < matches.length && findsAny(kind, goingOn, untilMs).length > 0)
    return '; `until` ended it before';
  return '';
}

/** Longer than any sequence is allowed to take. */
const SLOWEST_MS = 10 * 365 * 86_400_000;

/** The greatest whole number from 1 to `most` that passes, 0 where none does; what passes must pass for all below. */
function greatest(most: number, passes: (count: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (passes(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function factsText(facts: Found['facts']): string {
  return Object.entries(facts)
    .map(
      ([name, value]) =>
        `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? Number(value.toPrecision(6)) : String(value)}`,
    )
    .join(', ');
}
