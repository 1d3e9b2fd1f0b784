// Records of one event in the order in which the kernel writes them, and whether they are all there: for lines that came by ways which
// keep no order. rsyslog, for one, puts what a server did not take at the end of its queue. What comes in order stays as it is.
import type { AuditRecord } from './event.ts';
import { CWD, EXECVE, isAccompanying, PATH, PROCTITLE, SYSCALL } from './tables/record-type.ts';

/** As the kernel ends each call's event (audit_log_exit): SYSCALL, what goes with it, CWD, PATH by item, PROCTITLE. */
export function inKernelOrder(records: readonly AuditRecord[]): readonly AuditRecord[] {
  const ends = records.filter(({ type }) => type === CWD || type === PATH || type === PROCTITLE);
  const others = records.filter((record) => !ends.includes(record));
  const call = others.findIndex(({ type }) => type === SYSCALL);
  const first = others.findIndex(({ type }) => isAccompanying(type));
  if (call > first && first >= 0) others.splice(first, 0, ...others.splice(call, 1));
  const rank = ({ type, text }: AuditRecord): number =>
    type === CWD ? -1 : type === PROCTITLE ? Number.POSITIVE_INFINITY : numberIn(text, ITEM);
  return [...others, ...ends.sort((one, other) => Math.sign(rank(one) - rank(other)) || 0)];
}

const ITEM = / item=([0-9]{1,6})/;
const ITEMS = / items=([0-9]{1,6})/;
/** execve and execveat of x86_64 and aarch64. */
const EXECUTED = / arch=(?:c000003e syscall=(?:59|322)|c00000b7 syscall=(?:221|281)) success=yes/;

/** True when nothing that a call's own record announces is missing, up to the last one that the kernel writes. */
export function isWhole(records: readonly AuditRecord[]): boolean {
  const call = records.find(({ type }) => type === SYSCALL);
  if (call === undefined || !records.some(({ type }) => type === PROCTITLE)) return false;
  const items = numberIn(call.text, ITEMS);
  const count = (wanted: number): number => records.reduce((sum, { type }) => sum + (type === wanted ? 1 : 0), 0);
  if (count(PATH) < items || (items > 0 && count(CWD) === 0)) return false;
  return count(EXECVE) > 0 || !EXECUTED.test(call.text);
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
