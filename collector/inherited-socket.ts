// An audit socket that outlives the collector, so that the kernel's records queue in it while a collector that died is started
// again. It comes as a descriptor: from systemd (a socket unit, or its descriptor store: LISTEN_FDS and its companions), or from
// `vedette up`, which holds it. To systemd's store it is given over the notification socket.
import { auditSocketAddress, sendWithDescriptor } from './netlink/libc.ts';
import { STORED_NAME } from './passed-descriptors.ts';

/** Inherited audit sockets by what they hear: the unicast stream (once registered), or the multicast group. */
interface InheritedSockets {
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
