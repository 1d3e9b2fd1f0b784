// What a correlation document says: read and checked, not yet joined with the rules that it names.
import { parseDuration } from '../../event/duration.ts';
import { nearest } from '../../event/nearest-name.ts';
import { type Diagnostic, visible } from '../diagnostic.ts';
import { diagnosticAt, type Problem } from '../language/source-text.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { memberOf, type SigmaDocument, textOf, textsOf } from './sigma-document.ts';

const TYPES = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  'value_min',
  'value_max',
] as const;
type CorrelationType = (typeof TYPES)[number];

const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface PlacedText {
  readonly text: string;
  readonly at: number;
}

export interface Correlation {
  readonly document: SigmaDocument;
  /** Of the `correlation` map. */
  readonly at: number;
  readonly type: CorrelationType;
  /** As named: by id or by name. */
  readonly rules: readonly PlacedText[];
  readonly groupBy: readonly PlacedText[];
  /** By alias, then by the rule as it is named there. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, PlacedText>>;
  readonly within: string;
  readonly withinAt: number;
  /** All of them hold; empty of a temporal correlation without a condition. */
  readonly bounds: readonly { readonly operator: Operator; readonly value: number; readonly at: number }[];
  readonly conditionAt: number;
  /** Of a value_… correlation. */
  readonly field: PlacedText | undefined;
  readonly percentile: number | undefined;
  /** True: the rules that it names are rules of their own too. */
  readonly doesGenerate: boolean;
}

const KEYS = ['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate', 'field'];
const RULES_MAX = 100;

/** The correlation, or what is wrong with it. */
export function readCorrelation(document: SigmaDocument): Correlation | readonly Diagnostic[] {
  const { source, root } = document;
  const problems: Diagnostic[] = [];
  const wrong = (at: number, problem: Omit<Problem, 'code'>): undefined => {
    problems.push(diagnosticAt(source, at, { code: 'sigma/correlation', ...problem }));
    return undefined;
  };
  const map = memberOf(root, 'correlation');
  if (map?.kind !== 'map') {
    wrong(map?.at ?? root.at, { message: '`correlation` must be a map', remedy: 'Write type, rules, group-by, …' });
    return problems;
  }
  for (const { key, keyAt } of map.entries) {
    if (KEYS.includes(key)) continue;
    const guess = nearest(key, KEYS);
    const remedy = guess === undefined ? `There are ${KEYS.join(', ')}.` : `Did you mean \`${guess}\`?`;
    wrong(keyAt, { message: `a correlation has no \`${visible(key)}\``, remedy });
  }
  const needed = (key: string, remedy: string): YamlNode | undefined =>
    memberOf(map, key) ?? wrong(map.at, { message: `the correlation needs \`${key}\``, remedy });

  const typeNode = needed('type', `One of ${TYPES.join(', ')}.`);
  const type = TYPES.find((name) => name === textOf(typeNode));
  if (typeNode !== undefined && type === undefined) {
    const message = `\`${visible(textOf(typeNode) ?? '')}\` is no type of correlation`;
    wrong(typeNode.at, { message, remedy: `One of ${TYPES.join(', ')}.` });
  }

  const rulesNode = needed('rules', 'Name the rules by their ids or names.');
  const rules = rulesNode === undefined ? undefined : textsOf(rulesNode);
  if (rulesNode !== undefined && (rules === undefined || rules.length === 0 || rules.length > RULES_MAX)) {
    wrong(rulesNode.at, { message: '`rules` must name rules', remedy: `1 to ${RULES_MAX} ids or names.` });
  }

  const spanNode = needed('timespan', 'Write 30s, 5m, 1h or 7d.');
  const written = textOf(spanNode) ?? '';
  const within = /^[0-9]+[smhd]$/.test(written) ? parseDuration(written) : undefined;
  if (spanNode !== undefined && (within === undefined || within === 0)) {
    const remedy = 'A whole number and s, m, h or d; months and years differ in length and are not taken.';
    wrong(spanNode.at, { message: `\`${visible(written)}\` is no timespan`, remedy });
  }

  const groupNode = memberOf(map, 'group-by');
  const groupBy = groupNode === undefined ? [] : textsOf(groupNode);
  if (groupBy === undefined)
    wrong(groupNode?.at ?? map.at, { message: '`group-by` must name fields', remedy: 'Write a list of fields.' });

  const aliases = readAliases(memberOf(map, 'aliases'), wrong);
  const generateNode = memberOf(map, 'generate') ?? memberOf(root, 'generate');
  const generate = generateNode?.kind === 'scalar' ? generateNode.value : undefined;
  if (generateNode !== undefined && typeof generate !== 'boolean')
    wrong(generateNode.at, { message: '`generate` must be true or false', remedy: 'Write true or false.' });

  const conditionNode = memberOf(map, 'condition');
  const condition = readCorrelationCondition(conditionNode, { type, rules: rules ?? [], wrong });
  const fieldNode = memberOf(conditionNode, 'field') ?? memberOf(map, 'field');
  const field = readField(fieldNode, { type, at: map.at, wrong });
  if (conditionNode === undefined && type !== undefined && !type.startsWith('temporal'))
    wrong(map.at, { message: 'the correlation needs `condition`', remedy: 'Write `condition: { gte: 10 }`.' });

  if (problems.length > 0 || type === undefined || rules === undefined || groupBy === undefined) return problems;
  return {
    document,
    at: map.at,
    type,
    rules,
    groupBy,
    aliases,
    within: written,
    withinAt: spanNode?.at ?? map.at,
    bounds: condition.bounds,
    conditionAt: conditionNode?.at ?? map.at,
    field,
    percentile: condition.percentile,
    doesGenerate: generate === true,
  };
}

type Wrong = (at: number, problem: Omit<Problem, 'code'>) => undefined;

function readAliases(node: YamlNode | undefined, wrong: Wrong): Correlation['aliases'] {
  const aliases = new Map<string, ReadonlyMap<string, PlacedText>>();
  if (node === undefined) return aliases;
  const remedy = 'Write `alias: { rule name: field, … }`.';
  if (node.kind !== 'map') {
    wrong(node.at, { message: '`aliases` must be a map', remedy });
    return aliases;
  }
  for (const { key, value } of node.entries) {
    if (value.kind !== 'map') {
      wrong(value.at, { message: 'an alias says which field it is in which rule', remedy });
      continue;
    }
    const fields = value.entries.map(
      ({ key: rule, value: of }) => [rule, { text: textOf(of) ?? '', at: of.at }] as const,
    );
    for (const [, { text, at }] of fields) if (text === '') wrong(at, { message: 'this must name a field', remedy });
    aliases.set(key, new Map(fields));
  }
  return aliases;
}

interface ReadCondition {
  readonly bounds: Correlation['bounds'];
  readonly percentile: number | undefined;
}

function readCorrelationCondition(
  node: YamlNode | undefined,
  { type, rules, wrong }: { type: CorrelationType | undefined; rules: readonly PlacedText[]; wrong: Wrong },
): ReadCondition {
  const none = { bounds: [], percentile: undefined };
  if (node === undefined) return none;
  if (node.kind === 'scalar' && type?.startsWith('temporal') === true) {
    const words = (textOf(node) ?? '').split(/\s+and\s+/i).map((word) => word.trim());
    const isAll = words.length === rules.length && rules.every(({ text }) => words.includes(text));
    if (!isAll) {
      const remedy =
        'Name all the rules with `and` between them, leave it out, or write `{ gte: 2 }` for so many of them.';
      wrong(node.at, { message: 'a condition of this form has no counterpart here', remedy });
    }
    return none;
  }
  if (node.kind !== 'map') {
    wrong(node.at, { message: '`condition` must be a map', remedy: 'Write `condition: { gte: 10 }`.' });
    return none;
  }
  const bounds: { operator: Operator; value: number; at: number }[] = [];
  let percentile: number | undefined;
  for (const { key, keyAt, value } of node.entries) {
    const number = value.kind === 'scalar' && typeof value.value === 'number' ? value.value : undefined;
    const operator = OPERATORS.find((name) => name === key);
    if (key === 'field') continue;
    if (operator === undefined && key !== 'percentile') {
      wrong(keyAt, {
        message: `\`${visible(key)}\` is no condition of a correlation`,
        remedy: `There are ${OPERATORS.join(', ')}.`,
      });
    } else if (number === undefined || !Number.isFinite(number)) {
      wrong(value.at, { message: 'this must be a number', remedy: 'Write `gte: 10`.' });
    } else if (operator === undefined) percentile = number;
    else bounds.push({ operator, value: number, at: keyAt });
  }
  if (bounds.length === 0 && type?.startsWith('temporal') !== true)
    wrong(node.at, { message: 'the condition has no bound', remedy: `Write one of ${OPERATORS.join(', ')}.` });
  if (type === 'value_percentile' && percentile === undefined) {
    const remedy = 'Write `percentile: 95` into the condition, or use `value_median`.';
    wrong(node.at, { message: 'which percentile is not said', remedy });
  }
  return { bounds, percentile };
}

function readField(
  node: YamlNode | undefined,
  { type, at, wrong }: { type: CorrelationType | undefined; at: number; wrong: Wrong },
): PlacedText | undefined {
  const isNeeded = type?.startsWith('value_') === true;
  if (node === undefined) {
    if (isNeeded)
      wrong(at, { message: `\`${type}\` needs a \`field\``, remedy: 'Write `condition: { field: User, gte: 10 }`.' });
    return undefined;
  }
  const fields = textsOf(node);
  const [field, second] = fields ?? [];
  if (field === undefined || second !== undefined) {
    const remedy = 'Name one field. Values of several fields together cannot be counted.';
    return wrong(node.at, { message: 'this must be one field', remedy });
  }
  return field;
}
