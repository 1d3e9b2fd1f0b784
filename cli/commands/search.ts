// `vedette search`: the stored events that a query matches, counted, followed, around one of them, or as a process tree.
import { parseDuration } from '../../event/duration.ts';
import { CLIENT_OPTIONS, openClient, wholeNumber } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue } from '../command.ts';
import type { ExitCode, Failure, Outcome } from '../failure.ts';
import { succeed } from '../failure.ts';
import { usage } from '../options.ts';
import { type Asking, FORMATS, type Format } from '../search/asking.ts';
import { BUCKETS_MAX, bucketWidth, type Counting, count } from '../search/count.ts';
import { around, find } from '../search/find.ts';
import { follow } from '../search/follow.ts';
import { tree } from '../search/tree.ts';
import { suggestion } from '../suggestion.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

const LIMIT = { least: 1, most: 10_000 };
/** What is printed as it comes need not fit into memory. */
const STREAM_LIMIT_MAX = 999_999_999;
const LIMIT_OTHERWISE = { find: 50, follow: 50, around: 200, tree: 1_000, count: 50 } as const;
const FIELDS_MAX = 40;
const COUNT_FIELDS_MAX = 8;
const WITHIN = '30s';

export const search: Command = {
  name: 'search',
  synopsis: '[QUERY] [--since 1h] [--follow | --around EVENT | --tree ENTITY | --count-by A,B]',
  description:
    'Prints the events that QUERY matches, newest last; or counts them, follows new ones, shows what is around one, or draws a process tree. QUERY is in Lucene’s or KQL’s syntax: field:value, and, or, not, parentheses, wildcards (* and ?), ranges ([1 TO 10], >= 5), networks (10.0.0.0/8), expressions (/ba?sh/), quotes; a bare word is looked for in the raw records. `*` matches everything. docs/search.md describes it.',
  positionals: { least: 0, most: 1 },
  options: {
    ...RANGE_OPTIONS,
    limit: {
      value: 'N',
      description: `At most so many events (else ${LIMIT_OTHERWISE.find}) or groups, up to ${LIMIT.most}; of csv and ndjson as many as there are.`,
    },
    fields: { value: 'A,B', description: 'Print these fields, as columns; _id is the event’s id.' },
    'oldest-first': { description: 'The oldest events instead of the newest.' },
    follow: { description: 'Print new events as they come, until Ctrl-C; with --since the past ones before.' },
    around: { value: 'EVENT', description: 'Print what happened on the same host around the event of this id.' },
    within: { value: 'DURATION', description: `How far --around goes to either side; else ${WITHIN}.` },
    tree: {
      value: 'ENTITY',
      description: 'Draw the process of this entity id, or event id, with ancestors and descendants.',
    },
    'count-by': { value: 'A,B', description: 'Count events by the values of these fields.' },
    histogram: {
      value: 'DURATION',
      description: 'Count events by time, in steps of this length; also beside --count-by.',
    },
    distinct: { value: 'A,B', description: 'Count the different values of these fields; also beside --count-by.' },
    format: { value: 'FORMAT', description: `${FORMATS.join(', ')}; --json is short for json.` },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ["vedette search 'event.action:executed' --since 1h", 'Programs started in the last hour.'],
    ["vedette search 'process.name:bash and user.name:root' --since 24h", 'Root’s shells of the last day.'],
    ["vedette search 'event.action:connected-to' --count-by process.name,user.name", 'Who connects, and how often.'],
    ["vedette search '*' --histogram 1m --since 1h", 'How much happened in each minute.'],
    [
      "vedette search 'destination.ip:* and not destination.ip:10.0.0.0/8' --distinct destination.ip",
      'How many addresses outside.',
    ],
    ["vedette search 'user.name:root' --follow", 'What root does, as it happens.'],
    [
      "vedette search '*' --since 10m --format ndjson --limit 100000",
      'Everything of the last ten minutes, a document a line.',
    ],
  ],
  async run(invocation) {
    const mode = readMode(invocation);
    if (!mode.isOk) return mode.failure;
    const asking = await readAsking(invocation, mode.value);
    return asking.isOk ? perform(asking.value, mode.value) : asking.failure;
  },
};

type Mode =
  | { readonly kind: 'find' }
  | { readonly kind: 'follow' }
  | { readonly kind: 'around'; readonly id: string; readonly withinMs: number }
  | { readonly kind: 'tree'; readonly id: string }
  | ({ readonly kind: 'count' } & Counting);

function perform(asking: Asking, mode: Mode): Promise<ExitCode | Failure> {
  switch (mode.kind) {
    case 'find':
      return find(asking);
    case 'follow':
      return follow(asking, isGiven(asking.invocation, 'since'));
    case 'around':
      return around(asking, mode.id, mode.withinMs);
    case 'tree':
      return tree(asking, mode.id, isGiven(asking.invocation, 'since'));
    case 'count':
      return count(asking, mode);
  }
}

const COUNTERS = ['count-by', 'histogram', 'distinct'] as const;

function readMode(invocation: Invocation): Outcome<Mode> {
  const counters = COUNTERS.filter((name) => isGiven(invocation, name));
  const modes = [
    ...(['follow', 'around', 'tree'] as const).filter((name) => isGiven(invocation, name)),
    ...counters.slice(0, 1),
  ];
  const [first, second] = modes;
  if (first !== undefined && second !== undefined)
    return usage(search, `--${first} and --${second} do not go together`, 'Leave one out.');
  if (isGiven(invocation, 'within') && first !== 'around')
    return usage(search, '--within belongs to --around', 'Name an event by --around ID.');
  if (isGiven(invocation, 'oldest-first') && first !== undefined)
    return usage(search, `--oldest-first does not go with --${first}`, 'Leave it out.');
  if (isGiven(invocation, 'fields') && (first === 'tree' || counters.length > 0))
    return usage(search, `--fields does not go with --${first}`, 'To count by fields, write --count-by A,B.');
  switch (first) {
    case undefined:
      return succeed({ kind: 'find' });
    case 'follow':
      if (!isGiven(invocation, 'until')) return succeed({ kind: 'follow' });
      return usage(search, '--follow has no end', 'Leave --until out; Ctrl-C ends it.');
    case 'tree':
      if (invocation.positionals.length === 0)
        return succeed({ kind: 'tree', id: optionValue(invocation, 'tree') ?? '' });
      return usage(search, '--tree takes no query', 'Leave the query out.');
    case 'around': {
      if (isGiven(invocation, 'since') || isGiven(invocation, 'until'))
        return usage(search, '--around has its own range', 'Say how far it goes by --within 30s.');
      const written = optionValue(invocation, 'within') ?? WITHIN;
      const withinMs = parseDuration(written);
      if (withinMs === undefined)
        return usage(search, `--within: \`${written}\` is no duration`, 'Write 30s, 5m or 1h.');
      return succeed({ kind: 'around', id: optionValue(invocation, 'around') ?? '', withinMs });
    }
    default:
      return readCounting(invocation);
  }
}

function readCounting(invocation: Invocation): Outcome<Mode> {
  const groupBy = readNames(invocation, 'count-by', COUNT_FIELDS_MAX);
  const distinct = readNames(invocation, 'distinct', COUNT_FIELDS_MAX);
  if (!groupBy.isOk) return groupBy;
  if (!distinct.isOk) return distinct;
  const written = optionValue(invocation, 'histogram');
  const bucketMs = written === undefined ? undefined : bucketWidth(written);
  if (written !== undefined && bucketMs === undefined)
    return usage(search, `--histogram: \`${written}\` is no duration`, 'Write 10s, 1m or 1h.');
  const range = readRange(invocation, '1h');
  if (!range.isOk) return range;
  const spanMs = (range.value.untilMs ?? invocation.context.now()) - range.value.sinceMs;
  if (bucketMs !== undefined && spanMs / bucketMs > BUCKETS_MAX)
    return usage(
      search,
      `--histogram: that is more than ${BUCKETS_MAX} steps`,
      'Write longer steps, or a shorter --since.',
    );
  return succeed({ kind: 'count', groupBy: groupBy.value ?? [], distinct: distinct.value, bucketMs });
}

async function readAsking(invocation: Invocation, mode: Mode): Promise<Outcome<Asking>> {
  const [query] = invocation.positionals;
  if (query === undefined && mode.kind !== 'around' && mode.kind !== 'tree')
    return usage(
      search,
      'a query is missing',
      "Write `vedette search QUERY`, such as 'event.action:executed'; '*' matches everything.",
    );
  const format = readFormat(invocation);
  if (!format.isOk) return format;
  const range = readRange(invocation, '1h');
  if (!range.isOk) return range;
  const streams = mode.kind === 'find' && (format.value === 'csv' || format.value === 'ndjson');
  const limit = wholeNumber(invocation, 'limit', {
    least: LIMIT.least,
    most: streams ? STREAM_LIMIT_MAX : LIMIT.most,
    otherwise: LIMIT_OTHERWISE[mode.kind],
  });
  if (!limit.isOk) return limit;
  const fields = readNames(invocation, 'fields', FIELDS_MAX);
  if (!fields.isOk) return fields;
  const client = await openClient(invocation, 'reader');
  if (!client.isOk) return client;
  return succeed({
    invocation,
    client: client.value,
    query: query ?? '*',
    range: range.value,
    format: format.value,
    limit: limit.value,
    fields: fields.value,
    isOldestFirst: isGiven(invocation, 'oldest-first'),
    isUnicode: isUnicode(invocation.context.env),
  });
}

function readFormat(invocation: Invocation): Outcome<Format> {
  const written = optionValue(invocation, 'format') ?? (invocation.isJson ? 'json' : 'table');
  const format = FORMATS.find((known) => known === written);
  if (format === undefined) {
    const remedy = suggestion(written, FORMATS, `Choose one of ${FORMATS.join(', ')}.`);
    return usage(search, `--format: \`${written}\` is no format`, remedy);
  }
  if (invocation.isJson && format !== 'json')
    return usage(search, '--json and --format say two things', 'Leave one out.');
  return succeed(format);
}

function readNames(invocation: Invocation, option: string, max: number): Outcome<readonly string[] | undefined> {
  const names = optionValue(invocation, option)
    ?.split(',')
    .map((name) => name.trim());
  if (names === undefined || (names.length <= max && !names.includes(''))) return succeed(names);
  return usage(search, `--${option} is no list of fields`, `Write 1 to ${max} names, parted by commas.`);
}

/** The terminal's own word; where it says nothing, it is of this century. */
function isUnicode(env: Invocation['context']['env']): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return /utf-?8/i.test(locale);
}
