// How the server is: one answer for people, for the supervisor and for monitoring.
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { EventStore } from '../store/port.ts';
import type { HoldPort, OutboxPort } from '../store/state/state-port.ts';
import type { StatusResponse } from './api.ts';
import type { DeliveryFence } from './delivery-fence.ts';
import type { EngineRunner } from './engine-runner.ts';
import { API_PREFIX, type Http } from './http.ts';
import type { QuarantineRecord } from './quarantine-book.ts';
import { shownQuarantine } from './routes-rules.ts';
import { searchProblem } from './search-desk.ts';

export function statusRoutes(
  { app, needs }: Http,
  context: {
    readonly version: string;
    readonly startedMs: number;
    readonly store: EventStore;
    readonly runner: EngineRunner;
    readonly fence: DeliveryFence;
    /** Of rules that are in force. */
    readonly quarantined: () => readonly QuarantineRecord[];
    readonly now: () => number;
    readonly outbox: OutboxPort;
    readonly holds: Pick<HoldPort, 'list'>;
    readonly channels: readonly string[];
    readonly rules: () => { readonly loaded: number; readonly diagnostics: readonly Diagnostic[] };
  },
): void {
  const { version, startedMs, store, runner, fence, quarantined, now, outbox, holds, channels, rules } = context;
  app.get(`${API_PREFIX}/status`, needs('read'), async (): Promise<StatusResponse> => {
    const statistics = await store.statistics().catch((error: unknown) => {
      throw searchProblem(error, undefined);
    });
    const { pending, eventsFolded, health, costliest } = runner.statistics();
    const { loaded, diagnostics } = rules();
    return {
      version,
      startedMs,
      store: statistics,
      engine: {
        rules: loaded,
        pendingDetections: pending,
        eventsFolded,
        behind: fence.unread(),
        lagMs: fence.lagMs(now()),
        ...(costliest === undefined ? {} : { costliest }),
        health,
        quarantined: quarantined().map(shownQuarantine),
      },
      outbox: outbox.counts(),
      holds: holds.list().filter(({ released }) => released === undefined).length,
      channels,
      diagnostics,
    };
  });
}
