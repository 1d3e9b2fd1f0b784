// The socket that the kernel's unicast stream goes to: an inherited one, with everything that queued in it while no collector read,
// or a new one. Nothing of a living owner is touched.
import type { AuditRecord } from '../audit/event.ts';
import { becomeOwner, inheritOwnership, type Ownership } from './audit-ownership.ts';
import { hasEnded, markOf, type ProcessMark, registrantOf } from './kernel-state.ts';
import { auditSocket, bindNetlink, closeDescriptor, ERRNO, sendToKernel } from './netlink/libc.ts';
import { AUDIT_SET, encodeMessage, encodeStatus } from './netlink/message.ts';
import { createReceiver, growQueue, type Receiver } from './netlink/receiver.ts';
import type { Refusal } from './options.ts';
import { ownerOf, refused } from './refusal.ts';

export interface Stream {
  readonly fd: number;
  readonly receiver: Receiver;
  readonly early: AuditRecord[];
  readonly ownership: Ownership;
  readonly isInherited: boolean;
  /** Who registered the inherited socket. */
  readonly predecessor: ProcessMark | undefined;
}

/** The socket that receives: an inherited one where there is one, with what queued in it; else a new one, registered now. */
export function claimStream(
  options: { readonly folder: string; readonly inheritedSocket: number | undefined },
  ownerPid: number,
): { readonly kind: 'claimed'; readonly stream: Stream } | { readonly kind: 'refused'; readonly refusal: Refusal } {
  const predecessor = ownerPid === 0 ? undefined : deadOwner(options.folder, ownerPid);
  const isInherited = options.inheritedSocket !== undefined;
  if (isInherited && ownerPid !== 0 && predecessor === undefined)
    return { kind: 'refused', refusal: ownerOf(ownerPid) };
  const fd = options.inheritedSocket ?? auditSocket();
  const bound = isInherited || fd < 0 ? fd : bindNetlink(fd, 0);
  if (bound < 0) {
    if (fd >= 0) closeDescriptor(fd);
    return refused(bound);
  }
  growQueue(fd);
  const receiver = createReceiver(fd);
  const ask = (): number => sendToKernel(fd, encodeMessage(AUDIT_SET, 1, encodeStatus({ pid: process.pid })));
  const parts = { receiver, pid: process.pid, ask };
  const early: AuditRecord[] = [];
  if (isInherited && predecessor !== undefined) {
    const ownership = inheritOwnership(parts, predecessor.pid);
    return { kind: 'claimed', stream: { fd, receiver, early, ownership, isInherited, predecessor } };
  }
  const ownership = becomeOwner(parts, early);
  if (!('errno' in ownership)) {
    return { kind: 'claimed', stream: { fd, receiver, early, ownership, isInherited, predecessor: undefined } };
  }
  if (!isInherited) closeDescriptor(fd);
  return ownership.errno === -ERRNO.EEXIST ? { kind: 'refused', refusal: ownerOf(ownerPid) } : refused(ownership.errno);
}

/** The owner that the kernel names, where that process is gone: then its socket may be the one that we inherited. */
function deadOwner(folder: string, ownerPid: number): ProcessMark | undefined {
  const noted = registrantOf(folder);
  if (noted?.pid === ownerPid && hasEnded(noted)) return noted;
  const mark = markOf(ownerPid);
  return mark.startTicks === 0 ? mark : undefined;
}
