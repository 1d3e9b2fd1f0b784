// Keeps one child running: starts it, tells what it says, starts it again when it dies, with back-off, until told to stop.

import type { Child, ChildExit } from './child.ts';
import type { ChildMessage } from './child-message.ts';
import { nextRestart } from './restart-policy.ts';

export interface KeeperOptions {
  /** Starts the process: child.ts, or a test's. */
  readonly startChild: (words: readonly string[], onMessage: (message: ChildMessage) => void) => Child;
  /** The command line of each start; asked anew, since ports and pids change. */
  readonly words: () => readonly string[];
  readonly onStart: (child: Child) => void;
  readonly onMessage: (message: ChildMessage) => void;
  /** It died without being told to, and is started again after `delayMs`. */
  readonly onDeath: (exit: ChildExit, delayMs: number) => void;
  readonly graceMs: number;
  /** A clock for how long it ran, ms. */
  readonly now: () => number;
}

export interface Keeper {
  current(): Child | undefined;
  /** Stops the child and does not start it again. True when it went by itself; may be called again. */
  stop(): Promise<boolean>;
}

export function keep(options: KeeperOptions): Keeper {
  let child: Child | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;
  let failures = 0;
  let wasClean = true;
  let stopped: Promise<boolean> | undefined;

  const start = (): void => {
    const startedMs = options.now();
    const started = options.startChild(options.words(), options.onMessage);
    child = started;
    options.onStart(started);
    void started.exited.then((exit) => {
      if (isStopping) return;
      child = undefined;
      wasClean = false;
      const restart = nextRestart(failures, options.now() - startedMs);
      failures = restart.failures;
      options.onDeath(exit, restart.delayMs);
      // onDeath may have decided to stop everything.
      if (!isStopping) timer = setTimeout(start, restart.delayMs);
    });
  };

  start();
  return {
    current: () => child,
    stop() {
      isStopping = true;
      clearTimeout(timer);
      stopped ??= child === undefined ? Promise.resolve(wasClean) : child.stop(options.graceMs);
      return stopped;
    },
  };
}
