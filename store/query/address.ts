// IP addresses and CIDR networks as numbers: IPv4 stands in IPv6's mapped range, so all addresses have one order.
import { isIP } from 'node:net';

const MAPPED_IPV4 = 0xffffn << 32n;

/** The address as a number of 128 bits, or undefined when the text is none. A zone (`%eth0`) is no part of it. */
export function addressNumber(text: string): bigint | undefined {
  const family = text.length <= 64 && !text.includes('%') ? isIP(text) : 0;
  if (family === 4) return MAPPED_IPV4 | ipv4Number(text);
  if (family === 6) return ipv6Number(text);
  return undefined;
}

export interface Network {
  readonly first: bigint;
  readonly last: bigint;
}

/** The network of `10.0.0.0/8` or `fe80::/10`, or undefined when the text is none. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([0-9A-Fa-f:.]{2,45})\/([0-9]{1,3})$/.exec(text);
  if (match === null) return undefined;
  const address = addressNumber(match[1] ?? '');
  if (address === undefined) return undefined;
  const width = isIP(match[1] ?? '') === 4 ? 32 : 128;
  const bits = Number(match[2]);
  if (bits > width) return undefined;
  const hostMask = (1n << BigInt(width - bits)) - 1n;
  const first = address & ~hostMask;
  return { first, last: first | hostMask };
}

function ipv4Number(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(Number(part)), 0n);
}

function ipv6Number(text: string): bigint {
  const tail = /^(.*:)([0-9]+\.[0-9.]+)$/.exec(text);
  const ipv4 = tail === null ? undefined : ipv4Number(tail[2] ?? '0');
  const hex =
    ipv4 === undefined ? text : `${tail?.[1] ?? ''}${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`;
  const [head = '', rest] = hex.split('::');
  const left = groups(head);
  const right = rest === undefined ? [] : groups(rest);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n);
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function groups(text: string): bigint[] {
  return text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`));
}
