// An audit socket that outlives the collector, so that the kernel's records queue in it while a collector that died is started
// again. It comes as a descriptor: from systemd (a socket unit, or its descriptor store: LISTEN_FDS and its companions), or from
// `vedette up`, which holds it. To systemd's store it is given over the notification socket.
import { auditSocketAddress, sendWithDescriptor } from './netlink/libc.ts';

/** Where systemd's descriptors begin (sd_listen_fds). */
const FIRST_DESCRIPTOR = 3;
/** More are not looked at. */
const DESCRIPTORS_MAX = 16;
/** The name under which the socket stands in systemd's store. */
export const STORED_NAME = 'vedette-audit';

/** The descriptors that the service manager passed to process `pid`: those of its store first. Pure. */
export function passedDescriptors(env: Readonly<Record<string, string | undefined>>, pid: number): readonly number[] {
  if (Number(env['LISTEN_PID']) !== pid) return [];
  const count = Number(env['LISTEN_FDS']);
  if (!Number.isSafeInteger(count) || count < 1) return [];
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const descriptors = Array.from({ length: Math.min(count, DESCRIPTORS_MAX) }, (_, index) => ({
    fd: FIRST_DESCRIPTOR + index,
    isStored: names[index] === STORED_NAME,
  }));
  // A stored one holds what came since the kill; one of a socket unit beside it is fresh.
  return descriptors.sort((a, b) => Number(b.isStored) - Number(a.isStored)).map(({ fd }) => fd);
}

/** Inherited audit sockets by what they hear: the unicast stream (once registered), or the multicast group. */
export interface InheritedSockets {
  readonly unicast: number | undefined;
  readonly multicast: number | undefined;
}

/** Finds the audit sockets among descriptors; what is something else is left alone. */
export function auditSocketsAmong(descriptors: readonly number[]): InheritedSockets {
  let unicast: number | undefined;
  let multicast: number | undefined;
  for (const fd of descriptors) {
    const address = auditSocketAddress(fd);
    if (address === undefined) continue;
    if (address.groups === 0) unicast ??= fd;
    else multicast ??= fd;
  }
  return { unicast, multicast };
}

/** Gives the socket to systemd's store. False when nobody takes it: then a kill costs what happens until the next start. */
export function storeSocket(notifySocket: string, fd: number): boolean {
  return sendWithDescriptor(notifySocket, `FDSTORE=1\nFDNAME=${STORED_NAME}\nFDPOLL=0`, fd) === 0;
}

/** Takes it out of the store again: the stream ends with the collector. */
export function forgetStoredSocket(notifySocket: string): void {
  sendWithDescriptor(notifySocket, `FDSTOREREMOVE=1\nFDNAME=${STORED_NAME}`, undefined);
}
