// Matching events as they are stored: each exactly once, from now on or from a cursor, until the client goes.
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import { matcherOf } from '../store/query/matches.ts';
import { busy, problem } from './api-error.ts';
import { fieldNamesIn, viewOf } from './field-view.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { answerInLines, wantsLines } from './line-answer.ts';
import { fieldsOf, optionalTextIn } from './request-shape.ts';
import { type SearchContext, VIEW_FIELDS_MAX } from './routes-search.ts';
import { queryIn, searchProblem } from './search-desk.ts';

export const FOLLOWERS_MAX = 16;
const BATCH = 500;
/** Without events the client is told its cursor so often: it sees that the connection lives. */
const WAIT_MS = 10_000;
/** A client asks again with its cursor after this at the latest. */
const FOLLOW_MS_MAX = 24 * 3_600_000;
const CURSOR_CHARS_MAX = 65_536;

export function followRoutes({ app, needs, closing }: Http, { store, now }: Omit<SearchContext, 'desk'>): void {
  let running = 0;
  app.post(`${API_PREFIX}/follow`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const { query } = queryIn(body, now());
    const fields = fieldNamesIn(body, 'fields', VIEW_FIELDS_MAX);
    const given = optionalTextIn(body, 'cursor', CURSOR_CHARS_MAX);
    if (!wantsLines(request))
      throw problem(406, 'lines-only', 'this answers in lines', 'Send `Accept: application/x-ndjson`.');
    if (running >= FOLLOWERS_MAX) throw busy(429, 'too-many-followers', `${FOLLOWERS_MAX} follow already`, 5);
    running += 1;
    const signal = AbortSignal.any([signalOf(reply, FOLLOW_MS_MAX), closing]);
    try {
      let cursor = given ?? (await store.end());
      await checkCursor(store, cursor);
      const matches = matcherOf(query);
      const failureOf = (error: unknown): unknown => searchProblem(error, undefined);
      await answerInLines(reply, { signal, failureOf }, async (lines) => {
        await lines.write({ cursor });
        while (!signal.aborted) {
          const batch = await store.next(cursor, { limit: BATCH, waitMs: WAIT_MS, signal });
          for (const { id, document } of batch.events)
            if (matches(document, id)) await lines.write({ event: { id, document: viewOf(document, fields) } });
          cursor = batch.cursor;
          if (!signal.aborted) await lines.write({ cursor });
        }
        return { cursor };
      });
      return undefined;
    } catch (error) {
      throw searchProblem(error, undefined);
    } finally {
      running -= 1;
    }
  });
}

async function checkCursor(store: EventStore, cursor: string): Promise<void> {
  try {
    await store.next(cursor, { limit: 1, waitMs: 0 });
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const remedy = 'Leave it out: then it follows from now on.';
    throw problem(400, 'bad-cursor', 'this is no cursor of this store', remedy);
  }
}
