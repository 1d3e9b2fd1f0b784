// `vedette hosts`
import type { HostsResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { counted, isoTime, renderTable } from '../table.ts';

const COLUMNS = [
  { title: 'HOST', widthMax: 32 },
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'LAST SEEN (UTC)' },
  { title: 'EVENTS', align: 'right' },
  { title: 'REFUSED', align: 'right' },
  { title: 'NOTE' },
] as const;

/** Counters of what was not stored though it was sent. */
const REFUSALS = ['rejected', 'foreign_host'] as const;

export const hosts: Command = {
  name: 'hosts',
  synopsis: '',
  description:
    'Lists every host that ever spoke to the server: whether it is live, silent or signed off, when it last spoke, and what of it was refused.',
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
    if (invocation.isJson) {
      printJson(invocation, listed.value);
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
      host.silentSinceMs === undefined ? '' : `silent since ${isoTime(host.silentSinceMs)}`,
    ]);
    if (rows.length > 0) stdout.write(renderTable(COLUMNS, rows, stdout.columns));
    stderr.write(`${counted(rows.length, 'host')}\n`);
    return EXIT.fine;
  },
};
