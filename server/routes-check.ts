// Verifies the store while the server runs: for admins, one at a time, as it reads everything.
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import type { CheckApiReport } from './api.ts';
import { busy, problem } from './api-error.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { answerInLines } from './line-answer.ts';
import { fieldsOf } from './request-shape.ts';

const CHECK_MS_MAX: number = 12 * 3_600_000;

export function checkRoutes(
  { app, needs, closing }: Http,
  { store }: { readonly store: Pick<EventStore, 'check'> },
): void {
  let isRunning = false;

  app.post(`${API_PREFIX}/store/check`, needs('administer'), async (request, reply) => {
    const isQuick = fieldsOf(request.body)['isQuick'] === true;
    if (store.check === undefined)
      throw problem(409, 'no-check', 'this store is not checked by Vedette', 'Ask Elasticsearch: GET _cluster/health.');
    if (isRunning) throw busy(429, 'check-running', 'a check is under way', 30);
    isRunning = true;
    const signal = AbortSignal.any([signalOf(reply, CHECK_MS_MAX), closing]);
    const failureOf = (error: unknown): unknown =>
      error instanceof StoreUnavailable ? busy(503, `store-${error.reason}`, 'the store cannot be read now', 5) : error;
    try {
      await answerInLines(reply, { signal, failureOf }, async ({ progress }): Promise<CheckApiReport | undefined> => {
        return store.check?.({ isQuick, signal, progress });
      });
    } finally {
      isRunning = false;
    }
  });
}
