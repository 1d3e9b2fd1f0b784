// What each syscall does, in ECS words: action, category, type, what it acts on, and which arguments are directory
// descriptors. A syscall that is not here is decoded generically: its name is the action.

/** What a call acts on: decides which records become which fields. */
export type Subject =
  | 'exec'
  | 'file'
  | 'old-and-new'
  | 'open'
  | 'mode'
  | 'mount'
  | 'outgoing'
  | 'incoming'
  | 'local-socket'
  | 'identity'
  | 'target-process'
  | 'exit'
  | 'child'
  | 'module'
  | 'system'
  | 'process';

export interface SyscallAction {
  readonly action: string;
  readonly category: readonly string[];
  readonly type: readonly string[];
  readonly subject: Subject;
  /** Argument numbers of the directory descriptors that the first and the second name are relative to. */
  readonly descriptors: readonly [number | undefined, number | undefined];
}

type Row = readonly [syscalls: string, action: string, category: string, type: string, subject: Subject];

const ROWS: readonly Row[] = [
  ['execve execveat', 'executed', 'process', 'start', 'exec'],
  ['fork vfork clone clone3', 'forked-process', 'process', 'start', 'child'],
  ['exit exit_group', 'ended', 'process', 'end', 'exit'],
  [
    'kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal',
    'killed-pid',
    'process',
    'end',
    'target-process',
  ],
  ['ptrace', 'traced-process', 'process', 'access', 'target-process'],
  ['process_vm_readv', 'read-process-memory', 'process', 'access', 'target-process'],
  ['process_vm_writev', 'wrote-process-memory', 'process', 'access', 'target-process'],
  ['pidfd_getfd', 'took-descriptor-of-process', 'process', 'access', 'target-process'],
  [
    'setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups setuid32 setgid32 setreuid32 setregid32 setresuid32 setresgid32 setfsuid32 setfsgid32 setgroups32',
    'changed-identity-of',
    'process',
    'change',
    'identity',
  ],
  ['capset', 'changed-capabilities-of', 'process', 'change', 'process'],
  ['prctl arch_prctl', 'controlled-process', 'process', 'change', 'process'],
  ['personality', 'changed-personality-of', 'process', 'change', 'process'],
  ['setsid', 'started-process-session', 'process', 'change', 'process'],
  ['unshare', 'unshared-namespace', 'process', 'change', 'process'],
  ['setns', 'entered-namespace', 'process', 'change', 'process'],
  ['chroot', 'changed-root-of', 'process', 'change', 'file'],
  ['chdir fchdir', 'changed-directory-of', 'process', 'change', 'file'],
  ['seccomp', 'changed-seccomp-of', 'process', 'change', 'process'],
  ['mprotect pkey_mprotect', 'changed-memory-protection', 'process', 'change', 'process'],
  ['mmap mmap2', 'mapped-memory', 'process', 'info', 'process'],
  ['memfd_create', 'created-memory-file', 'process', 'info', 'process'],
  ['memfd_secret', 'created-secret-memory', 'process', 'info', 'process'],
  ['userfaultfd', 'created-userfault-handler', 'process', 'info', 'process'],
  ['io_uring_setup', 'set-up-io-uring', 'process', 'info', 'process'],
  ['io_uring_enter', 'entered-io-uring', 'process', 'info', 'process'],
  ['io_uring_register', 'registered-io-uring', 'process', 'info', 'process'],
  ['bpf', 'called-bpf', 'process', 'info', 'process'],
  ['perf_event_open', 'opened-performance-event', 'process', 'info', 'process'],
  ['keyctl add_key request_key', 'used-kernel-keyring', 'process', 'info', 'process'],
  ['setrlimit prlimit64', 'changed-resource-limit', 'process', 'change', 'process'],
  [
    'setpriority sched_setscheduler sched_setattr sched_setparam',
    'adjusted-scheduling-policy-of',
    'process',
    'change',
    'process',
  ],

  ['open openat openat2', 'opened-file', 'file', 'info', 'open'],
  ['open_by_handle_at', 'opened-file', 'file', 'info', 'open'],
  ['creat', 'opened-file', 'file', 'creation', 'open'],
  ['read readv pread64 preadv preadv2 readahead', 'read-file', 'file', 'info', 'file'],
  ['write writev pwrite64 pwritev pwritev2', 'wrote-to-file', 'file', 'change', 'file'],
  ['truncate ftruncate truncate64 ftruncate64 fallocate', 'truncated-file', 'file', 'change', 'file'],
  ['copy_file_range sendfile sendfile64 splice', 'copied-file-content', 'file', 'change', 'file'],
  ['getdents getdents64', 'listed-directory', 'file', 'info', 'file'],
  ['name_to_handle_at', 'made-file-handle', 'file', 'info', 'file'],
  ['readlink readlinkat', 'read-link', 'file', 'info', 'file'],
  ['mkdir mkdirat', 'created-directory', 'file', 'creation', 'mode'],
  ['mknod mknodat', 'make-device', 'file', 'creation', 'mode'],
  ['unlink unlinkat rmdir', 'deleted', 'file', 'deletion', 'file'],
  ['rename renameat renameat2', 'renamed', 'file', 'change', 'old-and-new'],
  ['link linkat', 'linked', 'file', 'creation', 'old-and-new'],
  ['symlink symlinkat', 'symlinked', 'file', 'creation', 'old-and-new'],
  ['chmod fchmod fchmodat fchmodat2', 'changed-file-permissions-of', 'file', 'change', 'mode'],
  ['chown fchown lchown fchownat chown32 fchown32 lchown32', 'changed-file-ownership-of', 'file', 'change', 'file'],
  [
    'setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr',
    'changed-file-attributes-of',
    'file',
    'change',
    'file',
  ],
  [
    'getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr',
    'read-file-attributes-of',
    'file',
    'info',
    'file',
  ],
  ['utime utimes utimensat futimesat utimensat_time64', 'changed-timestamp-of', 'file', 'change', 'file'],
  [
    'stat lstat fstat newfstatat stat64 lstat64 fstat64 fstatat64 statx access faccessat faccessat2',
    'checked-metadata-of',
    'file',
    'info',
    'file',
  ],
  ['statfs fstatfs statfs64 fstatfs64', 'checked-filesystem-metadata-of', 'file', 'info', 'file'],
  ['fanotify_init fanotify_mark inotify_add_watch', 'watched-file', 'file', 'info', 'file'],
  [
    'mount fsmount move_mount fsconfig mount_setattr open_tree open_tree_attr fsopen fspick',
    'mounted',
    'file',
    'creation',
    'mount',
  ],
  ['umount umount2', 'unmounted', 'file', 'deletion', 'mount'],
  ['pivot_root', 'changed-root-filesystem', 'file', 'change', 'mount'],
  ['swapon', 'enabled-swap', 'host', 'change', 'file'],
  ['swapoff', 'disabled-swap', 'host', 'change', 'file'],
  ['quotactl quotactl_fd', 'changed-quota', 'host', 'change', 'file'],

  ['connect', 'connected-to', 'network', 'connection start', 'outgoing'],
  ['accept accept4', 'accepted-connection-from', 'network', 'connection start', 'incoming'],
  ['bind', 'bound-socket', 'network', 'start', 'local-socket'],
  ['listen', 'listen-for-connections', 'network', 'start', 'local-socket'],
  ['socket', 'created-socket', 'network', 'info', 'local-socket'],
  ['socketpair', 'created-socket-pair', 'network', 'info', 'local-socket'],
  ['socketcall', 'called-socket', 'network', 'info', 'local-socket'],
  ['sendto sendmsg sendmmsg', 'sent-to', 'network', 'connection info', 'outgoing'],
  ['recvfrom recvmsg recvmmsg recvmmsg_time64', 'received-from', 'network', 'connection info', 'incoming'],
  ['shutdown', 'shut-down-connection', 'network', 'connection end', 'local-socket'],
  ['setsockopt', 'set-socket-option', 'network', 'change', 'local-socket'],
  ['getsockname getpeername getsockopt', 'checked-socket', 'network', 'info', 'local-socket'],

  ['init_module finit_module', 'loaded-kernel-module', 'driver', 'start', 'module'],
  ['delete_module', 'unloaded-kernel-module', 'driver', 'end', 'module'],
  ['kexec_load kexec_file_load', 'loaded-kernel', 'host', 'change', 'system'],
  ['reboot', 'rebooted-system', 'host', 'end', 'system'],
  ['sethostname setdomainname', 'changed-system-name', 'host', 'change', 'system'],
  [
    'settimeofday stime clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64',
    'changed-system-time',
    'host',
    'change',
    'system',
  ],
  ['acct', 'changed-process-accounting', 'host', 'change', 'file'],
  ['lsm_set_self_attr', 'changed-security-attributes-of', 'process', 'change', 'process'],
  ['modify_ldt', 'changed-segment-table-of', 'process', 'change', 'process'],
  ['setpgid', 'changed-process-group-of', 'process', 'change', 'process'],
  ['vhangup', 'hung-up-terminal', 'process', 'change', 'process'],
  ['process_mrelease', 'released-memory-of-process', 'process', 'change', 'target-process'],
  ['ioctl', 'controlled-device', 'process', 'info', 'process'],
  ['fcntl fcntl64', 'controlled-descriptor', 'process', 'info', 'process'],
  ['ipc', 'called-ipc', 'process', 'info', 'process'],
  ['semctl msgctl shmctl', 'controlled-ipc-object', 'process', 'change', 'process'],
  ['semget msgget shmget', 'opened-ipc-object', 'process', 'info', 'process'],
  ['shmat', 'attached-shared-memory', 'process', 'info', 'process'],
  ['mq_open', 'opened-message-queue', 'process', 'info', 'process'],
  ['mq_timedsend mq_timedsend_time64', 'sent-message', 'process', 'info', 'process'],
  ['mq_timedreceive mq_timedreceive_time64', 'received-message', 'process', 'info', 'process'],
  ['mq_notify', 'asked-for-message-notification', 'process', 'info', 'process'],
  ['mq_getsetattr', 'changed-message-queue', 'process', 'info', 'process'],
  ['pipe pipe2', 'created-pipe', 'process', 'info', 'process'],
  ['mq_unlink', 'deleted-message-queue', 'process', 'change', 'process'],
  ['madvise process_madvise', 'advised-memory', 'process', 'info', 'process'],
  ['umask', 'changed-umask-of', 'process', 'change', 'process'],
  ['getrlimit', 'checked-resource-limit', 'process', 'info', 'process'],
  ['pidfd_open', 'opened-process-descriptor', 'process', 'info', 'target-process'],
  [
    'landlock_create_ruleset landlock_add_rule landlock_restrict_self',
    'restricted-itself',
    'process',
    'change',
    'process',
  ],
  ['iopl ioperm', 'changed-io-privileges-of', 'process', 'change', 'process'],
  ['syslog', 'used-kernel-log', 'host', 'info', 'system'],
];

/** Which arguments are directory descriptors. */
const DESCRIPTORS: Readonly<Record<string, readonly [number | undefined, number | undefined]>> = {
  execveat: [0, undefined],
  openat: [0, undefined],
  openat2: [0, undefined],
  name_to_handle_at: [0, undefined],
  readlinkat: [0, undefined],
  mkdirat: [0, undefined],
  mknodat: [0, undefined],
  unlinkat: [0, undefined],
  renameat: [0, 2],
  renameat2: [0, 2],
  linkat: [0, 2],
  symlinkat: [undefined, 1],
  fchmodat: [0, undefined],
  fchmodat2: [0, undefined],
  fchownat: [0, undefined],
  utimensat: [0, undefined],
  utimensat_time64: [0, undefined],
  futimesat: [0, undefined],
  newfstatat: [0, undefined],
  fstatat64: [0, undefined],
  statx: [0, undefined],
  faccessat: [0, undefined],
  faccessat2: [0, undefined],
  setxattrat: [0, undefined],
  getxattrat: [0, undefined],
  removexattrat: [0, undefined],
  file_setattr: [0, undefined],
  move_mount: [0, 2],
  mount_setattr: [0, undefined],
  open_tree: [0, undefined],
  open_tree_attr: [0, undefined],
  fspick: [0, undefined],
};

const NONE: readonly [undefined, undefined] = [undefined, undefined];

const ACTIONS: ReadonlyMap<string, SyscallAction> = new Map(
  ROWS.flatMap(([syscalls, action, category, type, subject]) =>
    syscalls.split(' ').map((name): readonly [string, SyscallAction] => [
      name,
      {
        action,
        category: category.split(' '),
        type: type.split(' '),
        subject,
        descriptors: DESCRIPTORS[name] ?? NONE,
      },
    ]),
  ),
);

/** The calls that i386's socketcall(2) stands for, by its first argument. */
const SOCKETCALLS: readonly string[] =
  '- socket bind connect listen accept getsockname getpeername socketpair - - sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'.split(
    ' ',
  );

/** What a call of socketcall does by its first argument, in hexadecimal digits. */
export function socketcallAction(argument: string | undefined): SyscallAction | undefined {
  return ACTIONS.get(SOCKETCALLS[Number.parseInt(argument ?? '', 16)] ?? '');
}

/** What a syscall does; undefined for one that is decoded generically. */
export function syscallAction(name: string): SyscallAction | undefined {
  return ACTIONS.get(name);
}
