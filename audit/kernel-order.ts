// Records of one event in the order in which the kernel writes them, and whether they are all there: for lines that came by ways which
// keep no order. rsyslog, for one, puts what a server did not take at the end of its queue. What comes in order stays as it is.
import type { AuditRecord } from './event.ts';
import { CWD, EXECVE, isAccompanying, PATH, PROCTITLE, SOCKADDR, SYSCALL } from './tables/record-type.ts';

/**
 * As the kernel writes a call's event (audit_log_exit): what was logged during the call, SYSCALL, what goes with it, CWD, PATH by item,
 * PROCTITLE.
 */
export function inKernelOrder(records: readonly AuditRecord[]): readonly AuditRecord[] {
  const ends = records.filter(({ type }) => type === CWD || type === PATH || type === PROCTITLE);
  const others = records.filter((record) => !ends.includes(record));
  const isCall = ({ type }: AuditRecord): boolean => type === SYSCALL;
  const isWith = ({ type }: AuditRecord): boolean => type !== SYSCALL && (isAccompanying(type) || TIME_SET.has(type));
  const hasCall = others.some(isCall);
  const parts = hasCall
    ? [
        ...others.filter((each) => !isCall(each) && !isWith(each)),
        ...others.filter(isCall),
        ...inOrderOfAids(others.filter(isWith)),
      ]
    : others;
  const rank = ({ type, text }: AuditRecord): number =>
    type === CWD ? -1 : type === PROCTITLE ? Number.POSITIVE_INFINITY : numberIn(text, ITEM);
  return [...parts, ...ends.sort((one, other) => Math.sign(rank(one) - rank(other)) || 0)];
}

/** TIME_INJOFFSET and TIME_ADJNTPVAL: written after their SYSCALL, like what accompanies it. */
const TIME_SET: ReadonlySet<number> = new Set([1332, 1333]);
/** What goes with a call and has its place: BPRM_FCAPS, EXECVE, FD_PAIR, SOCKADDR, OBJ_PID. */
const AIDS: readonly number[] = [1321, EXECVE, 1317, SOCKADDR, 1318];

/** The others stay in their places: what they are beside of is not known. */
function inOrderOfAids(records: readonly AuditRecord[]): readonly AuditRecord[] {
  const sorted = records
    .filter(({ type }) => AIDS.includes(type))
    .map((record) => ({ record, aid: AIDS.indexOf(record.type), argument: argumentOf(record) }))
    .sort((one, other) => one.aid - other.aid || one.argument - other.argument);
  let next = 0;
  return records.map((record) => (AIDS.includes(record.type) ? (sorted[next++]?.record ?? record) : record));
}

/** Where an EXECVE goes on: `a12=`, or `a12[3]=` for a piece of an argument that is too long for one record. */
function argumentOf({ type, text }: AuditRecord): number {
  if (type !== EXECVE || /(?:^| )argc=/.test(text)) return -1;
  const [, argument, piece] = /(?:^| )a([0-9]{1,7})(?:\[([0-9]{1,7})\])?=/.exec(text) ?? [];
  return Number(argument ?? 0) + Number(piece ?? 0) / 1e7;
}

const ITEM = / item=([0-9]{1,6})/;
const ITEMS = / items=([0-9]{1,6})/;
/** execve and execveat of x86_64 and aarch64. */
const EXECUTED = / arch=(?:c000003e syscall=(?:59|322)|c00000b7 syscall=(?:221|281)) success=yes/;

/** bind and connect of both: every one that succeeded was given an address. */
const ADDRESSED = / arch=(?:c000003e syscall=(?:42|49)|c00000b7 syscall=(?:200|203)) success=yes/;

/**
 * True when nothing that a call's own record announces is missing, up to the last one that the kernel writes. What it does not announce
 * (the SOCKADDR of a sendto, what leads the call) may still be: only lines that keep their order are whole for certain.
 */
export function isWhole(records: readonly AuditRecord[]): boolean {
  const call = records.find(({ type }) => type === SYSCALL);
  if (call === undefined || !records.some(({ type }) => type === PROCTITLE)) return false;
  const items = numberIn(call.text, ITEMS);
  const count = (wanted: number): number => records.reduce((sum, { type }) => sum + (type === wanted ? 1 : 0), 0);
  if (count(PATH) < items || (items > 0 && count(CWD) === 0)) return false;
  if (count(SOCKADDR) === 0 && ADDRESSED.test(call.text)) return false;
  return count(EXECVE) > 0 || !EXECUTED.test(call.text);
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
