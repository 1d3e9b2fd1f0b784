// The commands: name, one line, and how to load it. Each loads only what it needs, so that `vedette collector` never holds the
// server's packages in memory.
import type { Command } from './command.ts';

export interface CommandEntry {
  /** One word, or two: noun and verb. */
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'Run server and collector of this host; print alerts as they come.',
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'server',
    summary: 'Run the server alone: ingest, store, rules, alerts.',
    load: async () => (await import('./commands/server.ts')).server,
  },
  {
    name: 'engine',
    summary: 'Evaluate rules for a server elsewhere, beside other engines.',
    load: async () => (await import('./commands/engine.ts')).engine,
  },
  {
    name: 'collector',
    summary: 'Run the collector alone, for a server elsewhere.',
    load: async () => (await import('./commands/collector.ts')).collector,
  },
  {
    name: 'collector check',
    summary: 'Say whether a collector can watch this host.',
    load: async () => (await import('./commands/collector-check.ts')).collectorCheck,
  },
  {
    name: 'rules lint',
    summary: 'Check rule files: errors and traps, with their places.',
    load: async () => (await import('./commands/rules-lint.ts')).rulesLint,
  },
  {
    name: 'rules test',
    summary: 'Run the tests that stand in the rules.',
    load: async () => (await import('./commands/rules-test.ts')).rulesTest,
  },
  {
    name: 'rules health',
    summary: 'Show how the rules fare: matches, errors, cost, what wants a look.',
    load: async () => (await import('./commands/rules-health.ts')).rulesHealth,
  },
  {
    name: 'rules release',
    summary: 'End the quarantine of a rule that cost too much.',
    load: async () => (await import('./commands/rules-release.ts')).rulesRelease,
  },
  {
    name: 'rules import',
    summary: 'Turn Sigma rules (and other tools’) into rules of ours, or say why not.',
    load: async () => (await import('./commands/rules-import.ts')).rulesImport,
  },
  {
    name: 'rules list',
    summary: 'List rules, with what each says in a sentence.',
    load: async () => (await import('./commands/rules-list.ts')).rulesList,
  },
  {
    name: 'rules schema',
    summary: 'Print the JSON Schema of rule files, for editors.',
    load: async () => (await import('./commands/rules-schema.ts')).rulesSchema,
  },
  {
    name: 'audit check',
    summary: 'Check files of audit rules (auditctl’s words), with their places.',
    load: async () => (await import('./commands/audit-check.ts')).auditCheck,
  },
  {
    name: 'audit rules',
    summary: 'Print the audit rules that the collector loads on this host.',
    load: async () => (await import('./commands/audit-rules.ts')).auditRules,
  },
  {
    name: 'audit list',
    summary: 'List the audit rules that the kernel has.',
    load: async () => (await import('./commands/audit-list.ts')).auditList,
  },
  {
    name: 'explain',
    summary: 'Say why a rule matches an event or does not, and how near it came.',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'backtest',
    summary: 'Run a rule over the stored past, as if it had been live.',
    load: async () => (await import('./commands/backtest.ts')).backtest,
  },
  {
    name: 'search',
    summary: 'Search the stored events.',
    load: async () => (await import('./commands/search.ts')).search,
  },
  {
    name: 'sql',
    summary: 'Run a SELECT over the stored events.',
    load: async () => (await import('./commands/sql.ts')).sql,
  },
  {
    name: 'alerts list',
    summary: 'List alerts, newest first.',
    load: async () => (await import('./commands/alerts-list.ts')).alertsList,
  },
  {
    name: 'alerts show',
    summary: 'Show one alert with its detections, event and notifications.',
    load: async () => (await import('./commands/alerts-show.ts')).alertsShow,
  },
  {
    name: 'alerts ack',
    summary: 'Mark alerts as acknowledged.',
    load: async () => (await import('./commands/alerts-status.ts')).alertsAck,
  },
  {
    name: 'alerts close',
    summary: 'Close alerts.',
    load: async () => (await import('./commands/alerts-status.ts')).alertsClose,
  },
  {
    name: 'hosts',
    summary: 'List the hosts, when they last spoke and what they lost.',
    load: async () => (await import('./commands/hosts.ts')).hosts,
  },
  {
    name: 'hosts add',
    summary: 'Make a token for a host whose shipper is another program.',
    load: async () => (await import('./commands/hosts-add.ts')).hostsAdd,
  },
  {
    name: 'hosts quota',
    summary: 'Say how much a host may send.',
    load: async () => (await import('./commands/hosts-quota.ts')).hostsQuota,
  },
  {
    name: 'hosts revoke',
    summary: 'Take a host’s token away.',
    load: async () => (await import('./commands/hosts-revoke.ts')).hostsRevoke,
  },
  {
    name: 'status',
    summary: 'Show how the server is doing.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'export',
    summary: 'Write stored events into an archive.',
    load: async () => (await import('./commands/export.ts')).exportEvents,
  },
  {
    name: 'hold add',
    summary: 'Keep the events of a range, whatever retention says.',
    load: async () => (await import('./commands/hold.ts')).holdAdd,
  },
  {
    name: 'hold list',
    summary: 'List the holds.',
    load: async () => (await import('./commands/hold.ts')).holdList,
  },
  {
    name: 'hold release',
    summary: 'Release a hold.',
    load: async () => (await import('./commands/hold.ts')).holdRelease,
  },
  {
    name: 'import',
    summary: 'Store events from an archive or a file: audit.log, go-audit JSON, NDJSON of ECS.',
    load: async () => (await import('./commands/import.ts')).importFiles,
  },
  {
    name: 'store check',
    summary: 'Verify the embedded store; name what is damaged.',
    load: async () => (await import('./commands/store-check.ts')).storeCheck,
  },
  {
    name: 'store init',
    summary: 'Set the event store up, or upgrade it; says what it did.',
    load: async () => (await import('./commands/store-init.ts')).storeInit,
  },
  {
    name: 'config show',
    summary: 'Print the configuration in force, without secrets.',
    load: async () => (await import('./commands/config-show.ts')).configShow,
  },
  {
    name: 'config schema',
    summary: 'Print the JSON Schema of vedette.yaml, for editors.',
    load: async () => (await import('./commands/config-schema.ts')).configSchema,
  },
];

/** The entry that the words name, and the words after it; two words win over one. */
export function findCommand(
  words: readonly string[],
): { readonly entry: CommandEntry; readonly rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const entry = COMMANDS.find((candidate) => candidate.name === name);
    if (entry !== undefined && words.length >= length) return { entry, rest: words.slice(length) };
  }
  return undefined;
}
