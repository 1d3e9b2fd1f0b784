// Moves events from the log into partitions, in the background and in order. It may fail at any point and try again: what a
// failed or killed attempt has stored already is recognised by its id, so an event is never in a partition twice.
import { StoreUnavailable } from '../port.ts';
import { createWake } from '../wake.ts';
import type { EventLog, LogSlice } from './log.ts';
import type { LoadInMemory, Partitions } from './partitions.ts';
import { LOADS_PREPARED } from './session.ts';
import type { Tail } from './tail.ts';

/**
 * Events and bytes of one load: what the database's thread holds in memory. So many events that wait are worth a load at once; the more
 * a load has, the more of what is alike stands together (row-order.ts).
 */
const LOAD_EVENTS_MAX = 8_192;
/** After failures loads are halved down to this: on a full disk a small one may still find room, and frees some of the log. */
const LOAD_EVENTS_LEAST = 256;
const LOAD_BYTES_MAX: number = 24 * 1024 * 1024;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
/** Who waits for loads looks again so often, though none was told. */
const PROGRESS_MS = 1_000;

/** Events of the log that are read, or being read. */
interface Reading {
  readonly slice: LogSlice;
  readonly events: Promise<LoadInMemory>;
}

export interface Loader {
  /** Something was appended. */
  notice(): void;
  /** Loads all that is pending now; throws when that fails. */
  flush(): Promise<void>;
  /** Resolves once `isEnough` holds, which is asked after each load. */
  until(isEnough: () => boolean, signal?: AbortSignal): Promise<void>;
  /** Runs while no load does. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Stops the background work; what is pending stays in the log. */
  stop(): Promise<void>;
}

export function createLoader(parts: {
  readonly log: EventLog;
  readonly tail: Tail;
  readonly partitions: Partitions;
  readonly nowMs: () => number;
  /** An event waits at most so long before it is loaded, unless a full load comes together earlier. */
  readonly delayMs: number;
  /** Events up to this number may be in partitions already, from an earlier run. */
  readonly doubtfulSeq: number;
  /** Told how far events are in partitions. */
  readonly loaded: (seq: number) => void;
  readonly warn: (text: string) => void;
}): Loader {
  const { log, tail, partitions, nowMs, delayMs, loaded, warn } = parts;
  const progress = createWake();
  let doubtfulSeq = parts.doubtfulSeq;
  let loadEvents = LOAD_EVENTS_MAX;
  /** Read while the load before was stored, in order. */
  let ahead: Reading[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isTimerUrgent = false;
  let isStopped = false;
  let failures = 0;

  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  };

  const read = (after: number): Reading => {
    const slice = log.slice(after, { events: loadEvents, bytes: LOAD_BYTES_MAX });
    const events = partitions.prepare({ parts: slice.parts, nowMs: nowMs(), wantsIds: after < doubtfulSeq });
    // Whoever waits for it is told; where nobody does, it is read again.
    events.catch(() => undefined);
    return { slice, events };
  };

  const loadOnce = async (): Promise<void> => {
    const { slice, events } = ahead.shift() ?? read(tail.loadedSeq);
    if (slice.events === 0) return;
    try {
      const inMemory = await events;
      // Where so many wait, the database's thread reads the next while its own threads commit these.
      for (let last = ahead.at(-1)?.slice ?? slice; ahead.length < LOADS_PREPARED - 1 && failures === 0; ) {
        if (tail.lastSeq - last.lastSeq < LOAD_EVENTS_MAX) break;
        const next = read(last.lastSeq);
        ahead.push(next);
        last = next.slice;
      }
      await partitions.load(inMemory);
    } catch (error) {
      ahead = [];
      doubtfulSeq = Math.max(doubtfulSeq, slice.lastSeq);
      loadEvents = Math.max(LOAD_EVENTS_LEAST, Math.floor(slice.events / 2));
      throw error;
    }
    loadEvents = Math.min(LOAD_EVENTS_MAX, loadEvents * 2);
    tail.markLoaded(slice.lastSeq, slice);
    loaded(tail.loadedSeq);
    progress.ring();
    await log.removeUpTo(tail.loadedSeq);
  };

  const flush = (): Promise<void> => {
    const target = tail.lastSeq;
    return exclusively(async () => {
      while (tail.loadedSeq < target) await loadOnce();
    });
  };

  const schedule = (waitMs: number, isUrgent: boolean): void => {
    if (isStopped || (timer !== undefined && (isTimerUrgent || !isUrgent))) return;
    clearTimeout(timer);
    isTimerUrgent = isUrgent;
    timer = setTimeout(() => {
      timer = undefined;
      isTimerUrgent = false;
      exclusively(loadOnce).then(succeeded, failed);
    }, waitMs);
    timer.unref();
  };

  const succeeded = (): void => {
    failures = 0;
    notice();
  };

  const failed = (error: unknown): void => {
    failures++;
    const waitMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(failures, 16), RETRY_MS_MAX);
    warn(
      `events wait in the log; filing them failed (attempt ${failures}): ${error instanceof Error ? error.message : String(error)}`,
    );
    schedule(waitMs, false);
  };

  const notice = (): void => {
    if (tail.pendingEvents === 0) return;
    // After a failure the retry's own time stands; new events do not hurry it.
    const isUrgent = tail.pendingEvents >= LOAD_EVENTS_MAX && failures === 0;
    schedule(isUrgent ? 0 : delayMs, isUrgent);
  };

  return {
    notice,
    flush,
    async until(isEnough, signal) {
      while (!isEnough()) {
        signal?.throwIfAborted();
        if (isStopped) throw new StoreUnavailable('closed', 'the store is closed');
        await progress.wait(PROGRESS_MS, signal);
      }
    },
    exclusively,
    async stop() {
      isStopped = true;
      progress.ring();
      clearTimeout(timer);
      timer = undefined;
      await turn;
    },
  };
}
