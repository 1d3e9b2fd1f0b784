// Once a day: asks the store for the fields that rules need and that were not seen lately (seen-fields.ts). It tells nobody at night: what
// it finds stands in `status` and `rules health`.
import type { EventStore } from '../store/port.ts';
import type { ServerNotice } from './options.ts';
import { MISSING_AFTER_MS, type SeenFields } from './seen-fields.ts';

const AFTER_START_MS = 300_000;
const EVERY_MS = 86_400_000;
/** A field that takes longer to look for counts as there: nothing is said that is not known. */
const ASK_MS = 10_000;

export interface FieldWatch {
  start(): void;
  /** One look; exposed so that tests need no waiting. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function createFieldWatch(options: {
  readonly fields: SeenFields;
  readonly store: Pick<EventStore, 'search'>;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): FieldWatch {
  const { fields, store, now, onNotice } = options;
  const abort = new AbortController();
  let timers: NodeJS.Timeout[] = [];
  let looking: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    try {
      await fields.ask(async (query) => {
        if (abort.signal.aborted) return true;
        const time = AbortSignal.timeout(ASK_MS);
        try {
          const range = { fromMs: now() - MISSING_AFTER_MS, untilMs: now() + 1 };
          const signal = AbortSignal.any([abort.signal, time]);
          return (await store.search({ query, range, limit: 1, signal })).total > 0;
        } catch (error) {
          if (time.aborted || abort.signal.aborted) return true;
          throw error;
        }
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      onNotice({ kind: 'warning', message: `the store could not be asked for the fields that rules need: ${reason}` });
    }
  };

  const look = (): Promise<void> => {
    looking ??= run().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  return {
    start() {
      timers = [setTimeout(() => void look(), AFTER_START_MS), setInterval(() => void look(), EVERY_MS)];
      for (const timer of timers) timer.unref();
    },
    look,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      abort.abort();
      await looking;
    },
  };
}
