// Names of errnos and signals. Some kernel-internal restarts (ERESTARTSYS, …) reach audit records too: they are named here.
import { ERRNOS } from './errno-names.ts';

const NAMES: readonly string[] = ERRNOS.split(' ');

const INTERNAL: ReadonlyMap<number, string> = new Map([
  [512, 'ERESTARTSYS'],
  [513, 'ERESTARTNOINTR'],
  [514, 'ERESTARTNOHAND'],
  [515, 'ENOIOCTLCMD'],
  [516, 'ERESTART_RESTARTBLOCK'],
  [517, 'EPROBE_DEFER'],
  [524, 'ENOTSUPP'],
  [529, 'EIOCBQUEUED'],
]);

const SIGNALS: readonly string[] =
  '- SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS'.split(
    ' ',
  );

/** `EACCES` for 13; undefined where it has no name. */
export function errnoName(errno: number): string | undefined {
  const name = NAMES[errno] ?? INTERNAL.get(errno);
  return name === '-' ? undefined : name;
}

/** `SIGTERM` for 15; undefined for 0 and real-time signals. */
export function signalName(signal: number): string | undefined {
  const name = SIGNALS[signal];
  return name === '-' ? undefined : name;
}
