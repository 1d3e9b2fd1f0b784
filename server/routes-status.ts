// How the server is: one answer for people, for the supervisor and for monitoring.
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { EventStore } from '../store/port.ts';
import type { HoldPort, OutboxPort } from '../store/state/state-port.ts';
import type { StatusResponse } from './api.ts';
import type { DeliveryFence } from './delivery-fence.ts';
import type { EngineRunner } from './engine-runner.ts';
import { API_PREFIX, type Http } from './http.ts';
import { shownQuarantine } from './routes-rules.ts';
import type { RuleReport } from './rule-report.ts';
import { searchProblem } from './search-desk.ts';
import type { GroupStatus } from './shared/engine-replica.ts';

export function statusRoutes(
  { app, needs }: Http,
  context: {
    readonly version: string;
    readonly startedMs: number;
    readonly store: EventStore;
    readonly runner: EngineRunner;
    readonly fence: DeliveryFence;
    readonly report: () => readonly RuleReport[];
    /** Of rules that other processes evaluate. */
    readonly groups?: () => readonly GroupStatus[];
    readonly now: () => number;
    readonly outbox: OutboxPort;
    readonly holds: Pick<HoldPort, 'list'>;
    readonly channels: readonly string[];
    readonly rules: () => { readonly loaded: number; readonly diagnostics: readonly Diagnostic[] };
  },
): void {
  const { version, startedMs, store, runner, fence, report, groups, now, outbox, holds, channels, rules } = context;
  app.get(`${API_PREFIX}/status`, needs('read'), async (): Promise<StatusResponse> => {
    const statistics = await store.statistics().catch((error: unknown) => {
      throw searchProblem(error, undefined);
    });
    const { pending, eventsFolded, health, costliest, gathering } = runner.statistics();
    const { loaded, diagnostics } = rules();
    const reported = report();
    return {
      version,
      startedMs,
      store: statistics,
      engine: {
        rules: loaded,
        pendingDetections: pending,
        ...(gathering === undefined ? {} : { gathering }),
        eventsFolded,
        behind: fence.unread(),
        lagMs: fence.lagMs(now()),
        ...(costliest === undefined ? {} : { costliest }),
        ...(groups === undefined ? {} : { groups: groups() }),
        health,
        cannotFire: reported.filter(({ unseenFields }) => unseenFields.length > 0).map(({ rule }) => rule.id),
        quarantined: reported.flatMap(({ rule, quarantines }) =>
          quarantines
            .filter(({ ruleVersion, untilMs }) => ruleVersion === rule.version && untilMs === undefined)
            .map(shownQuarantine),
        ),
      },
      outbox: outbox.counts(),
      holds: holds.list().filter(({ released }) => released === undefined).length,
      channels,
      diagnostics,
    };
  });
}
