// Who owns the kernel's unicast stream. The kernel binds it to a socket's port and to the process that asked; the socket may
// outlive that process. So a successor that inherited the socket owns the stream without being the one whom the kernel names:
// it proves it by asking for itself. Refused (EEXIST) after its own AUDIT_REPLACE came in on that very socket means: ours.
// Kernel side: audit_receive_msg, audit_replace and auditd_set in kernel/audit.c.
import type { AuditRecord } from '../audit/event.ts';
import { ERRNO } from './netlink/libc.ts';
import type { Receiver } from './netlink/receiver.ts';

/** The kernel answers a SET within the send; records may stand before the answer. */
const ANSWER_DRAINS_MAX = 1_000;
/** A full queue swallows the proof: so often it is asked for again. */
const ASKS_MAX = 5;

type Standing =
  /** Registered, and the stream comes. */
  | 'ours'
  /** Asked; the proof stands behind what queues in the socket. */
  | 'asked'
  /** Another's. */
  | 'lost';

export interface Ownership {
  standing(): Standing;
  /** The pid that the kernel names for our socket: this process, or the predecessor that registered it. */
  registrant(): number;
  /** True when the socket took everything while no collector read; undefined while it is not known. */
  keptWatching(): boolean | undefined;
  /** Asks again for a stream that was lost, and is nobody's now. True when it is ours. */
  reclaim(): boolean;
  /** Another owns the stream. */
  giveUp(): void;
  /** After each drain: reads the kernel's answers. `isEmpty`: nothing waits. Answers the pids of others that tried. */
  settle(isEmpty: boolean): readonly number[];
}

export interface OwnershipParts {
  readonly receiver: Receiver;
  readonly pid: number;
  /** Sends SET pid on the very socket that is to receive. Negative: the errno. */
  readonly ask: () => number;
}

/** Becomes the owner now. `early` gets what came before the answer. */
export function becomeOwner(parts: OwnershipParts, early: AuditRecord[]): Ownership | { readonly errno: number } {
  const errno = askAndWait(parts, (record) => early.push(record));
  return errno < 0 ? { errno } : ownership(parts, { registrant: parts.pid, standing: 'ours', keptWatching: false });
}

/** Goes on with a socket that a predecessor registered; the proof comes with the stream. */
export function inheritOwnership(parts: OwnershipParts, registrant: number): Ownership {
  parts.ask();
  return ownership(parts, { registrant, standing: 'asked', keptWatching: undefined });
}

function ownership(
  parts: OwnershipParts,
  start: { readonly registrant: number; readonly standing: Standing; readonly keptWatching: boolean | undefined },
): Ownership {
  const { receiver, pid } = parts;
  let { registrant, standing, keptWatching } = start;
  let asks = 1;
  let hasOwnEcho = false;

  function decide(answer: number): void {
    const isOurs = answer === 0 || (answer === -ERRNO.EEXIST && hasOwnEcho);
    // An answer of 0: nobody was registered, so nothing had queued since the predecessor's end.
    keptWatching = isOurs && answer !== 0;
    if (answer === 0) registrant = pid;
    standing = isOurs ? 'ours' : 'lost';
  }

  return {
    standing: () => standing,
    registrant: () => registrant,
    keptWatching: () => keptWatching,
    reclaim() {
      if (askAndWait(parts, () => {}) < 0) return false;
      registrant = pid;
      standing = 'ours';
      return true;
    },
    giveUp() {
      standing = 'lost';
    },
    settle(isEmpty) {
      const tried = receiver.takeReplacements();
      if (standing !== 'asked') return tried.filter((other) => other !== pid);
      hasOwnEcho ||= tried.includes(pid);
      const answer = receiver.takeAnswer();
      if (answer !== undefined) decide(answer);
      else if (isEmpty && asks < ASKS_MAX) {
        asks += 1;
        parts.ask();
      } else if (isEmpty) decide(-ERRNO.EAGAIN);
      return tried.filter((other) => other !== pid);
    },
  };
}

function askAndWait({ ask, receiver }: OwnershipParts, onRecord: (record: AuditRecord) => void): number {
  const sent = ask();
  if (sent < 0) return sent;
  for (let tries = 0; tries < ANSWER_DRAINS_MAX; tries += 1) {
    receiver.drain(onRecord);
    const answer = receiver.takeAnswer();
    if (answer !== undefined) return answer;
  }
  return -ERRNO.EAGAIN;
}
