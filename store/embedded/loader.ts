// Moves events from the log into partitions, in the background and in order. It may fail at any point and try again: what a
// failed or killed attempt has stored already is recognised by its id, so an event is never in a partition twice.
import type { EventLog } from './log.ts';
import type { Partitions } from './partitions.ts';
import type { Tail } from './tail.ts';

/** Events of one load: small enough that the event loop is not held up for long. */
const LOAD_EVENTS = 2_048;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;

export interface Loader {
  /** Something was appended. */
  notice(): void;
  /** Loads all that is pending now; throws when that fails. */
  flush(): Promise<void>;
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
  readonly warn: (text: string) => void;
}): Loader {
  const { log, tail, partitions, nowMs, delayMs, warn } = parts;
  let doubtfulSeq = parts.doubtfulSeq;
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

  const loadOnce = async (): Promise<void> => {
    const batch = tail.after(tail.loadedSeq, LOAD_EVENTS);
    const last = batch.at(-1);
    if (last === undefined) return;
    const doubtful = batch.filter((entry) => entry.seq <= doubtfulSeq);
    const known = doubtful.length === 0 ? new Set<string>() : await partitions.known(doubtful);
    try {
      await partitions.insert(
        batch.filter((entry) => !known.has(entry.id)),
        nowMs(),
      );
    } catch (error) {
      doubtfulSeq = Math.max(doubtfulSeq, last.seq);
      throw error;
    }
    tail.markLoaded(last.seq);
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
    const isUrgent = tail.pendingEvents >= LOAD_EVENTS && failures === 0;
    schedule(isUrgent ? 0 : delayMs, isUrgent);
  };

  return {
    notice,
    flush,
    exclusively,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      timer = undefined;
      await turn;
    },
  };
}
