// Fields that a rule names outside its expressions: those of keys, titles and messages.
import { fieldNamed } from '../../event/catalogue.ts';
import { FIGURES } from '../kind.ts';
import { offsetInFile } from '../language/expression-place.ts';
import { type Placed, report } from '../language/readers.ts';
import { titleFields } from '../language/title-template.ts';
import { fieldsOfKind } from './kind-words.ts';
import type { Lint } from './lint-rule.ts';
import { unknownField } from './unknown-field.ts';

/** Of these hardly two events have the same value: a key of them joins nothing. */
const ALWAYS_NEW: ReadonlySet<string> = new Set([
  ...[
    '@timestamp',
    'event.created',
    'event.ingested',
    'event.sequence',
    'event.original',
    'vedette.position',
    'message',
  ],
]);

/** Of whatever kind: no field has such a name. */
const ALL_FIGURES: ReadonlySet<string> = new Set(Object.values(FIGURES).flat());

export const lintFields: Lint = ({ values }, reading) => {
  const title = values.alert?.title;
  const inTitle =
    title === undefined
      ? []
      : titleFields(title.value)
          .filter(({ field }) => !/[^A-Za-z0-9@_.-]/.test(field))
          .map(({ field, at }) => ({ field, at: offsetInFile(reading.source, title.node, at) }));
  const keys: readonly Placed<string>[] = [
    ...(values.by ?? []),
    ...(values.alert?.suppress?.by ?? []),
    ...(values.alert?.group?.by ?? []),
  ];
  const named = [
    ...keys,
    ...fieldsOfKind(values),
    ...(values.alert?.include ?? []),
    ...(values.alert?.group?.table ?? []),
  ].map(placed);
  const figures = new Set(
    Object.entries(FIGURES).flatMap(([kind, names]) => (Object.hasOwn(values, kind) ? names : [])),
  );
  for (const { field, at } of [...inTitle, ...(values.alert?.include ?? []).map(placed)]) {
    if (figures.has(field) || !ALL_FIGURES.has(field)) continue;
    const kinds = Object.entries(FIGURES).flatMap(([kind, names]) => (names.includes(field) ? [kind] : []));
    report(reading, at, {
      code: 'rule/no-figure',
      severity: 'warning',
      message: `\`${field}\` is a figure of ${kinds.join(', ')}, and this rule has none: nothing is shown there`,
      remedy: 'Name a field of the event, or say how many are asked for, such as `threshold`.',
    });
  }
  for (const { field, at } of [...inTitle, ...named]) {
    if (ALL_FIGURES.has(field)) continue;
    const unknown = unknownField(field);
    if (unknown !== undefined) report(reading, at, { code: 'rule/unknown-field', severity: 'warning', ...unknown });
    else if (fieldNamed(field) === undefined) {
      const message = `\`${field}\` is no field but an object of fields`;
      report(reading, at, {
        code: 'rule/object-field',
        severity: 'warning',
        message,
        remedy: `Name a field in it, such as ${field}.name.`,
      });
    }
  }
  for (const { value, node } of keys) {
    if (!ALWAYS_NEW.has(value)) continue;
    const message = `\`${value}\` is another with nearly every event: as a key it joins nothing`;
    report(reading, node.at, {
      code: 'rule/key-never-same',
      severity: 'warning',
      message,
      remedy: 'Name what stays the same: host.id, user.name.',
    });
  }
};

function placed({ value, node }: Placed<string>): { readonly field: string; readonly at: number } {
  return { field: value, at: node.at };
}
