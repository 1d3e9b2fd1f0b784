// Lints of a whole rule: what is allowed and yet seldom meant. All are warnings; the rule works. `vedette-lint: off CODE reason` in a
// comment of the rule switches one off.
import type { Expression } from '../expression/syntax.ts';
import { offsetInFile } from '../language/expression-place.ts';
import { type Placed, type Reading, report } from '../language/readers.ts';
import type { RuleKeys } from '../language/rule-keys.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import type { Necessary } from '../necessary.ts';
import { lintExceptions } from './exceptions.ts';
import { lintExpression } from './expression-lints.ts';
import { lintGrouping } from './grouping.ts';
import { lintKind } from './kind-words.ts';
import { lintFields } from './named-fields.ts';
import { lintIndex } from './no-index.ts';
import { lintMitre, lintTests } from './readers-words.ts';
import { leaveOutSwitchedOff } from './switched-off.ts';

export interface LintInput {
  readonly values: Partial<RuleKeys>;
  readonly root: YamlNode;
  /** Undefined when it did not parse. */
  readonly match: Expression | undefined;
  /** What must hold of an event before `match` is true of it; undefined when nothing is known. */
  readonly necessary: Necessary | undefined;
  /** The exceptions' expressions in their order. */
  readonly exceptions: readonly (Expression | undefined)[];
  /** All further expressions of the rule: steps, `until`, `of`. */
  readonly others?: readonly { readonly text: Placed<string>; readonly expression: Expression }[];
  /** Undefined: expired exceptions are not looked for. */
  readonly nowMs: number | undefined;
}

export type Lint = (input: LintInput, reading: Reading) => void;

const LINTS: readonly Lint[] = [
  lintExpressions,
  lintIndex,
  lintFields,
  lintKind,
  lintGrouping,
  lintExceptions,
  lintMitre,
  lintTests,
];

export function lintRule(input: LintInput, reading: Reading): void {
  const before = reading.diagnostics.length;
  for (const lint of LINTS) lint(input, reading);
  leaveOutSwitchedOff(input.root, reading, before);
}

function lintExpressions({ values, match, exceptions, others = [] }: LintInput, reading: Reading): void {
  const expressions = [
    { text: values.match, expression: match },
    ...exceptions.map((expression, index) => ({ text: values.except?.[index]?.value.match, expression })),
    ...others,
  ];
  for (const { text, expression } of expressions) {
    if (text === undefined || expression === undefined) continue;
    for (const { at, ...trap } of lintExpression(expression)) {
      report(reading, offsetInFile(reading.source, text.node, at), { ...trap, severity: 'warning' });
    }
  }
}
