// More events than one search gives, page by page. A page ends at a whole millisecond, so that no event is given twice and none is
// left out, however many share a time; a millisecond that fills a page by itself is read by a scan.
import type { NewEvent } from '../event/document.ts';
import { timestampOf } from '../store/admission.ts';
import type { EventStore, SearchRequest, SearchResponse } from '../store/port.ts';
import type { Query } from '../store/query/query.ts';

/** Events that one search of a store gives. */
export const PAGE_EVENTS_MAX = 10_000;

export interface Page {
  readonly events: readonly NewEvent[];
  /** Of the first page only: how many match. */
  readonly total?: Pick<SearchResponse, 'total' | 'isTotalExact'>;
}

/** The events of a search in its order, as many as it asks for. Every page but the last is full or ends at a millisecond. */
export async function* pagedSearch(
  store: Pick<EventStore, 'search' | 'scan'>,
  request: SearchRequest,
  pageMax = PAGE_EVENTS_MAX,
): AsyncGenerator<Page> {
  let { fromMs, untilMs } = request.range;
  let left = request.limit;
  let isFirst = true;
  // How far it is: by time, or by how many there may be, whichever is further.
  const span = request.range.untilMs - request.range.fromMs;
  const doneBefore = (): number => Math.max(1 - left / request.limit, span > 0 ? 1 - (untilMs - fromMs) / span : 0);
  for (;;) {
    const limit = Math.min(left, pageMax);
    const base = doneBefore();
    const progress = (part: number): void => request.progress?.(base + (1 - base) * part * Math.min(1, limit / left));
    progress(0);
    const found = await store.search({ ...request, range: { fromMs, untilMs }, limit, progress });
    const total = isFirst ? { total: { total: found.total, isTotalExact: found.isTotalExact } } : {};
    isFirst = false;
    const isLast = found.events.length < limit || found.events.length >= left;
    const edgeMs = msOf(found.events.at(-1));
    const whole = isLast ? found.events : found.events.filter((event) => msOf(event) !== edgeMs);
    left -= whole.length;
    yield { events: whole, ...total };
    if (isLast) return;
    if (whole.length === 0) {
      for await (const batch of store.scan(ALL_TIME, {
        query: atMs(request.query, edgeMs),
        ...(request.fields === undefined ? {} : { fields: request.fields }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      })) {
        const taken = batch.slice(0, left);
        left -= taken.length;
        yield { events: taken };
        if (left === 0) return;
      }
    }
    // What shares the edge's millisecond comes with the next page, unless it was read just now.
    const isRead = whole.length === 0;
    if (request.oldestFirst === true) fromMs = isRead ? edgeMs + 1 : edgeMs;
    else untilMs = isRead ? edgeMs : edgeMs + 1;
  }
}

const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

function msOf(event: NewEvent | undefined): number {
  return event === undefined ? 0 : (timestampOf(event.document) ?? 0);
}

function atMs(query: Query, ms: number): Query {
  const end = { value: new Date(ms).toISOString(), isInclusive: true };
  return { kind: 'and', left: query, right: { kind: 'range', field: '@timestamp', min: end, max: end } };
}
