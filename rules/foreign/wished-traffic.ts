// Tests of a rule, as its file would hold them, made of what it asks: events that make an alert, and events that just do not. Of a rule on many
// events that is as many as it asks for, and too few; the steps of a sequence, and all but one. Proposals: whoever takes one runs it.
import { formatDuration } from '../../event/duration.ts';
import type { RuleTrees } from '../explain/rule-trees.ts';
import type { KindOf, RuleKind } from '../kind.ts';
import type { Rule } from '../rule.ts';
import { type Counted, ofAbsence, ofChange, ofDistinct, ofNewValue, ofRatio, ofThreshold } from './wished-counts.ts';
import { type FlatEvent, unwantedValues, wishedEvent } from './wished-event.ts';
import { ofMetric, ofSpike } from './wished-figures.ts';
import { at, EVENTS_MAX, ofOne, type Proposal, type ProposedTest, SECOND_MS } from './wished-tests.ts';
import { variedValue } from './wished-values.ts';

/** `way`: which of several alternatives is taken. Undefined where nothing can be made up. */
export function proposalOf(rule: Rule, trees: RuleTrees, way: number): Proposal | undefined {
  const { kind } = rule;
  if (kind.kind === 'sequence' || kind.kind === 'combination') return ofSteps(rule, trees, kind, way);
  if (kind.kind === 'together') return undefined;
  const [first] = trees.steps;
  const asked = [trees.match, rule.cases === undefined ? undefined : first].filter((tree) => tree !== undefined);
  const by = rule.cases?.[0]?.by ?? rule.by;
  const base = keyed(wishedEvent(asked, way), [...by, ...fieldsOfKind(kind)]);
  if (base === undefined) return undefined;
  if (kind.kind === 'single') return ofOne(base, unwantedValues(asked, way));
  const proposal = ofKind({ kind, base, asked, of: trees.of, way });
  if (proposal === undefined) return undefined;
  const tests = [proposal.alerting, ...proposal.silent];
  return tests.some(({ events }) => events.length > EVENTS_MAX) ? undefined : proposal;
}

/** The event, with some value in each of these fields. */
function keyed(event: FlatEvent | undefined, fields: readonly string[]): FlatEvent | undefined {
  if (event === undefined) return undefined;
  const missing = fields.filter((field) => !Object.hasOwn(event, field));
  return { ...event, ...Object.fromEntries(missing.map((field) => [field, variedValue(field, 0)])) };
}

function fieldsOfKind(kind: RuleKind): readonly string[] {
  switch (kind.kind) {
    case 'distinct':
      return [kind.field];
    case 'new_value':
    case 'change':
      return kind.fields;
    case 'spike':
    case 'metric':
      return kind.metric?.field === undefined ? [] : [kind.metric.field];
    default:
      return [];
  }
}

function ofKind(counted: Counted<RuleKind>): Proposal | undefined {
  const { kind, base } = counted;
  switch (kind.kind) {
    case 'threshold':
      return ofThreshold(kind, base);
    case 'distinct':
      return ofDistinct(kind, base);
    case 'new_value':
      return ofNewValue(kind, base);
    case 'change':
      return ofChange(kind, base);
    case 'absence':
      return ofAbsence(kind, base);
    case 'ratio':
      return ofRatio({ ...counted, kind });
    case 'metric':
      return ofMetric(kind, base);
    case 'spike':
      return ofSpike(kind, base);
    default:
      return undefined;
  }
}

function ofSteps(
  rule: Rule,
  trees: RuleTrees,
  kind: KindOf<'sequence'> | KindOf<'combination'>,
  way: number,
): Proposal | undefined {
  const common = trees.match === undefined ? [] : [trees.match];
  const made = trees.steps.map((tree) => wishedEvent([...common, tree], way));
  if (made.includes(undefined) || made.length !== kind.steps.length) return undefined;
  const given = made.filter((event) => event !== undefined);
  const keys = rule.by.map((field, place) => {
    const fields = kind.steps.map(({ by }) => by[place] ?? field);
    const asks = given.findIndex((event, nth) => Object.hasOwn(event, fields[nth] ?? ''));
    return { fields, value: (asks < 0 ? undefined : given[asks]?.[fields[asks] ?? '']) ?? variedValue(field, 0) };
  });
  const events = given.map((event, nth) => ({
    ...event,
    ...Object.fromEntries(keys.map(({ fields, value }) => [fields[nth] ?? '', value])),
  }));
  const there = events.filter((_, nth) => kind.steps[nth]?.isAbsent !== true);
  const last = kind.steps.at(-1)?.isAbsent === true ? kind.withinMs + SECOND_MS : undefined;
  const after = last === undefined ? {} : { progress: formatDuration(last) };
  const span = formatDuration(kind.withinMs);
  const isShort = there.length * SECOND_MS > kind.withinMs;
  const timed = (some: readonly FlatEvent[]): readonly FlatEvent[] =>
    isShort ? some.map((event, nth) => at(nth, event)) : some;
  const asked = kind.kind === 'combination' ? there.slice(0, kind.atLeast) : there;
  const name =
    kind.kind === 'combination' ? `${asked.length} of its events within ${span}` : `its steps within ${span}`;
  const silent: ProposedTest[] = [
    { name: 'all but the last', events: timed(asked.slice(0, -1)), alerts: 0, ...after },
    { name: 'the other way round', events: timed(asked.toReversed()), alerts: 0, ...after },
    { name: 'with what must not come', events: timed(events), alerts: 0, ...after },
  ].filter((test) => test.events.length > 0);
  return { alerting: { name, events: timed(asked), alerts: 1, ...after }, silent };
}
