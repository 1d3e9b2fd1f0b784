// Lets go of what is old, every night and shortly after the start: whole partitions of the store, then detections, alerts and
// ended notifications. What cannot be dropped now is dropped the next time.
import { type ScheduledTask, schedule } from 'node-cron';
import type { EventStore } from '../store/port.ts';
import type { SqliteState } from '../store/state/sqlite-state.ts';
import type { ServerNotice } from './options.ts';

/** 03:17 UTC: when nobody's full hour begins. */
const NIGHTLY = '17 3 * * *';
const AFTER_START_MS = 300_000;
const DAY_MS = 86_400_000;

export interface Retention {
  start(): void;
  run(): Promise<void>;
  close(): Promise<void>;
}

export function createRetention(options: {
  readonly store: EventStore;
  readonly state: Pick<SqliteState, 'pruneBefore'>;
  readonly days: number;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): Retention {
  const { store, state, days, now, onNotice } = options;
  let task: ScheduledTask | undefined;
  let first: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const drop = async (): Promise<void> => {
    const beforeMs = now() - days * DAY_MS;
    try {
      const { dropped } = await store.retain({ beforeMs });
      const events = dropped.reduce((sum, partition) => sum + partition.events, 0);
      const { alerts, detections } = state.pruneBefore(beforeMs);
      if (events + alerts + detections === 0) return;
      const what = `${events} events, ${alerts} alerts and ${detections} detections`;
      onNotice({ kind: 'retention', message: `dropped ${what} older than ${days} days` });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      onNotice({ kind: 'error', message: `what is older than ${days} days could not be dropped: ${reason}` });
    }
  };

  const run = (): Promise<void> => {
    running ??= drop().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    start() {
      task = schedule(NIGHTLY, run, { timezone: 'UTC', noOverlap: true, unref: true, suppressMissedWarning: true });
      first = setTimeout(() => void run(), AFTER_START_MS);
      first.unref();
    },
    run,
    async close() {
      clearTimeout(first);
      await task?.destroy();
      await running;
    },
  };
}
