// The fields of `-F`: what they take, by which operators, on which lists. What auditctl and the kernel accept together, tried field
// by field (test/collector/audit-rules.kernel.ts): a rule that passes here is one that the kernel takes.
import type { FieldName, Operator, RuleList } from '../netlink/rule-data.ts';

export type ValueKind =
  | 'number'
  /** A number that may be negative. */
  | 'argument'
  | 'user'
  | 'group'
  | 'session'
  | 'exit'
  | 'message-type'
  | 'architecture'
  | 'permission'
  | 'file-type'
  | 'file-system'
  | 'family'
  | 'comparison'
  | 'path'
  | 'label'
  | 'key';

type Operators = 'any' | 'order' | 'equality' | 'equal';

const OPERATORS: Readonly<Record<Operators, readonly Operator[]>> = {
  any: ['=', '!=', '<', '>', '<=', '>=', '&', '&='],
  order: ['=', '!=', '<', '>', '<=', '>='],
  equality: ['=', '!='],
  equal: ['='],
};

interface RuleFieldKind {
  readonly value: ValueKind;
  readonly operators: Operators;
  /** Besides the exit list. */
  readonly lists: readonly RuleList[];
}

const EVERYWHERE = ['user', 'task', 'io_uring'] as const;
const SUBJECT = ['user', 'task', 'exclude', 'io_uring'] as const;
const OF_EXIT = ['io_uring'] as const;

const kind = (value: ValueKind, operators: Operators, lists: readonly RuleList[]): RuleFieldKind => ({
  value,
  operators,
  lists,
});

const FIELDS: Readonly<Record<Exclude<FieldName, 'loginuid_set'>, RuleFieldKind>> = {
  pid: kind('number', 'order', SUBJECT),
  uid: kind('user', 'order', SUBJECT),
  euid: kind('user', 'order', EVERYWHERE),
  suid: kind('user', 'order', EVERYWHERE),
  fsuid: kind('user', 'order', EVERYWHERE),
  gid: kind('group', 'order', SUBJECT),
  egid: kind('group', 'order', EVERYWHERE),
  sgid: kind('group', 'order', EVERYWHERE),
  fsgid: kind('group', 'order', EVERYWHERE),
  auid: kind('user', 'order', SUBJECT),
  pers: kind('number', 'any', EVERYWHERE),
  arch: kind('architecture', 'equality', ['user', 'task']),
  msgtype: kind('message-type', 'order', ['user', 'exclude']),
  subj_user: kind('label', 'equality', SUBJECT),
  subj_role: kind('label', 'equality', SUBJECT),
  subj_type: kind('label', 'equality', SUBJECT),
  subj_sen: kind('label', 'order', SUBJECT),
  subj_clr: kind('label', 'order', SUBJECT),
  ppid: kind('number', 'order', OF_EXIT),
  obj_user: kind('label', 'equality', OF_EXIT),
  obj_role: kind('label', 'equality', OF_EXIT),
  obj_type: kind('label', 'equality', OF_EXIT),
  obj_lev_low: kind('label', 'order', OF_EXIT),
  obj_lev_high: kind('label', 'order', OF_EXIT),
  sessionid: kind('session', 'order', ['user', 'io_uring']),
  fstype: kind('file-system', 'equality', ['filesystem']),
  devmajor: kind('number', 'order', OF_EXIT),
  devminor: kind('number', 'any', OF_EXIT),
  inode: kind('number', 'equality', OF_EXIT),
  exit: kind('exit', 'order', OF_EXIT),
  success: kind('number', 'order', OF_EXIT),
  path: kind('path', 'equal', OF_EXIT),
  perm: kind('permission', 'equal', []),
  dir: kind('path', 'equal', OF_EXIT),
  filetype: kind('file-type', 'equality', OF_EXIT),
  obj_uid: kind('user', 'order', EVERYWHERE),
  obj_gid: kind('group', 'order', EVERYWHERE),
  field_compare: kind('comparison', 'equality', EVERYWHERE),
  exe: kind('path', 'equality', SUBJECT),
  saddr_fam: kind('family', 'order', EVERYWHERE),
  a0: kind('argument', 'any', ['user', 'task']),
  a1: kind('argument', 'any', ['user', 'task']),
  a2: kind('argument', 'any', ['user', 'task']),
  a3: kind('argument', 'any', ['user', 'task']),
  key: kind('key', 'equality', ['user', 'filesystem', 'io_uring']),
};

/** Other names of fields. */
const ALIASES: Readonly<Record<string, keyof typeof FIELDS>> = { loginuid: 'auid' };

export type RuleFieldName = keyof typeof FIELDS;

export const FIELD_NAMES: readonly RuleFieldName[] = Object.keys(FIELDS) as RuleFieldName[];

/** The field of this name (or alias), or undefined. */
export function fieldNamed(name: string): RuleFieldName | undefined {
  const own = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return own !== undefined && Object.hasOwn(FIELDS, own) ? (own as RuleFieldName) : undefined;
}

export function valueKindOf(name: RuleFieldName): ValueKind {
  return FIELDS[name].value;
}

export function operatorsOf(name: RuleFieldName): readonly Operator[] {
  return OPERATORS[FIELDS[name].operators];
}

/** The lists that take this field. */
export function listsOf(name: RuleFieldName): readonly RuleList[] {
  const { lists } = FIELDS[name];
  return name === 'msgtype' || name === 'fstype' ? lists : ['exit', ...lists];
}

/** Fields that such a list takes and can never match: the kernel looks at them only when a call ends. */
export function isNeverSeen(list: RuleList, name: RuleFieldName): boolean {
  if (list === 'user') return !SEEN_OF_MESSAGES.has(name);
  if (list === 'task') return /^(a[0-3]|arch|obj_uid|obj_gid|saddr_fam)$/.test(name);
  return false;
}

const SEEN_OF_MESSAGES: ReadonlySet<RuleFieldName> = new Set<RuleFieldName>([
  'uid',
  'auid',
  'gid',
  'pid',
  'subj_user',
  'subj_role',
  'subj_type',
  'subj_sen',
  'subj_clr',
  'msgtype',
  'exe',
  'key',
]);

const OPERATOR_PATTERN = /!=|<=|>=|&=|=|<|>|&/;

/** `uid>=1000` in its parts, with where the operator stands; undefined when there is no operator. */
export function splitField(
  text: string,
): { readonly name: string; readonly operator: Operator; readonly value: string; readonly at: number } | undefined {
  const match = OPERATOR_PATTERN.exec(text);
  if (match === null) return undefined;
  const operator = match[0] as Operator;
  return {
    name: text.slice(0, match.index),
    operator,
    value: text.slice(match.index + operator.length),
    at: match.index,
  };
}

/** Pairs of `-C` and the kernel's number for them (linux/audit.h, AUDIT_COMPARE_…); either order means the same. */
const COMPARISONS: readonly (readonly [string, string, number])[] = [
  ['uid', 'obj_uid', 1],
  ['gid', 'obj_gid', 2],
  ['euid', 'obj_uid', 3],
  ['egid', 'obj_gid', 4],
  ['auid', 'obj_uid', 5],
  ['suid', 'obj_uid', 6],
  ['sgid', 'obj_gid', 7],
  ['fsuid', 'obj_uid', 8],
  ['fsgid', 'obj_gid', 9],
  ['uid', 'auid', 10],
  ['uid', 'euid', 11],
  ['uid', 'fsuid', 12],
  ['uid', 'suid', 13],
  ['auid', 'fsuid', 14],
  ['auid', 'suid', 15],
  ['auid', 'euid', 16],
  ['euid', 'suid', 17],
  ['euid', 'fsuid', 18],
  ['suid', 'fsuid', 19],
  ['gid', 'egid', 20],
  ['gid', 'fsgid', 21],
  ['gid', 'sgid', 22],
  ['egid', 'fsgid', 23],
  ['egid', 'sgid', 24],
  ['sgid', 'fsgid', 25],
];
export const COMPARISONS_MAX = 25;

export function comparisonNumber(left: string, right: string): number | undefined {
  const a = fieldNamed(left);
  const b = fieldNamed(right);
  return COMPARISONS.find(([one, other]) => (one === a && other === b) || (one === b && other === a))?.[2];
}

export function comparisonNames(number: number): readonly [string, string] | undefined {
  const found = COMPARISONS.find(([, , own]) => own === number);
  return found && [found[0], found[1]];
}
