// `vedette alerts show`: all that is known about one alert, for the person who has to decide what it means.
import { groupText } from '../../alerts/decision-text.ts';
import { fieldOf } from '../../event/document.ts';
import { visible } from '../../rules/diagnostic.ts';
import type { AlertResponse } from '../../server/api.ts';
import { quoted } from '../call.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { counted, isoTime, renderPairs, renderTable } from '../table.ts';

const DETECTIONS_SHOWN = 20;
const EVENTS_SHOWN = 10;

export const alertsShow: Command = {
  name: 'alerts show',
  synopsis: 'ID',
  description:
    'Shows an alert: what happened, the event that opened it, what joined it, and what was sent of it to whom.',
  positionals: { least: 1, most: 1 },
  options: { ...CLIENT_OPTIONS },
  examples: [
    ['vedette alerts show ALERT-ID', 'The id stands in every message about the alert, and in `vedette alerts list`.'],
    ['vedette alerts show ALERT-ID --json', 'The same for programs, with the whole event.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const path = `/api/v1/alerts/${encodeURIComponent(invocation.positionals[0] ?? '')}`;
    const shown = await client.value.get<AlertResponse>(path);
    if (!shown.isOk) return shown.failure;
    if (invocation.isJson) printJson(invocation, shown.value);
    else print(invocation, shown.value);
    return EXIT.fine;
  },
};

function print(invocation: Invocation, answer: AlertResponse): void {
  const { alert, detections, notifications, event, sentence, explanation = [] } = answer;
  const { stdout } = invocation.context;
  const { withdrawn = 0 } = alert;
  const isWithdrawn = withdrawn > 0 && withdrawn === alert.count;
  const counts = alert.count === 1 ? '' : `, ${counted(alert.count, 'detection')} until ${isoTime(alert.lastMs)}`;
  const pairs: (readonly [string, string])[] = [
    ['severity', `${alert.severity}${alert.risk === undefined ? '' : `, risk ${alert.risk}`}`],
    ['status', isWithdrawn ? `${alert.status}; it no longer holds, because events came late` : alert.status],
    ['when', `${isoTime(alert.timestampMs)}${counts}`],
    ['host', `${alert.hostName} (${alert.hostId})`],
    ...(alert.group === undefined ? [] : [['message', groupText(alert.group)] as const]),
    ['rule', `${alert.ruleId} version ${alert.ruleVersion}: ${alert.ruleName}`],
    ...alert.fields.map(({ name, value }) => [name, value] as const),
    ...(alert.mitre.length === 0 ? [] : [['mitre', alert.mitre.join(', ')] as const]),
    ...(alert.runbook === undefined ? [] : [['runbook', alert.runbook] as const]),
    ...(alert.falsePositives ?? []).map((text) => ['may also be', text] as const),
    ...(alert.author === undefined ? [] : [['rule by', alert.author] as const]),
    ...(alert.license === undefined ? [] : [['licence', alert.license] as const]),
    ...alert.references.map((reference) => ['reference', reference] as const),
    ['id', alert.id],
  ];
  stdout.write(`${visible(alert.title)}\n\n${renderPairs(pairs, '  ')}\n`);
  const description = alert.description.trim();
  if (description !== '') stdout.write(`\n  ${description.split('\n').map(visible).join('\n  ')}\n`);
  if (sentence !== undefined) stdout.write(`\nWhy\n  ${visible(sentence)}\n`);
  const together = detections.find(({ eventId }) => eventId === alert.firstEventId)?.found?.eventIds ?? [];
  const isOfMany = together.length > 1;
  if (isOfMany && explanation.length > 0) stdout.write('  The last of its events:\n');
  for (const line of explanation) stdout.write(`${isOfMany ? '    ' : '  '}${visible(line)}\n`);
  printOriginal(invocation, alert.firstEventId, event);
  const before = together.filter((id) => id !== alert.firstEventId);
  if (before.length > 0) stdout.write('\nEvents before it\n');
  for (const id of before.slice(0, EVENTS_SHOWN)) stdout.write(`  vedette search --around ${visible(quoted(id))}\n`);
  if (before.length > EVENTS_SHOWN) stdout.write(`  … ${before.length - EVENTS_SHOWN} more\n`);
  stdout.write('\nDetections\n');
  const rows = detections
    .slice(0, DETECTIONS_SHOWN)
    .map((one) => [isoTime(one.order.createdMs), eventsOf(one), one.why ?? one.decision]);
  stdout.write(
    renderTable([{ title: 'COMPLETE (UTC)' }, { title: 'EVENT' }, { title: 'DECISION' }], rows, stdout.columns),
  );
  if (alert.count > rows.length) stdout.write(`… ${alert.count - rows.length} more\n`);
  if (typeof alert.group === 'object')
    stdout.write(`\nIts group\n  vedette alerts list --group ${visible(quoted(alert.group.groupId))}\n`);
  if (notifications.length === 0) return;
  stdout.write('\nNotifications\n');
  const sent = notifications.map((one) => [
    one.channel,
    one.state,
    String(one.attempts),
    isoTime(one.atMs),
    one.error === undefined ? one.reason : `${one.reason}; ${one.error}`,
  ]);
  const columns = [
    { title: 'CHANNEL' },
    { title: 'STATE' },
    { title: 'TRIES' },
    { title: 'AT (UTC)' },
    { title: 'WHY' },
  ];
  stdout.write(renderTable(columns, sent, stdout.columns));
}

function printOriginal(invocation: Invocation, id: string, event: AlertResponse['event']): void {
  const { stdout } = invocation.context;
  if (event === undefined) {
    stdout.write(`\nThe event ${visible(id)} is no longer stored (server.retention).\n`);
    return;
  }
  const original = fieldOf(event, 'event.original');
  stdout.write(`\nEvent ${visible(id)}\n`);
  if (typeof original === 'string') {
    stdout.write(
      original
        .split('\n')
        .map((line) => `  ${visible(line)}\n`)
        .join(''),
    );
  }
  const named = visible(quoted(id));
  stdout.write(`  around it: vedette search --around ${named}\n`);
  if (typeof fieldOf(event, 'process.entity_id') === 'string')
    stdout.write(`  its process, ancestors and descendants: vedette search --tree ${named}\n`);
}

function eventsOf({ eventId, found }: AlertResponse['detections'][number]): string {
  const others = (found?.eventIds.length ?? 1) - 1;
  return others > 0 ? `${eventId} and ${counted(others, 'other')}` : eventId;
}
