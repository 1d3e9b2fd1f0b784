// The arguments of calls in words: one case for every call of the table, as the kernel writes them (hexadecimal registers).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createArgumentTexts } from '../../audit/syscall-arguments.ts';
import { syscallAction } from '../../audit/tables/syscall-action.ts';
import { ARGUMENT_FIELDS, EXPLAINED_SYSCALLS } from '../../audit/tables/syscall-argument.ts';

const texts = createArgumentTexts();
const told = (syscall: string, ...args: readonly string[]): unknown => JSON.parse(`{${texts(syscall, args).slice(1)}}`);

const CASES: readonly (readonly [string, readonly string[], object])[] = [
  ['prctl', ['26', '1', '0', '0'], { option: 'PR_SET_NO_NEW_PRIVS', option_value: '1' }],
  ['prctl', ['1', '9', '0', '0'], { option: 'PR_SET_PDEATHSIG', option_value: 'SIGKILL' }],
  ['prctl', ['16', '2', '7ffc', '0'], { option: 'PR_SET_SECCOMP', option_value: 'SECCOMP_MODE_FILTER' }],
  ['prctl', ['18', '15', '0', '0'], { option: 'PR_CAPBSET_DROP', option_value: 'CAP_SYS_ADMIN' }],
  ['prctl', ['2f', '2', '7', '0'], { option: 'PR_CAP_AMBIENT', option_value: 'PR_CAP_AMBIENT_RAISE' }],
  ['prctl', ['f', '7ffd4a2b1c30', '0', '0'], { option: 'PR_SET_NAME' }],
  ['prctl', ['7f', '0', '0', '0'], { option: '0x7f' }],
  ['arch_prctl', ['1002', '7f0000001000'], { option: 'ARCH_SET_FS' }],
  ['bpf', ['5', '7ffe', '78', '0'], { command: 'BPF_PROG_LOAD' }],
  ['bpf', ['24', '7ffe', '78', '0'], { command: 'BPF_TOKEN_CREATE' }],
  [
    'seccomp',
    ['1', '3', '5555', '0'],
    {
      command: 'SECCOMP_SET_MODE_FILTER',
      seccomp_flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'],
    },
  ],
  ['ptrace', ['10', '1ff', '0', '0'], { request: 'PTRACE_ATTACH' }],
  ['ptrace', ['4206', '1ff', '0', '0'], { request: 'PTRACE_SEIZE' }],
  ['ioctl', ['0', '5412', '7ffe', '0'], { request: 'TIOCSTI' }],
  ['ioctl', ['3', '40086602', '7ffe', '0'], { request: 'FS_IOC_SETFLAGS' }],
  ['ioctl', ['3', 'dead', '7ffe', '0'], { request: '0xdead' }],
  ['fcntl', ['3', '409', 'f', '0'], { command: 'F_ADD_SEALS' }],
  ['fcntl64', ['3', '2', '1', '0'], { command: 'F_SETFD' }],
  ['keyctl', ['3', '1', '0', '0'], { command: 'KEYCTL_REVOKE' }],
  ['quotactl', ['80000200', '1', '0', '0'], { command: 'Q_QUOTAON' }],
  ['reboot', ['fee1dead', '28121969', '4321fedc', '0'], { command: 'LINUX_REBOOT_CMD_POWER_OFF' }],
  ['syslog', ['5', '0', '0', '0'], { command: 'SYSLOG_ACTION_CLEAR' }],
  ['socketcall', ['3', 'ffb0', '0', '0'], { command: 'connect' }],
  ['ipc', ['10015', '1', '0', '0'], { command: 'shmat' }],
  ['semctl', ['1', '0', '100', '0'], { command: 'IPC_RMID' }],
  ['shmctl', ['1', '0', '0', '0'], { command: 'IPC_RMID' }],
  ['io_uring_register', ['4', '2', '7ffe', '1'], { command: 'IORING_REGISTER_FILES' }],
  ['io_uring_register', ['4', '80000002', '7ffe', '1'], { command: 'IORING_REGISTER_FILES' }],
  ['setsockopt', ['3', '0', '40', '7ffe'], { socket_level: 'SOL_IP', socket_option: 'IPT_SO_SET_REPLACE' }],
  ['getsockopt', ['3', '0', '40', '7ffe'], { socket_level: 'SOL_IP', socket_option: '64' }],
  ['getsockopt', ['3', '1', '40', '7ffe'], { socket_level: 'SOL_SOCKET', socket_option: 'SO_TIMESTAMPNS_NEW' }],
  ['setsockopt', ['3', '29', '1a', '7ffe'], { socket_level: 'SOL_IPV6', socket_option: 'IPV6_V6ONLY' }],
  ['setsockopt', ['3', '11', '64', '7ffe'], { socket_level: 'IPPROTO_UDP', socket_option: 'UDP_ENCAP' }],
  ['setsockopt', ['3', '107', '1', '7ffe'], { socket_level: 'SOL_PACKET', socket_option: 'PACKET_ADD_MEMBERSHIP' }],
  ['setsockopt', ['3', '10e', '5', '7ffe'], { socket_level: 'SOL_NETLINK', socket_option: 'NETLINK_NO_ENOBUFS' }],
  ['setsockopt', ['3', '11a', '1', '7ffe'], { socket_level: 'SOL_TLS', socket_option: '1' }],
  ['shmget', ['1', '1000', '780', '0'], { ipc_flags: ['IPC_CREAT', 'IPC_EXCL'], mode: '0600' }],
  ['shmget', ['1', '1000', '1800', '0'], { ipc_flags: ['SHM_HUGETLB', 'SHM_NORESERVE'], mode: '0000' }],
  ['semget', ['1', '1', '3b6', '0'], { ipc_flags: ['IPC_CREAT'], mode: '0666' }],
  ['msgget', ['1', '1b0', '0', '0'], { mode: '0660' }],
  ['shmat', ['1', '0', '9000', '0'], { ipc_flags: ['SHM_RDONLY', 'SHM_EXEC'] }],
  ['mq_open', ['7ffe', 'c2', '180', '0'], { open_flags: ['O_RDWR', 'O_CREAT', 'O_EXCL'] }],
  ['io_uring_setup', ['20', '7ffe', '0', '0'], { uring_entries: '32' }],
  ['io_uring_enter', ['4', '1', '1', '1'], { uring_flags: ['IORING_ENTER_GETEVENTS'] }],
  ['fsconfig', ['3', '6', '0', '0'], { command: 'FSCONFIG_CMD_CREATE' }],
  ['personality', ['40000', '0', '0', '0'], { personality: ['PER_LINUX', 'ADDR_NO_RANDOMIZE'] }],
  ['personality', ['ffffffff', '0', '0', '0'], {}],
  ['personality', ['8', '0', '0', '0'], { personality: ['PER_LINUX32'] }],
  ['kexec_load', ['1', '2', '3', '1'], { kexec_flags: ['KEXEC_ON_CRASH'] }],
  [
    'finit_module',
    ['3', '5555', '3', '0'],
    {
      module_flags: ['MODULE_INIT_IGNORE_MODVERSIONS', 'MODULE_INIT_IGNORE_VERMAGIC'],
    },
  ],
  ['delete_module', ['5555', '800', '0', '0'], { module_flags: ['O_NONBLOCK'] }],
  ['clone', ['1200011', '0', '0', '7f'], { clone_flags: ['CLONE_CHILD_CLEARTID', 'CLONE_CHILD_SETTID', 'SIGCHLD'] }],
  [
    'clone',
    ['6c020011', '0', '0', '7f'],
    {
      clone_flags: ['CLONE_NEWNS', 'CLONE_NEWUTS', 'CLONE_NEWIPC', 'CLONE_NEWPID', 'CLONE_NEWNET', 'SIGCHLD'],
    },
  ],
  ['unshare', ['10000000', '0', '0', '0'], { clone_flags: ['CLONE_NEWUSER'] }],
  ['unshare', ['80', '0', '0', '0'], { clone_flags: ['CLONE_NEWTIME'] }],
  ['setns', ['3', '40000000', '0', '0'], { clone_flags: ['CLONE_NEWNET'] }],
  ['mount', ['1', '2', '3', '5001'], { mount_flags: ['MS_RDONLY', 'MS_BIND', 'MS_REC'] }],
  ['umount2', ['1', '2', '0', '0'], { umount_flags: ['MNT_DETACH'] }],
  ['open_tree', ['ffffff9c', '1', '80001', '0'], { open_tree_flags: ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'] }],
  ['mount_setattr', ['ffffff9c', '1', '8000', '0'], { at_flags: ['AT_RECURSIVE'] }],
  [
    'mmap',
    ['0', '1000', '7', '22'],
    {
      protection: ['PROT_READ', 'PROT_WRITE', 'PROT_EXEC'],
      mmap_flags: ['MAP_PRIVATE', 'MAP_ANONYMOUS'],
    },
  ],
  ['mprotect', ['7f00', '1000', '5', '0'], { protection: ['PROT_READ', 'PROT_EXEC'] }],
  ['mprotect', ['7f00', '1000', '0', '0'], { protection: ['PROT_NONE'] }],
  ['madvise', ['7f00', '1000', '4', '0'], { advice: 'MADV_DONTNEED' }],
  ['memfd_create', ['5555', '3', '0', '0'], { memfd_flags: ['MFD_CLOEXEC', 'MFD_ALLOW_SEALING'] }],
  ['userfaultfd', ['80001', '0', '0', '0'], { userfault_flags: ['UFFD_USER_MODE_ONLY', 'O_CLOEXEC'] }],
  [
    'socket',
    ['2', '80001', '6', '0'],
    {
      socket: { family: 'ipv4', type: ['SOCK_STREAM', 'SOCK_CLOEXEC'], protocol: 'IPPROTO_TCP' },
    },
  ],
  ['socket', ['a', '3', '3a', '0'], { socket: { family: 'ipv6', type: ['SOCK_RAW'], protocol: 'IPPROTO_ICMPV6' } }],
  ['socket', ['10', '3', '9', '0'], { socket: { family: 'netlink', type: ['SOCK_RAW'], protocol: 'NETLINK_AUDIT' } }],
  ['socket', ['11', '3', '300', '0'], { socket: { family: 'packet', type: ['SOCK_RAW'], protocol: '0x3' } }],
  ['socketpair', ['1', '1', '0', '7ffe'], { socket: { family: 'unix', type: ['SOCK_STREAM'] } }],
  ['setsockopt', ['3', '1', '1a', '7ffe'], { socket_level: 'SOL_SOCKET', socket_option: 'SO_ATTACH_FILTER' }],
  ['setsockopt', ['3', '6', '1', '7ffe'], { socket_level: 'SOL_TCP', socket_option: 'TCP_NODELAY' }],
  ['shutdown', ['3', '2', '0', '0'], { shutdown: 'SHUT_RDWR' }],
  ['sendto', ['3', '7ffe', '10', '4040'], { message_flags: ['MSG_DONTWAIT', 'MSG_NOSIGNAL'] }],
  ['sendmsg', ['3', '7ffe', '4000', '0'], { message_flags: ['MSG_NOSIGNAL'] }],
  ['listen', ['3', '80', '0', '0'], { backlog: '128' }],
  ['setuid', ['3e8', '0', '0', '0'], { new_uid: '1000' }],
  ['setgid', ['0', '0', '0', '0'], { new_gid: '0' }],
  ['setreuid', ['ffffffffffffffff', '0', '0', '0'], { new_euid: '0' }],
  ['setregid', ['1', '2', '0', '0'], { new_gid: '1', new_egid: '2' }],
  ['setresuid', ['3e8', '3e8', 'ffffffff', '0'], { new_uid: '1000', new_euid: '1000' }],
  ['setresgid', ['1', '2', '3', '0'], { new_gid: '1', new_egid: '2', new_sgid: '3' }],
  ['chown', ['7ffe', '3e8', 'ffffffff', '0'], { new_uid: '1000' }],
  ['fchownat', ['ffffff9c', '7ffe', '0', '5'], { new_uid: '0', new_gid: '5' }],
  ['umask', ['12', '0', '0', '0'], { mode: '0022' }],
  ['access', ['7ffe', '0', '0', '0'], { access_mode: ['F_OK'] }],
  ['faccessat', ['ffffff9c', '7ffe', '6', '7f'], { access_mode: ['W_OK', 'R_OK'] }],
  ['faccessat2', ['ffffff9c', '7ffe', '1', '200'], { access_mode: ['X_OK'], at_flags: ['AT_EACCESS'] }],
  ['unlinkat', ['ffffff9c', '7ffe', '200', '0'], { at_flags: ['AT_REMOVEDIR'] }],
  ['newfstatat', ['3', '7ffe', '7ffe', '1000'], { at_flags: ['AT_EMPTY_PATH'] }],
  ['statx', ['3', '7ffe', '1900', '0'], { at_flags: ['AT_SYMLINK_NOFOLLOW', 'AT_NO_AUTOMOUNT', 'AT_EMPTY_PATH'] }],
  ['inotify_add_watch', ['3', '7ffe', '2', '0'], { watch_mask: ['IN_MODIFY'] }],
  ['fanotify_init', ['c', '0', '0', '0'], { fanotify_flags: ['FAN_CLASS_CONTENT', 'FAN_CLASS_PRE_CONTENT'] }],
  ['fanotify_mark', ['3', '101', '0', '0'], { fanotify_flags: ['FAN_MARK_ADD', 'FAN_MARK_FILESYSTEM'] }],
  ['setrlimit', ['4', '7ffe', '0', '0'], { resource: 'RLIMIT_CORE' }],
  ['prlimit64', ['0', '7', '0', '7ffe'], { resource: 'RLIMIT_NOFILE' }],
  ['sched_setscheduler', ['0', '40000001', '7ffe', '0'], { scheduler: 'SCHED_FIFO' }],
  ['setpriority', ['0', '1ff', 'fffffff6', '0'], { priority_of: 'PRIO_PROCESS', priority: '-10' }],
  ['clock_settime', ['0', '7ffe', '0', '0'], { clock: 'CLOCK_REALTIME' }],
  ['landlock_add_rule', ['3', '1', '7ffe', '0'], { landlock_rule: 'LANDLOCK_RULE_PATH_BENEATH' }],
  ['landlock_restrict_self', ['3', '0', '0', '0'], {}],
  ['pidfd_open', ['1ff', '0', '0', '0'], { target_pid: '511' }],
];

describe('the arguments of a call', () => {
  it.each(CASES)('%s(%j) say %j', (syscall, args, expected) => {
    expect(told(syscall, ...args)).toEqual(expected);
  });

  it('are not read for a call that is not in the table', () => {
    expect(texts('read', ['3', '7ffe', '10', '0'])).toBe('');
  });

  it('may be anything, and as many as may be: JSON comes of it, and nothing is invented', () => {
    const arg = fc.oneof(
      fc.constant(undefined),
      fc.string({ maxLength: 20 }),
      fc.nat().map((number) => number.toString(16)),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((number) => number.toString(16)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...EXPLAINED_SYSCALLS), fc.array(arg, { maxLength: 5 }), (syscall, args) => {
        const members = texts(syscall, args);
        const fields = Object.keys(JSON.parse(`{${members.slice(1)}}`) as object);
        expect(ARGUMENT_FIELDS).toEqual(expect.arrayContaining(fields));
        if (args.every((each) => each === undefined || !/^[0-9a-f]{1,16}$/.test(each))) expect(fields).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });

  it('are remembered for the same text, whatever came between', () => {
    const before = texts('bpf', ['5']);
    for (let value = 0; value < 1000; value++) texts('bpf', [value.toString(16)]);
    expect(texts('bpf', ['5'])).toBe(before);
  });

  it('are explained for calls that have an action in words only', () => {
    const nameless = EXPLAINED_SYSCALLS.filter((name) => syscallAction(name) === undefined);
    expect(nameless).toEqual([]);
  });
});
