// Counting without reading: events that the index decides for certain are counted in Elasticsearch, by composite aggregations, which
// are exact (a `terms` or `cardinality` aggregation is not); all others are read and counted one by one, as store/query/count.ts means it.
import type { Client, estypes } from '@elastic/elasticsearch';
import { fieldNamed } from '../../event/catalogue.ts';
import { timestampOf } from '../admission.ts';
import type { AggregateRequest, AggregateResponse, TimeRange } from '../port.ts';
import { type Count, createCount } from '../query/count.ts';
import { matcherOf } from '../query/matches.ts';
import { allOf, anyOf, type Filter, indexedType, NONE, not, timeRange } from './dialect.ts';
import type { IndexBook, Target } from './index-book.ts';
import { INDEXED_MS_MAX, INDEXED_MS_MIN } from './mapping.ts';
import { KEEP_ALIVE, sortedHits } from './reader.ts';

const PAGE_BUCKETS = 10_000;
/** More combinations than an answer may hold (store/query/count.ts): then its figures are lower bounds anyway. */
const BUCKETS_MAX = 1_000_001;

/** `@timestamp` in a range; the index holds it in whole milliseconds. */
export function inRange({ fromMs, untilMs }: TimeRange, field = '@timestamp'): Filter {
  return timeRange(field, whole(Math.ceil(fromMs)), whole(Math.ceil(untilMs) - 1));
}

/** {@link inRange} for a time that the index may hold rounded, or not at all as far off as it is (form.ts). */
export function aroundRange({ fromMs, untilMs }: TimeRange, field: string): Filter {
  return timeRange(
    field,
    Math.min(whole(Math.floor(fromMs)), INDEXED_MS_MAX),
    Math.max(whole(Math.ceil(untilMs)), INDEXED_MS_MIN),
  );
}

/** A range end as Elasticsearch can read it. */
function whole(ms: number): number {
  return Math.max(-9e15, Math.min(ms, 9e15));
}

/** How many events the index counts for certain, and how many would have to be read to know. */
export async function countSides(
  client: Client,
  { index, condition: { superset, subset } }: Target,
  options: { readonly range: TimeRange; readonly signal: AbortSignal | undefined },
): Promise<{ readonly certain: number; readonly doubtful: number }> {
  const response = await client.search(
    {
      index,
      size: 0,
      track_total_hits: true,
      ignore_unavailable: true,
      allow_partial_search_results: false,
      query: { bool: { filter: [inRange(options.range), superset] } },
      aggs: { certain: { filter: subset } },
    },
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const total = response.hits.total;
  const all = typeof total === 'number' ? total : (total?.value ?? 0);
  const certain = (response.aggregations?.['certain'] as { doc_count?: number } | undefined)?.doc_count ?? 0;
  return { certain, doubtful: all - certain };
}

export async function aggregate(
  client: Client,
  book: IndexBook,
  request: AggregateRequest,
): Promise<AggregateResponse> {
  const { query, groupBy, distinct = [], signal } = request;
  const count = createCount(request);
  const fields = [...new Set([...groupBy, ...distinct])];
  const isCountable = mayCount(groupBy) && mayCount(distinct);
  const targets = await book.targets(query, { fields, signal });
  for (const [at, { index, condition }] of targets.entries()) {
    const { superset, subset } = condition;
    const certain = isCountable ? allOf([subset, not(ignoresAny(fields))]) : NONE;
    const progress = (part: number): void => request.progress?.((at + part) / targets.length);
    // One point in time for all of it, so that an event is either counted or read.
    const { id } = await client.openPointInTime(
      { index, keep_alive: KEEP_ALIVE, ignore_unavailable: true, allow_partial_search_results: false },
      signal === undefined ? {} : { signal },
    );
    const point = { client, id, signal };
    try {
      if (certain !== NONE)
        await countCertain({ ...point, filter: allOf([inRange(request.range), certain]) }, request, count);
      progress(0.5);
      const rest = { ...point, filter: allOf([inRange(request.range), superset, not(certain)]) };
      await countRead(rest, { ...request, progress: (part) => progress(0.5 + part / 2) }, count);
    } finally {
      await client.closePointInTime({ id }).catch(() => undefined);
    }
  }
  request.progress?.(1);
  return count.result();
}

async function countCertain(point: Point, request: AggregateRequest, count: Count): Promise<void> {
  const { groupBy, distinct, bucketMs } = request;
  count.matched(await countOf(point));
  for await (const { keys, bucket, events } of bucketsOf(point, { fields: groupBy, bucketMs })) {
    count.group(keys, bucket, events);
  }
  if (distinct === undefined) return;
  for await (const { keys, bucket } of bucketsOf(point, { fields: [...groupBy, ...distinct], bucketMs })) {
    count.seen(keys.slice(0, groupBy.length), bucket, keys.slice(groupBy.length));
  }
}

async function countRead(point: Point, request: AggregateRequest, count: Count): Promise<void> {
  const { client, filter, signal } = point;
  const { query, range, progress } = request;
  const events = await countOf(point);
  if (events === 0) return;
  const matches = matcherOf(query);
  let read = 0;
  for await (const { id, document } of sortedHits(client, [], {
    filter,
    field: '@timestamp',
    order: 'asc',
    signal,
    point: point.id,
  })) {
    if (++read % 10_000 === 0) progress?.(read / events);
    const timestampMs = timestampOf(document) ?? 0;
    if (timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document, id))
      count.event(document, timestampMs);
  }
}

/** Fields whose terms are the very texts of their values, at most one of them with several values (form.ts sees to that). */
function mayCount(fields: readonly string[]): boolean {
  const types = fields.map(indexedType);
  const lists = new Set(fields.filter((field) => fieldNamed(field)?.isArray === true));
  return types.every((type) => type === 'keyword' || type === 'long' || type === 'ip') && lists.size <= 1;
}

function ignoresAny(fields: readonly string[]): Filter {
  return anyOf(fields.map((field) => ({ term: { _ignored: field } })));
}

interface Point {
  readonly client: Client;
  readonly id: string;
  readonly filter: Filter;
  readonly signal: AbortSignal | undefined;
}

async function ask(
  { client, id, filter, signal }: Point,
  body: Pick<estypes.SearchRequest, 'aggs' | 'track_total_hits'>,
): Promise<estypes.SearchResponse> {
  return client.search(
    {
      size: 0,
      allow_partial_search_results: false,
      pit: { id, keep_alive: KEEP_ALIVE },
      query: { bool: { filter: [filter] } },
      ...body,
    },
    signal === undefined ? {} : { signal },
  );
}

async function countOf(point: Point): Promise<number> {
  const { hits } = await ask(point, { track_total_hits: true });
  return typeof hits.total === 'number' ? hits.total : (hits.total?.value ?? 0);
}

interface Bucket {
  readonly keys: readonly (string | null)[];
  readonly bucket: number | undefined;
  readonly events: number;
}

/** Every combination of the fields' values, null where there is none, with the number of its events. */
async function* bucketsOf(
  point: Point,
  { fields, bucketMs }: { readonly fields: readonly string[]; readonly bucketMs: number | undefined },
): AsyncGenerator<Bucket> {
  if (fields.length === 0 && bucketMs === undefined) {
    const events = await countOf(point);
    if (events > 0) yield { keys: [], bucket: undefined, events };
    return;
  }
  const names = [...new Set(fields)];
  const sources = names.map((field) => ({ [`f${names.indexOf(field)}`]: { terms: { field, missing_bucket: true } } }));
  const time = { t: { date_histogram: { field: '@timestamp', fixed_interval: `${bucketMs}ms` } } };
  let after: Record<string, string | number | null> | undefined;
  for (let buckets = 0; buckets < BUCKETS_MAX; ) {
    const response = await ask(point, {
      track_total_hits: false,
      aggs: {
        by: {
          composite: {
            size: PAGE_BUCKETS,
            sources: [...(bucketMs === undefined ? [] : [time]), ...sources],
            ...(after === undefined ? {} : { after }),
          },
        },
      },
    });
    const by = response.aggregations?.['by'] as Composite | undefined;
    for (const { key, doc_count: events } of by?.buckets ?? []) {
      const texts = fields.map((field) => {
        const value = key[`f${names.indexOf(field)}`];
        return value === undefined || value === null ? null : String(value);
      });
      yield { keys: texts, bucket: bucketMs === undefined ? undefined : Number(key['t']), events };
    }
    buckets += by?.buckets.length ?? 0;
    after = by?.after_key;
    if (after === undefined) return;
  }
}

interface Composite {
  readonly buckets: readonly {
    readonly key: Readonly<Record<string, string | number | null>>;
    readonly doc_count: number;
  }[];
  readonly after_key?: Record<string, string | number | null>;
}
