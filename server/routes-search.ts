// Searching and counting the stored events, bounded in results, in time and in how many run at once.
import {
  AGGREGATE_FIELDS_MAX,
  AGGREGATE_GROUPS_MAX,
  type AggregateResponse,
  type EventStore,
  type TimeRange,
} from '../store/port.ts';
import type { AggregateApiResponse, EventApiResponse, SearchApiResponse } from './api.ts';
import { problem } from './api-error.ts';
import { fieldNamesIn, storedFields, viewOf } from './field-view.ts';
import { API_PREFIX, type Http } from './http.ts';
import { PAGE_EVENTS_MAX, pagedSearch } from './paged-search.ts';
import { type Fields, fieldsOf, optionalTimeIn, optionalWholeIn, timeIn } from './request-shape.ts';
import { queryIn, type SearchDesk, searchProblem, type Tools } from './search-desk.ts';

const SEARCH_LIMIT = 100;
export const SEARCH_LIMIT_MAX = PAGE_EVENTS_MAX;
/** The most events of an answer in lines. */
const LINES_LIMIT_MAX = 1_000_000_000;
const GROUPS = 100;
const BUCKET_MS_MAX = 3_660 * 86_400_000;
/** The most rows of an answer: groups times buckets. */
const ROWS_MAX = 100_000;
export const VIEW_FIELDS_MAX = 40;

export interface SearchContext {
  readonly store: EventStore;
  readonly desk: SearchDesk;
  readonly now: () => number;
}

export function searchRoutes({ app, needs }: Http, { store, desk, now }: SearchContext): void {
  app.post(`${API_PREFIX}/search`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const { query, warnings } = queryIn(body, now());
    const range = rangeIn(body, now());
    const fields = fieldNamesIn(body, 'fields', VIEW_FIELDS_MAX);
    const isForward = body['oldestFirst'] === true;
    return desk.run({ request, reply }, async ({ signal, lines, progress }: Tools) => {
      const max = lines === undefined ? SEARCH_LIMIT_MAX : LINES_LIMIT_MAX;
      const limit = optionalWholeIn(body, 'limit', { min: 1, max }) ?? SEARCH_LIMIT;
      const asked = { query, range, limit, oldestFirst: isForward, ...storedFields(fields), signal, progress };
      const events: SearchApiResponse['events'][number][] = [];
      let given = 0;
      let total = { total: 0, isTotalExact: true };
      for await (const page of pagedSearch(store, asked)) {
        total = page.total ?? total;
        given += page.events.length;
        for (const { id, document } of page.events) {
          const event = { id, document: viewOf(document, fields) };
          if (lines === undefined) events.push(event);
          else await lines.write({ event });
        }
      }
      const counted = { ...total, total: Math.max(total.total, given), warnings };
      return lines === undefined ? { ...counted, events } : counted;
    });
  });

  app.post(`${API_PREFIX}/aggregate`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const { query, warnings } = queryIn(body, now());
    const range = rangeIn(body, now());
    const groupBy = fieldNamesIn(body, 'groupBy', AGGREGATE_FIELDS_MAX) ?? [];
    const distinct = fieldNamesIn(body, 'distinct', AGGREGATE_FIELDS_MAX);
    const bucketMs = optionalWholeIn(body, 'bucketMs', { min: 1, max: BUCKET_MS_MAX });
    const limit = optionalWholeIn(body, 'limit', { min: 1, max: AGGREGATE_GROUPS_MAX }) ?? GROUPS;
    return desk.run({ request, reply }, async ({ signal, progress }): Promise<AggregateApiResponse> => {
      const counted = await store.aggregate({
        query,
        range,
        groupBy,
        limit,
        signal,
        progress,
        ...(bucketMs === undefined ? {} : { bucketMs }),
        ...(distinct === undefined || distinct.length === 0 ? {} : { distinct }),
      });
      return { ...bounded(counted), warnings };
    });
  });

  app.get(`${API_PREFIX}/events/:id`, needs('read'), async (request): Promise<EventApiResponse> => {
    const { id } = request.params as { readonly id: string };
    const document = await store.get(id).catch((error: unknown) => {
      throw searchProblem(error, undefined);
    });
    if (document === undefined)
      throw problem(404, 'no-event', 'there is no such event', 'It may be past its retention.');
    return { id, document };
  });
}

/** `sinceMs` and `untilMs` of a request. */
function rangeIn(body: Fields, nowMs: number): TimeRange {
  // Events of this very moment belong to it, hence the one millisecond.
  return { fromMs: timeIn(body, 'sinceMs'), untilMs: optionalTimeIn(body, 'untilMs') ?? nowMs + 1 };
}

function bounded(counted: AggregateResponse): AggregateResponse {
  if (counted.groups.length <= ROWS_MAX) return counted;
  const message = `the answer has ${counted.groups.length} rows, more than ${ROWS_MAX}`;
  throw problem(400, 'too-many-rows', message, 'Use larger buckets, fewer groups or a shorter time range.');
}
