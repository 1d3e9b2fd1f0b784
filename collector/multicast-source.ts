// The multicast group: reads beside auditd (or whoever owns the socket), loads no rule and changes no setting. A slow reader
// is told once that it lost records, never how many: so its losses have no upper bound but the gaps in the serials.

import { processName, refused } from './kernel-source.ts';
import { openAuditControl } from './netlink/audit-control.ts';
import { auditSocket, bindNetlink, closeDescriptor } from './netlink/libc.ts';
import { createReceiver, growQueue } from './netlink/receiver.ts';
import type { SourceStart } from './source.ts';

/** AUDIT_NLGRP_READLOG as a bit of the bind address. */
const READLOG_GROUP = 1;

/** Opens the multicast stream, or says why not (CAP_AUDIT_READ is missing, there is no audit). */
export function openMulticastSource(): SourceStart {
  const fd = auditSocket();
  const bound = fd < 0 ? fd : bindNetlink(fd, READLOG_GROUP);
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
  let isClosed = false;
  return {
    kind: 'open',
    notices: [],
    source: {
      mode: { kind: 'multicast', owner: pid === 0 ? undefined : { pid, name: processName(pid) } },
      drain: (onRecord) => receiver.drain(onRecord),
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
