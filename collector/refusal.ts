// Why the audit socket cannot be had, in the words of the options, from what the kernel answers.
import { readFileSync } from 'node:fs';
import { ERRNO } from './netlink/libc.ts';
import type { Refusal } from './options.ts';

/** What an errno of the audit socket means for the one who asked. */
export function refused(errno: number): { readonly kind: 'refused'; readonly refusal: Refusal } {
  const code = -errno;
  if (code === ERRNO.EPERM || code === ERRNO.EACCES) return { kind: 'refused', refusal: { kind: 'no-permission' } };
  if (code === ERRNO.EPROTONOSUPPORT || code === ERRNO.EAFNOSUPPORT || code === ERRNO.ECONNREFUSED) {
    return { kind: 'refused', refusal: { kind: 'no-audit' } };
  }
  return { kind: 'refused', refusal: { kind: 'failed', reason: `the audit socket said errno ${code}` } };
}

export function ownerOf(pid: number): Refusal {
  return { kind: 'owned-by', pid, name: processName(pid) };
}

/** The name of a process, or '' when it is gone. */
export function processName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}
