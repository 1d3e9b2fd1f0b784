// `service: auditd`: rules speak of single audit records (`type: EXECVE`, `type: PATH`, …), our events put the records of one system
// call together. Each type of record is a sort of its own, so what a rule says of a record holds of one record, also across searches.
import { allOf, call, literal, literals, not, operand, type Written } from '../foreign/expression-writer.ts';
import { EXIT_NAMES, SYSCALL_NAMES } from './kernel-numbers.ts';
import { ecsField, type FieldTarget, field, never, type Sort, type Target } from './target.ts';

const UNSET = new Set(['4294967295', '-1', 'unset']);
const HEX = /^[0-9a-f]*$/i;
const DIGITS = /^[0-9]*$/;
const SUCCESS = new Map([
  ['yes', 'success'],
  ['no', 'failure'],
]);
const RESULT = new Map([
  ['success', 'success'],
  ['1', 'success'],
  ['yes', 'success'],
  ['failed', 'failure'],
  ['fail', 'failure'],
  ['0', 'failure'],
  ['no', 'failure'],
]);
const ARCHITECTURES = new Map([
  ['c000003e', 'x86_64'],
  ['x86_64', 'x86_64'],
  ['40000003', 'i386'],
  ['i386', 'i386'],
  ['c00000b7', 'aarch64'],
  ['aarch64', 'aarch64'],
]);
const LABEL = 'labels of SELinux are taken apart in events (user.selinux.*, file.selinux.*)';

function id(name: string): FieldTarget {
  return field(name, { absent: UNSET, characters: /^(?:[0-9]*|-1|unset)$/ });
}

function elseField(first: FieldTarget, otherwise: FieldTarget): Target {
  return { kind: 'else', first, otherwise };
}

function unsaid(why: string, remedy: string): Target {
  return { kind: 'unsaid', why, remedy };
}

/** Fields that the kernel writes beside a call, and programs beside their messages. */
const ACTOR: Readonly<Record<string, Target>> = {
  exe: field('process.executable'),
  comm: field('process.name'),
  pid: field('process.pid', { characters: DIGITS }),
  ppid: field('process.parent.pid', { characters: DIGITS }),
  auid: { ...id('user.audit.id'), absentNumber: '4294967295' },
  auid_name: field('user.audit.name'),
  ses: field('auditd.session', { absent: UNSET, absentNumber: '4294967295' }),
  subj: unsaid(LABEL, 'Ask for user.selinux.domain and its neighbours by these names.'),
};

const SYSCALL: Readonly<Record<string, Target>> = {
  ...ACTOR,
  SYSCALL: field('auditd.data.syscall'),
  syscall: field('auditd.data.syscall', { names: SYSCALL_NAMES }),
  ARCH: field('auditd.data.arch'),
  arch: field('auditd.data.arch', { values: ARCHITECTURES }),
  success: field('event.outcome', { values: SUCCESS }),
  exit: field('auditd.data.exit', { names: EXIT_NAMES }),
  key: field('tags', { absent: new Set(['(null)']) }),
  tty: field('auditd.data.tty'),
  uid: id('user.id'),
  UID: field('user.name'),
  AUID: field('user.audit.name', { absent: UNSET }),
  euid: elseField(field('user.effective.id'), id('user.id')),
  EUID: elseField(field('user.effective.name'), field('user.name')),
  suid: id('user.saved.id'),
  SUID: field('user.saved.name'),
  fsuid: id('user.filesystem.id'),
  FSUID: field('user.filesystem.name'),
  gid: id('user.group.id'),
  GID: field('user.group.name'),
  egid: elseField(field('user.effective.group.id'), id('user.group.id')),
  EGID: elseField(field('user.effective.group.name'), field('user.group.name')),
  sgid: id('user.saved.group.id'),
  SGID: field('user.saved.group.name'),
  fsgid: id('user.filesystem.group.id'),
  FSGID: field('user.filesystem.group.name'),
  items: never('the number of PATH records is not kept'),
  per: never('the personality of the process is not kept'),
};

const PATH: readonly string[] = [
  ...['name', 'item', 'inode', 'dev', 'mode', 'ouid', 'ogid', 'rdev', 'nametype'],
  ...['cap_fp', 'cap_fi', 'cap_fe', 'cap_fver', 'cap_frootid'],
];

function member(name: string): FieldTarget {
  return { kind: 'field', text: name, name: `auditd.paths.${name}` };
}

/** `a0`, `a1`, …: what `of` gives for the number. */
function argument(name: string, of: (index: number) => Target | undefined): Target | undefined {
  const digits = /^a([0-9]{1,5})$/.exec(name)?.[1];
  return digits === undefined ? undefined : of(Number(digits));
}

function has(field_: string): Written {
  return call('exists', field_);
}

const ALWAYS = operand('true');

/** The types of record of which one event may have several kinds beside one another. */
export const CALL_SORTS: readonly Sort[] = [
  {
    type: 'execve',
    presence: operand('event.action = "executed"'),
    target: (name) =>
      name === 'argc'
        ? field('auditd.data.argc')
        : argument(name, (index) => ({
            kind: 'field',
            text: `process.args[${index}]`,
            name: 'process.args',
          })),
  },
  {
    type: 'syscall',
    presence: has('auditd.data.syscall'),
    target: (name) =>
      own(SYSCALL, name) ??
      argument(name, (index) => (index > 3 ? undefined : field(`auditd.data.a${index}`, { characters: HEX }))),
  },
  {
    type: 'path',
    presence: ALWAYS,
    members: 'auditd.paths',
    target: (name) =>
      PATH.includes(name) ? member(name) : name === 'obj' ? unsaid(LABEL, 'Ask by these names.') : undefined,
  },
  {
    type: 'cwd',
    presence: has('process.working_directory'),
    target: (name) => (name === 'cwd' ? field('process.working_directory') : undefined),
  },
  {
    type: 'proctitle',
    presence: has('process.title'),
    target: (name) => (name === 'proctitle' ? field('process.title') : undefined),
  },
  {
    type: 'sockaddr',
    presence: has('auditd.data.socket'),
    target: (name) =>
      ['saddr', 'SADDR'].includes(name)
        ? unsaid('addresses are kept decoded', 'Ask for destination.ip, destination.port, source.ip by these names.')
        : undefined,
  },
];

/** What most records of programs and of the kernel have. */
const MESSAGE: Readonly<Record<string, Target>> = {
  ...ACTOR,
  uid: unsaid(
    'who sent a message is kept as user.id only of some',
    'Ask for user.id or user.effective.id by these names.',
  ),
  res: field('event.outcome', { values: RESULT }),
  unit: { kind: 'some', of: [field('service.name'), field('auditd.data.unit')] },
  addr: { kind: 'some', of: [field('source.address'), field('auditd.data.addr')] },
  exe: field('process.executable'),
  cwd: field('process.working_directory'),
};

/** A record that leads its event: `USER_LOGIN`, `SERVICE_STOP`, `AVC`; its other fields are in `auditd.data` under their own names. */
export function leadingSort(type: string): Sort {
  return {
    type,
    presence: operand(`auditd.message_type = ${literal(type)}`),
    target: (name) =>
      own(MESSAGE, name) ??
      (/^[a-z][a-z0-9_-]{0,60}$/.test(name) ? field(`auditd.data.${name.replaceAll('-', '_')}`) : undefined),
  };
}

/** Fields of which it is known what they are in any record. */
const ANY_FIELDS = /^(?:acct|addr|cmd|exe|comm|grantors|hostname|id|op|res|terminal|unit|auid|ses|pid|data)$/;

/** Any record that leads its event and is of none of these types, for searches that do not say of which. */
export function otherLeading(types: readonly string[]): Sort {
  const others = not(operand(`auditd.message_type in ${literals(['syscall', ...types])}`));
  return {
    presence: allOf([has('auditd.message_type'), others]),
    target: (name) => (ANY_FIELDS.test(name) ? leadingSort('any').target(name) : undefined),
  };
}

function own(targets: Readonly<Record<string, Target>>, name: string): Target | undefined {
  return Object.hasOwn(targets, name) ? targets[name] : undefined;
}

/** A sort that knows names of ECS too; they are the event's, also where the records are members of it. */
export function withEcs(sort: Sort): Sort {
  const ofEvent = (name: string): FieldTarget | undefined => {
    const found = ecsField(name);
    return found === undefined || sort.members === undefined ? found : { ...found, text: `$$.${found.text}` };
  };
  return { ...sort, target: (name) => sort.target(name) ?? ofEvent(name) };
}
