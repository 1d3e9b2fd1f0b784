// The child's side of supervision: tells the parent, and learns when to stop. Alone, without a parent, the same functions print
// and wait for signals, so that `vedette server` and `vedette collector` are the same programs either way.
import { visible } from '../../rules/diagnostic.ts';
import { type Invocation, isGiven } from '../command.ts';
import type { Failure } from '../failure.ts';
import { type ChildMessage, SUPERVISED, type SupervisorMessage } from './child-message.ts';

export interface Supervision {
  readonly isSupervised: boolean;
  /** To the parent; nothing when alone. */
  send(message: ChildMessage): void;
  /** To the parent, or to stderr: one line. */
  notice(level: 'info' | 'warning' | 'error', text: string, code?: string): void;
  /** Tells the parent why it cannot start; returns the failure, for the exit code. */
  refuse(failure: Failure): Failure | Failure['exitCode'];
  /** Settles when a signal, the parent, or the parent's death says so. Signals after the first change nothing. */
  readonly told: Promise<void>;
}

/** Begins to listen at once: a stop that comes while the child still starts is not lost. `name` is the process's in `ps`. */
export function beginSupervision(
  invocation: Invocation,
  name: string,
  onMessage: (message: SupervisorMessage) => void = () => {},
): Supervision {
  process.title = name;
  const isSupervised = isGiven(invocation, SUPERVISED) && process.send !== undefined;
  let stop = (): void => {};
  const told = new Promise<void>((resolve) => {
    // A signal's handler is given its name: nothing of it may reach who waits.
    stop = () => resolve();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  if (isSupervised) {
    process.on('disconnect', stop);
    process.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'stop') stop();
      else onMessage(message);
    });
  }
  const send = (message: ChildMessage): void => {
    // The channel may close at any moment; a send into it then is no failure of ours.
    if (isSupervised && process.connected) process.send?.(message, undefined, {}, () => {});
  };
  return {
    isSupervised,
    send,
    notice(level, text, code) {
      if (isSupervised) send({ kind: 'notice', level, text, ...(code === undefined ? {} : { code }) });
      else invocation.context.stderr.write(`${level === 'info' ? '' : `${level}: `}${visible(text)}\n`);
    },
    refuse(failure) {
      send({ kind: 'refused', failure });
      return isSupervised ? failure.exitCode : failure;
    },
    told,
  };
}
