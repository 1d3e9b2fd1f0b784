// GET /metrics: how the server is, for Prometheus. The same figures as `status` and `rules`, under the reader token like them.
import type { EventStore, StoreStatistics } from '../store/port.ts';
import type { HostRecord, OutboxPort } from '../store/state/state-port.ts';
import type { DeliveryFence } from './delivery-fence.ts';
import type { EngineRunner } from './engine-runner.ts';
import type { Http } from './http.ts';
import { CONTENT_TYPES, formatFor, type MetricFamily, metricsText } from './openmetrics.ts';
import { type RuleFigures, ruleMetrics } from './rule-metrics.ts';
import type { RuleReport } from './rule-report.ts';

/** What the process is using, by its own word. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** How long this thread, which answers senders and runs the engine, was busy. */
  readonly threadBusySeconds: number;
}

export interface MetricsContext {
  readonly version: string;
  readonly startedMs: number;
  readonly now: () => number;
  readonly store: Pick<EventStore, 'statistics'>;
  readonly runner: Pick<EngineRunner, 'statistics'>;
  readonly fence: Pick<DeliveryFence, 'unread' | 'lagMs' | 'settledMs'>;
  readonly outbox: Pick<OutboxPort, 'counts'>;
  readonly hosts: () => readonly (HostRecord & { readonly isRevoked: boolean })[];
  readonly report: () => readonly RuleReport[];
  readonly ruleErrors: () => number;
  readonly process: () => ProcessFigures;
}

export function metricsRoutes({ app, needs }: Http, context: MetricsContext): void {
  app.get('/metrics', needs('read'), async (request, reply): Promise<string> => {
    const format = formatFor(request.headers.accept);
    // A store that does not answer now is itself a figure: the others are told.
    const store = await context.store.statistics().catch(() => undefined);
    reply.header('content-type', CONTENT_TYPES[format]);
    const rules = context.report().map(figuresOf);
    return metricsText([...serverMetrics(context, store, rules.length), ...ruleMetrics(rules)], format);
  });
}

function serverMetrics(
  context: MetricsContext,
  store: StoreStatistics | undefined,
  rules: number,
): readonly MetricFamily[] {
  const { fence, runner, now } = context;
  const { pending, eventsFolded } = runner.statistics();
  const outbox = context.outbox.counts();
  const { cpuSeconds, residentBytes, threadBusySeconds } = context.process();
  const nowMs = now();
  return [
    {
      ...gauge('vedette_build_info', 'The version that runs.', 1),
      samples: [{ labels: { version: context.version }, value: 1 }],
    },
    gauge('process_start_time_seconds', 'When the server started.', context.startedMs / 1_000),
    counter('process_cpu_seconds', 'Processor time of the server, all threads.', cpuSeconds),
    gauge('process_resident_memory_bytes', 'Memory of the server.', residentBytes),
    counter(
      'vedette_main_thread_busy_seconds',
      'How long the thread was busy that takes events and runs the engine.',
      threadBusySeconds,
    ),
    gauge('vedette_store_up', '1 where the store answers.', store === undefined ? 0 : 1),
    gauge('vedette_store_events', 'Events in the store.', store?.events),
    gauge('vedette_store_bytes', 'Bytes that the store takes.', store?.bytes),
    gauge('vedette_store_pending_events', 'Events that are acknowledged and not in their place yet.', store?.pending),
    gauge(
      'vedette_store_damaged_partitions',
      'Partitions whose events are missing from answers.',
      store === undefined ? undefined : (store.damaged?.length ?? 0),
    ),
    gauge('vedette_store_oldest_timestamp_seconds', 'The oldest @timestamp.', seconds(store?.oldestMs)),
    gauge('vedette_store_newest_timestamp_seconds', 'The newest @timestamp.', seconds(store?.newestMs)),
    ...ingestMetrics(context.hosts()),
    counter('vedette_engine_events', 'Events that the engine has read since the start.', eventsFolded),
    gauge('vedette_engine_behind_events', 'Stored events that the engine has not read.', fence.unread()),
    gauge('vedette_engine_lag_seconds', 'How long the oldest of them has waited.', fence.lagMs(nowMs) / 1_000),
    gauge('vedette_engine_waiting_detections', 'Detections and matches that wait for a host’s progress.', pending),
    gauge(
      'vedette_engine_settled_timestamp_seconds',
      'Up to which event.created all is decided.',
      seconds(fence.settledMs(nowMs)),
    ),
    {
      ...gauge('vedette_notifications', 'Notifications on record, by what became of them.', 0),
      samples: Object.entries(outbox).map(([state, value]) => ({ labels: { state }, value })),
    },
    gauge('vedette_rules', 'Rules in force.', rules),
    gauge('vedette_rule_file_errors', 'Errors in rule files: what they say is not in force.', context.ruleErrors()),
  ];
}

/** What hosts sent, over all of them: a series for each of thousands of hosts would be too many. */
function ingestMetrics(hosts: ReturnType<MetricsContext['hosts']>): readonly MetricFamily[] {
  const sums = new Map<string, number>();
  const states = new Map<string, number>([
    ['live', 0],
    ['silent', 0],
    ['signed-off', 0],
    ['revoked', 0],
  ]);
  for (const { counters, isRevoked, isSignedOff, silentSinceMs } of hosts) {
    for (const [name, count] of Object.entries(counters)) sums.set(name, (sums.get(name) ?? 0) + count);
    const state = isRevoked ? 'revoked' : isSignedOff ? 'signed-off' : silentSinceMs === undefined ? 'live' : 'silent';
    states.set(state, (states.get(state) ?? 0) + 1);
  }
  const sum = (name: string): number => sums.get(name) ?? 0;
  return [
    {
      ...gauge('vedette_hosts', 'Hosts that ever spoke, by state.', 0),
      samples: [...states].map(([state, value]) => ({ labels: { state }, value })),
    },
    counter('vedette_ingest_requests', 'Requests of hosts to _bulk.', sum('requests')),
    {
      ...counter('vedette_ingest_events', 'Events that hosts sent, by what became of them.', 0),
      samples: [
        { labels: { result: 'stored' }, value: sum('events') },
        { labels: { result: 'duplicate' }, value: sum('duplicates') },
        { labels: { result: 'rejected' }, value: sum('rejected') },
        { labels: { result: 'foreign_host' }, value: sum('foreign_host') },
      ],
    },
    counter('vedette_ingest_clock_ahead_events', 'Events whose clock lay ahead of the server’s.', sum('clock_ahead')),
    {
      ...counter('vedette_ingest_put_off_requests', 'Requests that were put off, by reason.', 0),
      samples: [
        { labels: { reason: 'store' }, value: sum('unavailable') },
        { labels: { reason: 'quota' }, value: sum('over_quota') },
      ],
    },
  ];
}

function figuresOf({ rule, health, quarantines, unseenFields }: RuleReport): RuleFigures {
  const isQuarantined = quarantines.some(
    ({ ruleVersion, untilMs }) => ruleVersion === rule.version && untilMs === undefined,
  );
  return { id: rule.id, health, isQuarantined, unseenFields: unseenFields.length };
}

function gauge(name: string, help: string, value: number | undefined): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number | undefined): MetricFamily {
  return { name, type: 'counter', help, samples: [{ value }] };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
