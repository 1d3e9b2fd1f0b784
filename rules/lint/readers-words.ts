// What a rule owes its readers: ids of ATT&CK that exist in form, and tests of both signs.
import { report } from '../language/readers.ts';
import type { Lint } from './lint-rule.ts';

export const lintMitre: Lint = ({ values }, reading) => {
  for (const { value, node } of values.mitre ?? []) {
    if (/^(T[0-9]{4}(\.[0-9]{3})?|TA[0-9]{4})$/.test(value)) continue;
    report(reading, node.at, {
      code: 'rule/mitre',
      severity: 'warning',
      message: 'this is no MITRE ATT&CK id',
      remedy: 'Write a technique such as T1059 or T1059.004, or a tactic such as TA0002.',
    });
  }
};

export const lintTests: Lint = ({ values, root }, reading) => {
  // A rule with mistakes is not whole yet, and tests that could not be read may well be there.
  if (reading.diagnostics.some(({ severity }) => severity === 'error')) return;
  const tests = values.tests ?? [];
  const lacks = [
    ...(tests.some((test) => test.value.alerts > 0) ? [] : ['an event that must alert']),
    ...(tests.some((test) => test.value.alerts === 0) ? [] : ['a near miss that must not (`alerts: 0`)']),
  ];
  if (lacks.length === 0) return;
  report(reading, root.at, {
    code: 'rule/tests',
    severity: 'warning',
    message: `\`tests\` lacks ${lacks.join(' and ')}`,
    remedy: 'A rule without both may alert on nothing, or on everything.',
  });
};
