// A correlation with the rules that it names → one rule of ours. Over detections it says all by itself: what the rules match becomes its match
// or its steps, and they are no rules of their own. Over other correlations it takes their detections (`together`).
import { fieldNamed } from '../../event/catalogue.ts';
import { type Diagnostic, visible } from '../diagnostic.ts';
import { anyOf, type Written } from '../foreign/expression-writer.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { diagnosticAt, type Problem } from '../language/source-text.ts';
import type { Correlation, PlacedText } from './correlation.ts';
import { type Bounded, countWords, figureWords, leastOf, valueCountWords } from './correlation-bounds.ts';

/** Which field of ours holds what a rule's log source calls so; undefined: none, or several. */
export type FieldOf = (field: string) => string | undefined;

/** A rule that a correlation names. */
export interface Member {
  readonly named: PlacedText;
  /** What aliases may call it. */
  readonly names: readonly string[];
  /** Of the rule that it is here, where it has to be one. */
  readonly ruleId: string;
  /** Undefined of a correlation. */
  readonly match: Written | undefined;
  /** Of the detections below it. */
  readonly fields: readonly FieldOf[];
}

/** What the rule asks: its `by`, its match or steps, its kind, by our keys, and where they come from. */
export interface Correlated {
  readonly keys: PlainRule;
  readonly places: ReadonlyMap<string, number>;
  /** Members that have to be rules of their own, silent unless they are asked for. */
  readonly needed: readonly Member[];
}

const STEPS_MAX = 16;

export function correlate(
  correlation: Correlation,
  members: readonly Member[],
): Correlated | { readonly kind: 'wrong'; readonly problems: readonly Diagnostic[] } {
  const problems: Diagnostic[] = [];
  const wrong = (at: number, problem: Omit<Problem, 'code'>): undefined => {
    problems.push(diagnosticAt(correlation.document.source, at, { code: 'sigma/correlation', ...problem }));
    return undefined;
  };
  const keys = groupKeys(correlation, members, wrong);
  const isOverEvents = members.every(({ match }) => match !== undefined);
  const asked = isOverEvents
    ? overEvents(correlation, members, { keys, wrong })
    : overDetections(correlation, members, { keys, wrong });
  if (problems.length > 0 || asked === undefined) return { kind: 'wrong', problems };
  const places = new Map<string, number>();
  for (const key of Object.keys(asked)) places.set(key, key === 'by' ? placeOfBy(correlation) : correlation.at);
  return { keys: asked, places, needed: isOverEvents ? [] : members };
}

type Wrong = (at: number, problem: Omit<Problem, 'code'>) => undefined;
/** Of each member, in its order: the fields that make the key. */
type Keys = readonly (readonly string[])[];
interface Asking {
  readonly keys: Keys;
  readonly wrong: Wrong;
}

function overEvents(
  correlation: Correlation,
  members: readonly Member[],
  { keys, wrong }: Asking,
): PlainRule | undefined {
  const { type, within } = correlation;
  const matches = members.map(({ match }) => match?.text ?? 'false');
  if (type === 'temporal' || type === 'temporal_ordered') {
    if (members.length < 2 || members.length > STEPS_MAX) {
      const remedy = `A temporal correlation names 2 to ${STEPS_MAX} rules.`;
      return wrong(correlation.at, { message: `it names ${members.length} rules`, remedy });
    }
    const [by = []] = keys;
    const steps = matches.map((match, at) => ownStep(match, keys[at] ?? by, by));
    const least = leastOf(correlation.bounds, members.length);
    if (typeof least === 'object') return wrong(correlation.conditionAt, least);
    if (type === 'temporal') {
      const atLeast = least === undefined ? {} : { at_least: least };
      return { ...keyed(by), combination: { within, ...atLeast, steps } };
    }
    if (least === undefined) return { ...keyed(by), sequence: { within, steps } };
    const remedy = 'Take the condition out: then all come, in their order.';
    return wrong(correlation.conditionAt, { message: 'some of several rules have no order', remedy });
  }
  const words = wordsOf(correlation, members, wrong);
  const [by = []] = keys;
  if (words === undefined) return undefined;
  if (hasOneKey(keys)) {
    const match = anyOf(members.flatMap((member) => member.match ?? []));
    return { match: match.text, ...keyed(by), ...words };
  }
  if (members.length > STEPS_MAX) {
    const remedy = `At most ${STEPS_MAX} rules may have what is grouped by in different fields.`;
    return wrong(correlation.at, { message: `it names ${members.length} rules`, remedy });
  }
  return { ...keyed(by), cases: matches.map((match, at) => ownStep(match, keys[at] ?? by, by)), ...words };
}

/** With its own key where that is another than the rule's. */
function ownStep(match: string, own: readonly string[], by: readonly string[]): PlainValue {
  return own.every((field, place) => field === by[place]) ? { match } : { match, by: own };
}

function overDetections(
  correlation: Correlation,
  members: readonly Member[],
  { keys, wrong }: Asking,
): PlainRule | undefined {
  const { type, within, bounds, conditionAt, at } = correlation;
  const rules = members.map(({ ruleId }) => ruleId);
  const by = oneKey(correlation, keys, wrong);
  if (by === undefined) return undefined;
  if (rules.length > STEPS_MAX)
    return wrong(at, { message: `it names ${rules.length} rules`, remedy: `At most ${STEPS_MAX} can be named.` });
  if (type === 'temporal' || type === 'temporal_ordered') {
    if (rules.length < 2) {
      return wrong(at, {
        message: 'a temporal correlation names at least two rules',
        remedy: 'Name another, or use an event_count.',
      });
    }
    const least = leastOf(bounds, rules.length);
    if (typeof least === 'object') return wrong(conditionAt, least);
    if (least !== undefined) {
      const remedy = 'Take the condition out: then all have to be found.';
      return wrong(conditionAt, { message: 'of what correlations find all has to be there', remedy });
    }
    return { ...keyed(by), together: { rules, within, ...(type === 'temporal_ordered' ? { ordered: true } : {}) } };
  }
  const counted = type === 'event_count' ? countWords(bounds, within) : undefined;
  if (counted?.kind === 'wrong') return wrong(conditionAt, counted);
  const threshold = counted?.words['threshold'];
  const count = isMap(threshold) && threshold['at_most'] === undefined ? threshold['count'] : undefined;
  if (count !== undefined) return { ...keyed(by), together: { rules, count, within } };
  const remedy = 'Of what correlations find, only an event_count with `gte` or `gt`, and temporal ones, can be said.';
  return wrong(at, { message: `\`${type}\` of this form cannot count what correlations find`, remedy });
}

/** The kind's own words, for what counts or measures. */
function wordsOf(correlation: Correlation, members: readonly Member[], wrong: Wrong): PlainRule | undefined {
  const { type, bounds, within, conditionAt, field: named, percentile } = correlation;
  if (type === 'event_count') return taken(countWords(bounds, within), conditionAt, wrong);
  const field = named === undefined ? undefined : fieldOfAll(correlation, members, named, wrong);
  if (field === undefined) return undefined;
  if (type === 'value_count') return taken(valueCountWords(bounds, field, within), conditionAt, wrong);
  const figure = figureOf(type, field, percentile);
  const words = taken(figureWords(bounds), conditionAt, wrong);
  return words === undefined ? undefined : { metric: { ...figure, ...words, within } };
}

function figureOf(type: Correlation['type'], field: string, rank = 50): PlainRule {
  switch (type) {
    case 'value_sum':
      return { sum: field };
    case 'value_avg':
      return { avg: field };
    case 'value_min':
      return { min: field };
    case 'value_max':
      return { max: field };
    case 'value_median':
      return { p50: field };
    default:
      return [50, 90, 95, 99].includes(rank) ? { [`p${rank}`]: field } : { percentile: { rank, field } };
  }
}

function taken(bounded: Bounded, at: number, wrong: Wrong): PlainRule | undefined {
  return bounded.kind === 'wrong' ? wrong(at, bounded) : bounded.words;
}

function groupKeys(correlation: Correlation, members: readonly Member[], wrong: Wrong): Keys {
  for (const alias of correlation.aliases.keys()) {
    if (correlation.groupBy.some(({ text }) => text === alias) || correlation.field?.text === alias) continue;
    wrong(correlation.at, {
      message: `the alias \`${visible(alias)}\` is not used`,
      remedy: 'Name it in `group-by`, or take it out.',
    });
  }
  return members.map((member) =>
    correlation.groupBy.map((field) => fieldOfMember(correlation, member, field, wrong) ?? 'event.id'),
  );
}

/** Where the field stands in the events of a member, its alias looked up. */
function fieldOfMember(correlation: Correlation, member: Member, field: PlacedText, wrong: Wrong): string | undefined {
  const alias = correlation.aliases.get(field.text);
  const named =
    alias === undefined ? field : member.names.map((name) => alias.get(name)).find((one) => one !== undefined);
  const rule = visible(member.named.text);
  if (named === undefined) {
    const remedy = `Add \`${rule}: field\` to the alias.`;
    return wrong(field.at, { message: `the alias \`${visible(field.text)}\` has no field for \`${rule}\``, remedy });
  }
  const isHost = HOSTS.has(named.text.toLowerCase());
  const fieldOfLeaf = (fieldOf: FieldOf): string | undefined =>
    isHost ? 'host.id' : (fieldOf(named.text) ?? ownField(named.text));
  const found = new Set(member.fields.map(fieldOfLeaf));
  const [only] = found;
  if (only !== undefined && found.size === 1) return only;
  const message = `\`${visible(named.text)}\` of \`${rule}\` ${found.size > 1 ? 'stands in different fields here' : 'has no single field here'}`;
  const remedy =
    'Name a field that events have once (docs/coming-from-sigma.md lists them), by our name or by Sigma’s.';
  return wrong(named.at, { message, remedy });
}

/** A field of ours that an event has once. */
function ownField(field: string): string | undefined {
  const known = fieldNamed(field);
  return known?.isArray === false ? known.name : undefined;
}

/** One host is one host, whatever it is called; by its id a key follows that host alone. */
const HOSTS: ReadonlySet<string> = new Set(['computername', 'computer', 'hostname', 'host', 'host.name']);

function hasOneKey(keys: Keys): boolean {
  const [by = []] = keys;
  return keys.every((key) => key.every((field, place) => field === by[place]));
}

function oneKey(correlation: Correlation, keys: Keys, wrong: Wrong): readonly string[] | undefined {
  if (hasOneKey(keys)) return keys[0] ?? [];
  const remedy = 'Over correlations all have to have it in one field; over rules fields may differ.';
  return wrong(placeOfBy(correlation), { message: 'the rules have what is grouped by in different fields', remedy });
}

function fieldOfAll(
  correlation: Correlation,
  members: readonly Member[],
  field: PlacedText,
  wrong: Wrong,
): string | undefined {
  const fields = members.map((member) => fieldOfMember(correlation, member, field, wrong));
  const [first] = fields;
  if (fields.includes(undefined) || first === undefined) return undefined;
  if (fields.every((one) => one === first)) return first;
  const remedy = 'Write one correlation for each rule.';
  return wrong(field.at, { message: `the rules have \`${visible(field.text)}\` in different fields`, remedy });
}

function placeOfBy(correlation: Correlation): number {
  return correlation.groupBy[0]?.at ?? correlation.at;
}

function keyed(by: readonly string[]): PlainRule {
  return by.length === 0 ? {} : { by };
}

function isMap(value: PlainValue | undefined): value is Readonly<Record<string, PlainValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
