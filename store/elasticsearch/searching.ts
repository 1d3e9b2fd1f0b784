// One page of a search and how many events match in all. What the index decides for certain is counted there; what it does not is read,
// up to a bound: past it the total is a lower one.
import type { Client } from '@elastic/elasticsearch';
import type { NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import type { SearchRequest, SearchResponse, TimeRange } from '../port.ts';
import { matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { aroundRange, countSides, inRange } from './counting.ts';
import { ALL, allOf, not } from './dialect.ts';
import type { IndexBook, Target } from './index-book.ts';
import { closePoint, grouped, isPointLost, openPoint, REOPENED_MAX, type SortedHit, sortedHits } from './reader.ts';

const SEARCH_LIMIT_MAX = 10_000;
const SCAN_BATCH = 1_000;
/** Events that are read for the sake of the total. */
const DOUBTFUL_MAX = 20_000;
/** Readers that share a scan between them. */
const SLICES = 3;

export async function search(client: Client, book: IndexBook, request: SearchRequest): Promise<SearchResponse> {
  const { query, range, limit, oldestFirst, signal, progress } = request;
  const targets = await book.targets(query, { signal });
  const matches = matcherOf(query);
  const atMost = Math.max(0, Math.min(Math.floor(limit), SEARCH_LIMIT_MAX));
  const order = oldestFirst === true ? 'asc' : 'desc';
  const events: NewEvent[] = [];
  let isEnd = true;
  const streams = targets.map(({ index, condition }) =>
    sortedHits(client, index, {
      filter: allOf([inRange(range), condition.superset]),
      field: '@timestamp',
      order,
      signal,
      pageHits: atMost + 1,
    }),
  );
  for await (const group of grouped(streams, order)) {
    for (const { id, document } of group) if (matches(document, id)) events.push({ id, document });
    if (events.length <= atMost) continue;
    isEnd = false;
    break;
  }
  progress?.(0.5);
  if (isEnd) return { events, total: events.length, isTotalExact: true };
  const first = events.slice(0, atMost);
  let total = 0;
  let isTotalExact = true;
  for (const target of targets) {
    const { certain, doubtful } = await countSides(client, target, { range, signal });
    total += certain;
    if (doubtful > DOUBTFUL_MAX) isTotalExact = false;
    else if (doubtful > 0) total += await countDoubtful(client, target, request);
  }
  progress?.(1);
  return { events: first, total: Math.max(total, events.length), isTotalExact };
}

async function countDoubtful(client: Client, { index, condition }: Target, request: SearchRequest): Promise<number> {
  const matches = matcherOf(request.query);
  const filter = allOf([inRange(request.range), condition.superset, not(condition.subset)]);
  let found = 0;
  const hits = sortedHits(client, index, { filter, field: '@timestamp', order: 'asc', signal: request.signal });
  for await (const { id, document } of hits) if (matches(document, id)) found++;
  return found;
}

interface ScanRequest {
  readonly query: Query;
  readonly range: TimeRange;
  readonly signal: AbortSignal | undefined;
}

/** All events by `event.created`, in reference order. */
export async function* scan(
  client: Client,
  book: IndexBook,
  request: ScanRequest,
): AsyncGenerator<readonly NewEvent[]> {
  const { query, range, signal } = request;
  const matches = matcherOf(query);
  const targets = await book.targets(query, { signal });
  let batch: NewEvent[] = [];
  /** Everything up to this time was read. */
  let readMs: number | undefined;
  for (let reopened = 0; ; reopened++) {
    signal?.throwIfAborted();
    try {
      for await (const group of groupsFrom(client, targets, { ...request, readMs })) {
        const keyed = group.map(({ id, document }) => ({ id, document, order: orderKeyOf(id, document) }));
        if (keyed.length > 1) keyed.sort((a, b) => compareOrder(a.order, b.order));
        for (const { id, document, order } of keyed) {
          if (order.createdMs >= range.fromMs && order.createdMs < range.untilMs && matches(document, id))
            batch.push({ id, document });
        }
        readMs = group[0]?.sortMs;
        reopened = 0;
        if (batch.length < SCAN_BATCH) continue;
        yield batch;
        batch = [];
      }
      break;
    } catch (error) {
      if (!isPointLost(error) || reopened >= REOPENED_MAX) throw error;
    }
  }
  if (batch.length > 0) yield batch;
}

/**
 * Hits after a time, in groups of one time. Of each point in time there are several readers, who divide what is in it by its places there:
 * when one loses it, all have to begin anew, or events would be in the shares of two, or of none.
 */
async function* groupsFrom(
  client: Client,
  targets: readonly Target[],
  { range, signal, readMs }: ScanRequest & { readonly readMs: number | undefined },
): AsyncGenerator<readonly SortedHit[]> {
  const hasCreated = { exists: { field: 'event.created' } };
  // Where there is no event.created, @timestamp stands for it (event/order.ts).
  const fields = [
    { field: 'event.created', filter: ALL },
    { field: '@timestamp', filter: not(hasCreated) },
  ];
  const points: string[] = [];
  try {
    for (const { index } of targets) points.push(await openPoint(client, index, signal));
    const streams = targets.flatMap(({ index, condition }, at) =>
      fields.flatMap(({ field, filter }) =>
        Array.from({ length: SLICES }, (_, id) =>
          sortedHits(client, index, {
            filter: allOf([aroundRange(range, field), filter, condition.superset]),
            field,
            order: 'asc',
            signal,
            slice: { id, max: SLICES },
            point: points[at] ?? '',
            fromMs: readMs,
          }),
        ),
      ),
    );
    for await (const group of grouped(streams, 'asc')) if (group[0]?.sortMs !== readMs) yield group;
  } finally {
    for (const point of points) await closePoint(client, point);
  }
}
