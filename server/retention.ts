// Lets go of what is old, every night and shortly after the start, and of the oldest where there is too much of it or too little room, at
// every look: whole partitions of the store, then detections, alerts and ended notifications. Nothing goes silently: each partition is
// told as a stored event before it goes. What a hold is on stays, and what the engine has not read. What cannot be dropped now is dropped
// the next time.
import { type ScheduledTask, schedule } from 'node-cron';
import {
  type EventStore,
  type RetainedPartition,
  type RetainRequest,
  type RetainResponse,
  StoreUnavailable,
} from '../store/port.ts';
import type { SqliteState } from '../store/state/sqlite-state.ts';
import type { RetentionOptions, ServerNotice } from './options.ts';
import type { OwnEvents } from './own-events.ts';

/** 03:17 UTC: when nobody's full hour begins. */
const NIGHTLY = '17 3 * * *';
const AFTER_START_MS = 300_000;
/** Bytes and room are looked at so often. */
const LOOK_EVERY_MS = 30_000;
const DAY_MS = 86_400_000;
/** Low disk: a little more is dropped than need be, so that it is not one partition every half minute. */
const ROOM_TO_SPARE = 1.1;
/** The same complaint is repeated after this. */
const COMPLAIN_EVERY_MS = 3_600_000;

type Why = RetainedPartition['why'] | 'low-disk';

export interface Retention {
  start(): void;
  /** By age, and then what `look` does. */
  run(): Promise<void>;
  /** By bytes and by the room that is left. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function createRetention(options: {
  readonly store: Pick<EventStore, 'retain' | 'statistics'>;
  readonly state: Pick<SqliteState, 'pruneBefore'> & {
    readonly holds: Pick<SqliteState['holds'], 'list'>;
    readonly engine: Pick<SqliteState['engine'], 'loadCursor'>;
  };
  readonly events: OwnEvents;
  readonly limits: RetentionOptions;
  /** Room on the disk of the data folder; undefined where the events are elsewhere. */
  readonly freeBytes?: () => Promise<number>;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): Retention {
  const { store, state, events, limits, freeBytes, now, onNotice } = options;
  const { days, bytesMax, lowDiskBytes, lowDiskKeepMs } = limits;
  let task: ScheduledTask | undefined;
  let first: NodeJS.Timeout | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isLooking = false;
  const complainedMs = new Map<string, number>();
  /** Drops that a full disk did not let us store before they happened. */
  let untold: (() => Promise<void>)[] = [];

  const holdsInForce = () =>
    state.holds
      .list()
      .flatMap(({ released, fromMs, untilMs, hostId }) =>
        released === undefined ? [{ fromMs, untilMs, ...(hostId === undefined ? {} : { hostId }) }] : [],
      );

  const retain = (request: RetainRequest): Promise<RetainResponse> =>
    store.retain({ ...request, follower: { cursor: state.engine.loadCursor() } });

  const complain = async (key: string, message: string, fields: Record<string, unknown>): Promise<void> => {
    const nowMs = now();
    if (nowMs - (complainedMs.get(key) ?? Number.NEGATIVE_INFINITY) < COMPLAIN_EVERY_MS) return;
    complainedMs.set(key, nowMs);
    onNotice({ kind: 'warning', message });
    const fact = { dataset: 'vedette.retention', action: key, message, key, counter: nowMs, fields } as const;
    await events.tell(fact).catch(() => undefined);
  };

  const complainOfUnread = (unread: readonly RetainedPartition[]): Promise<void> =>
    complain(
      'unread-not-dropped',
      `${unread.length} partitions have to go for room and stay, because the engine has not read all of them yet`,
      { store: { unread: unread.map(({ name }) => name) } },
    );

  const dropping = async (partition: RetainedPartition, why: Why): Promise<void> => {
    const { name, events: count, bytes, fromMs, toMs } = partition;
    const range = `${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`;
    const message = `drops ${count} events of ${range} (${name}): ${REASONS[why]}`;
    const tell = (): Promise<void> =>
      events.tell({
        dataset: 'vedette.retention',
        action: 'events-dropped',
        message,
        key: `dropped-${name}-${count}`,
        counter: toMs,
        fields: {
          store: {
            partition: name,
            events: String(count),
            bytes: String(bytes),
            from: new Date(fromMs).toISOString(),
            to: new Date(toMs).toISOString(),
            reason: why,
          },
        },
      });
    try {
      await tell();
    } catch (error) {
      // The one case in which the word comes after the deed: there is no room for it before.
      if (!(error instanceof StoreUnavailable) || error.reason !== 'disk-full') throw error;
      untold.push(tell);
    }
    onNotice({ kind: 'retention', message });
  };

  const tellLate = async (): Promise<void> => {
    const late = untold;
    untold = [];
    for (const tell of late) await tell().catch(() => untold.push(tell));
  };

  const byAge = async (): Promise<void> => {
    const beforeMs = now() - days * DAY_MS;
    const holds = holdsInForce();
    const { dropped } = await retain({ beforeMs, holds, dropping: (partition) => dropping(partition, 'age') });
    // Alerts of a time that is held stay with its events.
    const pruneMs = holds.reduce((least, { fromMs }) => Math.min(least, fromMs), beforeMs);
    const { alerts, detections } = state.pruneBefore(pruneMs);
    const count = dropped.reduce((sum, partition) => sum + partition.events, 0);
    if (count + alerts + detections === 0) return;
    const what = `${count} events, ${alerts} alerts and ${detections} detections`;
    onNotice({ kind: 'retention', message: `dropped ${what} older than ${days} days` });
  };

  const byBytes = async (): Promise<void> => {
    if (bytesMax === undefined) return;
    const holds = holdsInForce();
    const { held, unread, excessBytes } = await retain({
      bytesMax,
      holds,
      dropping: (partition) => dropping(partition, 'bytes'),
    });
    if (excessBytes > 0 && unread !== undefined) await complainOfUnread(unread);
    if (held.length === 0 || excessBytes === 0) return;
    await complain(
      'holds-exceed-bytes',
      `the store is ${excessBytes} bytes larger than it may be, and ${held.length} partitions that would go are held: release a hold, or give it more (store.embedded.max_bytes)`,
      { store: { excess_bytes: String(excessBytes), held: held.map(({ name }) => name) } },
    );
  };

  const byRoom = async (): Promise<void> => {
    if (freeBytes === undefined || lowDiskBytes === undefined) return;
    const free = await freeBytes();
    if (free >= lowDiskBytes) return;
    let gained = 0;
    let held: readonly RetainedPartition[] = [];
    if (lowDiskKeepMs !== undefined) {
      const { bytes } = await store.statistics();
      const result = await retain({
        bytesMax: Math.max(0, bytes - (lowDiskBytes * ROOM_TO_SPARE - free)),
        keepFromMs: now() - lowDiskKeepMs,
        holds: holdsInForce(),
        dropping: (partition) => dropping(partition, 'low-disk'),
      });
      gained = result.dropped.reduce((sum, partition) => sum + partition.bytes, 0);
      held = result.held;
      if (result.unread !== undefined) await complainOfUnread(result.unread);
    }
    if (free + gained >= lowDiskBytes) return;
    const may =
      lowDiskKeepMs === undefined
        ? 'nothing may be dropped for room (store.embedded.low_disk_keep)'
        : `nothing more may be dropped${held.length === 0 ? '' : `, as ${held.length} partitions are held`}`;
    await complain(
      'disk-low',
      `the disk of the data folder has ${free + gained} bytes left and ${may}: when it is full, events are refused and wait on their hosts`,
      { store: { free_bytes: String(free + gained), held: held.map(({ name }) => name) } },
    );
  };

  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      onNotice({ kind: 'error', message: `${what} could not be dropped: ${reason}` });
    }
  };

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };

  const lookNow = async (): Promise<void> => {
    await attempt('what is too much', byBytes);
    await attempt('what the disk has no room for', byRoom);
    await tellLate();
  };

  const run = (): Promise<void> =>
    inTurn(async () => {
      await attempt(`what is older than ${days} days`, byAge);
      await lookNow();
    });

  const look = (): Promise<void> => inTurn(lookNow);

  return {
    start() {
      task = schedule(NIGHTLY, run, { timezone: 'UTC', noOverlap: true, unref: true, suppressMissedWarning: true });
      first = setTimeout(() => void run(), AFTER_START_MS);
      first.unref();
      timer = setInterval(() => {
        if (isLooking) return;
        isLooking = true;
        void look().finally(() => {
          isLooking = false;
        });
      }, LOOK_EVERY_MS);
      timer.unref();
    },
    run,
    look,
    async close() {
      clearTimeout(first);
      clearInterval(timer);
      await task?.destroy();
      await turn;
    },
  };
}

const REASONS: Readonly<Record<Why, string>> = {
  age: 'they are older than events are kept',
  bytes: 'the store is larger than it may be',
  'low-disk': 'the disk has too little room',
};
