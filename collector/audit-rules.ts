// The audit rules that the collector loads by default, as data, and their translation for a machine. docs/collector.md tells
// the same list with its reasons; a test holds the two together. What is asked for is what the shipped detection rules and an
// investigation need; what is not asked for (reads of ordinary files, Unix sockets, process ends) would be a flood.
import type { CompiledRule, FieldName, Operator, RuleField } from './netlink/rule-data.ts';

/** Every key of ours begins so; by it leftovers of a killed collector are known. */
export const KEY_PREFIX = 'vedette-';
const EXCLUSION_KEY: string = `${KEY_PREFIX}exclude`;

/** `-F` fields of one default rule; several sets make several rules, because a rule's fields are joined by "and". */
interface DefaultRule {
  /** Without the prefix; becomes the event's tag. */
  readonly key: string;
  readonly syscalls: readonly string[];
  readonly anyOf: readonly (readonly RuleField[])[];
}

const where = (name: FieldName, operator: Operator, value: number | string): RuleField => ({ name, operator, value });
const ALL: readonly (readonly RuleField[])[] = [[]];
const SUCCEEDED: readonly (readonly RuleField[])[] = [[where('success', '=', 1)]];
/** EACCES and EPERM: attempts that permissions stopped; a plain "no such file" is noise. */
const DENIED: readonly (readonly RuleField[])[] = [[where('exit', '=', -13)], [where('exit', '=', -1)]];
const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const family = (number: number): readonly RuleField[] => [where('saddr_fam', '=', number)];
/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC */
const WRITE_FLAGS = 0o1 | 0o2 | 0o100 | 0o1000;
/** TEXT and DATA poked, attached, seized. Peeking and stepping are a debugger's flood and follow an attach. */
const PTRACE_REQUESTS = [4, 5, 16, 0x4206];

const DELETIONS = ['unlink', 'unlinkat', 'rmdir'];
const RENAMES = ['rename', 'renameat', 'renameat2'];
const CREATIONS = ['mkdir', 'mkdirat', 'mknod', 'mknodat', 'link', 'linkat', 'symlink', 'symlinkat'];

export const DEFAULT_RULES: readonly DefaultRule[] = [
  { key: 'exec', syscalls: ['execve', 'execveat'], anyOf: ALL },
  {
    key: 'module',
    syscalls: ['init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load'],
    anyOf: ALL,
  },
  {
    key: 'trace',
    syscalls: ['ptrace'],
    anyOf: PTRACE_REQUESTS.map((request) => [where('a0', '=', request)]),
  },
  { key: 'trace', syscalls: ['process_vm_writev'], anyOf: ALL },
  {
    key: 'identity',
    syscalls: ['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setfsuid', 'setfsgid'].flatMap(
      (name) => [name, `${name}32`],
    ),
    anyOf: ALL,
  },
  { key: 'mount', syscalls: ['mount', 'umount', 'umount2', 'pivot_root', 'move_mount', 'chroot'], anyOf: ALL },
  { key: 'namespace', syscalls: ['setns', 'unshare'], anyOf: ALL },
  { key: 'memfd', syscalls: ['memfd_create'], anyOf: ALL },
  { key: 'time', syscalls: ['settimeofday', 'clock_settime', 'clock_settime64', 'stime'], anyOf: ALL },
  { key: 'signal', syscalls: ['kill', 'tkill', 'pidfd_send_signal'], anyOf: [[where('a1', '!=', 0)]] },
  { key: 'connect', syscalls: ['connect', 'socketcall'], anyOf: [family(AF_INET), family(AF_INET6)] },
  { key: 'bind', syscalls: ['bind'], anyOf: [family(AF_INET), family(AF_INET6), family(AF_PACKET)] },
  { key: 'listen', syscalls: ['listen'], anyOf: SUCCEEDED },
  { key: 'accept', syscalls: ['accept', 'accept4'], anyOf: SUCCEEDED },
  {
    key: 'mode',
    syscalls: ['chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'setxattr', 'lsetxattr', 'fsetxattr', 'setxattrat'],
    anyOf: ALL,
  },
  {
    key: 'owner',
    syscalls: ['chown', 'fchown', 'lchown', 'fchownat', 'chown32', 'fchown32', 'lchown32'],
    anyOf: ALL,
  },
  { key: 'write', syscalls: ['open'], anyOf: [[where('a1', '&', WRITE_FLAGS), where('success', '=', 1)]] },
  { key: 'write', syscalls: ['openat'], anyOf: [[where('a2', '&', WRITE_FLAGS), where('success', '=', 1)]] },
  { key: 'write', syscalls: ['creat', 'openat2', 'truncate', 'truncate64'], anyOf: SUCCEEDED },
  { key: 'create', syscalls: CREATIONS, anyOf: SUCCEEDED },
  { key: 'delete', syscalls: DELETIONS, anyOf: SUCCEEDED },
  { key: 'rename', syscalls: RENAMES, anyOf: SUCCEEDED },
  {
    key: 'denied',
    syscalls: ['open', 'openat', 'openat2', 'creat', 'truncate', 'truncate64', ...CREATIONS, ...DELETIONS, ...RENAMES],
    anyOf: DENIED,
  },
];

/** Files and folders whose reading is asked for; those that do not exist when the rules are loaded are left out. */
export const WATCHED_READS: readonly { readonly kind: 'path' | 'dir'; readonly path: string }[] = [
  { kind: 'path', path: '/etc/shadow' },
  { kind: 'path', path: '/etc/gshadow' },
  { kind: 'path', path: '/etc/shadow-' },
  { kind: 'path', path: '/etc/security/opasswd' },
  { kind: 'path', path: '/etc/sudoers' },
  { kind: 'dir', path: '/etc/sudoers.d' },
  { kind: 'path', path: '/etc/krb5.keytab' },
  { kind: 'path', path: '/etc/ssh/ssh_host_rsa_key' },
  { kind: 'path', path: '/etc/ssh/ssh_host_ecdsa_key' },
  { kind: 'path', path: '/etc/ssh/ssh_host_ed25519_key' },
  { kind: 'dir', path: '/root/.ssh' },
  { kind: 'dir', path: '/root/.aws' },
  { kind: 'dir', path: '/root/.kube' },
  { kind: 'dir', path: '/etc/kubernetes/pki' },
];
const PERM_READ = 4;

/** One architecture of the machine: its audit number, and the number of a syscall by name. */
export interface RuleArchitecture {
  readonly auditNumber: number;
  syscallNumber(name: string): number | undefined;
}

/**
 * The default rules for a machine. `scope` is added to each; `hasFamilyFilter` false (kernels before 5.5) drops the filter on
 * the address family, so that more comes, not less. A syscall that an architecture has not is left out of its rules.
 */
export function compileDefaultRules(options: {
  readonly architectures: readonly RuleArchitecture[];
  readonly scope: readonly RuleField[];
  readonly hasFamilyFilter: boolean;
  readonly exists: (path: string) => boolean;
}): readonly CompiledRule[] {
  const { architectures, scope, hasFamilyFilter, exists } = options;
  const calls = architectures.flatMap((architecture) =>
    DEFAULT_RULES.flatMap((rule) => {
      const syscalls = rule.syscalls
        .map((name) => architecture.syscallNumber(name))
        .filter((number) => number !== undefined);
      if (syscalls.length === 0) return [];
      const sets = hasFamilyFilter ? rule.anyOf : withoutFamily(rule.anyOf);
      return sets.map((fields) => ({
        action: 'always' as const,
        isFirst: false,
        syscalls,
        fields: [
          where('arch', '=', architecture.auditNumber),
          ...fields,
          ...scope,
          where('key', '=', `${KEY_PREFIX}${rule.key}`),
        ],
      }));
    }),
  );
  const reads = WATCHED_READS.filter(({ path }) => exists(path)).map(({ kind, path }) => ({
    action: 'always' as const,
    isFirst: false,
    syscalls: 'all' as const,
    fields: [where(kind, '=', path), where('perm', '=', PERM_READ), ...scope, where('key', '=', `${KEY_PREFIX}read`)],
  }));
  return [...calls, ...reads];
}

function withoutFamily(sets: readonly (readonly RuleField[])[]): readonly (readonly RuleField[])[] {
  const isFamily = (field: RuleField): boolean => field.name === 'saddr_fam';
  return sets.some((fields) => fields.some(isFamily)) ? ALL : sets;
}

/** The rule that leaves a process out: before all others, and to be removed when the process ends. */
export function exclusionRule(pid: number): CompiledRule {
  return {
    action: 'never',
    isFirst: true,
    syscalls: 'all',
    fields: [where('pid', '=', pid), where('key', '=', EXCLUSION_KEY)],
  };
}

const SCOPE_NUMBERS: ReadonlySet<string> = new Set([
  'pid',
  'ppid',
  'uid',
  'euid',
  'gid',
  'egid',
  'auid',
  'sessionid',
  'success',
]);
const SCOPE_TEXTS: ReadonlySet<string> = new Set(['exe', 'path', 'dir']);

/** Reads `uid=4242,exe!=/usr/bin/x`: the fields, or what is wrong with the text. */
export function parseScope(text: string): { readonly fields: readonly RuleField[] } | { readonly error: string } {
  const fields: RuleField[] = [];
  for (const part of text.split(',').filter((piece) => piece.trim() !== '')) {
    const match = /^\s*(?:-F\s+)?([a-z]{1,12})(!?=)(\S{1,4096})\s*$/.exec(part);
    const [, name = '', operator = '=', value = ''] = match ?? [];
    if (SCOPE_TEXTS.has(name) && value.startsWith('/')) {
      fields.push(where(name as FieldName, operator as Operator, value));
    } else if (SCOPE_NUMBERS.has(name) && /^[0-9]{1,10}$/.test(value)) {
      fields.push(where(name as FieldName, operator as Operator, Number(value)));
    } else {
      return {
        error: `"${part.trim()}" is not a field that a rules scope can have; write for example uid=4242 or exe=/usr/bin/x`,
      };
    }
  }
  return { fields };
}
