// Events counted: by the values of fields, by time, or both, and how many different values there are.
import { parseDuration } from '../../event/duration.ts';
import type { AggregateApiRequest, AggregateApiResponse } from '../../server/api.ts';
import { printJson, safeJson } from '../command.ts';
import { EXIT, type ExitCode, type Failure } from '../failure.ts';
import { type Column, isoTime, renderTable } from '../table.ts';
import { type Asking, ask, rangeInWords, rangeOf, tellUnknown, tellWarnings } from './asking.ts';
import { barOf, sparklineOf } from './bars.ts';
import { csvHead, csvLine } from './csv.ts';

/** Lines of a histogram, and columns of a sparkline before neighbours are put together. */
export const BUCKETS_MAX = 5_000;
const BAR_WIDTH_MAX = 120;
/** Bars get no narrower than this. */
const BAR_WIDTH_MIN = 10;

export interface Counting {
  readonly groupBy: readonly string[];
  readonly distinct: readonly string[] | undefined;
  readonly bucketMs: number | undefined;
}

type Group = AggregateApiResponse['groups'][number];

/** The width of buckets as it is typed: `1m`. */
export function bucketWidth(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === undefined || ms < 1 ? undefined : ms;
}

export async function count(asking: Asking, counting: Counting): Promise<ExitCode | Failure> {
  const { invocation, format, query, limit } = asking;
  const { stdout, stderr } = invocation.context;
  const { groupBy, distinct, bucketMs } = counting;
  const request: AggregateApiRequest = {
    query,
    ...rangeOf(asking),
    groupBy,
    limit,
    ...(distinct === undefined ? {} : { distinct }),
    ...(bucketMs === undefined ? {} : { bucketMs }),
  };
  const counted = await ask<AggregateApiResponse>(asking, '/api/v1/aggregate', request);
  if (!counted.isOk) return counted.failure;
  const answer = counted.value;
  if (format === 'json') {
    printJson(invocation, answer);
    return EXIT.fine;
  }
  if (format === 'csv') {
    const names = [
      ...(bucketMs === undefined ? [] : ['@timestamp']),
      ...groupBy,
      'events',
      ...(distinct === undefined ? [] : ['distinct']),
    ];
    stdout.write(csvHead(names));
    for (const group of answer.groups) {
      const bucket = bucketMs === undefined ? [] : [isoTime(group.bucketMs)];
      const many = distinct === undefined ? [] : [group.distinct];
      stdout.write(csvLine([...bucket, ...group.keys, group.count, ...many]));
    }
  } else if (format === 'ndjson') {
    for (const group of answer.groups) stdout.write(`${safeJson(lineOf(group, counting))}\n`);
  } else {
    stdout.write(countTable(asking, counting, answer));
  }
  tellWarnings(asking, answer.warnings);
  tellUnknown(asking, [...groupBy, ...(distinct ?? [])]);
  stderr.write(`${summary(asking, counting, answer)}\n`);
  return EXIT.fine;
}

/** Which fields stand for what does not depend on their names: they may be called anything. */
function lineOf({ keys, count: events, distinct, bucketMs }: Group, { groupBy }: Counting): unknown {
  return {
    ...(bucketMs === undefined ? {} : { '@timestamp': isoTime(bucketMs) }),
    by: Object.fromEntries(groupBy.map((name, at) => [name, keys[at] ?? null])),
    events,
    ...(distinct === undefined ? {} : { distinct }),
  };
}

function countTable(asking: Asking, counting: Counting, { groups, distinct, events }: AggregateApiResponse): string {
  const { groupBy, bucketMs } = counting;
  const { columns: width } = asking.invocation.context.stdout;
  if (bucketMs !== undefined && groupBy.length === 0) return histogram(asking, counting, groups);
  if (bucketMs !== undefined) return groupedHistogram(asking, counting, groups);
  const distinctTitle = `DISTINCT ${counting.distinct?.join(', ') ?? ''}`;
  const columns: Column[] = [
    { title: 'EVENTS', align: 'right' },
    ...(counting.distinct === undefined
      ? []
      : [{ title: groupBy.length === 0 ? distinctTitle : 'DISTINCT', align: 'right' } as const]),
    ...groupBy.map((title) => ({ title })),
  ];
  // Without groups there is one line, also where nothing matches: the answer is 0.
  const rows =
    groupBy.length === 0
      ? [[String(events), ...(distinct === undefined ? [] : [String(distinct)])]]
      : groups.map((group) => [
          String(group.count),
          ...(counting.distinct === undefined ? [] : [String(group.distinct ?? 0)]),
          ...group.keys.map((key) => key ?? '-'),
        ]);
  return rows.length === 0 ? '' : renderTable(columns, rows, width);
}

function histogram(asking: Asking, { bucketMs = 1, distinct }: Counting, groups: readonly Group[]): string {
  const buckets = filled(groups, bucketMs);
  if (buckets.length === 0) return '';
  const most = Math.max(...buckets.map((bucket) => bucket?.group?.count ?? 0));
  const { columns } = asking.invocation.context.stdout;
  const fixed = 24 + 2 + Math.max(6, String(most).length) + 2 + (distinct === undefined ? 0 : 10);
  const width = Math.max(BAR_WIDTH_MIN, Math.min(BAR_WIDTH_MAX, (columns || 100) - fixed));
  const rows = buckets.map(({ atMs, group }) => [
    isoTime(atMs),
    String(group?.count ?? 0),
    ...(distinct === undefined ? [] : [String(group?.distinct ?? 0)]),
    barOf((group?.count ?? 0) / most, width, asking.isUnicode),
  ]);
  const titles: Column[] = [
    { title: 'TIME (UTC)' },
    { title: 'EVENTS', align: 'right' },
    ...(distinct === undefined ? [] : [{ title: 'DISTINCT', align: 'right' } as const]),
    { title: '' },
  ];
  return renderTable(titles, rows, columns);
}

/** One line a group: its values, how many in all, and how many over time. */
function groupedHistogram(asking: Asking, counting: Counting, groups: readonly Group[]): string {
  const { bucketMs = 1, groupBy, distinct } = counting;
  const times = groups.map((group) => group.bucketMs ?? 0);
  if (times.length === 0) return '';
  const first = times.reduce((a, b) => Math.min(a, b));
  const slots = (times.reduce((a, b) => Math.max(a, b)) - first) / bucketMs + 1;
  const byKeys = new Map<
    string,
    { readonly keys: Group['keys']; total: number; readonly counts: Map<number, number> }
  >();
  for (const group of groups) {
    const name = JSON.stringify(group.keys);
    const row = byKeys.get(name) ?? { keys: group.keys, total: 0, counts: new Map<number, number>() };
    byKeys.set(name, row);
    row.total += group.count;
    row.counts.set(((group.bucketMs ?? 0) - first) / bucketMs, group.count);
  }
  const rows = [...byKeys.values()];
  const { columns: screen } = asking.invocation.context.stdout;
  const keyWidths = groupBy.map((name, at) =>
    Math.min(24, Math.max(name.length, ...rows.map(({ keys }) => (keys[at] ?? '-').length))),
  );
  const used = keyWidths.reduce((sum, width) => sum + width + 2, 0) + 8 + (distinct === undefined ? 0 : 10);
  const width = Math.max(BAR_WIDTH_MIN, Math.min(BAR_WIDTH_MAX, (screen || 120) - used));
  const per = Math.ceil(slots / width);
  const cells = rows.map(({ counts }) => {
    const sums = Array.from({ length: Math.ceil(slots / per) }, () => 0);
    for (const [slot, events] of counts) sums[Math.floor(slot / per)] = (sums[Math.floor(slot / per)] ?? 0) + events;
    return sums;
  });
  const most = cells.reduce((peak, sums) => sums.reduce((a, b) => Math.max(a, b), peak), 1);
  const lines = rows.map(({ keys, total }, at) => [
    String(total),
    ...keys.map((key) => key ?? '-'),
    sparklineOf(cells[at] ?? [], most, asking.isUnicode),
  ]);
  const title = `${isoTime(first).slice(0, 16)}Z, ${per === 1 ? '' : `${per} × `}${bucketText(bucketMs)} each, at most ${most}`;
  const columns: Column[] = [
    { title: 'EVENTS', align: 'right' },
    ...groupBy.map((name) => ({ title: name, widthMax: 24 })),
    { title },
  ];
  return renderTable(columns, lines, screen);
}

function bucketText(ms: number): string {
  for (const [unit, unitMs] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}

/** Every bucket from the first to the last, also those without events. */
function filled(
  groups: readonly Group[],
  bucketMs: number,
): readonly { readonly atMs: number; readonly group: Group | undefined }[] {
  const byTime = new Map(groups.map((group) => [group.bucketMs ?? 0, group]));
  const first = groups.reduce((least, group) => Math.min(least, group.bucketMs ?? 0), Number.POSITIVE_INFINITY);
  const last = groups.reduce((most, group) => Math.max(most, group.bucketMs ?? 0), Number.NEGATIVE_INFINITY);
  if (groups.length === 0) return [];
  const buckets = (last - first) / bucketMs + 1;
  // Too many to show the gaps: only those with events.
  if (buckets > BUCKETS_MAX) return groups.map((group) => ({ atMs: group.bucketMs ?? 0, group }));
  return Array.from({ length: buckets }, (_, at) => {
    const atMs = first + at * bucketMs;
    return { atMs, group: byTime.get(atMs) };
  });
}

function summary(asking: Asking, { groupBy, distinct }: Counting, answer: AggregateApiResponse): string {
  const { events, combinations, groups, isExact } = answer;
  const shown = new Set(groups.map(({ keys }) => JSON.stringify(keys))).size;
  const bound = isExact ? '' : 'at least ';
  const inGroups = groupBy.length === 0 ? '' : ` in ${bound}${combinations} ${combinations === 1 ? 'group' : 'groups'}`;
  const many = distinct === undefined ? '' : `, ${bound}${answer.distinct ?? 0} distinct`;
  const most = groupBy.length > 0 && shown < combinations ? `; the ${shown} with most events are shown (--limit)` : '';
  return `${events} ${events === 1 ? 'event' : 'events'}${inGroups}${many} ${rangeInWords(asking)}${most}`;
}
