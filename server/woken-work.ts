// Work that begins when somebody says that there is some: one run at a time, and once more when it was woken meanwhile.

export interface WokenWork {
  wake(): void;
  /** Ends when nothing is left to do, or nothing can be done. */
  idle(): Promise<void>;
  /** Aborts the work's signal, and waits for its end. */
  close(): Promise<void>;
}

/** `work` must not throw, and ends soon once its signal is aborted. */
export function wokenWork(work: (signal: AbortSignal) => Promise<void>): WokenWork {
  const abort = new AbortController();
  const { signal } = abort;
  let working: Promise<void> | undefined;
  let isWoken = false;

  const run = async (): Promise<void> => {
    while (isWoken && !signal.aborted) {
      isWoken = false;
      await work(signal);
    }
  };

  return {
    wake() {
      isWoken = true;
      working ??= run().finally(() => {
        working = undefined;
      });
    },
    idle: async () => working,
    async close() {
      abort.abort();
      await working;
    },
  };
}
