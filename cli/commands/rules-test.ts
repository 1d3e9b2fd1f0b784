// `vedette rules test`: each rule's own tests through the very engine that runs live.
import type { RuleTestResult } from '../../backtest/rule-tests.ts';
import { formatDiagnostic, visible } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import { type Command, printJson } from '../command.ts';
import { CONFIG_OPTIONS } from '../config.ts';
import { EXIT } from '../failure.ts';
import { readAskedRules } from '../rule-paths.ts';
import { counted } from '../table.ts';

const PATHS_MAX = 1000;

export const rulesTest: Command = {
  name: 'rules test',
  synopsis: '[PATH…]',
  description:
    'Runs the tests that stand in the rules: events in, alerts counted. Without PATH: all rules that the configuration names. Needs no server. Exit code 1 when a test fails or a file is broken.',
  positionals: { least: 0, most: PATHS_MAX },
  options: { ...CONFIG_OPTIONS },
  examples: [
    ['vedette rules test', 'All rules in use.'],
    ['vedette rules test my-rules/web-shell.yaml', 'One file, while writing it.'],
  ],
  async run(invocation) {
    const read = await readAskedRules(invocation);
    if (!read.isOk) return read.failure;
    const { runRuleTests } = await import('../../backtest/rule-tests.ts');
    const errors = read.value.diagnostics.filter(({ severity }) => severity === 'error');
    const tested = read.value.rules.map((rule) => ({ rule, results: runRuleTests(rule) }));
    const all = tested.flatMap(({ results }) => results);
    const failed = all.filter(({ passed }) => !passed).length;
    if (invocation.isJson) {
      printJson(invocation, {
        passed: all.length - failed,
        failed,
        rules: tested.map(({ rule: { id, file }, results }) => ({ id, file, tests: results })),
        diagnostics: errors,
      });
    } else {
      const { stdout, stderr } = invocation.context;
      for (const diagnostic of errors) stdout.write(`${formatDiagnostic(diagnostic)}\n\n`);
      for (const { rule, results } of tested) stdout.write(resultsInWords(rule, results));
      const untested = tested.filter(({ results }) => results.length === 0).length;
      const also = [
        untested === 0 ? '' : `; ${counted(untested, 'rule')} without tests`,
        errors.length === 0 ? '' : `; ${counted(errors.length, 'error')} in files`,
      ].join('');
      stderr.write(`${counted(tested.length, 'rule')}: ${all.length - failed} passed, ${failed} failed${also}\n`);
    }
    return failed > 0 || errors.length > 0 ? EXIT.findings : EXIT.fine;
  },
};

function resultsInWords(rule: Rule, results: readonly RuleTestResult[]): string {
  const failed = results.filter(({ passed }) => !passed);
  const verdict =
    failed.length > 0 ? 'FAILED' : results.length === 0 ? 'no tests' : `ok, ${counted(results.length, 'test')}`;
  const lines = failed.map(({ name, expected, actual, line, error }) => {
    const why = error === undefined ? '' : `; the rule failed on an event: ${error}`;
    return `  ${visible(`${rule.file}:${line}: ${name}: expected ${counted(expected, 'alert')}, got ${actual}${why}`)}\n`;
  });
  return `${visible(rule.id)}: ${verdict}\n${lines.join('')}`;
}
