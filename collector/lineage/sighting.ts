// What an audited call does to processes: who execed, who was born of whom, who ended.

/** What is needed of a SYSCALL record (audit/syscall-record.ts). */
export interface Call {
  readonly name: string;
  readonly pid: number | undefined;
  readonly ppid: number | undefined;
  readonly success: boolean | undefined;
  readonly exit: string | undefined;
  /** In hex. */
  readonly args: readonly (string | undefined)[];
  readonly image: { readonly comm: string | undefined; readonly exe: string | undefined };
}

type ProcessChange = 'exec' | 'birth' | 'end' | 'thread-end' | 'session';

/** What a call does to processes; almost all do nothing to them. */
export const CHANGES: ReadonlyMap<string, ProcessChange> = new Map([
  ['execve', 'exec'],
  ['execveat', 'exec'],
  ['fork', 'birth'],
  ['vfork', 'birth'],
  ['clone', 'birth'],
  ['clone3', 'birth'],
  ['exit_group', 'end'],
  ['exit', 'thread-end'],
  ['setsid', 'session'],
]);

const CLONE_PARENT = 0x8000;
const CLONE_THREAD = 0x10000;

export interface Birth {
  readonly pid: number;
  /** The child is the caller's sibling. */
  readonly isSibling: boolean;
  /** clone3 keeps its flags in memory: what it made may be a thread. */
  readonly mayBeThread: boolean;
}

/** What a successful fork or clone made, or undefined where it made a thread or nothing. */
export function birthOf(call: Call): Birth | undefined {
  const pid = Number(call.exit);
  if (call.success !== true || !Number.isInteger(pid) || pid <= 0) return undefined;
  if (call.name !== 'clone') return { pid, isSibling: false, mayBeThread: call.name === 'clone3' };
  const flags = Number.parseInt(call.args[0]?.slice(-8) ?? '', 16);
  if (Number.isNaN(flags) || (flags & CLONE_THREAD) !== 0) return undefined;
  return { pid, isSibling: (flags & CLONE_PARENT) !== 0, mayBeThread: false };
}
