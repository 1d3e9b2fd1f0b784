// The multicast group: reads beside auditd (or whoever owns the socket), loads no rule and changes no setting. A slow reader
// is told once that it lost records, never how many: so its losses have no upper bound but the gaps in the serials.

import { kernelWatch } from './kernel-watch.ts';
import { openAuditControl } from './netlink/audit-control.ts';
import { auditSocket, bindNetlink, closeDescriptor } from './netlink/libc.ts';
import { createReceiver, growQueue, queueBytes } from './netlink/receiver.ts';
import { processName, refused } from './refusal.ts';
import type { SourceStart } from './source.ts';
import type { Tamper } from './tamper.ts';

/** AUDIT_NLGRP_READLOG as a bit of the bind address. */
const READLOG_GROUP = 1;

/** Opens the multicast stream, or says why not (CAP_AUDIT_READ is missing, there is no audit). */
export function openMulticastSource(options: {
  /** An audit socket that was handed to this process, bound to the group. */
  readonly inheritedSocket: number | undefined;
  readonly now: () => number;
}): SourceStart {
  const fd = options.inheritedSocket ?? auditSocket();
  const bound = fd < 0 || options.inheritedSocket !== undefined ? Math.min(fd, 0) : bindNetlink(fd, READLOG_GROUP);
  if (bound < 0) {
    if (fd >= 0) closeDescriptor(fd);
    return refused(bound);
  }
  growQueue(fd);
  const receiver = createReceiver(fd);
  // Asking needs CAP_AUDIT_CONTROL, which a multicast reader may lack; then the kernel's own count is not known.
  const opened = openAuditControl();
  const control = opened.kind === 'ok' ? opened.value : undefined;
  const status = control?.status();
  const pid = status?.kind === 'ok' ? status.value.pid : 0;
  const watch = status?.kind === 'ok' ? kernelWatch(status.value, false) : undefined;
  let owner = pid;
  let isClosed = false;
  return {
    kind: 'open',
    notices: [],
    source: {
      mode: { kind: 'multicast', owner: pid === 0 ? undefined : { pid, name: processName(pid) } },
      takeTampers() {
        const now = control?.status();
        if (now?.kind !== 'ok' || watch === undefined) return [];
        const changed = now.value.pid === owner ? [] : [ownerChanged(owner, now.value.pid)];
        owner = now.value.pid;
        return [...changed, ...watch.look(now.value, options.now()).tampers];
      },
      drain: (onRecord) => receiver.drain(onRecord),
      descriptor: () => fd,
      queueBytes: () => queueBytes(fd),
      isEnded: () => false,
      check() {
        const now = control?.status();
        if (now?.kind !== 'ok') return undefined;
        return { lost: now.value.lost, backlog: now.value.backlog, isOwner: true };
      },
      excludePids() {},
      quiesce() {},
      close() {
        if (isClosed) return;
        isClosed = true;
        control?.close();
        closeDescriptor(fd);
      },
    },
  };
}

/** The stream goes on without an owner, so nothing is taken: another's place is not ours, and it may be starting again. */
function ownerChanged(before: number, pid: number): Tamper {
  const facts = { pid, name: pid === 0 ? undefined : processName(pid), old_pid: before };
  return pid === 0
    ? { action: 'audit-owner-left', reason: `Process ${before} owns the audit socket no more; nobody does.`, facts }
    : { action: 'audit-socket-taken', reason: `Process ${pid} has become the owner of the audit socket.`, facts };
}
