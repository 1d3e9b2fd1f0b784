// The SYSCALL record (and io_uring's URINGOP), read fast. Its middle (ids) and its end (comm, exe, key) repeat from event to
// event, so both are decoded once per text; the head is cut at the spaces. A record in any other order is read field by field.
import type { AuditRecord } from './event.ts';
import { bodyStart, fieldsOf, fieldsOfText } from './fields.ts';
import { flat, isPlain, jsonText, member } from './json.ts';
import { createMemo, type Memo } from './memo.ts';
import { errnoName } from './tables/errno.ts';
import { SYSCALL, URINGOP } from './tables/record-type.ts';
import { architectureName, syscallName, uringOpName } from './tables/syscall.ts';

/** Ids as the record writes them; undefined where the record lacks one. */
export interface Ids {
  readonly auid: string | undefined;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  readonly euid: string | undefined;
  readonly suid: string | undefined;
  readonly fsuid: string | undefined;
  readonly egid: string | undefined;
  readonly sgid: string | undefined;
  readonly fsgid: string | undefined;
  readonly tty: string | undefined;
  readonly ses: string | undefined;
}

/** What runs, and for whom the event was asked for. */
interface Image {
  readonly comm: string | undefined;
  readonly exe: string | undefined;
  readonly subj: string | undefined;
  readonly keys: readonly string[];
  /** `process.name` and `process.executable` as members. */
  readonly members: string;
}

export interface SyscallRecord {
  /** `c000003e`; undefined for an io_uring operation. */
  readonly arch: string | undefined;
  readonly architecture: string | undefined;
  /** `execve`; the number as text where it has no name. */
  readonly name: string;
  readonly isUring: boolean;
  readonly success: boolean | undefined;
  readonly exit: string | undefined;
  readonly args: readonly (string | undefined)[];
  /** `exit` and `a0` to `a3` as members of `auditd.data`. */
  readonly argumentMembers: string;
  readonly items: number;
  readonly pid: number | undefined;
  readonly ppid: number | undefined;
  readonly ids: Ids;
  readonly image: Image;
}

export interface SyscallReader {
  /** Reading the same record twice in a row costs nothing. */
  read(record: AuditRecord): SyscallRecord;
}

/** Distinct (user, session, terminal) and (comm, exe, key) texts that are remembered. */
const SYSCALL_MEMO_ENTRIES = 2048;
const KEY_SEPARATOR = '\x01';

export function createSyscallReader(): SyscallReader {
  const idsOf = createMemo(SYSCALL_MEMO_ENTRIES, (text) => idsOfFields(fieldsOfText(text, SYSCALL)));
  const imageOf = createMemo(SYSCALL_MEMO_ENTRIES, (text) => imageOfFields(fieldsOfText(text, SYSCALL)));
  let last: AuditRecord | undefined;
  let lastRead: SyscallRecord | undefined;
  return {
    read: (record) => {
      if (record === last && lastRead !== undefined) return lastRead;
      last = record;
      lastRead = readInOrder(record, idsOf, imageOf) ?? readFieldByField(record);
      return lastRead;
    },
  };
}

interface Cursor {
  readonly text: string;
  at: number;
}

function take(cursor: Cursor, name: string): string | undefined {
  const { text, at } = cursor;
  if (!text.startsWith(name, at)) return undefined;
  const from = at + name.length;
  const space = text.indexOf(' ', from);
  const end = space < 0 ? text.length : space;
  cursor.at = end + 1;
  return text.slice(from, end);
}

function readInOrder(record: AuditRecord, idsOf: Memo<Ids>, imageOf: Memo<Image>): SyscallRecord | undefined {
  const { text } = record;
  const cursor: Cursor = { text, at: bodyStart(text) };
  const arch = take(cursor, 'arch=');
  const number = take(cursor, 'syscall=');
  take(cursor, 'per=');
  const success = take(cursor, 'success=');
  const exit = take(cursor, 'exit=');
  const args = [take(cursor, 'a0='), take(cursor, 'a1='), take(cursor, 'a2='), take(cursor, 'a3=')];
  const items = take(cursor, 'items=');
  const ppid = take(cursor, 'ppid=');
  const pid = take(cursor, 'pid=');
  const comm = text.indexOf(' comm=', cursor.at);
  if (arch === undefined || number === undefined || pid === undefined || comm < 0) return undefined;
  if (!text.startsWith('auid=', cursor.at) || !isPlain(text.slice(0, cursor.at))) return undefined;
  const hasFailed = success !== undefined && success !== 'yes';
  return {
    arch,
    architecture: architectureName(arch),
    name: syscallName(arch, Number(number)) ?? number,
    isUring: false,
    success: success === undefined ? undefined : success === 'yes',
    exit,
    args,
    argumentMembers: argumentMembers(hasFailed ? errnoText(exit) : exit, args),
    items: countOf(items),
    pid: pidOf(pid),
    ppid: pidOf(ppid),
    ids: idsOf(text.slice(cursor.at, comm)),
    image: imageOf(text.slice(comm + 1)),
  };
}

function readFieldByField(record: AuditRecord): SyscallRecord {
  const fields = fieldsOf(record).kernel;
  const isUring = record.type === URINGOP;
  const arch = fields.get('arch');
  const args = ['a0', 'a1', 'a2', 'a3'].map((argument) => fields.get(argument));
  const exit = fields.get('exit');
  const number = fields.get(isUring ? 'uring_op' : 'syscall') ?? '';
  const success = fields.get('success');
  const name = isUring
    ? uringOpName(Number(number))
    : arch === undefined
      ? undefined
      : syscallName(arch, Number(number));
  return {
    arch,
    architecture: arch === undefined ? undefined : architectureName(arch),
    name: name ?? (number === '' ? 'unknown' : number),
    isUring,
    success: success === undefined ? undefined : success === 'yes',
    exit,
    args,
    argumentMembers: argumentMembers(success === 'no' ? errnoText(exit) : exit, args, jsonText),
    items: countOf(fields.get('items')),
    pid: pidOf(fields.get('pid')),
    ppid: pidOf(fields.get('ppid')),
    ids: idsOfFields(fields),
    image: imageOfFields(fields),
  };
}

function idsOfFields(fields: ReadonlyMap<string, string>): Ids {
  return {
    auid: fields.get('auid'),
    uid: fields.get('uid'),
    gid: fields.get('gid'),
    euid: fields.get('euid'),
    suid: fields.get('suid'),
    fsuid: fields.get('fsuid'),
    egid: fields.get('egid'),
    sgid: fields.get('sgid'),
    fsgid: fields.get('fsgid'),
    tty: fields.get('tty'),
    ses: fields.get('ses'),
  };
}

function imageOfFields(fields: ReadonlyMap<string, string>): Image {
  const given = fields.get('exe');
  const exe = given === '(null)' ? undefined : given;
  const comm = fields.get('comm');
  return {
    comm,
    exe,
    subj: fields.get('subj'),
    keys: keysOf(fields.get('key')),
    members: flat(member('name', comm) + member('executable', exe)),
  };
}

/** Several keys are joined by 0x01; `(null)` is none. */
export function keysOf(key: string | undefined): readonly string[] {
  if (key === undefined || key === '' || key === '(null)') return [];
  return key.split(KEY_SEPARATOR).filter((part) => part !== '');
}

/** Members of `auditd.data`; `quote` where the values may hold anything. */
function argumentMembers(
  exit: string | undefined,
  [a0, a1, a2, a3]: readonly (string | undefined)[],
  quote: (text: string) => string = quoted,
): string {
  let members = exit === undefined ? '' : `,"exit":${quote(exit)}`;
  if (a0 !== undefined) members += `,"a0":${quote(a0)}`;
  if (a1 !== undefined) members += `,"a1":${quote(a1)}`;
  if (a2 !== undefined) members += `,"a2":${quote(a2)}`;
  if (a3 !== undefined) members += `,"a3":${quote(a3)}`;
  return members;
}

function quoted(text: string): string {
  return `"${text}"`;
}

/** The errno's name of a failed call's return value; the value itself where it is none. */
function errnoText(exit: string | undefined): string | undefined {
  return exit?.startsWith('-') === true ? (errnoName(Number(exit.slice(1))) ?? exit) : exit;
}

function countOf(items: string | undefined): number {
  const count = Number(items ?? '0');
  return Number.isInteger(count) && count >= 0 ? count : 0;
}

/** A process id, or undefined where there is none. */
export function pidOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const pid = Number(text);
  return Number.isInteger(pid) && pid >= 0 && pid <= 0x7fffffff ? pid : undefined;
}
