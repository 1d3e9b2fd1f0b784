// The audit rules that the collector loads by default, as data, and their translation for a machine, by profile. docs/collector.md
// tells the same list with its reasons; a test holds the two together. What is asked for is what the shipped detection rules and an
// investigation need; what is not asked for (reads of ordinary files, Unix sockets, process ends) would be a flood.
import type { CompiledRule, FieldName, Operator, RuleField } from '../netlink/rule-data.ts';
import { type RuleArchitecture, uringOpNumber } from './machine.ts';

/** Every key of ours begins so; by it leftovers of a killed collector are known. */
export const KEY_PREFIX = 'vedette-';

/** `-F` fields of one default rule; several sets make several rules, because a rule's fields are joined by "and". */
interface DefaultRule {
  /** Without the prefix; becomes the event's tag. */
  readonly key: string;
  readonly syscalls: readonly string[];
  /** The same done by io_uring, where no call is made: its operations. No filter of `anyOf` reaches their arguments. */
  readonly uring?: readonly string[];
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
  {
    key: 'connect',
    syscalls: ['connect', 'socketcall'],
    uring: ['connect'],
    anyOf: [family(AF_INET), family(AF_INET6)],
  },
  { key: 'bind', syscalls: ['bind'], uring: ['bind'], anyOf: [family(AF_INET), family(AF_INET6), family(AF_PACKET)] },
  { key: 'listen', syscalls: ['listen'], uring: ['listen'], anyOf: SUCCEEDED },
  { key: 'accept', syscalls: ['accept', 'accept4'], uring: ['accept'], anyOf: SUCCEEDED },
  {
    key: 'mode',
    syscalls: ['chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'setxattr', 'lsetxattr', 'fsetxattr', 'setxattrat'],
    uring: ['setxattr', 'fsetxattr'],
    anyOf: ALL,
  },
  {
    key: 'owner',
    syscalls: ['chown', 'fchown', 'lchown', 'fchownat', 'chown32', 'fchown32', 'lchown32'],
    anyOf: ALL,
  },
  { key: 'write', syscalls: ['open'], anyOf: [[where('a1', '&', WRITE_FLAGS), where('success', '=', 1)]] },
  { key: 'write', syscalls: ['openat'], anyOf: [[where('a2', '&', WRITE_FLAGS), where('success', '=', 1)]] },
  {
    key: 'write',
    syscalls: ['creat', 'openat2', 'truncate', 'truncate64'],
    uring: ['openat', 'openat2', 'ftruncate'],
    anyOf: SUCCEEDED,
  },
  { key: 'create', syscalls: CREATIONS, uring: ['mkdirat', 'linkat', 'symlinkat'], anyOf: SUCCEEDED },
  { key: 'delete', syscalls: DELETIONS, uring: ['unlinkat'], anyOf: SUCCEEDED },
  { key: 'rename', syscalls: RENAMES, uring: ['renameat'], anyOf: SUCCEEDED },
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

/** What is loaded. `exec`: what ran and who became whom. `everything`: the default ones, then all calls there are. */
export type RulesProfile = 'exec' | 'default' | 'everything' | 'none';

export const RULES_PROFILES: readonly RulesProfile[] = ['exec', 'default', 'everything', 'none'];

const EXEC_KEYS: ReadonlySet<string> = new Set(['exec', 'identity']);

interface Compiling {
  readonly profile: RulesProfile;
  readonly architectures: readonly RuleArchitecture[];
  readonly scope: readonly RuleField[];
  readonly hasFamilyFilter: boolean;
  readonly exists: (path: string) => boolean;
}

/**
 * The rules of a profile for a machine. `scope` is added to each; `hasFamilyFilter` false (kernels before 5.5) drops the filter on
 * the address family, so that more comes, not less. A syscall that an architecture has not is left out of its rules.
 */
export function compileProfile(compiling: Compiling): readonly CompiledRule[] {
  const { profile } = compiling;
  if (profile === 'none') return [];
  const rules = profile === 'exec' ? DEFAULT_RULES.filter(({ key }) => EXEC_KEYS.has(key)) : DEFAULT_RULES;
  const calls = compiling.architectures.flatMap((architecture) =>
    rules.flatMap((rule) => callRules(rule, architecture, compiling)),
  );
  if (profile === 'exec') return calls;
  const named = [...calls, ...rules.flatMap((rule) => uringRules(rule, compiling)), ...readRules(compiling)];
  return profile === 'everything' ? [...named, ...allCalls(compiling)] : named;
}

function callRules(
  rule: DefaultRule,
  { auditNumber, syscallNumber }: RuleArchitecture,
  { hasFamilyFilter, scope }: Compiling,
): readonly CompiledRule[] {
  const syscalls = rule.syscalls.map((name) => syscallNumber(name)).filter((number) => number !== undefined);
  if (syscalls.length === 0) return [];
  const sets = hasFamilyFilter ? rule.anyOf : withoutFamily(rule.anyOf);
  return sets.map((fields) => ({
    action: 'always',
    isFirst: false,
    syscalls,
    fields: [where('arch', '=', auditNumber), ...fields, ...scope, keyed(rule.key)],
  }));
}

function uringRules(rule: DefaultRule, { scope }: Compiling): readonly CompiledRule[] {
  const syscalls = (rule.uring ?? []).map(uringOpNumber).filter((number) => number !== undefined);
  if (syscalls.length === 0) return [];
  const fields = rule.anyOf === SUCCEEDED ? [where('success', '=', 1)] : [];
  return [
    { list: 'io_uring', action: 'always', isFirst: false, syscalls, fields: [...fields, ...scope, keyed(rule.key)] },
  ];
}

function readRules({ exists, scope }: Compiling): readonly CompiledRule[] {
  return WATCHED_READS.filter(({ path }) => exists(path)).map(({ kind, path }) => ({
    action: 'always',
    isFirst: false,
    syscalls: 'all',
    fields: [where(kind, '=', path), where('perm', '=', PERM_READ), ...scope, keyed('read')],
  }));
}

/** Last, so that what a rule above names keeps its key. */
function allCalls({ architectures, scope }: Compiling): readonly CompiledRule[] {
  const rule = { action: 'always', isFirst: false, syscalls: 'all' } as const;
  return [
    ...architectures.map(({ auditNumber }) => ({
      ...rule,
      fields: [where('arch', '=', auditNumber), ...scope, keyed('everything')],
    })),
    { ...rule, list: 'io_uring', fields: [...scope, keyed('everything')] },
  ];
}

function keyed(key: string): RuleField {
  return where('key', '=', `${KEY_PREFIX}${key}`);
}

function withoutFamily(sets: readonly (readonly RuleField[])[]): readonly (readonly RuleField[])[] {
  const isFamily = (field: RuleField): boolean => field.name === 'saddr_fam';
  return sets.some((fields) => fields.some(isFamily)) ? ALL : sets;
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
