// Random rules of every kind, over the fields that the random traffic has (arrival.ts). Their spans are of its milliseconds.
import fc from 'fast-check';
import { fieldOf } from '../../event/document.ts';
import type { KindOf, RuleKind } from '../../rules/kind.ts';
import type { Predicate, Rule } from '../../rules/rule.ts';
import { ruleWith } from './making.ts';

const USERS = ['a', 'b', 'c', 'd'];
const isUser =
  (name: string): Predicate =>
  (event) =>
    fieldOf(event, 'user.name') === name;

const withinMs = fc.constantFrom(1, 3, 5, 12, 30);
const by = fc.constantFrom<readonly string[]>([], ['host.id'], ['user.name'], ['host.id', 'user.name']);
const match = fc.oneof(
  fc.constant<Predicate>(() => true),
  fc.constantFrom(...USERS).map(
    (name): Predicate =>
      (event) =>
        fieldOf(event, 'user.name') !== name,
  ),
);
const metric = fc.constantFrom(
  { aggregate: 'avg' as const, field: 'vedette.position' },
  { aggregate: 'max' as const, field: 'vedette.position' },
  { aggregate: { percentile: 90 }, field: 'vedette.position' },
  { aggregate: 'count' as const, field: undefined },
);
const missing = fc.constantFrom('skip' as const, 'value' as const);

const boundsAt = (value: number) =>
  fc.constantFrom({ above: value, below: undefined }, { above: undefined, below: value });

type Arbitraries = { readonly [Name in Exclude<RuleKind['kind'], 'single' | 'together'>]: fc.Arbitrary<KindOf<Name>> };

/** By name, so that a test can say that each was met. Steps take the rule's `by` (see `completed`). */
const kindArbitraries: Arbitraries = {
  threshold: fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      withinMs,
      fc.constantFrom(
        { mode: 'episode' as const },
        { mode: 'restart' as const },
        { mode: 'episode' as const, more: 1 },
      ),
    )
    .map(([count, span, { mode, more }]) => ({
      kind: 'threshold' as const,
      count,
      withinMs: span,
      mode,
      ...(more === undefined ? {} : { atMost: count + more }),
    })),
  distinct: fc
    .tuple(fc.oneof(fc.integer({ min: 1, max: 3 }).chain(boundsAt), fc.constant({ above: 1, below: 3 })), withinMs)
    .map(([bounds, span]) => ({ kind: 'distinct' as const, field: 'user.name', withinMs: span, ...bounds })),
  new_value: fc.tuple(withinMs, fc.constantFrom(0, 4, 20), missing).map(([learnMs, longer, how]) => ({
    kind: 'new_value' as const,
    fields: ['user.name'],
    learnMs,
    rememberMs: learnMs + longer,
    missing: how,
  })),
  change: fc.record({
    kind: fc.constant('change' as const),
    fields: fc.constant(['user.name']),
    withinMs: fc.option(withinMs, { nil: undefined }),
    missing,
  }),
  spike: fc
    .tuple(
      fc.record({
        kind: fc.constant('spike' as const),
        factor: fc.constantFrom(1.5, 2, 3),
        withinMs,
        direction: fc.constantFrom('up' as const, 'down' as const, 'both' as const),
        atLeast: fc.constantFrom(1, 2),
        metric: fc.option(metric, { nil: undefined }),
      }),
      fc.constantFrom(
        {},
        { restart: { everyMs: 4, nowAtLeast: 1, beforeAtLeast: 0, isKept: false } },
        { restart: { everyMs: 7, nowAtLeast: 0, beforeAtLeast: 1, isKept: true } },
      ),
    )
    .map(([spike, restart]) => ({ ...spike, ...restart })),
  absence: fc.record({
    kind: fc.constant('absence' as const),
    fewerThan: fc.integer({ min: 1, max: 3 }),
    withinMs,
  }),
  ratio: fc
    .tuple(boundsAt(0.4), fc.constantFrom(...USERS), fc.constantFrom(1, 2), withinMs)
    .map(([bounds, name, atLeast, span]) => ({
      kind: 'ratio' as const,
      of: isUser(name),
      ofSource: name,
      atLeast,
      withinMs: span,
      ...bounds,
    })),
  metric: fc
    .tuple(
      fc.oneof(boundsAt(3), fc.constant({ above: undefined, below: undefined, from: 2, to: 4 })),
      metric,
      fc.constantFrom(1, 2),
      withinMs,
    )
    .map(([bounds, of, atLeast, span]) => ({
      kind: 'metric' as const,
      metric: of,
      atLeast,
      withinMs: span,
      ...bounds,
    })),
  sequence: fc
    .tuple(
      fc.array(fc.tuple(fc.constantFrom(...USERS), fc.boolean()), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      withinMs,
    )
    .map(([later, hasUntil, span]) => ({
      kind: 'sequence' as const,
      withinMs: span,
      steps: [['a', false] as const, ...later]
        // Two steps that must not come never follow each other: the language refuses them.
        .filter(([, isAbsent], place) => !isAbsent || later[place - 2]?.[1] !== true)
        .map(([name, isAbsent]) => ({ match: isUser(name), source: name, by: [], isAbsent })),
      until: hasUntil ? isUser('d') : undefined,
      untilSource: undefined,
    })),
  combination: fc
    .tuple(fc.uniqueArray(fc.constantFrom(...USERS), { minLength: 2, maxLength: 3 }), withinMs)
    .map(([names, span]) => ({
      kind: 'combination' as const,
      withinMs: span,
      steps: names.map((name) => ({ match: isUser(name), source: name, by: [], isAbsent: false })),
      atLeast: 2,
    })),
};

export type FoldedKindName = keyof typeof kindArbitraries;
export const FOLDED_KINDS = Object.keys(kindArbitraries) as readonly FoldedKindName[];

function completed(kind: RuleKind, fields: readonly string[]): RuleKind {
  const hasSteps = kind.kind === 'sequence' || kind.kind === 'combination';
  return hasSteps ? { ...kind, steps: kind.steps.map((step) => ({ ...step, by: fields })) } : kind;
}

const suppress = fc.option(
  fc.record({
    forMs: fc.constantFrom(3, 8),
    by: fc.constantFrom<readonly string[]>(['host.id'], ['user.name'], []),
    growMs: fc.constant(undefined),
  }),
  { nil: undefined },
);

const WITHOUT_CASES: ReadonlySet<string> = new Set(['ratio', 'sequence', 'combination']);

/** Sorts of events that have what they are counted by in different fields; some events are of two. */
function casesOf(fields: readonly string[]): NonNullable<Rule['cases']> {
  const others = fields.map((field) => (field === 'user.name' ? 'host.id' : field));
  const isOther: Predicate = (event, nowMs) => !isUser('a')(event, nowMs);
  return [
    { match: isUser('a'), source: '', by: fields, isAbsent: false },
    { match: isUser('b'), source: '', by: others, isAbsent: false },
    { match: isOther, source: '', by: fields, isAbsent: false },
  ];
}

export function ruleArbitrary(name: FoldedKindName): fc.Arbitrary<Rule> {
  return fc
    .record({
      kind: kindArbitraries[name] as fc.Arbitrary<RuleKind>,
      fields: by,
      match,
      suppress,
      hasCases: fc.boolean(),
    })
    .map(({ kind, fields, match: predicate, suppress: how, hasCases }) =>
      ruleWith({
        id: `rule-${name}`,
        version: `${name}-v`,
        kind: completed(kind, fields),
        by: fields,
        ...(hasCases && !WITHOUT_CASES.has(name) ? { cases: casesOf(fields) } : {}),
        match: predicate,
        alert: { title: '{{count}} of {{user.name}}', suppress: how },
      }),
    );
}

/** A few rules of different kinds, and one that takes detections of them together with those of a rule on single events. */
export const rulesArbitrary: fc.Arbitrary<readonly Rule[]> = fc
  .tuple(fc.subarray([...FOLDED_KINDS], { minLength: 1, maxLength: 4 }), withinMs, fc.boolean(), by)
  .chain(([names, span, isOrdered, fields]) =>
    fc.tuple(...names.map(ruleArbitrary)).map((rules) => [
      ...rules,
      ruleWith({ id: 'single', version: 'single-v', match: isUser('b') }),
      ruleWith({
        id: 'together',
        version: 'together-v',
        by: fields,
        kind: {
          kind: 'together',
          rules: ['single', ...rules.slice(0, 1).map(({ id }) => id)],
          withinMs: span,
          isOrdered,
        },
      }),
    ]),
  );
