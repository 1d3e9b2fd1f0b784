// The few libc calls that Node has no word for, through koffi. Calls are synchronous and take 0.1–0.25 µs on top of the system
// call's own time; none of them may block, so every receive is MSG_DONTWAIT.
import koffi from 'koffi';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_AUDIT = 9;
const SOL_SOCKET = 1;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const LOCK_EX_NB = 2 | 4;

/** Linux errno numbers that the collector tells apart. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EEXIST: 17,
  EINVAL: 22,
  EPROTONOSUPPORT: 93,
  EAFNOSUPPORT: 97,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const;

const libc = koffi.load('libc.so.6');
const socketCall = libc.func('int socket(int domain, int type, int protocol)');
const bindCall = libc.func('int bind(int fd, const void *address, uint32_t length)');
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');
const getsockoptCall = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');
const sendtoCall = libc.func(
  'long sendto(int fd, const void *buffer, unsigned long length, int flags, const void *address, uint32_t addressLength)',
);
const recvCall = libc.func('long recv(int fd, void *buffer, unsigned long length, int flags)');
const recvmmsgCall = libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)');
const closeCall = libc.func('int close(int fd)');
const flockCall = libc.func('int flock(int fd, int operation)');
const sendmsgCall = libc.func('long sendmsg(int fd, const void *message, int flags)');
const getsocknameCall = libc.func('int getsockname(int fd, void *address, void *length)');
const openCall = libc.func('int open(const char *path, int flags)');
const readCall = libc.func('long read(int fd, void *buffer, unsigned long length)');

/** The result of a call that failed: the errno, negative, as the kernel itself returns it. */
function result(value: number): number {
  return value < 0 ? -koffi.errno() : value;
}

/** A new netlink audit socket: its descriptor, or the errno, negative. */
export function auditSocket(): number {
  return result(socketCall(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT) as number);
}

/** Binds to a port of the kernel's choice and to the multicast groups of the mask. 0 or the errno, negative. */
export function bindNetlink(fd: number, groups: number): number {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(groups, 8);
  return result(bindCall(fd, address, address.length) as number);
}

/** Sets an integer socket option. 0 or the errno, negative. */
export function setSocketOption(fd: number, name: number, value: number): number {
  const option = Buffer.alloc(4);
  option.writeInt32LE(value, 0);
  return result(setsockoptCall(fd, SOL_SOCKET, name, option, 4) as number);
}

/** An integer socket option, or the errno, negative. */
export function socketOption(fd: number, name: number): number {
  const option = Buffer.alloc(4);
  const length = Buffer.from([4, 0, 0, 0]);
  const code = result(getsockoptCall(fd, SOL_SOCKET, name, option, length) as number);
  return code < 0 ? code : option.readInt32LE(0);
}

/** Where a netlink audit socket is bound, or undefined when the descriptor is no such socket. */
export function auditSocketAddress(fd: number): { readonly port: number; readonly groups: number } | undefined {
  if (socketOption(fd, SO_DOMAIN) !== AF_NETLINK || socketOption(fd, SO_PROTOCOL) !== NETLINK_AUDIT) return undefined;
  const address = Buffer.alloc(12);
  const length = Buffer.from([12, 0, 0, 0]);
  if (result(getsocknameCall(fd, address, length) as number) < 0) return undefined;
  return { port: address.readUInt32LE(4), groups: address.readUInt32LE(8) };
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_NOSIGNAL = 0x4000;
const SCM_RIGHTS = 1;
const UNIX_PATH_BYTES_MAX = 107;

/**
 * Sends a text, and with it a descriptor, to a Unix datagram socket (a leading @ means an abstract name). 0 or the errno,
 * negative. struct msghdr is name, namelen, iov, iovlen, control, controllen, flags; struct cmsghdr is len, level, type.
 */
export function sendWithDescriptor(path: string, text: string, fd: number | undefined): number {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  if (name.length === 0 || name.length > UNIX_PATH_BYTES_MAX) return -ERRNO.EINVAL;
  const socket = result(socketCall(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number);
  if (socket < 0) return socket;
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name, Buffer.alloc(path.startsWith('@') ? 0 : 1)]);
  const body = Buffer.from(text);
  const vector = Buffer.alloc(IOVEC_BYTES);
  vector.writeBigUInt64LE(koffi.address(body), 0);
  vector.writeBigUInt64LE(BigInt(body.length), 8);
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd ?? -1, 16);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi.address(address), 0);
  message.writeUInt32LE(address.length, 8);
  message.writeBigUInt64LE(koffi.address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  if (fd !== undefined) {
    message.writeBigUInt64LE(koffi.address(control), 32);
    message.writeBigUInt64LE(BigInt(control.length), 40);
  }
  const sent = result(sendmsgCall(socket, message, MSG_NOSIGNAL) as number);
  closeCall(socket);
  // What is reached only through an address inside `message` is used here: so it lives until the call is over.
  return sent < 0 ? sent : address.length + body.length + vector.length + control.length > 0 ? 0 : -ERRNO.EINVAL;
}

const KERNEL_ADDRESS: Buffer = (() => {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  return address;
})();

/** Sends one message to the kernel. Its length or the errno, negative. */
export function sendToKernel(fd: number, message: Buffer): number {
  return result(sendtoCall(fd, message, message.length, 0, KERNEL_ADDRESS, KERNEL_ADDRESS.length) as number);
}

/** One datagram into `buffer`. Its whole length (more than the buffer's when it was cut) or the errno, negative. */
export function receive(fd: number, buffer: Buffer): number {
  return result(recvCall(fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC) as number);
}

export function closeDescriptor(fd: number): void {
  closeCall(fd);
}

const O_RDONLY_CLOEXEC = 0o2000000;

/**
 * Reads the beginning of a file, as much as one read gives. The number of bytes or the errno, negative. For /proc, where a file
 * that is not there is everyday: Node's own call would make an error with a stack of each.
 */
export function readFileStart(path: string, buffer: Buffer): number {
  const fd = result(openCall(path, O_RDONLY_CLOEXEC) as number);
  if (fd < 0) return fd;
  const count = result(readCall(fd, buffer, buffer.length) as number);
  closeCall(fd);
  return count;
}

/** Takes an exclusive lock that ends with the process, however it ends. 0 or the errno, negative. */
export function lockDescriptor(fd: number): number {
  return result(flockCall(fd, LOCK_EX_NB) as number);
}

/** Receives up to `count` datagrams at once, each into its own slot of one buffer that is never reallocated. */
export interface Batch {
  readonly buffer: Buffer;
  readonly slotBytes: number;
  /** How many datagrams came, or the errno, negative. 0 when there was nothing. */
  receive(fd: number): number;
  /** The length of datagram `index` of the last receive; never more than the slot. */
  lengthOf(index: number): number;
  /** True when datagram `index` did not fit its slot. */
  wasCut(index: number): boolean;
}

const MMSGHDR_BYTES = 64; // struct mmsghdr on 64-bit Linux: msghdr of 56, msg_len of 4, padding of 4
/** The kernel writes in the machine's own order, as typed arrays read: msg_flags is word 12, msg_len word 14. */
const MMSGHDR_WORDS = MMSGHDR_BYTES / 4;
const IOVEC_BYTES = 16;

/** The arrays for recvmmsg, laid out once: mmsghdr[count], iovec[count], and the slots. */
export function createBatch(count: number, slotBytes: number): Batch {
  const buffer = Buffer.allocUnsafeSlow(count * slotBytes);
  const vectors = Buffer.allocUnsafeSlow(count * IOVEC_BYTES).fill(0);
  const headers = Buffer.allocUnsafeSlow(count * MMSGHDR_BYTES).fill(0);
  const words = new Int32Array(headers.buffer, headers.byteOffset, headers.length >> 2);
  const slots = koffi.address(buffer);
  const vectorsAddress = koffi.address(vectors);
  for (let index = 0; index < count; index += 1) {
    vectors.writeBigUInt64LE(slots + BigInt(index * slotBytes), index * IOVEC_BYTES);
    vectors.writeBigUInt64LE(BigInt(slotBytes), index * IOVEC_BYTES + 8);
    headers.writeBigUInt64LE(vectorsAddress + BigInt(index * IOVEC_BYTES), index * MMSGHDR_BYTES + 16);
    headers.writeBigUInt64LE(1n, index * MMSGHDR_BYTES + 24);
  }
  return {
    buffer,
    slotBytes,
    receive(fd) {
      // `vectors` is only reached through an address inside `headers`: this use keeps it alive.
      if (vectors.length === 0) return 0;
      const code = result(recvmmsgCall(fd, headers, count, MSG_DONTWAIT, null) as number);
      return code === -ERRNO.EAGAIN || code === -ERRNO.EINTR ? 0 : code;
    },
    lengthOf: (index) => Math.min(words[index * MMSGHDR_WORDS + 14] as number, slotBytes),
    wasCut: (index) => ((words[index * MMSGHDR_WORDS + 12] as number) & MSG_TRUNC) !== 0,
  };
}
