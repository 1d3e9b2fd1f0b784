// `vedette audit check`
import { resolve } from 'node:path';
import { readRulesOfHost } from '../../collector/audit-rules/wanted-rules.ts';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import { type Command, isGiven, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { counted } from '../table.ts';

const PATHS_MAX = 1_000;

export const auditCheck: Command = {
  name: 'audit check',
  synopsis: 'PATH… [--strict]',
  description:
    'Checks files of audit rules in auditctl’s words (or folders of them, merged as augenrules does) for this host: every error and every trap with its place and what to do. Loads nothing and needs no root. Exit code 1 when there is an error; with --strict, for a warning too.',
  positionals: { least: 1, most: PATHS_MAX },
  options: { strict: { description: 'Warnings count as errors.' } },
  examples: [['vedette audit check /etc/audit/rules.d', 'Before naming the folder in collector.rules_files.']],
  async run(invocation) {
    const { rules, diagnostics } = readRulesOfHost(
      invocation.positionals.map((path) => resolve(invocation.context.cwd, path)),
    );
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const warnings = diagnostics.length - errors;
    if (invocation.isJson) {
      printJson(invocation, { rules: rules.map(({ line }) => ({ file: line.file, line: line.line })), diagnostics });
    } else {
      for (const diagnostic of diagnostics) invocation.context.stdout.write(`${formatDiagnostic(diagnostic)}\n\n`);
      const found = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
      invocation.context.stderr.write(`${counted(rules.length, 'audit rule')}: ${found}\n`);
    }
    return errors > 0 || (isGiven(invocation, 'strict') && warnings > 0) ? EXIT.findings : EXIT.fine;
  },
};
