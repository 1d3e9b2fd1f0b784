// What the arguments of a syscall mean: which argument goes under which name of `auditd.data`, and how its number is read.
// Only arguments that stand in the record (a0 to a3) and that are no pointers; file descriptors say nothing by themselves.
import * as names from './argument-names.ts';

/** How a number is read. A `flags` value is an array of names; what has no name stays a hexadecimal number. */
export type Reading =
  | { readonly kind: 'one-of'; readonly names: string; readonly mask?: number; readonly shift?: number }
  | { readonly kind: 'flags'; readonly names: string; readonly none?: string; readonly mask?: number }
  | {
      readonly kind: 'clone' | 'personality' | 'mode' | 'permissions' | 'id' | 'number' | 'signed' | 'open-flags';
    }
  /** What a number means is said by the argument before it. */
  | { readonly kind: 'option-value' | 'socket-option' | 'socket-option-asked' }
  /** Family, type and protocol, as one object. */
  | { readonly kind: 'socket' };

export interface ArgumentMeaning {
  /** The argument's number; several where they only mean something together. */
  readonly args: readonly number[];
  readonly field: string;
  readonly reading: Reading;
}

const oneOf = (table: string, mask?: number): Reading => ({
  kind: 'one-of',
  names: table,
  ...(mask === undefined ? {} : { mask }),
});
const flags = (table: string, none?: string): Reading => ({
  kind: 'flags',
  names: table,
  ...(none === undefined ? {} : { none }),
});
/** The low nine bits beside them are permissions. */
const flagsAbovePermissions = (table: string): Reading => ({ kind: 'flags', names: table, mask: ~0o777 });
const ID: Reading = { kind: 'id' };

/** The kernel's own lists that no installed header has. */
const SOCKETCALLS =
  '1 socket 2 bind 3 connect 4 listen 5 accept 6 getsockname 7 getpeername 8 socketpair 9 send a recv b sendto c recvfrom d shutdown e setsockopt f getsockopt 10 sendmsg 11 recvmsg 12 accept4 13 recvmmsg 14 sendmmsg';
const IPC_CALLS =
  '1 semop 2 semget 3 semctl 4 semtimedop b msgsnd c msgrcv d msgget e msgctl 15 shmat 16 shmdt 17 shmget 18 shmctl';
const SYSLOG_ACTIONS =
  '0 SYSLOG_ACTION_CLOSE 1 SYSLOG_ACTION_OPEN 2 SYSLOG_ACTION_READ 3 SYSLOG_ACTION_READ_ALL 4 SYSLOG_ACTION_READ_CLEAR 5 SYSLOG_ACTION_CLEAR 6 SYSLOG_ACTION_CONSOLE_OFF 7 SYSLOG_ACTION_CONSOLE_ON 8 SYSLOG_ACTION_CONSOLE_LEVEL 9 SYSLOG_ACTION_SIZE_UNREAD a SYSLOG_ACTION_SIZE_BUFFER';
const SHUTDOWNS = '0 SHUT_RD 1 SHUT_WR 2 SHUT_RDWR';
const ACCESS = '1 X_OK 2 W_OK 4 R_OK';
const UNLINK_FLAGS = '200 AT_REMOVEDIR';
const ACCESS_AT_FLAGS = '100 AT_SYMLINK_NOFOLLOW 200 AT_EACCESS 1000 AT_EMPTY_PATH';
const DELETE_MODULE_FLAGS = '200 O_TRUNC 800 O_NONBLOCK';
const LANDLOCK_RULES = '1 LANDLOCK_RULE_PATH_BENEATH 2 LANDLOCK_RULE_NET_PORT';
const LANDLOCK_RESTRICT_FLAGS =
  '1 LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF 2 LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON 4 LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF';
const PRIORITIES = '0 PRIO_PROCESS 1 PRIO_PGRP 2 PRIO_USER';
const IPC_FLAGS = '200 IPC_CREAT 400 IPC_EXCL 800 IPC_NOWAIT';
const SHARED_MEMORY_FLAGS = '200 IPC_CREAT 400 IPC_EXCL 800 SHM_HUGETLB 1000 SHM_NORESERVE';
const ATTACH_FLAGS = '1000 SHM_RDONLY 2000 SHM_RND 4000 SHM_REMAP 8000 SHM_EXEC';
const IPC_COMMANDS = '0 IPC_RMID 1 IPC_SET 2 IPC_STAT 3 IPC_INFO b SHM_LOCK c SHM_UNLOCK';

type Row = readonly [syscalls: string, ...(readonly [number | readonly number[], string, Reading])[]];

const ROWS: readonly Row[] = [
  ['prctl', [0, 'option', oneOf(names.PRCTL_OPTIONS)], [[0, 1], 'option_value', { kind: 'option-value' }]],
  ['arch_prctl', [0, 'option', oneOf(names.ARCH_PRCTL_CODES)]],
  ['bpf', [0, 'command', oneOf(names.BPF_COMMANDS)]],
  ['seccomp', [0, 'command', oneOf(names.SECCOMP_OPERATIONS)], [1, 'seccomp_flags', flags(names.SECCOMP_FLAGS)]],
  ['ptrace', [0, 'request', oneOf(names.PTRACE_REQUESTS)]],
  ['ioctl', [1, 'request', oneOf(names.IOCTL_REQUESTS)]],
  ['fcntl fcntl64', [1, 'command', oneOf(names.FCNTL_COMMANDS)]],
  ['keyctl', [0, 'command', oneOf(names.KEYCTL_OPERATIONS)]],
  ['quotactl', [0, 'command', { kind: 'one-of', names: names.QUOTA_COMMANDS, shift: 8 }]],
  ['reboot', [2, 'command', oneOf(names.REBOOT_COMMANDS)]],
  ['syslog', [0, 'command', oneOf(SYSLOG_ACTIONS)]],
  ['socketcall', [0, 'command', oneOf(SOCKETCALLS)]],
  ['ipc', [0, 'command', oneOf(IPC_CALLS, 0xffff)]],
  ['semctl', [2, 'command', oneOf(IPC_COMMANDS, 0xff)]],
  ['msgctl shmctl', [1, 'command', oneOf(IPC_COMMANDS, 0xff)]],
  ['shmget', [2, 'ipc_flags', flagsAbovePermissions(SHARED_MEMORY_FLAGS)], [2, 'mode', { kind: 'permissions' }]],
  ['semget', [2, 'ipc_flags', flagsAbovePermissions(IPC_FLAGS)], [2, 'mode', { kind: 'permissions' }]],
  ['msgget', [1, 'ipc_flags', flagsAbovePermissions(IPC_FLAGS)], [1, 'mode', { kind: 'permissions' }]],
  ['shmat', [2, 'ipc_flags', flags(ATTACH_FLAGS)]],
  ['mq_open', [1, 'open_flags', { kind: 'open-flags' }]],
  ['io_uring_register', [1, 'command', oneOf(names.URING_REGISTER_OPERATIONS, 0x7fff_ffff)]],
  ['io_uring_setup', [0, 'uring_entries', { kind: 'number' }]],
  ['io_uring_enter', [3, 'uring_flags', flags(names.URING_ENTER_FLAGS)]],
  ['fsconfig', [1, 'command', oneOf(names.FSCONFIG_COMMANDS)]],
  ['personality', [0, 'personality', { kind: 'personality' }]],
  ['kexec_load', [3, 'kexec_flags', flags(names.KEXEC_FLAGS)]],
  ['finit_module', [2, 'module_flags', flags(names.MODULE_FLAGS)]],
  ['delete_module', [1, 'module_flags', flags(DELETE_MODULE_FLAGS)]],

  ['clone', [0, 'clone_flags', { kind: 'clone' }]],
  ['unshare', [0, 'clone_flags', flags(names.CLONE_FLAGS)]],
  ['setns', [1, 'clone_flags', flags(names.CLONE_FLAGS)]],
  ['mount', [3, 'mount_flags', flags(names.MOUNT_FLAGS)]],
  ['umount2', [1, 'umount_flags', flags(names.UMOUNT_FLAGS)]],
  ['open_tree open_tree_attr', [2, 'open_tree_flags', flags(names.OPEN_TREE_FLAGS)]],
  ['mount_setattr', [2, 'at_flags', flags(names.AT_FLAGS)]],
  ['mmap mmap2', [2, 'protection', flags(names.PROTECTIONS, 'PROT_NONE')], [3, 'mmap_flags', flags(names.MAP_FLAGS)]],
  ['mprotect pkey_mprotect', [2, 'protection', flags(names.PROTECTIONS, 'PROT_NONE')]],
  ['madvise', [2, 'advice', oneOf(names.MEMORY_ADVICE)]],
  ['memfd_create', [1, 'memfd_flags', flags(names.MEMFD_FLAGS)]],
  ['userfaultfd', [0, 'userfault_flags', flags(names.USERFAULT_FLAGS)]],

  ['socket socketpair', [[0, 1, 2], 'socket', { kind: 'socket' }]],
  ['setsockopt', [1, 'socket_level', oneOf(names.SOCKET_LEVELS)], [[1, 2], 'socket_option', { kind: 'socket-option' }]],
  [
    'getsockopt',
    [1, 'socket_level', oneOf(names.SOCKET_LEVELS)],
    [[1, 2], 'socket_option', { kind: 'socket-option-asked' }],
  ],
  ['shutdown', [1, 'shutdown', oneOf(SHUTDOWNS)]],
  ['sendto recvfrom sendmmsg recvmmsg recvmmsg_time64', [3, 'message_flags', flags(names.MESSAGE_FLAGS)]],
  ['sendmsg recvmsg', [2, 'message_flags', flags(names.MESSAGE_FLAGS)]],
  ['listen', [1, 'backlog', { kind: 'number' }]],

  ['setuid setuid32 setfsuid setfsuid32', [0, 'new_uid', ID]],
  ['setgid setgid32 setfsgid setfsgid32', [0, 'new_gid', ID]],
  ['setreuid setreuid32', [0, 'new_uid', ID], [1, 'new_euid', ID]],
  ['setregid setregid32', [0, 'new_gid', ID], [1, 'new_egid', ID]],
  ['setresuid setresuid32', [0, 'new_uid', ID], [1, 'new_euid', ID], [2, 'new_suid', ID]],
  ['setresgid setresgid32', [0, 'new_gid', ID], [1, 'new_egid', ID], [2, 'new_sgid', ID]],
  ['chown fchown lchown chown32 fchown32 lchown32', [1, 'new_uid', ID], [2, 'new_gid', ID]],
  ['fchownat', [2, 'new_uid', ID], [3, 'new_gid', ID]],
  ['umask', [0, 'mode', { kind: 'mode' }]],

  ['access', [1, 'access_mode', flags(ACCESS, 'F_OK')]],
  ['faccessat', [2, 'access_mode', flags(ACCESS, 'F_OK')]],
  ['faccessat2', [2, 'access_mode', flags(ACCESS, 'F_OK')], [3, 'at_flags', flags(ACCESS_AT_FLAGS)]],
  ['unlinkat', [2, 'at_flags', flags(UNLINK_FLAGS)]],
  ['fchmodat2 newfstatat fstatat64 utimensat utimensat_time64', [3, 'at_flags', flags(names.AT_FLAGS)]],
  ['statx', [2, 'at_flags', flags(names.AT_FLAGS)]],
  ['inotify_add_watch', [2, 'watch_mask', flags(names.INOTIFY_MASK)]],
  ['fanotify_init', [0, 'fanotify_flags', flags(names.FANOTIFY_INIT_FLAGS)]],
  ['fanotify_mark', [1, 'fanotify_flags', flags(names.FANOTIFY_MARK_FLAGS)]],

  ['setrlimit getrlimit', [0, 'resource', oneOf(names.RESOURCE_LIMITS)]],
  ['prlimit64', [1, 'resource', oneOf(names.RESOURCE_LIMITS)]],
  ['sched_setscheduler', [1, 'scheduler', oneOf(names.SCHEDULERS, 0xbfff_ffff)]],
  ['setpriority', [0, 'priority_of', oneOf(PRIORITIES)], [2, 'priority', { kind: 'signed' }]],
  ['clock_settime clock_settime64 clock_adjtime clock_adjtime64', [0, 'clock', oneOf(names.CLOCKS)]],
  ['landlock_add_rule', [1, 'landlock_rule', oneOf(LANDLOCK_RULES)]],
  ['landlock_restrict_self', [1, 'landlock_flags', flags(LANDLOCK_RESTRICT_FLAGS)]],
  ['pidfd_open', [0, 'target_pid', { kind: 'number' }]],
];

const MEANINGS: ReadonlyMap<string, readonly ArgumentMeaning[]> = new Map(
  ROWS.flatMap(([syscalls, ...meanings]) => {
    const made = meanings.map(
      ([at, field, reading]): ArgumentMeaning => ({ args: typeof at === 'number' ? [at] : at, field, reading }),
    );
    return syscalls.split(' ').map((name): readonly [string, readonly ArgumentMeaning[]] => [name, made]);
  }),
);

/** The calls whose arguments are read. */
export const EXPLAINED_SYSCALLS: readonly string[] = [...MEANINGS.keys()];

/** The meanings of a call's arguments; undefined for a call that is not in the table. */
export function argumentMeanings(syscall: string): readonly ArgumentMeaning[] | undefined {
  return MEANINGS.get(syscall);
}

/** Names of `auditd.data` that arguments are written under. */
export const ARGUMENT_FIELDS: readonly string[] = [...new Set([...MEANINGS.values()].flat().map(({ field }) => field))];
