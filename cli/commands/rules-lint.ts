// `vedette rules lint`
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import { type Command, isGiven, printJson } from '../command.ts';
import { CONFIG_OPTIONS } from '../config.ts';
import { EXIT } from '../failure.ts';
import { readAskedRules } from '../rule-paths.ts';
import { counted } from '../table.ts';

const PATHS_MAX = 1000;

export const rulesLint: Command = {
  name: 'rules lint',
  synopsis: '[PATH…] [--strict]',
  description:
    'Checks rule files (or folders of them) and prints every error and every trap with its place and what to do. Without PATH: all rules that the configuration names. Needs no server. Exit code 1 when there is an error; with --strict, for a warning too.',
  positionals: { least: 0, most: PATHS_MAX },
  options: { strict: { description: 'Warnings count as errors.' }, ...CONFIG_OPTIONS },
  examples: [
    ['vedette rules lint', 'All rules in use.'],
    ['vedette rules lint my-rules/ --strict', 'For a pull request.'],
  ],
  async run(invocation) {
    const read = await readAskedRules(invocation);
    if (!read.isOk) return read.failure;
    const { rules, diagnostics } = read.value;
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const warnings = diagnostics.length - errors;
    if (invocation.isJson) {
      printJson(invocation, { rules: rules.map(({ id, version, file }) => ({ id, version, file })), diagnostics });
    } else {
      for (const diagnostic of diagnostics) invocation.context.stdout.write(`${formatDiagnostic(diagnostic)}\n\n`);
      const found = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
      invocation.context.stderr.write(`${counted(rules.length, 'rule')}: ${found}\n`);
    }
    return errors > 0 || (isGiven(invocation, 'strict') && warnings > 0) ? EXIT.findings : EXIT.fine;
  },
};
