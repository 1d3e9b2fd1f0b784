// Events of a range in reference order, as lines, for archives: as many as there are, at the pace of who reads them.
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import type { ExportResult } from './api.ts';
import { busy, problem } from './api-error.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { answerInLines, wantsLines } from './line-answer.ts';
import { fieldsOf, timeIn } from './request-shape.ts';
import { queryIn } from './search-desk.ts';

/** Exports at once: each holds a slice of the scan in memory. */
const EXPORTS_MAX = 2;
/** However slowly it is read. */
const EXPORT_MS_MAX: number = 24 * 3_600_000;

export interface ExportContext {
  readonly store: EventStore;
  readonly now: () => number;
}

export function exportRoutes({ app, needs, closing }: Http, { store, now }: ExportContext): void {
  let running = 0;

  app.post(`${API_PREFIX}/export`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const { query } = queryIn(body, now());
    const range = { fromMs: timeIn(body, 'sinceMs'), untilMs: timeIn(body, 'untilMs') };
    if (!wantsLines(request)) {
      const remedy = 'Send `Accept: application/x-ndjson`.';
      throw problem(406, 'lines-only', 'an export is answered in lines', remedy);
    }
    if (running >= EXPORTS_MAX) throw busy(429, 'too-many-exports', `${EXPORTS_MAX} exports run already`, 5);
    running += 1;
    const signal = AbortSignal.any([signalOf(reply, EXPORT_MS_MAX), closing]);
    const failureOf = (error: unknown): unknown =>
      error instanceof StoreUnavailable ? busy(503, `store-${error.reason}`, 'the store cannot be read now') : error;
    try {
      await answerInLines(reply, { signal, failureOf }, async (lines): Promise<ExportResult> => {
        let events = 0;
        for await (const batch of store.scan(range, { query, signal })) {
          for (const { id, document } of batch) await lines.write({ event: { id, document } });
          events += batch.length;
        }
        signal.throwIfAborted();
        return { events };
      });
    } finally {
      running -= 1;
    }
  });
}
