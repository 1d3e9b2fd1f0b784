// An audit rule as the kernel takes it. Pure. struct audit_rule_data (linux/audit.h), little-endian:
//
//   u32 flags (filter list; 0x10 puts it first), action, field_count
//   u32 mask[64] (one bit a syscall), fields[64], values[64], fieldflags[64] (the operator)
//   u32 buflen; then the text of all string fields in their order, without terminators; a string's value is its length

const RULE_LIST = { user: 0, task: 1, exit: 4, exclude: 5, filesystem: 6, io_uring: 7 } as const;

/** The kernel's filter lists, by auditctl's names. */
export type RuleList = keyof typeof RULE_LIST;

const ACTION = { never: 0, possible: 1, always: 2 } as const;

export type RuleAction = keyof typeof ACTION;

/** Set in `flags`: before all others. The kernel does not list it. */
export const PREPEND = 0x10;
const MASK_AT = 12;
const FIELDS_AT = MASK_AT + 256;
const VALUES_AT = FIELDS_AT + 256;
const FLAGS_AT = VALUES_AT + 256;
const BUFFER_LENGTH_AT = FLAGS_AT + 256;
const BUFFER_AT = BUFFER_LENGTH_AT + 4;
export const FIELDS_MAX = 64;
/** The last two bytes of the mask are no syscalls but classes of them, which the kernel spells out. */
export const SYSCALLS_MAX: number = 63 * 32;
export const KEY_BYTES_MAX = 256;
export const PATH_BYTES_MAX = 4095;

const FIELD_NUMBER = {
  pid: 0,
  uid: 1,
  euid: 2,
  suid: 3,
  fsuid: 4,
  gid: 5,
  egid: 6,
  sgid: 7,
  fsgid: 8,
  auid: 9,
  pers: 10,
  arch: 11,
  msgtype: 12,
  subj_user: 13,
  subj_role: 14,
  subj_type: 15,
  subj_sen: 16,
  subj_clr: 17,
  ppid: 18,
  obj_user: 19,
  obj_role: 20,
  obj_type: 21,
  obj_lev_low: 22,
  obj_lev_high: 23,
  loginuid_set: 24,
  sessionid: 25,
  fstype: 26,
  devmajor: 100,
  devminor: 101,
  inode: 102,
  exit: 103,
  success: 104,
  path: 105,
  perm: 106,
  dir: 107,
  filetype: 108,
  obj_uid: 109,
  obj_gid: 110,
  field_compare: 111,
  exe: 112,
  saddr_fam: 113,
  a0: 200,
  a1: 201,
  a2: 202,
  a3: 203,
  key: 210,
} as const;

export type FieldName = keyof typeof FIELD_NUMBER;

const OPERATOR = {
  '=': 0x4000_0000,
  '!=': 0x3000_0000,
  '<': 0x1000_0000,
  '>': 0x2000_0000,
  '<=': 0x5000_0000,
  '>=': 0x6000_0000,
  '&': 0x0800_0000,
  '&=': 0x4800_0000,
} as const;

export type Operator = keyof typeof OPERATOR;

/** Fields whose value is a length into the text buffer. */
const TEXT_FIELDS: ReadonlySet<FieldName> = new Set([
  'subj_user',
  'subj_role',
  'subj_type',
  'subj_sen',
  'subj_clr',
  'obj_user',
  'obj_role',
  'obj_type',
  'obj_lev_low',
  'obj_lev_high',
  'path',
  'dir',
  'exe',
  'key',
]);
const FIELD_NAME: ReadonlyMap<number, FieldName> = new Map(
  Object.entries(FIELD_NUMBER).map(([name, number]) => [number, name as FieldName]),
);
const OPERATOR_NAME: ReadonlyMap<number, Operator> = new Map(
  Object.entries(OPERATOR).map(([name, number]) => [number, name as Operator]),
);

/** Numbers are taken modulo 2^32, so `exit` may be -13; `perm` is a sum of 1 execute, 2 write, 4 read, 8 attribute. */
export interface RuleField {
  readonly name: FieldName;
  readonly operator: Operator;
  readonly value: number | string;
}

/** A rule, ready to encode. Texts are latin1: one character a byte. */
export interface CompiledRule {
  /** The exit list when absent. */
  readonly list?: RuleList;
  readonly action: RuleAction;
  /** Before all others; the kernel takes the first rule that matches. */
  readonly isFirst: boolean;
  /** Syscall numbers of the rule's architecture, or every one. */
  readonly syscalls: readonly number[] | 'all';
  readonly fields: readonly RuleField[];
}

/** The bytes of a rule. Throws on what no rule of ours has: too many fields, a text too long, a syscall out of range. */
export function encodeRule(rule: CompiledRule): Buffer {
  if (rule.fields.length > FIELDS_MAX) throw new RangeError('an audit rule has at most 64 fields');
  const texts = rule.fields.filter(isText).map((field) => Buffer.from(field.value, 'latin1'));
  const bufferBytes = texts.reduce((sum, text) => sum + text.length, 0);
  const data = Buffer.alloc(BUFFER_AT + bufferBytes);
  data.writeUInt32LE(RULE_LIST[rule.list ?? 'exit'] | (rule.isFirst ? PREPEND : 0), 0);
  data.writeUInt32LE(ACTION[rule.action], 4);
  data.writeUInt32LE(rule.fields.length, 8);
  if (rule.syscalls === 'all') data.fill(0xff, MASK_AT, FIELDS_AT);
  else for (const number of rule.syscalls) setSyscall(data, number);
  rule.fields.forEach((field, index) => {
    data.writeUInt32LE(FIELD_NUMBER[field.name], FIELDS_AT + index * 4);
    data.writeUInt32LE(OPERATOR[field.operator], FLAGS_AT + index * 4);
    data.writeUInt32LE(fieldValue(field), VALUES_AT + index * 4);
  });
  data.writeUInt32LE(bufferBytes, BUFFER_LENGTH_AT);
  Buffer.concat(texts).copy(data, BUFFER_AT);
  return data;
}

function setSyscall(data: Buffer, number: number): void {
  if (number < 0 || number >= SYSCALLS_MAX) throw new RangeError(`no audit rule can name syscall ${number}`);
  const at = MASK_AT + (number >>> 5) * 4;
  data.writeUInt32LE((data.readUInt32LE(at) | (1 << (number & 31))) >>> 0, at);
}

function isText(field: RuleField): field is RuleField & { readonly value: string } {
  return typeof field.value === 'string';
}

function fieldValue(field: RuleField): number {
  if (TEXT_FIELDS.has(field.name) !== (typeof field.value === 'string')) {
    throw new TypeError(`audit field ${field.name} does not take ${JSON.stringify(field.value)}`);
  }
  if (typeof field.value === 'number') return field.value >>> 0;
  const bytes = field.value.length;
  if (bytes === 0 || bytes > (field.name === 'key' ? KEY_BYTES_MAX : PATH_BYTES_MAX) || field.value.includes('\0')) {
    throw new RangeError(`audit field ${field.name} is empty, too long or holds a NUL`);
  }
  return bytes;
}

/** A rule that the kernel lists. What this version does not know stands as a number: `f115` for a field, `?` for an operator. */
export interface ListedRule {
  readonly action: RuleAction | 'other';
  readonly list: RuleList | 'other';
  readonly syscalls: readonly number[] | 'all';
  readonly fields: readonly ListedField[];
  readonly keys: readonly string[];
  /** The value of `-F pid=`, or undefined. */
  readonly pid: number | undefined;
}

/** Numbers are unsigned; texts latin1. */
export interface ListedField {
  readonly name: string;
  readonly operator: Operator | '?';
  readonly value: number | string;
}

/** Reads a listed rule; undefined when the bytes are not a rule. */
export function decodeRule(data: Buffer): ListedRule | undefined {
  if (data.length < BUFFER_AT) return undefined;
  const fieldCount = data.readUInt32LE(8);
  const bufferEnd = BUFFER_AT + data.readUInt32LE(BUFFER_LENGTH_AT);
  if (fieldCount > FIELDS_MAX || bufferEnd > data.length) return undefined;
  const fields: ListedField[] = [];
  let keys: readonly string[] = [];
  let pid: number | undefined;
  let at = BUFFER_AT;
  for (let index = 0; index < fieldCount; index += 1) {
    const number = data.readUInt32LE(FIELDS_AT + index * 4);
    const value = data.readUInt32LE(VALUES_AT + index * 4);
    const operator = OPERATOR_NAME.get(data.readUInt32LE(FLAGS_AT + index * 4)) ?? '?';
    const name = FIELD_NAME.get(number) ?? `f${number}`;
    if (name === 'pid' && operator === '=') pid = value;
    if (!TEXT_FIELDS.has(name as FieldName)) {
      fields.push({ name, operator, value });
      continue;
    }
    if (at + value > bufferEnd) return undefined;
    const text = data.toString('latin1', at, at + value);
    fields.push({ name, operator, value: text });
    if (name === 'key') keys = text.split('\u0001');
    at += value;
  }
  const actionNumber = data.readUInt32LE(4);
  const listNumber = data.readUInt32LE(0) & ~PREPEND;
  return {
    action: ACTIONS.find((name) => ACTION[name] === actionNumber) ?? 'other',
    list: LISTS.find((name) => RULE_LIST[name] === listNumber) ?? 'other',
    syscalls: syscallsOf(data),
    fields,
    keys,
    pid,
  };
}

const ACTIONS = Object.keys(ACTION) as readonly RuleAction[];
const LISTS = Object.keys(RULE_LIST) as readonly RuleList[];

function syscallsOf(data: Buffer): readonly number[] | 'all' {
  const numbers: number[] = [];
  for (let number = 0; number < SYSCALLS_MAX; number += 1) {
    if ((data[MASK_AT + (number >>> 3)] ?? 0) & (1 << (number & 7))) numbers.push(number);
  }
  return numbers.length === SYSCALLS_MAX ? 'all' : numbers;
}

/**
 * A text that is the same for a rule as we load it and as the kernel lists it: the kernel forgets "first", and the class bits at
 * the mask's end once it has put their syscalls in (kernel/auditfilter.c, audit_to_entry_common).
 */
export function ruleIdentity(data: Buffer): string {
  const canonical = Buffer.from(data);
  canonical.writeUInt32LE(canonical.readUInt32LE(0) & ~PREPEND, 0);
  canonical.writeUInt16LE(0, FIELDS_AT - 2);
  return canonical.toString('latin1', 0, BUFFER_AT + canonical.readUInt32LE(BUFFER_LENGTH_AT));
}
