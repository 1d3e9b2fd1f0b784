// Lints of a whole rule: what is allowed and yet seldom meant. All are warnings; the rule works.
import { necessaryClause } from '../expression/necessary.ts';
import type { Expression } from '../expression/syntax.ts';
import { findTraps, unknownField } from '../expression/traps.ts';
import { offsetInFile } from './expression-place.ts';
import { type Placed, type Reading, report } from './readers.ts';
import type { RuleKeys } from './rule-keys.ts';
import { titleFields } from './title-template.ts';
import type { YamlNode } from './yaml-tree.ts';

export interface LintInput {
  readonly values: Partial<RuleKeys>;
  readonly root: YamlNode;
  /** Undefined when it did not parse. */
  readonly match: Expression | undefined;
  /** The exceptions' expressions in their order. */
  readonly exceptions: readonly (Expression | undefined)[];
  /** Undefined: expired exceptions are not looked for. */
  readonly nowMs: number | undefined;
}

type Lint = (input: LintInput, reading: Reading) => void;

const LINTS: readonly Lint[] = [lintTraps, lintIndex, lintFields, lintExceptions, lintMitre, lintTests];

export function lintRule(input: LintInput, reading: Reading): void {
  for (const lint of LINTS) lint(input, reading);
}

function warn(reading: Reading, at: number, problem: { code: string; message: string; remedy: string }): void {
  report(reading, at, { ...problem, severity: 'warning' });
}

function lintTraps({ values, match, exceptions }: LintInput, reading: Reading): void {
  const expressions = [
    { text: values.match, expression: match },
    ...exceptions.map((expression, index) => ({ text: values.except?.[index]?.value.match, expression })),
  ];
  for (const { text, expression } of expressions) {
    if (text === undefined || expression === undefined) continue;
    for (const trap of findTraps(expression)) warn(reading, offsetInFile(reading.source, text.node, trap.at), trap);
  }
}

function lintIndex({ values, match }: LintInput, reading: Reading): void {
  if (match === undefined || values.match === undefined || necessaryClause(match) !== undefined) return;
  warn(reading, values.match.node.at, {
    code: 'rule/not-indexed',
    message: 'nothing in `match` lets the engine skip events: the rule is evaluated on every one',
    remedy: 'Add a clause such as event.action = "executed" and …, or process.name in $list and ….',
  });
}

function lintFields({ values }: LintInput, reading: Reading): void {
  const title = values.alert?.title;
  const inTitle =
    title === undefined
      ? []
      : titleFields(title.value)
          .filter(({ field }) => !/[^A-Za-z0-9@_.-]/.test(field))
          .map(({ field, at }) => ({ field, at: offsetInFile(reading.source, title.node, at) }));
  const placed: readonly Placed<string>[] = [
    ...(values.by ?? []),
    ...(values.alert?.include ?? []),
    ...(values.alert?.suppress?.by ?? []),
  ];
  for (const { field, at } of [...inTitle, ...placed.map(({ value, node }) => ({ field: value, at: node.at }))]) {
    const unknown = unknownField(field);
    if (unknown !== undefined) warn(reading, at, { code: 'rule/unknown-field', ...unknown });
  }
}

function lintExceptions({ values, nowMs }: LintInput, reading: Reading): void {
  for (const { value, node } of values.except ?? []) {
    for (const key of ['reason', 'owner', 'expires'] as const) {
      if (value[key] !== undefined) continue;
      const message = `the exception has no \`${key}\``;
      warn(reading, node.at, {
        code: 'rule/exception',
        message,
        remedy: 'Exceptions have a reason, an owner and an end, or nobody dares to remove them.',
      });
    }
    if (nowMs === undefined || value.expires === undefined || value.expires > nowMs) continue;
    const message = `the exception expired on ${new Date(value.expires).toISOString().slice(0, 10)}`;
    warn(reading, node.at, { code: 'rule/exception-expired', message, remedy: 'Remove it, or give it a new end.' });
  }
}

function lintMitre({ values }: LintInput, reading: Reading): void {
  for (const { value, node } of values.mitre ?? []) {
    if (/^(T[0-9]{4}(\.[0-9]{3})?|TA[0-9]{4})$/.test(value)) continue;
    const message = 'this is no MITRE ATT&CK id';
    warn(reading, node.at, {
      code: 'rule/mitre',
      message,
      remedy: 'Write a technique such as T1059 or T1059.004, or a tactic such as TA0002.',
    });
  }
}

function lintTests({ values, root }: LintInput, reading: Reading): void {
  const tests = values.tests ?? [];
  const lacks = [
    ...(tests.some((test) => test.value.alerts > 0) ? [] : ['an event that must alert']),
    ...(tests.some((test) => test.value.alerts === 0) ? [] : ['a near miss that must not (`alerts: 0`)']),
  ];
  if (lacks.length === 0) return;
  const message = `\`tests\` lacks ${lacks.join(' and ')}`;
  warn(reading, root.at, {
    code: 'rule/tests',
    message,
    remedy: 'A rule without both may alert on nothing, or on everything.',
  });
}
