// `vedette search`: the stored events that a query matches, as a table of the fields that matter, or as they are.
import { type EventDocument, fieldOf, timeOf } from '../../event/document.ts';
import type { SearchApiRequest, SearchApiResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient, wholeNumber } from '../client.ts';
import { type Command, type Invocation, optionValue, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { usage } from '../options.ts';
import { isoTime, renderTable } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

const LIMIT = { least: 1, most: 10_000, otherwise: 50 };
const FIELDS_MAX = 40;
const CELL_WIDTH_MAX = 60;

export const search: Command = {
  name: 'search',
  synopsis: 'QUERY [--since 1h] [--limit N] [--fields A,B]',
  description:
    'Prints the events that QUERY matches, newest last. QUERY is in Lucene’s syntax: field:value, AND, OR, NOT, parentheses, wildcards (* and ?), ranges ([1 TO 10], >=, <), quotes; a bare word is looked for in the raw records. `*` matches everything.',
  positionals: { least: 1, most: 1 },
  options: {
    ...RANGE_OPTIONS,
    limit: {
      value: 'N',
      description: `At most so many events, the newest; 1 to ${LIMIT.most}, else ${LIMIT.otherwise}.`,
    },
    fields: { value: 'A,B', description: 'Print these fields, as columns.' },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ["vedette search 'event.action:executed' --since 1h", 'Programs started in the last hour.'],
    ["vedette search 'process.name:bash AND user.name:root' --since 24h", 'Root’s shells of the last day.'],
    [
      "vedette search 'event.action:connected-to' --fields @timestamp,process.name,destination.ip,destination.port",
      'Who connected where.',
    ],
    ["vedette search '*' --since 10m --json", 'Everything of the last ten minutes, whole documents.'],
  ],
  async run(invocation) {
    const range = readRange(invocation, '1h');
    if (!range.isOk) return range.failure;
    const limit = wholeNumber(invocation, 'limit', LIMIT);
    if (!limit.isOk) return limit.failure;
    const fields = optionValue(invocation, 'fields')
      ?.split(',')
      .map((name) => name.trim());
    if (fields !== undefined && (fields.length > FIELDS_MAX || fields.includes(''))) {
      return usage(search, '--fields is no list of fields', `Write 1 to ${FIELDS_MAX} names, parted by commas.`)
        .failure;
    }
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const { sinceMs, untilMs } = range.value;
    const request: SearchApiRequest = {
      query: invocation.positionals[0] ?? '',
      sinceMs,
      limit: limit.value,
      ...(untilMs === undefined ? {} : { untilMs }),
    };
    const found = await client.value.post<SearchApiResponse>('/api/v1/search', request);
    if (!found.isOk) return found.failure;
    if (invocation.isJson) printJson(invocation, found.value);
    else printFound(invocation, found.value, { fields, sinceMs });
    return EXIT.fine;
  },
};

function printFound(
  invocation: Invocation,
  found: SearchApiResponse,
  asked: { readonly fields: readonly string[] | undefined; readonly sinceMs: number },
): void {
  const { stdout, stderr } = invocation.context;
  const documents = found.events.map(({ document }) => document).toReversed();
  const columns = asked.fields?.map(fieldColumn) ?? DEFAULT_COLUMNS;
  if (documents.length > 0) {
    const rows = documents.map((document) => columns.map(({ read }) => read(document)));
    stdout.write(renderTable(columns, rows, stdout.columns));
  }
  const total = `${found.isTotalExact ? '' : 'at least '}${found.total}`;
  const most = documents.length < found.total ? `; the newest ${documents.length} are shown (--limit)` : '';
  stderr.write(`${total} ${found.total === 1 ? 'event' : 'events'} since ${isoTime(asked.sinceMs)}${most}\n`);
}

interface EventColumn {
  readonly title: string;
  readonly widthMax?: number;
  readonly read: (document: EventDocument) => string;
}

const DEFAULT_COLUMNS: readonly EventColumn[] = [
  { title: 'TIME (UTC)', read: (document) => isoTime(timeOf(document, '@timestamp')) },
  { title: 'HOST', widthMax: 16, read: (document) => firstText(document, 'host.name', 'host.id') },
  { title: 'USER', widthMax: 12, read: (document) => firstText(document, 'user.name', 'user.id') },
  { title: 'ACTION', widthMax: 24, read: (document) => firstText(document, 'event.action', 'event.dataset') },
  { title: 'PROCESS', widthMax: 16, read: (document) => firstText(document, 'process.name') },
  {
    title: 'WHAT',
    read: (document) => {
      const address = firstText(document, 'destination.ip', 'source.ip', 'destination.address', 'source.address');
      const port = firstText(document, 'destination.port', 'source.port');
      if (address !== '-') return port === '-' ? address : `${address} port ${port}`;
      const isStart = firstText(document, 'event.action') === 'executed';
      return isStart
        ? firstText(document, 'process.command_line', 'process.executable')
        : firstText(document, 'file.path', 'message', 'process.command_line', 'process.title', 'auditd.message_type');
    },
  },
];

function fieldColumn(name: string): EventColumn {
  return { title: name, widthMax: CELL_WIDTH_MAX, read: (document) => asText(fieldOf(document, name)) };
}

function firstText(document: EventDocument, ...names: readonly string[]): string {
  for (const name of names) {
    const text = asText(fieldOf(document, name));
    if (text !== '-') return text;
  }
  return '-';
}

function asText(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(asText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
