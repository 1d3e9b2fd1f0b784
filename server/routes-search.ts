// Searching the stored events, bounded in results, in time and in how many searches run at once.
import type { EventStore } from '../store/port.ts';
import { StoreUnavailable } from '../store/port.ts';
import { parseQuery, QUERY_CHARS_MAX } from '../store/query/parse.ts';
import type { EventApiResponse, SearchApiResponse } from './api.ts';
import { busy, problem } from './api-error.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { fieldsOf, optionalTimeIn, optionalWholeIn, textIn, timeIn } from './request-shape.ts';

const SEARCH_LIMIT = 100;
export const SEARCH_LIMIT_MAX = 10_000;
const SEARCH_TIMEOUT_MS = 30_000;
export const SEARCHES_MAX = 8;

export function searchRoutes(
  { app, needs }: Http,
  context: { readonly store: EventStore; readonly now: () => number },
): void {
  const { store, now } = context;
  let running = 0;

  app.post(`${API_PREFIX}/search`, needs('read'), async (request, reply): Promise<SearchApiResponse> => {
    const body = fieldsOf(request.body);
    const parsed = parseQuery(textIn(body, 'query', QUERY_CHARS_MAX), now());
    if (!parsed.ok) {
      const { code, message, remedy, column } = parsed.diagnostic;
      throw problem(400, code, column > 0 ? `${message} (column ${column})` : message, remedy);
    }
    const fromMs = timeIn(body, 'sinceMs');
    // Events of this very moment belong to it, hence the one millisecond.
    const untilMs = optionalTimeIn(body, 'untilMs') ?? now() + 1;
    const limit = optionalWholeIn(body, 'limit', { min: 1, max: SEARCH_LIMIT_MAX }) ?? SEARCH_LIMIT;
    if (running >= SEARCHES_MAX) throw busy(429, 'too-many-searches', `${SEARCHES_MAX} searches run already`);
    running += 1;
    const signal = signalOf(reply, SEARCH_TIMEOUT_MS);
    try {
      const { events, total, isTotalExact } = await store.search({
        query: parsed.query,
        range: { fromMs, untilMs },
        limit,
        signal,
      });
      return { total, isTotalExact, events: events.map(({ id, document }) => ({ id, document })) };
    } catch (error) {
      throw searchProblem(error, signal);
    } finally {
      running -= 1;
    }
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

/** What to answer when the store could not be read. */
export function searchProblem(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof StoreUnavailable) return busy(503, `store-${error.reason}`, 'the store cannot be read now');
  if (signal?.aborted === true) {
    return problem(
      503,
      'timeout',
      `it took longer than ${SEARCH_TIMEOUT_MS / 1_000} s`,
      'Narrow the time range or the query.',
    );
  }
  return error;
}
