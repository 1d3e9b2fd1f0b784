// `vedette alerts list`
import type { Alert } from '../../event/detection.ts';
import type { AlertsResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient, wholeNumber } from '../client.ts';
import { type Command, optionValue, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { usage } from '../options.ts';
import { suggestion } from '../suggestion.ts';
import { counted, isoTime, renderTable } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

const LIMIT = { least: 1, most: 1000, otherwise: 50 };
const STATUSES = ['open', 'acknowledged', 'closed'] as const;
const COLUMNS = [
  { title: 'OPENED (UTC)' },
  { title: 'ID' },
  { title: 'SEVERITY' },
  { title: 'STATUS' },
  { title: 'COUNT', align: 'right' },
  { title: 'TITLE' },
] as const;

export const alertsList: Command = {
  name: 'alerts list',
  synopsis: '[--since 24h] [--status open] [--rule ID] [--group ID] [--limit N]',
  description: 'Lists alerts, newest first.',
  positionals: { least: 0, most: 0 },
  options: {
    since: RANGE_OPTIONS.since,
    status: { value: 'STATUS', description: `Only these: ${STATUSES.join(', ')}.` },
    rule: { value: 'ID', description: 'Only alerts of this rule.' },
    group: { value: 'ID', description: 'Only alerts of this message (`alert.group`).' },
    limit: { value: 'N', description: `At most so many; 1 to ${LIMIT.most}, else ${LIMIT.otherwise}.` },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette alerts list', 'The newest alerts of the last week.'],
    ['vedette alerts list --status open --since 30d', 'What nobody has looked at.'],
  ],
  async run(invocation) {
    const range = readRange(invocation, '7d');
    if (!range.isOk) return range.failure;
    const limit = wholeNumber(invocation, 'limit', LIMIT);
    if (!limit.isOk) return limit.failure;
    const status = optionValue(invocation, 'status');
    if (status !== undefined && !STATUSES.some((one) => one === status)) {
      const remedy = suggestion(status, STATUSES, `Choose one of ${STATUSES.join(', ')}.`);
      return usage(alertsList, `\`${status}\` is no status`, remedy).failure;
    }
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const query = new URLSearchParams({ since: String(range.value.sinceMs), limit: String(limit.value) });
    if (status !== undefined) query.set('status', status);
    const rule = optionValue(invocation, 'rule');
    if (rule !== undefined) query.set('rule', rule);
    const group = optionValue(invocation, 'group');
    if (group !== undefined) query.set('group', group);
    const listed = await client.value.get<AlertsResponse>(`/api/v1/alerts?${query}`);
    if (!listed.isOk) return listed.failure;
    if (invocation.isJson) {
      printJson(invocation, listed.value);
      return EXIT.fine;
    }
    const { alerts } = listed.value;
    const { stdout, stderr } = invocation.context;
    const isGrouped = alerts.some(({ group: of }) => of !== undefined);
    const columns = isGrouped ? [...COLUMNS.slice(0, -1), { title: 'GROUP' }, ...COLUMNS.slice(-1)] : COLUMNS;
    const rows = alerts.map((alert) => [
      isoTime(alert.timestampMs),
      alert.id,
      alert.severity,
      alert.status,
      String(alert.count),
      ...(isGrouped ? [groupName(alert.group)] : []),
      alert.title,
    ]);
    if (rows.length > 0) stdout.write(renderTable(columns, rows, stdout.columns));
    const most = alerts.length === limit.value ? ' (there may be more: --limit)' : '';
    stderr.write(`${counted(alerts.length, 'alert')} since ${isoTime(range.value.sinceMs)}${most}\n`);
    return EXIT.fine;
  },
};

function groupName(group: Alert['group']): string {
  if (group === undefined) return '-';
  return group === 'waits' ? group : group.groupId;
}
