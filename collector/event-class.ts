// Which spool class an event is of. What an investigation cannot do without goes last when the spool is full: execs, changes of
// identity, modules, tracing, logins, changes of the audit itself. The floods (files, sockets) go first.
import type { AuditEvent } from '../audit/event.ts';
import type { SyscallRecord } from '../audit/syscall-record.ts';
import type { SpoolClass } from './spool/segment.ts';

const BULK_SYSCALLS: ReadonlySet<string> = new Set(
  (
    'open openat openat2 creat truncate truncate64 ftruncate mkdir mkdirat mknod mknodat link linkat symlink symlinkat ' +
    'unlink unlinkat rmdir rename renameat renameat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat ' +
    'chown32 fchown32 lchown32 setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr ' +
    'read write stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat utime utimes utimensat ' +
    'connect bind listen accept accept4 socket socketpair socketcall sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg ' +
    'kill tkill tgkill exit exit_group fork vfork clone clone3 mmap mprotect ioctl'
  ).split(' '),
);

/** `syscall` is the event's SYSCALL record, where it has one. */
export function spoolClassOf(event: AuditEvent, syscall: SyscallRecord | undefined): SpoolClass {
  if (event.isFragment) return 'bulk';
  return syscall !== undefined && BULK_SYSCALLS.has(syscall.name) ? 'bulk' : 'keep';
}
