// Is a text an IP address? Programs write what they like into `addr=`, and a store's `ip` field refuses what is none.

const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
/** The longest IPv6 address as text: six groups and an IPv4 address. */
const CHARS_MAX = 45;

/** True of an IPv4 address in decimal, and of an IPv6 address without a zone. */
export function isIp(text: string): boolean {
  return text.length <= CHARS_MAX && (IPV4.test(text) || isIpv6(text));
}

function isIpv6(text: string): boolean {
  const last = text.slice(text.lastIndexOf(':') + 1);
  // An IPv4 address at the end stands for two groups.
  const groups = IPV4.test(last) ? `${text.slice(0, -last.length)}0:0` : text;
  const halves = groups.split('::');
  if (halves.length > 2) return false;
  const parts = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const isWhole = halves.length === 2 ? parts.length <= 7 : parts.length === 8;
  return isWhole && parts.every((part) => GROUP.test(part));
}
