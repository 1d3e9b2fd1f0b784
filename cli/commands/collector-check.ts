// `vedette collector check`: can a collector run here, and what would it miss? Reads only.
import { type Command, printJson } from '../command.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT } from '../failure.ts';

const MARKS = { fine: 'ok     ', limit: 'limit  ', problem: 'PROBLEM' } as const;

export const collectorCheck: Command = {
  name: 'collector check',
  synopsis: '',
  description:
    'Says whether a collector can watch this host with the permissions that it has now: capabilities, the kernel’s audit, /proc, the configuration. Changes nothing. Ends with 1 where it could not.',
  positionals: { least: 0, most: 0 },
  options: { ...CONFIG_OPTIONS },
  examples: [['sudo vedette collector check', 'Before an installation: what would it see here?']],
  async run(invocation) {
    const config = await loadConfig(invocation);
    if (!config.isOk) return config.failure;
    const { findingsOf, readHostFacts } = await import('../../collector/host-check.ts');
    const findings = findingsOf(readHostFacts());
    const canRun = findings.every(({ level }) => level !== 'problem');
    if (invocation.isJson) printJson(invocation, { can_run: canRun, findings });
    else for (const { level, text } of findings) invocation.context.stdout.write(`${MARKS[level]} ${text}\n`);
    return canRun ? EXIT.fine : EXIT.findings;
  },
};
