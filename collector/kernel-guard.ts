// Watches over the unicast stream while it is read: asks the kernel now and then, tells what changed, and, where another process
// has become the owner, reads the multicast group beside it until that one leaves. Promises: nothing is taken from a living
// owner, the rules stay loaded meanwhile, and the way back is tried a bounded number of times.
import type { Ownership } from './audit-ownership.ts';
import type { KernelWatch } from './kernel-watch.ts';
import type { AuditControl } from './netlink/audit-control.ts';
import type { RecordSource, SourceStart } from './source.ts';
import type { TamperQueue } from './tamper.ts';

/** How often, in the life of a source, a stream that was taken is taken back. */
export const RECLAIMS_MAX = 8;
/** Attempts to take the socket that are told one by one; later ones only in the kernel's own records. */
export const ATTEMPTS_TOLD_MAX = 100;

export interface Guard {
  /** The multicast stream, while another owns the unicast one. */
  beside(): RecordSource | undefined;
  look(nowMs: number): void;
  /** A process asked for the stream, and the kernel said no. */
  sawAttempt(pid: number): void;
  /** From now on the changes are ours. */
  end(): void;
}

export function createGuard(parts: {
  readonly control: Pick<AuditControl, 'status' | 'change'>;
  readonly ownership: Ownership;
  readonly watch: KernelWatch;
  readonly openBeside: () => SourceStart;
  readonly nameOf: (pid: number) => string;
  readonly tampers: TamperQueue;
}): Guard {
  const { control, ownership, watch, openBeside, nameOf, tampers } = parts;
  let beside: RecordSource | undefined;
  let taker = 0;
  let reclaims = 0;
  let attempts = 0;
  let hasEnded = false;

  function lose(pid: number): void {
    ownership.giveUp();
    if (taker === pid && beside !== undefined) return;
    taker = pid;
    const opened = beside === undefined ? openBeside() : undefined;
    if (opened?.kind === 'open') beside = opened.source;
    const owner = pid === 0 ? 'Nobody owns the audit socket any more' : `Process ${pid} owns the audit socket now`;
    tampers.add({
      action: 'audit-socket-taken',
      reason: `${owner}; ${beside === undefined ? 'no records come' : 'the multicast group is read beside it'}.`,
      facts: { pid, name: nameOf(pid), reads_beside: beside !== undefined },
    });
  }

  function regain(): void {
    if (reclaims >= RECLAIMS_MAX) return;
    reclaims += 1;
    if (!ownership.reclaim()) return;
    beside?.close();
    beside = undefined;
    tampers.add({
      action: 'audit-socket-regained',
      reason: 'The audit socket is owned by this collector again.',
      facts: { pid: ownership.registrant(), after: taker },
    });
    taker = 0;
  }

  return {
    beside: () => beside,
    look(nowMs) {
      if (hasEnded) return;
      const status = control.status();
      if (status.kind === 'errno') return;
      const { pid } = status.value;
      if (ownership.standing() !== 'asked') {
        if (pid === 0) {
          if (ownership.standing() === 'ours') lose(0);
          regain();
        } else if (pid !== ownership.registrant() || ownership.standing() === 'lost') lose(pid);
      }
      const found = watch.look(status.value, nowMs);
      for (const tamper of found.tampers) tampers.add(tamper);
      if (Object.keys(found.mend).length > 0) control.change(found.mend);
    },
    sawAttempt(pid) {
      attempts += 1;
      if (attempts > ATTEMPTS_TOLD_MAX) return;
      tampers.add({
        action: 'audit-socket-take-attempted',
        reason: `Process ${pid} tried to become the owner of the audit socket; the kernel refused.`,
        facts: { pid, name: nameOf(pid) },
      });
    },
    end() {
      hasEnded = true;
    },
  };
}
