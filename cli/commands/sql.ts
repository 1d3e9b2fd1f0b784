// `vedette sql`: a SELECT over the stored events, by the server that has them.

import { parseDuration } from '../../event/duration.ts';
import type { SqlApiRequest, SqlApiResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient, wholeNumber } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue, safeJson } from '../command.ts';
import { readText } from '../config.ts';
import { EXIT, type ExitCode, type Failure, type Outcome, succeed } from '../failure.ts';
import { usage } from '../options.ts';
import { csvLine } from '../search/csv.ts';
import { counted, renderTable } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

const LIMIT = { least: 1, most: 100_000, otherwise: 1_000 };
const TIMEOUT = { otherwiseMs: 30_000, mostMs: 300_000 };
/** The server answers within its own time; then it is given so long to say so. */
const ANSWER_GRACE_MS = 10_000;
const FILE_BYTES_MAX = 32 * 1024;
const FORMATS = ['table', 'json', 'csv', 'ndjson'] as const;
type Format = (typeof FORMATS)[number];
const CELL_WIDTH_MAX = 60;
/** A table of more columns leaves out those that are empty in every row. */
const COLUMNS_SHOWN_MAX = 12;
const NUMBER = /^(?:TINY|SMALL|BIG|HUGE|U)?(?:INT|INTEGER|BIGINT|SMALLINT|TINYINT|HUGEINT)$|^(?:DOUBLE|FLOAT|DECIMAL)/;

export const sql: Command = {
  name: 'sql',
  synopsis: '"SELECT …" [--since 24h] [--format csv]',
  description:
    'Runs one SELECT over the stored events and prints its rows. There are the views events, processes and connections; their columns are fields under their ECS names, in double quotes ("process.name"), beside id and rest, which is the JSON of what has no column. DESCRIBE events lists them. Nothing can be changed by it, and no file or setting be read. docs/sql.md has recipes.',
  positionals: { least: 0, most: 1 },
  options: {
    ...RANGE_OPTIONS,
    since: {
      value: 'TIME',
      description: 'Only events from then on (30m, 24h, 7d, 2026-05-01T10:00Z); all when absent.',
    },
    file: { value: 'FILE', description: 'Read the statement from a file, or from stdin (-).' },
    limit: { value: 'N', description: `At most so many rows; 1 to ${LIMIT.most}, else ${LIMIT.otherwise}.` },
    timeout: { value: 'DURATION', description: 'Break it off after so long; up to 5m, else 30s.' },
    format: { value: 'FORMAT', description: `${FORMATS.join(', ')}; --json is short for json.` },
    ...CLIENT_OPTIONS,
  },
  examples: [
    [
      `vedette sql 'SELECT "process.name", count(*) FROM processes GROUP BY ALL ORDER BY 2 DESC LIMIT 10' --since 24h`,
      'Which programs were started most?',
    ],
    [
      `vedette sql 'SELECT "destination.ip", count(DISTINCT "host.id") FROM connections GROUP BY ALL ORDER BY 2 DESC'`,
      'Which addresses do most hosts talk to?',
    ],
    [`vedette sql 'DESCRIBE events'`, 'Which columns are there?'],
    ['vedette sql --file report.sql --format csv', 'A statement from a file, for a spreadsheet.'],
  ],
  async run(invocation) {
    const asked = await readAsked(invocation);
    if (!asked.isOk) return asked.failure;
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const { format, request } = asked.value;
    // Ctrl-C ends this process and with it the connection, at which the server breaks the statement off.
    const timeoutMs = (request.timeoutMs ?? TIMEOUT.otherwiseMs) + ANSWER_GRACE_MS;
    const answer = await client.value.post<SqlApiResponse>('/api/v1/sql', request, { timeoutMs });
    if (!answer.isOk) return worded(answer.failure);
    print(invocation, format, answer.value);
    return EXIT.fine satisfies ExitCode;
  },
};

async function readAsked(
  invocation: Invocation,
): Promise<Outcome<{ readonly format: Format; readonly request: SqlApiRequest }>> {
  const format =
    (isGiven(invocation, 'format') ? optionValue(invocation, 'format') : undefined) ??
    (invocation.isJson ? 'json' : 'table');
  if (!isFormat(format)) return usage(sql, `--format: \`${format}\` is none`, `Write one of ${FORMATS.join(', ')}.`);
  const limit = wholeNumber(invocation, 'limit', LIMIT);
  if (!limit.isOk) return limit;
  const timeoutText = optionValue(invocation, 'timeout');
  const timeoutMs = timeoutText === undefined ? TIMEOUT.otherwiseMs : parseDuration(timeoutText);
  if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > TIMEOUT.mostMs)
    return usage(sql, `--timeout: \`${timeoutText}\` is out of range`, 'Write a duration up to 5m, such as 90s.');
  const range = readRange(invocation, '0s');
  if (!range.isOk) return range;
  const statement = await readStatement(invocation);
  if (!statement.isOk) return statement;
  const { sinceMs, untilMs } = range.value;
  return succeed({
    format,
    request: {
      sql: statement.value,
      limit: limit.value,
      timeoutMs,
      ...(isGiven(invocation, 'since') ? { sinceMs } : {}),
      ...(untilMs === undefined ? {} : { untilMs }),
    },
  });
}

async function readStatement(invocation: Invocation): Promise<Outcome<string>> {
  const [written] = invocation.positionals;
  const file = optionValue(invocation, 'file');
  if ((written === undefined) === (file === undefined))
    return usage(sql, 'there must be one statement', 'Write it in single quotes, or name its file (--file).');
  if (written !== undefined) return succeed(written);
  return readText(file === '-' ? '/dev/stdin' : (file ?? ''), FILE_BYTES_MAX);
}

function isFormat(text: string): text is Format {
  return FORMATS.some((format) => format === text);
}

/** Where a place is shown, the message stands there. */
function worded(failure: Failure): Failure {
  if (failure.diagnostics === undefined || failure.diagnostics.length === 0) return failure;
  return { ...failure, message: 'the statement cannot be run', remedy: 'docs/sql.md tells what can.' };
}

function print(invocation: Invocation, format: Format, answer: SqlApiResponse): void {
  const { stdout } = invocation.context;
  const { columns, rows } = answer;
  switch (format) {
    case 'json':
      stdout.write(`${safeJson(answer)}\n`);
      return;
    case 'ndjson':
      for (const row of rows) stdout.write(`${safeJson(asObject(answer, row))}\n`);
      break;
    case 'csv':
      stdout.write(csvLine(columns.map(({ name }) => name)));
      for (const row of rows) stdout.write(csvLine(row));
      break;
    case 'table':
      printTable(invocation, answer);
  }
  tellEnd(invocation, answer);
}

function asObject({ columns }: SqlApiResponse, row: SqlApiResponse['rows'][number]): unknown {
  return Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null]));
}

function printTable(invocation: Invocation, { columns, rows }: SqlApiResponse): void {
  const { stdout, stderr } = invocation.context;
  const all = columns.map((column, at) => ({ ...column, at }));
  const filled = all.filter(({ at }) => rows.some((row) => row[at] !== null));
  const shown = all.length > COLUMNS_SHOWN_MAX && rows.length > 0 ? filled : all;
  const heads = shown.map(({ name, type }) => ({
    title: name,
    widthMax: CELL_WIDTH_MAX,
    ...(NUMBER.test(type) ? { align: 'right' as const } : {}),
  }));
  if (heads.length > 0)
    stdout.write(
      renderTable(
        heads,
        rows.map((row) => shown.map(({ at }) => cellText(row[at] ?? null))),
        stdout.columns,
      ),
    );
  const left = all.length - shown.length;
  if (left > 0) stderr.write(`${counted(left, 'column')} without any value: left out\n`);
}

function cellText(value: SqlApiResponse['rows'][number][number]): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.map((one) => cellText(one)).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function tellEnd(invocation: Invocation, { rows, cut, missing, durationMs }: SqlApiResponse): void {
  const { stderr } = invocation.context;
  stderr.write(`${counted(rows.length, 'row')} (${(durationMs / 1_000).toFixed(2)} s)\n`);
  if (cut === 'rows') stderr.write('There are more: the rows end at --limit.\n');
  if (cut === 'bytes') stderr.write('There are more: the answer is as large as it may be.\n');
  if (missing > 0) stderr.write(`${counted(missing, 'event')} of the last moments could not be looked at.\n`);
}
