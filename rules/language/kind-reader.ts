// The words of a rule on many events → its kind, with its expressions read; what cannot be is told here.
import { formatDuration } from '../../event/duration.ts';
import { compilePredicate } from '../expression/compile.ts';
import type { Expression } from '../expression/syntax.ts';
import type { Metric, RuleKind, SequenceStep } from '../kind.ts';
import type { KindKeys, MeasureKeys, StepKeys } from './kind-keys.ts';
import { type Placed, type Reading, report } from './readers.ts';
import type { RuleKeys } from './rule-keys.ts';
import { withoutPlaces } from './rule-version.ts';
import type { YamlNode } from './yaml-tree.ts';

/** An expression that was read, with the lists and macros that it needs. */
export interface ReadExpression {
  readonly text: Placed<string>;
  readonly expression: Expression;
  readonly source: string;
  readonly lists: ReadonlySet<string>;
  readonly macros: ReadonlySet<string>;
}

export interface KindReading {
  readonly values: Partial<RuleKeys>;
  readonly reading: Reading;
  /** Reads an expression; undefined when it has a mistake, which is then told. */
  readonly read: (text: Placed<string>) => ReadExpression | undefined;
}

export interface ReadKind {
  readonly kind: RuleKind;
  /** Its own expressions, in the order they are written. */
  readonly expressions: readonly ReadExpression[];
  /** One of these, too, must hold of an event that has a part in it; empty where the rule's `match` alone decides. */
  readonly anyOf: readonly Expression[];
  /** For the rule's version: what it means, as JSON. */
  readonly meaning: unknown;
  readonly cases?: readonly SequenceStep[];
}

const NAMES = [
  'threshold',
  'distinct',
  'new_value',
  'change',
  'spike',
  'absence',
  'ratio',
  'metric',
  'sequence',
  'combination',
  'together',
] as const satisfies readonly (keyof KindKeys)[];

/** Undefined after a mistake. */
export function readKind(input: KindReading): ReadKind | undefined {
  const kind = readKindAlone(input);
  const { cases } = input.values;
  return kind === undefined || cases === undefined ? kind : withCases(kind, cases, input);
}

/** What counts or measures whatever it is given; the others have steps, or look at each match. */
const COUNTING: ReadonlySet<string> = new Set([
  'threshold',
  'distinct',
  'new_value',
  'change',
  'spike',
  'absence',
  'metric',
] satisfies RuleKind['kind'][]);

function withCases(
  kind: ReadKind,
  cases: NonNullable<Partial<RuleKeys>['cases']>,
  { values, reading, read }: KindReading,
): ReadKind | undefined {
  const [first] = cases;
  if (!COUNTING.has(kind.kind.kind) || first === undefined) {
    const message =
      first === undefined ? '`cases` is empty' : `\`cases\` does not go with a rule of kind \`${kind.kind.kind}\``;
    const remedy = 'They are sorts of events that are counted or measured together; steps and `or` say the rest.';
    return wrong(reading, first?.node, { message, remedy });
  }
  const ruleBy = (values.by ?? []).map(({ value }) => value);
  const entries = cases.map((entry) => readStep(entry, { ruleBy, reading, read }));
  const known = entries.filter((entry) => entry !== undefined);
  if (known.length < cases.length) return undefined;
  const parsed = known.map((entry) => entry.parsed);
  return {
    ...kind,
    expressions: [...kind.expressions, ...parsed],
    anyOf: parsed.map(({ expression }) => expression),
    meaning: [kind.meaning, known.map(({ step, parsed: { expression } }) => [withoutPlaces(expression), step.by])],
    cases: known.map(({ step }) => step),
  };
}

function readKindAlone(input: KindReading): ReadKind | undefined {
  const { values, reading } = input;
  const given = NAMES.filter((name) => values[name] !== undefined);
  const [name, second] = given;
  if (name === undefined) return plain({ kind: 'single' });
  if (second !== undefined) {
    return wrong(reading, values[second]?.node, {
      message: `a rule has one of \`${name}\` and \`${second}\`, not both`,
      remedy: 'Write two rules; `together` or `sequence` can name both.',
    });
  }
  switch (name) {
    case 'sequence':
      return readSequence(input);
    case 'combination':
      return readCombination(input);
    case 'together':
      return readTogether(input);
    case 'ratio':
      return readRatio(input);
    default:
      return readFigures(input);
  }
}

function plain(kind: RuleKind): ReadKind {
  return { kind, expressions: [], anyOf: [], meaning: kind };
}

/** The kinds without expressions of their own. */
function readFigures({ values, reading }: KindReading): ReadKind | undefined {
  const { threshold, distinct, new_value: newValue, change, spike, absence, metric } = values;
  if (threshold !== undefined) {
    const { count = 0, within = 0, mode = 'episode', at_most: atMost } = threshold.value;
    if (atMost === undefined) return plain({ kind: 'threshold', count, withinMs: within, mode });
    if (atMost < count || mode === 'restart') {
      const message =
        atMost < count
          ? `\`at_most\` (${atMost}) is less than \`count\` (${count})`
          : '`at_most` does not go with `mode: restart`';
      const remedy = '`count` is the least, `at_most` the most matches of a window that is over.';
      return wrong(reading, threshold.node, { message, remedy });
    }
    return plain({ kind: 'threshold', count, withinMs: within, mode, atMost });
  }
  if (distinct !== undefined) {
    const { field, above, below, within = 0 } = distinct.value;
    if (field === undefined) return undefined;
    if (above === undefined && below === undefined) return oneBound(reading, distinct.node, '`above`, `below` or both');
    if (above !== undefined && below !== undefined && below - above < 2) {
      const message = `nothing is more than ${above} and fewer than ${below}`;
      return wrong(reading, distinct.node, {
        message,
        remedy: 'Together they mean: between the two, neither included.',
      });
    }
    return plain({ kind: 'distinct', field: field.value, above, below, withinMs: within });
  }
  if (newValue !== undefined) {
    const { fields = [], learn = 0, remember = learn, missing = 'skip' } = newValue.value;
    if (fields.length === 0) return noFields(reading, newValue.node);
    if (remember < learn) {
      return wrong(reading, newValue.node, {
        message: `\`remember\` (${formatDuration(remember)}) is shorter than \`learn\` (${formatDuration(learn)})`,
        remedy: 'What is learned must be remembered at least as long; leave `remember` out or make it longer.',
      });
    }
    const names = fields.map(({ value }) => value);
    return plain({ kind: 'new_value', fields: names, learnMs: learn, rememberMs: remember, missing });
  }
  if (change !== undefined) {
    const { fields = [], within, missing = 'skip' } = change.value;
    if (fields.length === 0) return noFields(reading, change.node);
    return plain({ kind: 'change', fields: fields.map(({ value }) => value), withinMs: within, missing });
  }
  if (spike !== undefined) {
    return readSpike(spike, { values, reading });
  }
  if (absence !== undefined) {
    const { fewer_than: fewerThan = 0, within = 0 } = absence.value;
    return plain({ kind: 'absence', fewerThan, withinMs: within });
  }
  if (metric === undefined) return undefined;
  const { above, below, from, to, at_least: atLeast = 1, within = 0 } = metric.value;
  const [measure, other] = metricsOf(metric.value);
  if (measure === undefined || other !== undefined) return oneMeasure(reading, metric.node, 'exactly one');
  const hasRange = from !== undefined || to !== undefined;
  const hasBound = above !== undefined || below !== undefined;
  if (hasRange === hasBound) return oneBound(reading, metric.node, '`above`, `below` or both, or else `from` and `to`');
  if (from !== undefined && to !== undefined && from > to) {
    const message = `nothing is at least ${from} and at most ${to}`;
    return wrong(reading, metric.node, { message, remedy: 'Both bounds are included; write the smaller as `from`.' });
  }
  const range = hasRange ? { from, to } : {};
  return plain({ kind: 'metric', metric: measure, above, below, ...range, atLeast, withinMs: within });
}

function readSpike(
  { value, node }: NonNullable<Partial<RuleKeys>['spike']>,
  { values, reading }: Pick<KindReading, 'values' | 'reading'>,
): ReadKind | undefined {
  const { factor = 0, within = 0, direction = 'up', at_least: atLeast, mode = 'episode' } = value;
  const measures = metricsOf(value);
  if (measures.length > 1) return oneMeasure(reading, node, 'at most one');
  if (factor <= 1) {
    const remedy = 'It says how many times as much (or as little) it must be: 3, say.';
    return wrong(reading, node, { message: '`factor` must be more than 1', remedy });
  }
  const kind = {
    kind: 'spike',
    factor,
    withinMs: within,
    direction,
    atLeast: atLeast ?? 1,
    metric: measures[0],
  } as const;
  const { every, now_at_least: nowAtLeast, before_at_least: beforeAtLeast } = value;
  if (mode === 'episode') {
    const only = { every, now_at_least: nowAtLeast, before_at_least: beforeAtLeast };
    const unfit = Object.entries(only).find(([, given]) => given !== undefined)?.[0];
    if (unfit === undefined) return plain(kind);
    const remedy = 'Add `mode: restart`, or say `at_least`, which is asked of the greater window.';
    return wrong(reading, node, { message: `\`${unfit}\` belongs to \`mode: restart\``, remedy });
  }
  if (atLeast !== undefined) {
    const remedy = 'Write `now_at_least`, `before_at_least` or both.';
    return wrong(reading, node, { message: '`at_least` does not go with `mode: restart`', remedy });
  }
  const restart = {
    everyMs: every ?? 60_000,
    nowAtLeast: nowAtLeast ?? 0,
    beforeAtLeast: beforeAtLeast ?? 0,
    isKept: (values.by ?? []).length === 0,
  };
  return plain({ ...kind, restart });
}

function readRatio({ values, reading, read }: KindReading): ReadKind | undefined {
  const { ratio } = values;
  if (ratio?.value.of === undefined) return undefined;
  const { above, below, at_least: atLeast = 1, within = 0 } = ratio.value;
  const of = read(ratio.value.of);
  if (above === undefined && below === undefined) return oneBound(reading, ratio.node, '`above`, `below` or both');
  if (above === 1 || below === 0) {
    const message = above === 1 ? 'no share is above 1' : 'no share is below 0';
    return wrong(reading, ratio.node, {
      message,
      remedy: 'Shares go from 0 to 1, and the bound itself does not count.',
    });
  }
  if (of === undefined) return undefined;
  const kind = { kind: 'ratio', above, below, atLeast, withinMs: within } as const;
  return {
    kind: { ...kind, of: compilePredicate(of.expression), ofSource: of.source },
    expressions: [of],
    anyOf: [],
    meaning: { ...kind, of: withoutPlaces(of.expression) },
  };
}

function readSequence({ values, reading, read }: KindReading): ReadKind | undefined {
  const { sequence } = values;
  if (sequence === undefined) return undefined;
  const { within = 0, steps: given = [], until: untilText } = sequence.value;
  const ruleBy = (values.by ?? []).map(({ value }) => value);
  const read1 = given.map((entry) => readStep(entry, { ruleBy, reading, read }));
  const until = untilText === undefined ? undefined : read(untilText);
  const steps = read1.filter((entry) => entry !== undefined);
  if (steps.length < given.length || (untilText !== undefined && until === undefined)) return undefined;
  if (steps[0]?.step.isAbsent === true) {
    return wrong(reading, given[0]?.node, {
      message: 'a sequence begins with an event, not with an absence',
      remedy: 'Begin with a `match`; for what has not been before, use `new_value`.',
    });
  }
  if (steps.length < 2) {
    const remedy = 'One step alone is a rule with `match`.';
    return wrong(reading, sequence.node, { message: 'a sequence needs at least two steps', remedy });
  }
  const expressions = [...steps.map(({ parsed }) => parsed), ...(until === undefined ? [] : [until])];
  const compiledUntil = until === undefined ? undefined : compilePredicate(until.expression);
  return {
    kind: {
      kind: 'sequence',
      withinMs: within,
      steps: steps.map(({ step }) => step),
      until: compiledUntil,
      untilSource: until?.source,
    },
    expressions,
    anyOf: expressions.map(({ expression }) => expression),
    meaning: {
      kind: 'sequence',
      withinMs: within,
      steps: steps.map(({ step, parsed }) => [withoutPlaces(parsed.expression), step.by, step.isAbsent]),
      until: until === undefined ? null : withoutPlaces(until.expression),
    },
  };
}

function readCombination({ values, reading, read }: KindReading): ReadKind | undefined {
  const { combination } = values;
  if (combination === undefined) return undefined;
  const { within = 0, steps: given = [], at_least: atLeast = given.length } = combination.value;
  const ruleBy = (values.by ?? []).map(({ value }) => value);
  const entries = given.map((entry) => readStep(entry, { ruleBy, reading, read }));
  const steps = entries.filter((entry) => entry !== undefined);
  if (steps.length < given.length) return undefined;
  const absent = given[steps.findIndex(({ step }) => step.isAbsent)];
  if (absent !== undefined) {
    const remedy = 'Use `sequence`, or a further condition in `match`.';
    return wrong(reading, absent.node, { message: 'the steps of a combination all come; none is `absent`', remedy });
  }
  if (steps.length < 2 || atLeast > steps.length) {
    const message =
      steps.length < 2
        ? 'a combination needs at least two steps'
        : `there are not ${atLeast} steps, but ${steps.length}`;
    const remedy =
      steps.length < 2 ? 'One step alone is a rule with `match`.' : 'Leave `at_least` out: then all must come.';
    return wrong(reading, combination.node, { message, remedy });
  }
  const expressions = steps.map(({ parsed }) => parsed);
  return {
    kind: { kind: 'combination', withinMs: within, steps: steps.map(({ step }) => step), atLeast },
    expressions,
    anyOf: expressions.map(({ expression }) => expression),
    meaning: {
      kind: 'combination',
      withinMs: within,
      steps: steps.map(({ step, parsed }) => [withoutPlaces(parsed.expression), step.by]),
      atLeast,
    },
  };
}

function readStep(
  { value, node }: Placed<Partial<StepKeys>>,
  { ruleBy, reading, read }: { readonly ruleBy: readonly string[] } & Pick<KindReading, 'reading' | 'read'>,
): { readonly step: SequenceStep; readonly parsed: ReadExpression } | undefined {
  const text = value.match ?? value.absent;
  if (text === undefined || (value.match !== undefined && value.absent !== undefined)) {
    return wrong(reading, node, {
      message: 'a step has either `match` or `absent`',
      remedy: '`match`: what must come; `absent`: what must not come before the next step.',
    });
  }
  const by = value.by?.map((entry) => entry.value) ?? ruleBy;
  if (by.length !== ruleBy.length) {
    return wrong(reading, node, {
      message: `the step's \`by\` has ${by.length === 1 ? '1 field' : `${by.length} fields`}, the rule's ${ruleBy.length}: they are compared by their places`,
      remedy: 'Name as many fields as in the rule’s `by`, in its order.',
    });
  }
  const parsed = read(text);
  if (parsed === undefined) return undefined;
  const isAbsent = value.absent !== undefined;
  return { step: { match: compilePredicate(parsed.expression), source: parsed.source, by, isAbsent }, parsed };
}

function readTogether({ values, reading }: KindReading): ReadKind | undefined {
  const { together, match, except } = values;
  if (together === undefined) return undefined;
  const { rules = [], within = 0, ordered = false, count } = together.value;
  const ids = rules.map(({ value }) => value);
  const unfit = match?.node ?? except?.[0]?.node;
  if (unfit !== undefined) {
    return wrong(reading, unfit, {
      message: `\`together\` is about detections: \`${match === undefined ? 'except' : 'match'}\` has nothing to look at`,
      remedy: 'Write it in the rules that `together` names.',
    });
  }
  const repeated = rules.find(({ value }, place) => ids.indexOf(value) !== place);
  if (repeated !== undefined) {
    const message = `\`${repeated.value}\` stands twice`;
    return wrong(reading, repeated.node, {
      message,
      remedy: 'Name each rule once; for more of one, use `threshold` there.',
    });
  }
  if (count !== undefined) {
    if (!ordered && ids.length > 0)
      return plain({ kind: 'together', rules: ids, withinMs: within, isOrdered: false, count });
    const message = ordered ? '`count` does not go with `ordered`' : '`together` needs at least one rule';
    return wrong(reading, together.node, {
      message,
      remedy: '`count`: so many detections, of whichever of the rules.',
    });
  }
  if (ids.length < 2) {
    const remedy = 'Name at least two; one alone alerts by itself, or has a `count`.';
    return wrong(reading, together.node, { message: '`together` needs at least two rules', remedy });
  }
  return plain({ kind: 'together', rules: ids, withinMs: within, isOrdered: ordered });
}

function metricsOf(keys: Partial<MeasureKeys>): readonly Metric[] {
  const aggregates = ['avg', 'sum', 'min', 'max', 'count', 'distinct'] as const;
  const percentiles = [50, 90, 95, 99] as const;
  const found: Metric[] = aggregates.flatMap((aggregate) => {
    const field = keys[aggregate]?.value;
    return field === undefined ? [] : [{ aggregate, field }];
  });
  for (const rank of percentiles) {
    const field = keys[`p${rank}`]?.value;
    if (field !== undefined) found.push({ aggregate: { percentile: rank }, field });
  }
  if (keys.percentile !== undefined) {
    found.push({ aggregate: { percentile: keys.percentile.rank }, field: keys.percentile.field.value });
  }
  return found;
}

function oneBound(reading: Reading, node: YamlNode, bounds: string): undefined {
  return wrong(reading, node, { message: `this needs ${bounds}`, remedy: 'Without a bound it would find nothing.' });
}

function oneMeasure(reading: Reading, node: YamlNode, howMany: string): undefined {
  const remedy = 'avg, sum, min, max, count, distinct, p50, p90, p95, p99 or percentile: { rank, field }.';
  return wrong(reading, node, { message: `this takes ${howMany} figure`, remedy });
}

function noFields(reading: Reading, node: YamlNode): undefined {
  return wrong(reading, node, { message: '`fields` is empty', remedy: 'Name the fields whose values are compared.' });
}

function wrong(
  reading: Reading,
  node: YamlNode | undefined,
  problem: { readonly message: string; readonly remedy: string },
): undefined {
  return report(reading, node?.at ?? 0, { code: 'rule/kind', ...problem });
}
