// Netlink audit messages as bytes. Pure. All integers in the machine's order, which is little-endian on both
// architectures that Vedette runs on (x86-64, arm64):
//
//   nlmsghdr      u32 length, u16 type, u16 flags, u32 sequence, u32 port      then the payload
//   audit_status  u32 mask, enabled, failure, pid, rate_limit, backlog_limit, lost, backlog, features, backlog_wait_time,
//                 backlog_wait_time_actual
//
// `length` is the payload's alone in what the kernel sends to its one unicast owner and the whole message's in multicast
// (kernel/audit.c): so the datagram's own length is what counts, and `length` is never read.

export const HEADER_BYTES = 16;
const STATUS_BYTES = 44;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const AUDIT_GET = 1000;
export const AUDIT_SET = 1001;
export const AUDIT_ADD_RULE = 1011;
export const AUDIT_DEL_RULE = 1012;
export const AUDIT_LIST_RULES = 1013;
/** Forgets watched folders of mounts that are gone. */
export const AUDIT_TRIM = 1014;
/** Watches a subtree as what it is mounted on: two lengths, two paths. */
export const AUDIT_MAKE_EQUIV = 1015;
/** Another process tried to take the socket from us. */
export const AUDIT_REPLACE = 1329;

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;

/** Bits of `mask`: which fields of a SET count. */
const STATUS_MASK = {
  enabled: 0x01,
  failure: 0x02,
  pid: 0x04,
  rateLimit: 0x08,
  backlogLimit: 0x10,
  backlogWaitTime: 0x20,
} as const;

/** What the kernel says of itself. */
export interface AuditStatus {
  /** 0 off, 1 on, 2 on and locked until the next boot. */
  readonly enabled: number;
  /** 0 silent, 1 printk, 2 panic. */
  readonly failure: number;
  /** The unicast owner, or 0. Stays at a dead process's pid until the next send fails. */
  readonly pid: number;
  readonly rateLimit: number;
  readonly backlogLimit: number;
  /** Records lost since boot, or since an administrator set it back. */
  readonly lost: number;
  readonly backlog: number;
  /** Feature bits; bit 5 is the filter on socket address families. */
  readonly features: number;
  /** Jiffies that a syscall waits when the backlog is full. */
  readonly backlogWaitTime: number;
  readonly backlogWaitTimeActual: number;
}

/** The fields of the status that a SET may change. */
export type AuditStatusChange = Partial<
  Pick<AuditStatus, 'enabled' | 'failure' | 'pid' | 'rateLimit' | 'backlogLimit' | 'backlogWaitTime'>
>;

/** One message to the kernel. */
export function encodeMessage(type: number, sequence: number, payload: Buffer): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + payload.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK, 6);
  message.writeUInt32LE(sequence, 8);
  payload.copy(message, HEADER_BYTES);
  return message;
}

/** The payload of a SET that changes these fields and no other. */
export function encodeStatus(change: AuditStatusChange): Buffer {
  const payload = Buffer.alloc(STATUS_BYTES);
  let mask = 0;
  for (const [name, bit] of Object.entries(STATUS_MASK)) {
    const value = change[name as keyof AuditStatusChange];
    if (value === undefined) continue;
    mask |= bit;
    payload.writeUInt32LE(value, STATUS_OFFSET[name as keyof typeof STATUS_OFFSET]);
  }
  payload.writeUInt32LE(mask, 0);
  return payload;
}

/** The status in a GET's reply; what an older kernel leaves out is 0. Undefined when it is too short to be one. */
export function decodeStatus(payload: Buffer): AuditStatus | undefined {
  if (payload.length < 32) return undefined;
  const at = (offset: number): number => (offset + 4 <= payload.length ? payload.readUInt32LE(offset) : 0);
  return {
    enabled: at(STATUS_OFFSET.enabled),
    failure: at(STATUS_OFFSET.failure),
    pid: at(STATUS_OFFSET.pid),
    rateLimit: at(STATUS_OFFSET.rateLimit),
    backlogLimit: at(STATUS_OFFSET.backlogLimit),
    lost: at(24),
    backlog: at(28),
    features: at(32),
    backlogWaitTime: at(STATUS_OFFSET.backlogWaitTime),
    backlogWaitTimeActual: at(40),
  };
}

const STATUS_OFFSET = {
  enabled: 4,
  failure: 8,
  pid: 12,
  rateLimit: 16,
  backlogLimit: 20,
  backlogWaitTime: 36,
} as const;

export interface Message {
  readonly type: number;
  readonly sequence: number;
  /** The payload's bytes: a view, valid until the buffer is used again. */
  readonly payload: Buffer;
}

/** The message in a datagram, or undefined when it is too short for a header. */
export function decodeMessage(datagram: Buffer): Message | undefined {
  if (datagram.length < HEADER_BYTES) return undefined;
  return {
    type: datagram.readUInt16LE(4),
    sequence: datagram.readUInt32LE(8),
    payload: datagram.subarray(HEADER_BYTES),
  };
}

/** The errno of an NLMSG_ERROR payload, negative; 0 is the plain acknowledgement. */
export function errorCode(payload: Buffer): number {
  return payload.length >= 4 ? payload.readInt32LE(0) : 0;
}
