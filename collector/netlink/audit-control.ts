// Questions and orders to the kernel's audit: a netlink socket of its own, so that replies never mix with the records. Every
// request is acknowledged or refused before the call returns: the kernel answers within the send, and lists rules soon after.
import { auditSocket, bindNetlink, closeDescriptor, ERRNO, receive, sendToKernel } from './libc.ts';
import {
  AUDIT_ADD_RULE,
  AUDIT_DEL_RULE,
  AUDIT_GET,
  AUDIT_LIST_RULES,
  AUDIT_MAKE_EQUIV,
  AUDIT_SET,
  AUDIT_TRIM,
  type AuditStatus,
  type AuditStatusChange,
  decodeMessage,
  decodeStatus,
  encodeMessage,
  encodeStatus,
  errorCode,
  type Message,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './message.ts';

/** The longest reply: a rule with its strings; the kernel's own limit is one page of them. */
const REPLY_BYTES_MAX = 16_384;
/** More rules than any list holds; a list that goes on is cut and said to be. */
const RULES_MAX = 16_384;
/** Reads without an answer before a request is given up; listing rules is done by a kernel thread, so an answer may take a while. */
const EMPTY_READS_MAX = 6_000;
const EAGER_READS = 3;

/** The kernel's answer: what was asked for, or the errno, negative. */
export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'errno'; readonly errno: number };

export interface AuditControl {
  status(): Answer<AuditStatus>;
  change(change: AuditStatusChange): Answer<undefined>;
  /** `rule` is a struct audit_rule_data (see rule-data.ts). */
  addRule(rule: Buffer): Answer<undefined>;
  removeRule(rule: Buffer): Answer<undefined>;
  /** Every rule as the kernel has it, in its order within each list. */
  listRules(): Answer<readonly Buffer[]>;
  /** As `auditctl -t`. */
  trimTrees(): Answer<undefined>;
  /** As `auditctl -q mount,subtree`; paths as latin1. */
  makeEquivalent(mount: string, subtree: string): Answer<undefined>;
  close(): void;
}

/** Opens the control socket. The errno is EPROTONOSUPPORT or ECONNREFUSED where there is no audit to talk to. */
export function openAuditControl(): Answer<AuditControl> {
  const fd = auditSocket();
  if (fd < 0) return failure(fd);
  const bound = bindNetlink(fd, 0);
  if (bound < 0) {
    closeDescriptor(fd);
    return failure(bound);
  }
  return { kind: 'ok', value: controlOn(fd) };
}

function controlOn(fd: number): AuditControl {
  const reply = Buffer.allocUnsafeSlow(REPLY_BYTES_MAX);
  let sequence = 0;

  function exchange(type: number, payload: Buffer, onMessage: (message: Message) => boolean): Answer<undefined> {
    sequence = (sequence % 0x7fff_ffff) + 1;
    const sent = sendToKernel(fd, encodeMessage(type, sequence, payload));
    if (sent < 0) return failure(sent);
    for (let empty = 0; empty < EMPTY_READS_MAX; ) {
      const length = receive(fd, reply);
      if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) {
        empty += 1;
        // The kernel answers from a thread of its own, some 100 µs later.
        if (empty > EAGER_READS) pause(0.5);
        continue;
      }
      if (length < 0) return failure(length);
      const message = decodeMessage(reply.subarray(0, Math.min(length, reply.length)));
      if (message === undefined || message.sequence !== sequence) continue;
      if (message.type === NLMSG_ERROR) {
        const code = errorCode(message.payload);
        if (code < 0) return failure(code);
      }
      if (onMessage(message)) return { kind: 'ok', value: undefined };
    }
    return failure(-ERRNO.EAGAIN);
  }

  const acknowledged = (type: number, payload: Buffer): Answer<undefined> =>
    exchange(type, payload, (message) => message.type === NLMSG_ERROR);

  return {
    status() {
      // The acknowledgement comes before the reply: wait for the reply.
      let status: AuditStatus | undefined;
      const answer = exchange(AUDIT_GET, Buffer.alloc(0), (message) => {
        if (message.type !== AUDIT_GET) return false;
        status = decodeStatus(message.payload);
        return true;
      });
      if (answer.kind === 'errno') return answer;
      return status === undefined ? failure(-ERRNO.EINVAL) : { kind: 'ok', value: status };
    },
    change: (change) => acknowledged(AUDIT_SET, encodeStatus(change)),
    addRule: (rule) => acknowledged(AUDIT_ADD_RULE, rule),
    removeRule: (rule) => acknowledged(AUDIT_DEL_RULE, rule),
    listRules() {
      const rules: Buffer[] = [];
      const answer = exchange(AUDIT_LIST_RULES, Buffer.alloc(0), (message) => {
        if (message.type === AUDIT_LIST_RULES && rules.length < RULES_MAX) rules.push(Buffer.from(message.payload));
        return message.type === NLMSG_DONE;
      });
      return answer.kind === 'errno' ? answer : { kind: 'ok', value: rules };
    },
    trimTrees: () => acknowledged(AUDIT_TRIM, Buffer.alloc(0)),
    makeEquivalent(mount, subtree) {
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32LE(mount.length, 0);
      lengths.writeUInt32LE(subtree.length, 4);
      return acknowledged(AUDIT_MAKE_EQUIV, Buffer.concat([lengths, Buffer.from(mount + subtree, 'latin1')]));
    },
    close: () => closeDescriptor(fd),
  };
}

function failure(errno: number): { readonly kind: 'errno'; readonly errno: number } {
  return { kind: 'errno', errno };
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function pause(durationMs: number): void {
  Atomics.wait(PAUSE, 0, 0, durationMs);
}
