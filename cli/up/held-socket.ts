// The audit socket, held by `vedette up` for its collector: the kernel's records queue in it (about 145,000) while a collector that
// died is started again. Held, never read and never registered here: that is the collector's.

/** Where the child finds it: after stdin, stdout, stderr and the channel. */
export const CHILD_DESCRIPTOR = 4;

export interface HeldSocket {
  readonly fd: number;
  /** Lets go, when the collector is gone: the kernel's registration ends with it. */
  release(): void;
}

/** Opens the socket; undefined where there is no audit, or no permission for it. */
export async function holdAuditSocket(): Promise<HeldSocket | undefined> {
  // Only here: what demo and multicast runs do not need costs them no memory.
  const { auditSocket, bindNetlink, closeDescriptor } = await import('../../collector/netlink/libc.ts');
  const { growQueue } = await import('../../collector/netlink/receiver.ts');
  const { openAuditControl } = await import('../../collector/netlink/audit-control.ts');
  const { clearDeadOwner } = await import('../../collector/kernel-state.ts');
  const fd = auditSocket();
  if (fd < 0) return undefined;
  if (bindNetlink(fd, 0) < 0) {
    closeDescriptor(fd);
    return undefined;
  }
  growQueue(fd);
  let isHeld = true;
  return {
    fd,
    release() {
      if (!isHeld) return;
      isHeld = false;
      // Opened before the other is closed: else it would be given the same port, and with it the stream.
      const control = openAuditControl();
      closeDescriptor(fd);
      if (control.kind === 'errno') return;
      clearDeadOwner(control.value);
      control.value.close();
    },
  };
}
