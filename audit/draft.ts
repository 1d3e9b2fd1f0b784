// A document in the making: what the families of records (exec, file, network, …) fill in, as JSON members, and what
// `ecs.ts` makes one line of JSON of.
import { jsonArray, jsonText } from './json.ts';
import type { SyscallRecord } from './syscall-record.ts';
import { ARGUMENT_FIELDS } from './tables/syscall-argument.ts';
import type { UserText } from './user.ts';

export interface Draft {
  action: string;
  category: readonly string[];
  type: readonly string[];
  /** The syscall's name, or the record type's. */
  code: string;
  outcome: 'success' | 'failure' | 'unknown';
  /** The errno's name of a failed call. */
  errno: string | undefined;
  messageType: string;
  session: string | undefined;
  keys: readonly string[];
  pid: number | undefined;
  ppid: number | undefined;
  /** `,"user":{…}` and the array of `related.user`. */
  user: string;
  relatedUsers: string;
  /** `auditd.data.arch`. */
  architecture: string | undefined;
  // Members (`,"name":value`) of the ECS objects.
  process: string;
  /** What surrounds the process, of the document itself: `,"container":{…},"orchestrator":{…}`. */
  surroundings: string;
  /** `process.args` and `process.command_line`, apart because they may be too long. */
  args: string;
  commandLine: string;
  parent: string;
  file: string;
  source: string;
  destination: string;
  network: string;
  service: string;
  group: string;
  data: string;
  /** Fields of `auditd.data` whose names come from records. */
  fields: Map<string, string[]> | undefined;
  /** Objects of `auditd.paths`, separated by commas. */
  paths: string;
  addresses: readonly string[];
  actor: string | undefined;
  actorAs: string | undefined;
  object: string | undefined;
  objectAs: string | undefined;
  objectType: string | undefined;
  how: string | undefined;
  /** What the message says was done, where the action in words would not be true or readable. */
  said: string | undefined;
  incomplete: readonly string[];
  /** `event.original` as the inside of a JSON string, each record after a line's end; undefined: to be made from the records. */
  original: string | undefined;
  /** The call that is told, where its texts say it all: what else led the event would say otherwise. */
  call: { readonly record: SyscallRecord; readonly user: UserText } | undefined;
}

/** Names and values of one name in `auditd.data`; beyond them the records in `event.original` have it. */
export const DATA_NAMES_MAX = 512;
export const DATA_VALUES_MAX = 64;
const NAME_CHARS_MAX = 64;

export function createDraft(): Draft {
  return {
    action: '',
    category: [],
    type: [],
    code: '',
    outcome: 'unknown',
    errno: undefined,
    messageType: '',
    session: undefined,
    keys: [],
    pid: undefined,
    ppid: undefined,
    user: '',
    relatedUsers: '',
    architecture: undefined,
    process: '',
    surroundings: '',
    args: '',
    commandLine: '',
    parent: '',
    file: '',
    source: '',
    destination: '',
    network: '',
    service: '',
    group: '',
    data: '',
    fields: undefined,
    paths: '',
    addresses: [],
    actor: undefined,
    actorAs: undefined,
    object: undefined,
    objectAs: undefined,
    objectType: undefined,
    how: undefined,
    said: undefined,
    incomplete: [],
    original: undefined,
    call: undefined,
  };
}

/** Adds a field to `auditd.data`; a name that comes again with another value becomes an array. */
export function addData(draft: Draft, name: string, value: string): void {
  addNamed(draft, dataName(name), value);
}

/** {@link addData} for a name that {@link dataName} made. */
export function addNamed(draft: Draft, key: string, value: string): void {
  draft.fields ??= new Map();
  const values = draft.fields.get(key);
  if (values === undefined) {
    if (draft.fields.size < DATA_NAMES_MAX) draft.fields.set(key, [value]);
  } else if (values.length < DATA_VALUES_MAX) {
    values.push(value);
  }
}

/** The members that {@link addData} collected: one value as itself, several as an array. */
export function fieldMembers(fields: ReadonlyMap<string, readonly string[]> | undefined): string {
  if (fields === undefined) return '';
  let members = '';
  for (const [name, values] of fields) {
    const first = values[0] ?? '';
    const isOne = values.every((value) => value === first);
    members += `,"${name}":${isOne ? jsonText(first) : jsonArray(values)}`;
  }
  return members;
}

/** Names of `auditd.data` that are written by this room: a record's own field of that name gets the record's in front. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  ...'a0 a1 a2 a3 arch argc exit mode open_flags resolve signal syscall target_pid tty unresolved_path unresolved_old_path uring_op'.split(
    ' ',
  ),
  ...ARGUMENT_FIELDS,
]);

/** Letters, digits and `_` only; never a name that reaches a prototype. */
export function dataName(name: string): string {
  if (/^[a-z][a-z0-9_]{0,63}$/.test(name) && name !== 'constructor' && name !== 'prototype') return name;
  const plain = name.slice(0, NAME_CHARS_MAX).replaceAll(/[^A-Za-z0-9_]/g, '_');
  return plain.startsWith('__') || plain === '' || plain === 'constructor' || plain === 'prototype'
    ? `field_${plain}`
    : plain;
}

/** The name under which a record's field goes into `auditd.data`. */
export function qualified(name: string, messageType: string): string {
  return OWN_NAMES.has(name) ? `${messageType}_${name}` : name;
}
