// `vedette audit rules`
import { RULES_PROFILES, type RulesProfile } from '../../collector/audit-rules/default-rules.ts';
import { wordsOf } from '../../collector/audit-rules/rule-loader.ts';
import { wantedRules } from '../../collector/audit-rules/wanted-rules.ts';
import { type Command, optionValue, printJson } from '../command.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT, fail } from '../failure.ts';
import { suggestion } from '../suggestion.ts';

/** All features of a present kernel: what it would be asked for. */
const ALL_FEATURES = 0xffff_ffff;

export const auditRules: Command = {
  name: 'audit rules',
  synopsis: '[--profile PROFILE]',
  description:
    'Prints the audit rules that a collector loads on this host, one a line in auditctl’s words: those of collector.rules_files, then those of the profile. Loads nothing and needs no root.',
  positionals: { least: 0, most: 0 },
  options: {
    profile: {
      value: 'PROFILE',
      description: 'exec, default, everything or none alone, instead of what the configuration says.',
    },
    ...CONFIG_OPTIONS,
  },
  examples: [
    ['vedette audit rules', 'What is in force with this configuration.'],
    ['vedette audit rules --profile exec', 'The smallest profile.'],
  ],
  async run(invocation) {
    const asked = optionValue(invocation, 'profile');
    if (asked !== undefined && !RULES_PROFILES.includes(asked as RulesProfile)) {
      const known = `Name one of ${RULES_PROFILES.join(', ')}.`;
      const remedy = suggestion(asked, RULES_PROFILES, known);
      return fail('audit/profile', { message: `there is no profile ${asked}`, remedy, exitCode: EXIT.usage }).failure;
    }
    const config = asked === undefined ? await loadConfig(invocation, []) : undefined;
    if (config !== undefined && !config.isOk) return config.failure;
    const collector = config?.value.collector;
    const wanted = wantedRules({
      profile: (asked as RulesProfile | undefined) ?? collector?.rulesProfile ?? 'default',
      files: collector?.rulesFiles ?? [],
      scope: [],
      features: ALL_FEATURES,
    });
    const lines = wanted.rules.map(wordsOf);
    if (invocation.isJson) printJson(invocation, { rules: lines });
    else for (const line of lines) invocation.context.stdout.write(`${line}\n`);
    return EXIT.fine;
  },
};
