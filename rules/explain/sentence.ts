// A rule in one English sentence, made of its checked tree, for lists, alerts and documentation. It says what the rule says, at most
// so long; what has no words of its own stands in backquotes as it was written.
import { formatDuration } from '../../event/duration.ts';
import { type Expression, plainField } from '../expression/syntax.ts';
import type { KindOf, Metric, RuleKind } from '../kind.ts';
import type { Rule } from '../rule.ts';
import { logicParts } from './clauses.ts';
import { expressionText } from './expression-text.ts';
import type { RuleTrees } from './rule-trees.ts';

/** A longer sentence is cut. */
const SENTENCE_LENGTH_MAX = 600;
const VALUES_SHOWN = 4;
const REGEX_LENGTH_MAX = 48;

/** `Alerts on an event where …, except where …; one alert an hour for each host.id.` */
export function ruleSentence(rule: Pick<Rule, 'kind' | 'by' | 'alert'>, trees: RuleTrees): string {
  const except =
    trees.exceptions.length === 0
      ? ''
      : `, except where ${trees.exceptions.map((tree) => phraseOf(tree)).join(' or where ')}`;
  const sentence = `Alerts ${kindPhrase(rule, trees)}${except}${suppressionPhrase(rule.alert.suppress)}${groupingPhrase(rule.alert.group)}.`;
  return sentence.length <= SENTENCE_LENGTH_MAX ? sentence : `${sentence.slice(0, SENTENCE_LENGTH_MAX - 1)}…`;
}

function suppressionPhrase(suppress: Rule['alert']['suppress']): string {
  if (suppress === undefined) return '';
  const key = suppress.by.length === 0 ? '' : ` for each ${listed(suppress.by, 'and')}`;
  const grow = suppress.growMs === undefined ? '' : `, growing to ${formatDuration(suppress.growMs)}`;
  return `; one alert in ${formatDuration(suppress.forMs)}${key}${grow}`;
}

function groupingPhrase(group: Rule['alert']['group']): string {
  if (group === undefined) return '';
  const { span, by, sendsFirst } = group;
  const per = by.length === 0 ? '' : ` for each ${listed(by, 'and')}`;
  const when = span.kind === 'for' ? `in ${formatDuration(span.forMs)}` : `by the schedule ${span.schedule.text} (UTC)`;
  return `; ${sendsFirst ? 'the first is sent at once, the others in one message' : 'one message'} ${when}${per}`;
}

function spikeLeast({ atLeast, restart }: KindOf<'spike'>): string {
  if (restart === undefined) return atLeast > 1 ? `, where the greater has ${atLeast}` : '';
  const { nowAtLeast, beforeAtLeast } = restart;
  const now = nowAtLeast > 1 ? [`now at least ${nowAtLeast}`] : [];
  const before = beforeAtLeast > 1 ? [`before at least ${beforeAtLeast}`] : [];
  return [...now, ...before].map((least) => `, ${least}`).join('');
}

function kindPhrase({ kind, by }: Pick<Rule, 'kind' | 'by'>, trees: RuleTrees): string {
  const where = trees.match === undefined ? '' : ` where ${phraseOf(trees.match)}`;
  const per = by.length === 0 ? '' : ` for one ${listed(by, 'and')}`;
  const hasCases = kind.kind !== 'sequence' && kind.kind !== 'combination' && trees.steps.length > 0;
  const cases = hasCases
    ? `${where === '' ? ' where' : ', and'} ${trees.steps.map((tree) => phraseOf(tree)).join(' or where ')}`
    : '';
  const events = `events${where}${cases}`;
  switch (kind.kind) {
    case 'single':
      return `on an event${where}`;
    case 'threshold':
      return `when ${kind.atMost === undefined ? `${kind.count} or more` : countPhrase(kind.count, kind.atMost)} ${events} come${per} within ${formatDuration(kind.withinMs)}`;
    case 'distinct':
      return `when ${boundsPhrase(kind)} different values of ${kind.field} come${per} within ${formatDuration(kind.withinMs)}, in ${events}`;
    case 'new_value':
      return `when ${listed(kind.fields, 'and')} has a value${per} that it has not had for ${formatDuration(kind.rememberMs)}, in ${events}`;
    case 'change':
      return `when ${listed(kind.fields, 'and')} changes${per}${kind.withinMs === undefined ? '' : ` within ${formatDuration(kind.withinMs)}`}, in ${events}`;
    case 'spike':
      return `when ${kind.metric === undefined ? `the number of ${events}` : `${metricPhrase(kind.metric)} of ${events}`} ${SPIKES[kind.direction]} ${kind.factor} times that of the ${formatDuration(kind.withinMs)} before${per}${spikeLeast(kind)}${kind.restart === undefined ? '' : `, judged anew after each, every ${formatDuration(kind.restart.everyMs)} too`}`;
    case 'absence':
      return kind.fewerThan === 1
        ? `when no event${where} comes${per} for ${formatDuration(kind.withinMs)}`
        : `when fewer than ${kind.fewerThan} ${events} come${per} within ${formatDuration(kind.withinMs)}`;
    case 'ratio': {
      const of = trees.of === undefined ? 'some' : `those where ${phraseOf(trees.of)}`;
      return `when the share of ${of} is ${boundsPhrase(kind)} among at least ${kind.atLeast} ${events}${per} within ${formatDuration(kind.withinMs)}`;
    }
    case 'metric':
      return `when ${metricPhrase(kind.metric)} is ${boundsPhrase(kind)}${per} within ${formatDuration(kind.withinMs)}, over ${kind.atLeast > 1 ? `at least ${kind.atLeast} ` : ''}${events}`;
    case 'sequence':
      return `when within ${formatDuration(kind.withinMs)}${per} ${stepsPhrase(kind, trees)}${trees.match === undefined ? '' : `, all${where}`}`;
    case 'combination':
      return `when within ${formatDuration(kind.withinMs)}${per} ${kind.atLeast < kind.steps.length ? `${kind.atLeast} of these come` : 'these come'} in any order: ${combinedPhrase(kind, trees)}${trees.match === undefined ? '' : `, all${where}`}`;
    case 'together':
      if (kind.count !== undefined)
        return `when the ${kind.rules.length === 1 ? 'rule' : 'rules'} ${listed(kind.rules, 'or')} alert ${kind.count} times or more${per} within ${formatDuration(kind.withinMs)}`;
      return `when the rules ${listed(kind.rules, 'and')} all alert${per} within ${formatDuration(kind.withinMs)}${kind.isOrdered ? ', in this order' : ''}`;
  }
}

const SPIKES = {
  up: 'reaches',
  down: 'falls to less than one part in',
  both: 'reaches, or falls to less than one part in,',
} as const satisfies Record<Extract<RuleKind, { kind: 'spike' }>['direction'], string>;

function stepsPhrase(kind: Extract<RuleKind, { kind: 'sequence' }>, trees: RuleTrees): string {
  const steps = kind.steps.map((step, at) => {
    const tree = trees.steps[at];
    const where = tree === undefined ? 'an event' : `an event where ${phraseOf(tree)}`;
    return step.isAbsent ? `without ${where}` : where;
  });
  const until = trees.until === undefined ? '' : `, until an event where ${phraseOf(trees.until)}`;
  return `these come in order: ${numbered(steps).join(', ')}${until}`;
}

function combinedPhrase(kind: Extract<RuleKind, { kind: 'combination' }>, trees: RuleTrees): string {
  const phrases = kind.steps.map((_, at) => {
    const tree = trees.steps[at];
    return tree === undefined ? 'an event' : `an event where ${phraseOf(tree)}`;
  });
  return numbered(phrases).join(', ');
}

function countPhrase(least: number, most: number): string {
  return least === most ? `exactly ${least}` : `${least} to ${most}`;
}

/** `(1) a, (2) b`; what comes several times running is said once: `(1 to 5) 5 times a`. */
function numbered(steps: readonly string[]): readonly string[] {
  const runs: { step: string; from: number; to: number }[] = [];
  for (const [at, step] of steps.entries()) {
    const last = runs.at(-1);
    if (last?.step === step) last.to = at + 1;
    else runs.push({ step, from: at + 1, to: at + 1 });
  }
  return runs.map(({ step, from, to }) =>
    from === to ? `(${from}) ${step}` : `(${from} to ${to}) ${to - from + 1} times ${step}`,
  );
}

function metricPhrase({ aggregate, field }: Metric): string {
  const of = field === undefined ? '' : ` of ${field}`;
  if (typeof aggregate === 'object') return `the ${aggregate.percentile}th percentile${of}`;
  return `the ${METRICS[aggregate]}${of}`;
}

const METRICS = {
  avg: 'average',
  sum: 'sum',
  min: 'least',
  max: 'greatest',
  count: 'number',
  distinct: 'number of different values',
} as const;

function boundsPhrase(kind: Extract<RuleKind, { kind: 'distinct' | 'ratio' | 'metric' }>): string {
  const { above, below } = kind;
  const [from, to] = kind.kind === 'metric' ? [kind.from, kind.to] : [undefined, undefined];
  const range = [from === undefined ? '' : `at least ${from}`, to === undefined ? '' : `at most ${to}`];
  const bounds = [above === undefined ? '' : `more than ${above}`, below === undefined ? '' : `less than ${below}`];
  const isBetween = kind.kind === 'distinct' && above !== undefined && below !== undefined;
  const joined = (phrases: readonly string[], word: string): string =>
    phrases.filter((phrase) => phrase !== '').join(word);
  return joined([joined(range, ' and '), joined(bounds, isBetween ? ' and ' : ' or ')], ' or ');
}

/** What the expression says of an event: `process.name is "nc"`. */
function phraseOf(expression: Expression, isNegated = false): string {
  if (expression.kind === 'block' && expression.body.length === 1 && expression.body[0] !== undefined) {
    const inner = phraseOf(expression.body[0], isNegated);
    return logicParts(expression.body[0]) === undefined ? inner : `(${inner})`;
  }
  const parts = logicParts(expression);
  if (parts?.kind === 'not') return parts.of.map((part) => `not (${phraseOf(part, isNegated)})`).join('');
  if (parts !== undefined) {
    // Of "not (a and b)" the parts are "not a", "not b", either of which is enough.
    const isAll = (parts.kind === 'all') !== isNegated;
    const phrases = parts.of.map((part) => inParentheses(part, phraseOf(part, isNegated), isAll));
    return phrases.join(isAll ? ' and ' : ' or ');
  }
  return clausePhrase(expression, isNegated);
}

function inParentheses(part: Expression, phrase: string, isAll: boolean): string {
  const inner = logicParts(part);
  return inner === undefined || (inner.kind === 'all') === isAll ? phrase : `(${phrase})`;
}

function clausePhrase(expression: Expression, isNegated: boolean): string {
  const phrase =
    expression.kind === 'compare'
      ? comparePhrase(expression, isNegated)
      : expression.kind === 'in'
        ? inPhrase(expression, isNegated)
        : expression.kind === 'call'
          ? callPhrase(expression, isNegated)
          : undefined;
  if (phrase !== undefined) return phrase;
  if (expression.kind === 'macro') return isNegated ? `$${expression.name} does not hold` : `$${expression.name} holds`;
  return `\`${expressionText(expression)}\`${isNegated ? ' is not true' : ''}`;
}

const ORDERS = {
  '<': ['is below', 'is not below'],
  '<=': ['is at most', 'is above'],
  '>': ['is above', 'is not above'],
  '>=': ['is at least', 'is below'],
} as const;

function comparePhrase(expression: Expression & { readonly kind: 'compare' }, isNegated: boolean): string | undefined {
  const { operator } = expression;
  const [left, right] = [subjectOf(expression.left), valuePhrase(expression.right)];
  if (left === undefined || right === undefined) return undefined;
  if (operator === '=') return `${left} is ${isNegated ? 'not ' : ''}${right}`;
  if (operator === '!=') return `${left} is ${isNegated ? '' : 'not '}${right}`;
  return `${left} ${ORDERS[operator][isNegated ? 1 : 0]} ${right}`;
}

function inPhrase(expression: Expression & { readonly kind: 'in' }, isNegated: boolean): string | undefined {
  const subject = subjectOf(expression.left);
  const values = valuesPhrase([expression.right]);
  if (subject !== undefined && values !== undefined) return `${subject} is ${isNegated ? 'not ' : ''}${values}`;
  const within = subjectOf(expression.right);
  const value = valuePhrase(expression.left);
  return within === undefined || value === undefined
    ? undefined
    : `${within} ${isNegated ? 'has not' : 'has'} ${value}`;
}

/** Words for `$name(field, values…)`, and their negation. */
const CALLS: Readonly<Record<string, readonly [string, string]>> = {
  is: ['is', 'is not'],
  contains: ['contains', 'does not contain'],
  matches: ['matches', 'does not match'],
  glob: ['fits', 'does not fit'],
  like: ['fits', 'does not fit'],
  startswith: ['begins with', 'does not begin with'],
  endswith: ['ends with', 'does not end with'],
  cidr: ['is within', 'is not within'],
  descends_from: ['descends from', 'does not descend from'],
};

function callPhrase(expression: Expression & { readonly kind: 'call' }, isNegated: boolean): string | undefined {
  const [first, ...rest] = expression.args;
  if (first === undefined) return undefined;
  if (expression.name === 'not') return phraseOf(first, !isNegated);
  if (expression.name === 'boolean') return phraseOf(first, isNegated);
  const subject = subjectOf(first);
  if (subject === undefined) return undefined;
  if (expression.name === 'exists') return `${subject} is ${isNegated ? 'missing' : 'there'}`;
  if (expression.name === 'has') return `${subject} is ${isNegated ? 'missing or empty' : 'there'}`;
  const words = CALLS[expression.name];
  const values = valuesPhrase(rest);
  return words === undefined || values === undefined ? undefined : `${subject} ${words[isNegated ? 1 : 0]} ${values}`;
}

/** What is spoken of: a field, or something made of fields. */
function subjectOf(expression: Expression): string | undefined {
  const field = plainField(expression);
  if (field !== undefined) return field;
  const joined = joinedField(expression);
  if (joined !== undefined) return `the line of ${joined}`;
  if (expression.kind === 'array') {
    const subjects = expression.items.map(subjectOf);
    return subjects.every((subject) => subject !== undefined) ? listed(subjects, 'or') : undefined;
  }
  return ['path', 'filter', 'call', 'arithmetic', 'concatenation'].includes(expression.kind)
    ? `\`${expressionText(expression)}\``
    : undefined;
}

/** `$join(process.args, " ")`. */
function joinedField(expression: Expression): string | undefined {
  if (expression.kind !== 'call' || expression.name !== 'join') return undefined;
  const [first, second] = expression.args;
  const isBySpace = second?.kind === 'literal' && second.value === ' ';
  return first === undefined || !isBySpace ? undefined : plainField(first);
}

function valuePhrase(expression: Expression): string | undefined {
  return expression.kind === 'literal'
    ? JSON.stringify(expression.value)
    : (valuesPhrase([expression]) ?? subjectOf(expression));
}

/** `"a", "b" or one of $shells`; undefined where they are not written out. */
function valuesPhrase(expressions: readonly Expression[]): string | undefined {
  const phrases: string[] = [];
  for (const expression of expressions.flatMap((one) => (one.kind === 'array' ? one.items : [one]))) {
    if (expression.kind === 'literal') phrases.push(JSON.stringify(expression.value));
    else if (expression.kind === 'list') phrases.push(`one of $${expression.name}`);
    else if (expression.kind === 'regex') phrases.push(regexPhrase(expression.source, expression.flags));
    else return undefined;
  }
  if (phrases.length === 0) return 'one of none';
  const rest = phrases.length - VALUES_SHOWN;
  return rest <= 1 ? listed(phrases, 'or') : `${phrases.slice(0, VALUES_SHOWN).join(', ')} or ${rest} others`;
}

function regexPhrase(source: string, flags: string): string {
  const cut = source.length > REGEX_LENGTH_MAX ? `${source.slice(0, REGEX_LENGTH_MAX)}…` : source;
  return `/${cut}/${flags}`;
}

function listed(words: readonly string[], conjunction: 'and' | 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length <= 1 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}
