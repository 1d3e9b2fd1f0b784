// Names of socket address families, by AF_ number.

const NAMES: readonly string[] =
  'unspec unix ipv4 ax25 ipx appletalk netrom bridge atmpvc x25 ipv6 rose decnet netbeui security key netlink packet ash econet atmsvc rds sna irda pppox wanpipe llc ib mpls can tipc bluetooth iucv rxrpc isdn phonet ieee802154 caif alg nfc vsock kcm qipcrtr smc xdp mctp'.split(
    ' ',
  );

/** `ipv4` for 2, `vsock` for 40; the number as text where it has no name. */
export function familyName(family: number): string {
  return NAMES[family] ?? String(family);
}
