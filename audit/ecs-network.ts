// Socket addresses in ECS: whom a call reached (`destination`), who reached us (`source`), or a socket of our own
// (`auditd.data.socket` only).
import type { Draft } from './draft.ts';
import { isIp } from './ip-address.ts';
import { member, numberMember, objectMember } from './json.ts';
import type { SocketAddress } from './socket-address.ts';
import type { Subject } from './tables/syscall-action.ts';

/** Fills the address of a call on a socket. */
export function writeAddress(draft: Draft, address: SocketAddress | undefined, subject: Subject): void {
  const direction = subject === 'outgoing' ? 'egress' : subject === 'incoming' ? 'ingress' : undefined;
  const isAddressed = address?.ip !== undefined || address?.path !== undefined;
  // sendto and recvfrom without an address, or to the kernel itself (netlink), say nothing of a network.
  const isNameless = address === undefined || address.family === 'unix';
  if (direction !== undefined && (isAddressed || (isNameless && draft.type.includes('start')))) {
    draft.network += member('direction', direction);
  }
  if (address === undefined) return;
  const { family, ip, port, path } = address;
  draft.data += objectMember(
    'socket',
    member('family', family) +
      member('addr', ip) +
      member('port', port === undefined ? undefined : String(port)) +
      member('path', path),
  );
  draft.object = ip ?? path;
  draft.objectAs = ip === undefined || port === undefined ? undefined : String(port);
  draft.objectType = 'socket';
  if (direction === undefined || (ip === undefined && path === undefined)) return;
  const members =
    member('address', ip ?? path) + (ip === undefined ? '' : member('ip', ip) + numberMember('port', port));
  if (direction === 'egress') draft.destination += members;
  else draft.source += members;
  if (ip === undefined) return;
  draft.network +=
    member('type', ip.includes(':') ? 'ipv6' : 'ipv4') + member('transport', transportOf(draft, direction));
  draft.addresses = [ip];
}

/** Answers of a connect() that only a handshake can give; a datagram socket connects at once, or not at all. */
const HANDSHAKE: ReadonlySet<string> = new Set(['EINPROGRESS', 'EALREADY', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT']);

/**
 * What the call's own answer gives away: the records do not say of which type a socket is. One that is accepted from, or that shakes
 * hands, is a stream; over IP that is TCP, but for SCTP, which few have. A connect() that succeeded at once may be either.
 */
function transportOf(draft: Draft, direction: 'egress' | 'ingress'): string | undefined {
  if (!draft.type.includes('start')) return undefined;
  return direction === 'ingress' || (draft.errno !== undefined && HANDSHAKE.has(draft.errno)) ? 'tcp' : undefined;
}

/** IP protocols by number, as `network.transport` names them. */
const TRANSPORTS: ReadonlyMap<string, string> = new Map([
  ['1', 'icmp'],
  ['6', 'tcp'],
  ['17', 'udp'],
  ['58', 'ipv6-icmp'],
  ['132', 'sctp'],
]);

/** The addresses of a packet that a firewall rule asked to be told of. */
export function writePacket(draft: Draft, kernel: ReadonlyMap<string, string>): void {
  const ends = [kernel.get('saddr') ?? '', kernel.get('daddr') ?? ''];
  const [from = '', to = ''] = ends;
  if (!ends.every(isIp)) return;
  draft.source += member('ip', from) + member('address', from);
  draft.destination += member('ip', to) + member('address', to);
  draft.addresses = [...new Set(ends)];
  draft.network +=
    member('type', from.includes(':') ? 'ipv6' : 'ipv4') +
    member('transport', TRANSPORTS.get(kernel.get('proto') ?? ''));
}
