// Groups of one process follow the same store, each from its own place. Those that are at the same place read it once: a batch is kept for
// the others, and who asks for what is being read waits for that.
import type { EventStore, FollowBatch } from '../../store/port.ts';

/** Batches that are kept; a group that is further behind reads for itself. */
const KEPT_MAX = 12;

export function createSharedTail(store: Pick<EventStore, 'next'>): Pick<EventStore, 'next'> {
  const kept = new Map<string, FollowBatch>();
  const underWay = new Map<string, Promise<FollowBatch | undefined>>();

  return {
    async next(cursor, options) {
      const place = cursor ?? '';
      const { signal } = options;
      const before = kept.get(place) ?? (await orAborted(underWay.get(place), signal));
      if (before !== undefined && before.events.length > 0) return before;
      const reading = store.next(cursor, options);
      // What was aborted, or failed, is of no use to others: they read again.
      const shared = reading.then(
        (batch) => batch,
        () => undefined,
      );
      if (!underWay.has(place)) {
        underWay.set(place, shared);
        void shared.then(() => underWay.delete(place));
      }
      const batch = await reading;
      if (batch.events.length > 0) {
        kept.delete(place);
        kept.set(place, batch);
        for (const [old] of kept) {
          if (kept.size <= KEPT_MAX) break;
          kept.delete(old);
        }
      }
      return batch;
    },
  };
}

async function orAborted(
  reading: Promise<FollowBatch | undefined> | undefined,
  signal: AbortSignal | undefined,
): Promise<FollowBatch | undefined> {
  if (reading === undefined || signal === undefined) return reading;
  const aborted = Promise.withResolvers<undefined>();
  const stop = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return signal.aborted ? undefined : await Promise.race([reading, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
