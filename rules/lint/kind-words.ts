// The words of rules on many events: fields that nobody writes, figures of what is no number, a lateness that nothing waits for.
import { fieldNamed } from '../../event/catalogue.ts';
import type { MeasureKeys } from '../language/kind-keys.ts';
import { type Placed, report } from '../language/readers.ts';
import type { RuleKeys } from '../language/rule-keys.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import type { Lint } from './lint-rule.ts';

export const lintKind: Lint = ({ values, root }, reading) => {
  for (const { value, node } of numberFields(values)) {
    const type = fieldNamed(value)?.type;
    if (type === undefined || type === 'long' || type === 'flattened') continue;
    report(reading, node.at, {
      code: 'rule/no-number',
      severity: 'warning',
      message: `\`${value}\` is no number: there is nothing to measure`,
      remedy: 'Name a field that holds numbers; `distinct` and `count` take any.',
    });
  }
  if (values.lateness === undefined || !keysOf(values).every((key) => key.some(({ value }) => value === 'host.id')))
    return;
  report(reading, keyAt(root, 'lateness'), {
    code: 'rule/lateness-unused',
    severity: 'warning',
    message: '`lateness` has no effect: the key holds `host.id`, so no other host is waited for',
    remedy: 'Remove it.',
  });
};

/** Fields that the words of kinds name. */
export function fieldsOfKind(values: Partial<RuleKeys>): readonly Placed<string>[] {
  const { distinct, new_value: newValue, change, metric, spike, sequence, combination, cases } = values;
  return [
    ...(distinct?.value.field === undefined ? [] : [distinct.value.field]),
    ...(newValue?.value.fields ?? []),
    ...(change?.value.fields ?? []),
    ...[metric, spike]
      .flatMap((measured) => [measured?.value.count, measured?.value.distinct])
      .filter((one) => one !== undefined),
    ...numberFields(values),
    ...(sequence?.value.steps ?? combination?.value.steps ?? cases ?? []).flatMap(({ value }) => value.by ?? []),
  ];
}

const NUMBERS = [
  'avg',
  'sum',
  'min',
  'max',
  'p50',
  'p90',
  'p95',
  'p99',
] as const satisfies readonly (keyof MeasureKeys)[];

function numberFields({ metric, spike }: Partial<RuleKeys>): readonly Placed<string>[] {
  return [metric?.value, spike?.value].flatMap((measured) =>
    [...NUMBERS.map((name) => measured?.[name]), measured?.percentile?.field].filter((one) => one !== undefined),
  );
}

/** The rule's key, and those of steps that have their own. */
function keysOf({
  by = [],
  sequence,
  combination,
  cases = [],
}: Partial<RuleKeys>): readonly (readonly Placed<string>[])[] {
  const steps = sequence?.value.steps ?? combination?.value.steps ?? cases;
  return [by, ...steps.flatMap(({ value }) => (value.by === undefined ? [] : [value.by]))];
}

function keyAt(root: YamlNode, name: string): number {
  const entry = root.kind === 'map' ? root.entries.find(({ key }) => key === name) : undefined;
  return entry?.keyAt ?? root.at;
}
