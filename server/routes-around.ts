// What else happened around an event, on the same host: the nearest events before and after it.
import { type EventDocument, textOf } from '../event/document.ts';
import { timestampOf } from '../store/admission.ts';
import type { Query } from '../store/query/query.ts';
import type { AroundApiResponse } from './api.ts';
import { problem } from './api-error.ts';
import { fieldNamesIn, storedFields, viewOf } from './field-view.ts';
import { API_PREFIX, type Http } from './http.ts';
import { fieldsOf, optionalWholeIn, textIn } from './request-shape.ts';
import { type SearchContext, VIEW_FIELDS_MAX } from './routes-search.ts';
import { queryIn } from './search-desk.ts';

const WITHIN_MS = 30_000;
const WITHIN_MS_MAX = 7 * 86_400_000;
const AROUND_LIMIT = 200;
const AROUND_LIMIT_MAX = 10_000;
export const EVENT_ID_CHARS_MAX = 2_048;

export function aroundRoutes({ app, needs }: Http, { store, desk, now }: SearchContext): void {
  app.post(`${API_PREFIX}/around`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const id = textIn(body, 'id', EVENT_ID_CHARS_MAX);
    const withinMs = optionalWholeIn(body, 'withinMs', { min: 0, max: WITHIN_MS_MAX }) ?? WITHIN_MS;
    const limit = optionalWholeIn(body, 'limit', { min: 1, max: AROUND_LIMIT_MAX }) ?? AROUND_LIMIT;
    const fields = fieldNamesIn(body, 'fields', VIEW_FIELDS_MAX);
    const { query, warnings } = queryIn({ query: '*', ...body }, now());
    return desk.run({ request, reply }, async ({ signal, progress }): Promise<AroundApiResponse> => {
      const document = await store.get(id);
      const atMs = document === undefined ? undefined : timestampOf(document);
      if (document === undefined || atMs === undefined)
        throw problem(404, 'no-event', 'there is no such event', 'It may be past its retention.');
      const [fromMs, untilMs] = [atMs - withinMs, atMs + withinMs + 1];
      const onHost = withHost(query, document);
      const asked = { query: onHost, limit: limit + 1, ...storedFields(fields), signal };
      const before = await store.search({ ...asked, range: { fromMs, untilMs: atMs } });
      progress(0.5);
      const after = await store.search({ ...asked, range: { fromMs: atMs, untilMs }, oldestFirst: true });
      const around = [
        ...before.events.toReversed(),
        { id, document },
        ...after.events.filter((event) => event.id !== id),
      ];
      const at = before.events.length;
      const shown = nearest(around, { at, limit });
      return {
        id,
        fromMs,
        untilMs,
        events: shown.map((event) => ({ id: event.id, document: viewOf(event.document, fields) })),
        isComplete: shown.length === around.length,
        warnings,
      };
    });
  });
}

/** At most `limit` neighbours of the one at `at`, as many on either side as there are. */
function nearest<T>(all: readonly T[], { at, limit }: { readonly at: number; readonly limit: number }): readonly T[] {
  const half = Math.floor((limit - 1) / 2);
  const after = all.length - at - 1;
  const first = Math.max(0, at - Math.max(half, limit - 1 - after));
  return all.slice(first, first + limit);
}

/** The query on the document's own host. */
export function withHost(query: Query, document: EventDocument): Query {
  const host = textOf(document, 'host.id');
  if (host === undefined) return query;
  return { kind: 'and', left: { kind: 'equals', field: 'host.id', value: host }, right: query };
}
