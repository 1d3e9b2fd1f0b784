// One child process of `vedette up`: started in a process group of its own (a Ctrl-C reaches the parent alone, which stops the
// children in order), with a channel whose end tells it that the parent is gone, however the parent died.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, SupervisorMessage } from './child-message.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** In MiB; Node's own limit is 32, of which a flood of events takes four times as much, and gains nothing. bin/vedette.mjs has the same. */
const YOUNG_GENERATION = '--max-semi-space-size=16';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number | undefined;
  readonly stdout: Readable;
  /** Settles when it is gone; never rejects. */
  readonly exited: Promise<ChildExit>;
  send(message: SupervisorMessage): void;
  /** Asks it to stop, waits `graceMs`, then kills it. True when it went by itself with code 0. */
  stop(graceMs: number): Promise<boolean>;
}

/** Starts `vedette WORDS…`. `descriptor`: one of ours that it gets too, after its channel. */
export function startChild(
  words: readonly string[],
  onMessage: (message: ChildMessage) => void,
  descriptor?: number,
): Child {
  const child = spawn(process.execPath, [YOUNG_GENERATION, MAIN, ...words], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc', ...(descriptor === undefined ? [] : [descriptor])],
  });
  child.on('message', (message) => onMessage(message as ChildMessage));
  const exited = exitOf(child);
  return {
    pid: child.pid,
    // With stdio 'pipe' there is one.
    stdout: child.stdout as Readable,
    exited,
    send: (message) => send(child, message),
    async stop(graceMs) {
      // Without a channel (it closed its own already) a signal says the same.
      if (child.connected) send(child, { kind: 'stop' });
      else child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const { code } = await exited;
      clearTimeout(timer);
      return code === 0;
    },
  };
}

function send(child: ChildProcess, message: SupervisorMessage): void {
  if (child.connected) child.send(message, () => {});
}

function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
    child.on('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}
