// An audit rule as the kernel takes it. Pure. struct audit_rule_data (linux/audit.h), little-endian:
//
//   u32 flags (filter list; 0x10 puts it first), action, field_count
//   u32 mask[64] (one bit a syscall), fields[64], values[64], fieldflags[64] (the operator)
//   u32 buflen; then the text of all string fields in their order, without terminators; a string's value is its length

const LIST_EXIT = 4;
const PREPEND = 0x10;
const MASK_AT = 12;
const FIELDS_AT = MASK_AT + 256;
const VALUES_AT = FIELDS_AT + 256;
const FLAGS_AT = VALUES_AT + 256;
const BUFFER_LENGTH_AT = FLAGS_AT + 256;
const BUFFER_AT = BUFFER_LENGTH_AT + 4;
const FIELDS_MAX = 64;
const SYSCALLS_MAX = 64 * 32;
const KEY_BYTES_MAX = 256;
const PATH_BYTES_MAX = 4096;

const FIELD_NUMBER = {
  pid: 0,
  uid: 1,
  euid: 2,
  gid: 5,
  egid: 6,
  auid: 9,
  arch: 11,
  ppid: 18,
  sessionid: 25,
  exit: 103,
  success: 104,
  path: 105,
  perm: 106,
  dir: 107,
  exe: 112,
  saddr_fam: 113,
  a0: 200,
  a1: 201,
  a2: 202,
  a3: 203,
  key: 210,
} as const;

export type FieldName = keyof typeof FIELD_NUMBER;

const OPERATOR = { '=': 0x4000_0000, '!=': 0x3000_0000, '&': 0x0800_0000 } as const;

export type Operator = keyof typeof OPERATOR;

const TEXT_FIELDS: ReadonlySet<FieldName> = new Set(['path', 'dir', 'exe', 'key']);

/** Numbers are taken modulo 2^32, so `exit` may be -13; `perm` is a sum of 1 execute, 2 write, 4 read, 8 attribute. */
export interface RuleField {
  readonly name: FieldName;
  readonly operator: Operator;
  readonly value: number | string;
}

/** A rule of the exit list, ready to encode. */
export interface CompiledRule {
  readonly action: 'always' | 'never';
  /** Before all others; the kernel takes the first rule that matches. */
  readonly isFirst: boolean;
  /** Syscall numbers of the rule's architecture, or every one. */
  readonly syscalls: readonly number[] | 'all';
  readonly fields: readonly RuleField[];
}

/** The bytes of a rule. Throws on what no rule of ours has: too many fields, a text too long, a syscall out of range. */
export function encodeRule(rule: CompiledRule): Buffer {
  if (rule.fields.length > FIELDS_MAX) throw new RangeError('an audit rule has at most 64 fields');
  const texts = rule.fields.filter(isText).map((field) => Buffer.from(field.value));
  const bufferBytes = texts.reduce((sum, text) => sum + text.length, 0);
  const data = Buffer.alloc(BUFFER_AT + bufferBytes);
  data.writeUInt32LE(LIST_EXIT | (rule.isFirst ? PREPEND : 0), 0);
  data.writeUInt32LE(rule.action === 'always' ? 2 : 0, 4);
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
  const bytes = Buffer.byteLength(field.value);
  if (bytes === 0 || bytes > (field.name === 'key' ? KEY_BYTES_MAX : PATH_BYTES_MAX) || field.value.includes('\0')) {
    throw new RangeError(`audit field ${field.name} is empty, too long or holds a NUL`);
  }
  return bytes;
}

/** What is told from a rule that the kernel lists. */
export interface ListedRule {
  readonly action: 'always' | 'never' | 'other';
  /** The filter list; 4 is exit. */
  readonly list: number;
  readonly keys: readonly string[];
  /** The value of `-F pid=`, or undefined. */
  readonly pid: number | undefined;
}

/** Reads a listed rule; undefined when the bytes are not a rule. */
export function decodeRule(data: Buffer): ListedRule | undefined {
  if (data.length < BUFFER_AT) return undefined;
  const fieldCount = data.readUInt32LE(8);
  const bufferEnd = BUFFER_AT + data.readUInt32LE(BUFFER_LENGTH_AT);
  if (fieldCount > FIELDS_MAX || bufferEnd > data.length) return undefined;
  const action = data.readUInt32LE(4);
  let keys: readonly string[] = [];
  let pid: number | undefined;
  let at = BUFFER_AT;
  for (let index = 0; index < fieldCount; index += 1) {
    const field = data.readUInt32LE(FIELDS_AT + index * 4);
    const value = data.readUInt32LE(VALUES_AT + index * 4);
    if (field === FIELD_NUMBER.pid && data.readUInt32LE(FLAGS_AT + index * 4) === OPERATOR['=']) pid = value;
    if (!isTextField(field)) continue;
    if (at + value > bufferEnd) return undefined;
    if (field === FIELD_NUMBER.key) keys = data.toString('latin1', at, at + value).split('\u0001');
    at += value;
  }
  return {
    action: action === 2 ? 'always' : action === 0 ? 'never' : 'other',
    list: data.readUInt32LE(0) & ~PREPEND,
    keys,
    pid,
  };
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

/** Fields whose value is a length into the text buffer: labels (13–17, 19–23), watch, dir, exe, key. */
function isTextField(field: number): boolean {
  return (
    (field >= 13 && field <= 17) ||
    (field >= 19 && field <= 23) ||
    field === FIELD_NUMBER.path ||
    field === FIELD_NUMBER.dir ||
    field === FIELD_NUMBER.exe ||
    field === FIELD_NUMBER.key
  );
}
