// Twice a second: stores what other shippers left open and has waited long enough (record-desk.ts). One sweep at a time.
import type { ServerNotice } from './options.ts';

const SWEEP_EVERY_MS = 500;

export interface Sweeper {
  start(): void;
  close(): Promise<void>;
}

export function createSweeper(options: {
  readonly sweep: () => Promise<void>;
  readonly onNotice: (notice: ServerNotice) => void;
}): Sweeper {
  const { sweep, onNotice } = options;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await sweep();
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      onNotice({ kind: 'error', message: `open events of other shippers could not be stored: ${reason}` });
    }
  };
  return {
    start() {
      timer = setInterval(() => {
        running ??= run().finally(() => {
          running = undefined;
        });
      }, SWEEP_EVERY_MS);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
