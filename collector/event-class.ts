// Which spool class an event is of, whose it is, and which others are like it. What an investigation cannot do without goes last when the spool is full: execs, changes of
// identity, modules, tracing, logins, changes of the audit itself. The floods (files, sockets) go first.
import type { AuditEvent } from '../audit/event.ts';
import type { SyscallRecord } from '../audit/syscall-record.ts';
import { isLogin, ownerOfContainer, ownerOfIds } from './spool/owner.ts';
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

/** How the spool tells events apart when it has to give some up. */
export interface EventSorter {
  /** See spool/owner.ts. */
  ownerOf(event: AuditEvent, syscall: SyscallRecord | undefined): number;
  /** The same for the same program doing the same, 0 … 65535. */
  sortOf(event: AuditEvent, syscall: SyscallRecord | undefined): number;
}

/** What fairness wants to know of the host. */
export interface Tenants {
  hasAccount(uid: number): boolean;
  /** The container of a process; the same object each time. */
  containerOf(pid: number, ppid: number | undefined): { readonly id: string | undefined } | undefined;
}

/** Remembers what it worked out for as long as the reader of SYSCALL records does: its ids and images are shared by many events. */
export function createEventSorter(tenants: Tenants): EventSorter {
  const owners = new WeakMap<SyscallRecord['ids'], number>();
  const containers = new WeakMap<object, number>();
  const images = new WeakMap<SyscallRecord['image'], number>();
  // Events come in runs of one user and program.
  let lastIds: SyscallRecord['ids'] | undefined;
  let lastOwner = 0;
  let lastImage: SyscallRecord['image'] | undefined;
  let lastHash = 0;

  function ownerOfUser(ids: SyscallRecord['ids']): number {
    if (ids === lastIds) return lastOwner;
    let owner = owners.get(ids);
    if (owner === undefined) {
      owner = ownerOfIds(ids.auid, ids.uid, tenants.hasAccount);
      owners.set(ids, owner);
    }
    lastIds = ids;
    lastOwner = owner;
    return owner;
  }

  function hashOfImage(image: SyscallRecord['image']): number {
    if (image === lastImage) return lastHash;
    let hash = images.get(image);
    if (hash === undefined) {
      hash = hashOf(`${image.exe ?? ''} ${image.comm ?? ''}`);
      images.set(image, hash);
    }
    lastImage = image;
    lastHash = hash;
    return hash;
  }

  function ownerOfProcess({ pid, ppid }: SyscallRecord): number | undefined {
    const container = pid === undefined ? undefined : tenants.containerOf(pid, ppid);
    if (container?.id === undefined) return undefined;
    let owner = containers.get(container);
    if (owner === undefined) {
      owner = ownerOfContainer(container.id);
      containers.set(container, owner);
    }
    return owner;
  }

  /** The kernel writes the ids before what a program may say. */
  function ownerOfText(text: string): number {
    const auid = /[: ]auid=([0-9]{1,10})/.exec(text)?.[1];
    return ownerOfIds(auid, /[: ]uid=([0-9]{1,10})/.exec(text)?.[1], tenants.hasAccount);
  }

  return {
    ownerOf(event, syscall) {
      if (syscall === undefined) return ownerOfText(event.records[0]?.text ?? '');
      const owner = ownerOfUser(syscall.ids);
      return isLogin(owner) ? owner : (ownerOfProcess(syscall) ?? owner);
    },
    sortOf(event, syscall) {
      if (syscall === undefined) return (event.records[0]?.type ?? 0) & 0xffff;
      return (hashOfImage(syscall.image) ^ hashOf(syscall.name)) & 0xffff;
    },
  };
}

function hashOf(text: string): number {
  let hash = 17;
  for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash ^ (hash >>> 16);
}
