// The raw sockaddr of a SOCKADDR record: `0200115C7F000001…`. The family is in the host's byte order (little-endian on all
// that Linux audit is used on but s390x and some others; a family whose low byte is 0 is taken as big-endian), the port is not.
import { textOfBytes } from './bytes.ts';
import { familyName } from './tables/address-family.ts';

export interface SocketAddress {
  readonly family: string;
  readonly ip: string | undefined;
  readonly port: number | undefined;
  /** Unix: the path; `@name` for an abstract one; undefined for an unnamed one. */
  readonly path: string | undefined;
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const AF_VSOCK = 40;

/** The address in hex digits, or undefined where it is none (odd digits, less than a family). */
export function socketAddressOf(hex: string): SocketAddress | undefined {
  if (!/^(?:[0-9A-Fa-f]{2}){2,256}$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  const family = bytes[0] === 0 && bytes[1] !== 0 ? bytes.readUInt16BE(0) : bytes.readUInt16LE(0);
  const address = { family: familyName(family), ip: undefined, port: undefined, path: undefined };
  switch (family) {
    case AF_UNIX:
      return { ...address, path: unixPath(bytes.subarray(2)) };
    case AF_INET:
      if (bytes.length < 8) return address;
      return { ...address, ip: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port: bytes.readUInt16BE(2) };
    case AF_INET6:
      if (bytes.length < 24) return address;
      return { ...address, ip: ipv6(bytes.subarray(8, 24)), port: bytes.readUInt16BE(2) };
    case AF_NETLINK:
      return bytes.length < 8 ? address : { ...address, port: bytes.readUInt32LE(4) };
    case AF_VSOCK:
      return bytes.length < 12
        ? address
        : { ...address, port: bytes.readUInt32LE(4), path: `cid:${bytes.readUInt32LE(8)}` };
    case AF_PACKET:
      return bytes.length < 8 ? address : { ...address, path: `ifindex:${bytes.readUInt32LE(4)}` };
    default:
      return address;
  }
}

function unixPath(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === 0) {
    // Abstract: the whole rest is the name, NULs included; tools write them as @.
    const name = bytes.subarray(1);
    return name.every((byte) => byte === 0) ? undefined : `@${textOfBytes(withoutFinalNuls(name))}`;
  }
  const end = bytes.indexOf(0);
  return textOfBytes(end < 0 ? bytes : bytes.subarray(0, end));
}

function withoutFinalNuls(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** RFC 5952; an IPv4-mapped address as the IPv4 address that it is. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [...bytes.subarray(12)].join('.');
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}
