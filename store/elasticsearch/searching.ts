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
import { grouped, sortedHits } from './reader.ts';

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
    for (const { id, document } of group) if (matches(document)) events.push({ id, document });
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
  for await (const { document } of hits) if (matches(document)) found++;
  return found;
}

/** All events by `event.created`, in reference order. Each stream is cut into slices that are read side by side. */
export async function* scan(
  client: Client,
  book: IndexBook,
  {
    query,
    range,
    signal,
  }: { readonly query: Query; readonly range: TimeRange; readonly signal: AbortSignal | undefined },
): AsyncGenerator<readonly NewEvent[]> {
  const matches = matcherOf(query);
  const hasCreated = { exists: { field: 'event.created' } };
  // Where there is no event.created, @timestamp stands for it (event/order.ts).
  const fields = [
    { field: 'event.created', filter: ALL },
    { field: '@timestamp', filter: not(hasCreated) },
  ];
  const streams = (await book.targets(query, { signal })).flatMap(({ index, condition }) =>
    fields.flatMap(({ field, filter }) =>
      Array.from({ length: SLICES }, (_, id) =>
        sortedHits(client, index, {
          filter: allOf([aroundRange(range, field), filter, condition.superset]),
          field,
          order: 'asc',
          signal,
          slice: { id, max: SLICES },
        }),
      ),
    ),
  );
  let batch: NewEvent[] = [];
  for await (const group of grouped(streams, 'asc')) {
    const keyed = group.map(({ id, document }) => ({ id, document, order: orderKeyOf(id, document) }));
    if (keyed.length > 1) keyed.sort((a, b) => compareOrder(a.order, b.order));
    for (const { id, document, order } of keyed) {
      if (order.createdMs >= range.fromMs && order.createdMs < range.untilMs && matches(document))
        batch.push({ id, document });
    }
    if (batch.length < SCAN_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
