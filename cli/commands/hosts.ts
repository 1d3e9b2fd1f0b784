// `vedette hosts`
import type { HostsResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type CollectorCost, collectorCosts, percent } from '../collector-costs.ts';
import { type Command, type Invocation, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { counted, formatBytes, isoTime, renderTable } from '../table.ts';
import { quotaInWords } from './hosts-quota.ts';

const COLUMNS = [
  { title: 'HOST', widthMax: 32 },
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'LAST SEEN (UTC)' },
  { title: 'EVENTS', align: 'right' },
  { title: 'REFUSED', align: 'right' },
  { title: 'NOTE' },
] as const;

const COST_COLUMNS = [
  { title: 'COLLECTOR ON', widthMax: 32 },
  { title: 'CPU', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'EVENTS/S', align: 'right' },
  { title: 'SPOOLED', align: 'right' },
  { title: 'OLDEST', align: 'right' },
  { title: 'LOST', align: 'right' },
  { title: 'NOTE' },
] as const;

/** Counters of what was not stored though it was sent. */
const REFUSALS = ['rejected', 'foreign_host'] as const;

export const hosts: Command = {
  name: 'hosts',
  synopsis: '',
  description:
    'Lists every host that ever spoke to the server: whether it is live, silent or signed off, when it last spoke, and what of it was refused; and what its collector costs and has lost, as it says itself every 30 s.',
  positionals: { least: 0, most: 0 },
  options: { ...CLIENT_OPTIONS },
  examples: [
    ['vedette hosts', 'All hosts.'],
    ['vedette hosts --json', 'The same with all counters.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const listed = await client.value.get<HostsResponse>('/api/v1/hosts');
    if (!listed.isOk) return listed.failure;
    const costs = await collectorCosts(client.value, invocation.context.now());
    if (invocation.isJson) {
      printJson(invocation, { ...listed.value, collectors: costs.isOk ? costs.value.collectors : [] });
      return EXIT.fine;
    }
    const { stdout, stderr } = invocation.context;
    const rows = listed.value.hosts.map((host) => [
      host.name,
      host.id,
      host.isRevoked ? 'revoked' : host.state,
      isoTime(host.lastSeenMs),
      String(host.counters['events'] ?? 0),
      String(REFUSALS.reduce((sum, name) => sum + (host.counters[name] ?? 0), 0)),
      noteOf(host),
    ]);
    if (rows.length > 0) stdout.write(renderTable(COLUMNS, rows, stdout.columns));
    if (costs.isOk && costs.value.collectors.length > 0) printCosts(invocation, costs.value.collectors);
    if (!costs.isOk) stderr.write('What the collectors cost cannot be told: the store does not answer.\n');
    else if (!costs.value.isComplete) stderr.write('There are more collectors than the server tells of at once.\n');
    stderr.write(`${counted(rows.length, 'host')}\n`);
    return EXIT.fine;
  },
};

function noteOf({ silentSinceMs, quota, counters }: HostsResponse['hosts'][number]): string {
  const notes = [
    silentSinceMs === undefined ? '' : `silent since ${isoTime(silentSinceMs)}`,
    quota === undefined ? '' : `quota ${quotaInWords(quota)}`,
    counters['over_quota'] === undefined ? '' : `${counted(counters['over_quota'], 'request')} over quota`,
  ];
  return notes.filter((note) => note !== '').join('; ');
}

function printCosts(invocation: Invocation, costs: readonly CollectorCost[]): void {
  const { stdout } = invocation.context;
  const rows = costs.map((cost) => [
    cost.hostName,
    told(cost.cpuPercent, percent),
    told(cost.rssBytes, formatBytes),
    told(cost.eventsPerSecond, String),
    told(cost.spoolBytes, formatBytes),
    told(cost.oldestAgeMs, (ms) => `${Math.round(ms / 1_000)} s`),
    told(cost.lost, String),
    cost.level === undefined || cost.level === 'full' ? '' : `limits: ${cost.level}`,
  ]);
  stdout.write(`\n${renderTable(COST_COLUMNS, rows, stdout.columns)}`);
}

function told(value: number | undefined, inWords: (value: number) => string): string {
  return value === undefined ? '-' : inWords(value);
}
