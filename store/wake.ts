// Lets followers wait for new events without polling: one bell, any number of waiters, each with its own deadline.

export interface Wake {
  /** Ends all waits that are under way. */
  ring(): void;
  /** Resolves at the next ring, after `waitMs`, or when `signal` aborts, whichever comes first. */
  wait(waitMs: number, signal?: AbortSignal): Promise<void>;
}

/** At most so many followers wait at once; one more is a leak. */
const WAITERS_MAX = 10_000;

export function createWake(): Wake {
  const waiters = new Set<() => void>();
  return {
    ring() {
      for (const wake of [...waiters]) wake();
    },
    wait(waitMs, signal) {
      if (waitMs <= 0 || signal?.aborted === true) return Promise.resolve();
      if (waiters.size >= WAITERS_MAX) return Promise.reject(new Error(`more than ${WAITERS_MAX} followers wait`));
      return new Promise((resolve) => {
        const done = (): void => {
          waiters.delete(done);
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, Math.min(waitMs, 0x7fffffff));
        signal?.addEventListener('abort', done, { once: true });
        waiters.add(done);
      });
    },
  };
}
