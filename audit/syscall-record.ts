// The SYSCALL record (and io_uring's URINGOP), read fast. Its middle (ids) and its end (comm, exe, key) repeat from event to
// event, so both are decoded once per text; the head is cut at the spaces. A record in any other order is read field by field.
import { programOf } from './ecs-process.ts';
import type { AuditRecord } from './event.ts';
import { bodyStart, fieldsOf, fieldsOfText } from './fields.ts';
import { arrayMember, escapedAscii, flat, member } from './json.ts';
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
  /** The program for `auditd.summary.how`. */
  readonly how: string | undefined;
}

/** What the call is: its architecture and number. */
interface SyscallHead {
  /** `c000003e`; undefined for an io_uring operation. */
  readonly arch: string | undefined;
  readonly architecture: string | undefined;
  /** `execve`; the number as text where it has no name. */
  readonly name: string;
  /** JSON that follows from the call alone, made by the room's writers and kept with it. */
  readonly texts: LeadText[];
}

/** The JSON of an event up to its serial, for one outcome of a call. */
export interface LeadText {
  readonly action: string;
  readonly type: readonly string[];
  readonly outcome: string;
  readonly errno: string | undefined;
  readonly json: string;
}

/** Who called, and by which program: the record from `auid=` on. */
interface SyscallTail {
  readonly ids: Ids;
  readonly image: Image;
  /** The text as the inside of a JSON string; undefined where it is not ASCII. */
  readonly escaped: string | undefined;
  /** `process.tty`; `tty` and `subj` of `auditd.data`; `auditd.session`; `tags`, as members. */
  readonly ttyMember: string;
  readonly dataMembers: string;
  readonly sessionMember: string;
  readonly tagsMember: string;
}

export interface SyscallRecord {
  readonly head: SyscallHead;
  readonly tail: SyscallTail;
  // Of head and tail:
  readonly architecture: string | undefined;
  readonly name: string;
  readonly ids: Ids;
  readonly image: Image;
  readonly isUring: boolean;
  readonly success: boolean | undefined;
  readonly exit: string | undefined;
  readonly args: readonly (string | undefined)[];
  /** `exit` and `a0` to `a3` as members of `auditd.data`. */
  readonly argumentMembers: string;
  readonly items: number;
  readonly pid: number | undefined;
  readonly ppid: number | undefined;
  /** Where the tail begins in the record's text, when all before it is its own JSON and the tail has been escaped; else 0. */
  readonly tailAt: number;
}

export interface SyscallReader {
  /** Reading the same record twice in a row costs nothing. */
  read(record: AuditRecord): SyscallRecord;
}

/** Distinct (user, session, terminal, program, key) texts that are remembered. */
const SYSCALL_MEMO_ENTRIES = 4096;
const KEY_SEPARATOR = '\x01';

export function createSyscallReader(): SyscallReader {
  const headOf = createMemo(SYSCALL_MEMO_ENTRIES, headOfText);
  const idsOf = createMemo(SYSCALL_MEMO_ENTRIES, (text) => idsOfFields(fieldsOfText(text, SYSCALL)));
  const imageOf = createMemo(SYSCALL_MEMO_ENTRIES, (text) => imageOfFields(fieldsOfText(text, SYSCALL)));
  const tailOf = createMemo(SYSCALL_MEMO_ENTRIES, (text) => {
    const comm = text.indexOf(' comm=');
    return tailOfParts(idsOf(text.slice(0, comm)), imageOf(text.slice(comm + 1)), escapedAscii(text));
  });
  let last: AuditRecord | undefined;
  let lastRead: SyscallRecord | undefined;
  return {
    read: (record) => {
      if (record === last && lastRead !== undefined) return lastRead;
      last = record;
      lastRead = readInOrder(record, headOf, tailOf) ?? readFieldByField(record);
      return lastRead;
    },
  };
}

/** `arch=c000003e syscall=59` */
function headOfText(text: string): SyscallHead {
  const space = text.indexOf(' ');
  const arch = text.slice(5, space);
  const number = text.slice(space + 9);
  return {
    arch,
    architecture: architectureName(arch),
    name: syscallName(arch, Number(number)) ?? number,
    texts: [],
  };
}

function tailOfParts(ids: Ids, image: Image, escaped: string | undefined): SyscallTail {
  const { tty, ses } = ids;
  return {
    ids,
    image,
    escaped,
    ttyMember: tty === '(none)' ? '' : flat(member('tty', tty)),
    dataMembers: flat(member('tty', tty) + member('subj', image.subj)),
    sessionMember: flat(sessionMember(ses)),
    tagsMember: flat(arrayMember('tags', image.keys)),
  };
}

/** `auditd.session`; an unset one is left out. */
export function sessionMember(session: string | undefined): string {
  return session === undefined || session === '4294967295' || session === '-1' ? '' : member('session', session);
}

const SPACE = 32;

/** The end of a value that consists of digits, letters and signs, or -1 where it holds anything else. */
function plainEnd(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code !== SPACE; code = text.charCodeAt(++at)) {
    // Letters, digits, `-` and `?`; NaN at the end of the text.
    if (!((code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45 || code === 63)) return -1;
  }
  return at;
}

/** The digits of `text[from, to)`, or -1. */
function digitsOf(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return to > from && number <= 0x7fffffff ? number : -1;
}

const ARGUMENT_NAMES = ['a0=', 'a1=', 'a2=', 'a3='] as const;

/** arch syscall [per] [success exit] a0 a1 a2 a3 items ppid pid auid … comm …, as every kernel writes it. */
function readInOrder(
  record: AuditRecord,
  headOf: Memo<SyscallHead>,
  tailOf: Memo<SyscallTail>,
): SyscallRecord | undefined {
  const { text } = record;
  const start = bodyStart(text);
  if (!text.startsWith('arch=', start)) return undefined;
  let end = plainEnd(text, start + 5);
  if (end < 0 || !text.startsWith('syscall=', end + 1)) return undefined;
  end = plainEnd(text, end + 9);
  if (end < 0) return undefined;
  const head = headOf(text.slice(start, end));
  let at = end + 1;
  if (text.startsWith('per=', at)) {
    end = plainEnd(text, at + 4);
    if (end < 0) return undefined;
    at = end + 1;
  }
  let success: boolean | undefined;
  let exit: string | undefined;
  if (text.startsWith('success=', at)) {
    end = plainEnd(text, at + 8);
    if (end < 0) return undefined;
    success = end === at + 11 && text.startsWith('yes', at + 8);
    at = end + 1;
  }
  if (text.startsWith('exit=', at)) {
    end = plainEnd(text, at + 5);
    if (end < 0) return undefined;
    exit = text.slice(at + 5, end);
    at = end + 1;
  }
  const shown = success === false ? errnoText(exit) : exit;
  let argumentMembers = exit === undefined ? '' : `,"exit":"${shown}"`;
  const args: (string | undefined)[] = [undefined, undefined, undefined, undefined];
  for (let index = 0; index < 4; index++) {
    if (!text.startsWith(ARGUMENT_NAMES[index] ?? '', at)) continue;
    end = plainEnd(text, at + 3);
    if (end < 0) return undefined;
    const value = text.slice(at + 3, end);
    args[index] = value;
    argumentMembers += `${ARGUMENT_MEMBERS[index]}${value}"`;
    at = end + 1;
  }
  let items = 0;
  if (text.startsWith('items=', at)) {
    end = plainEnd(text, at + 6);
    items = end < 0 ? -1 : digitsOf(text, at + 6, end);
    if (items < 0) return undefined;
    at = end + 1;
  }
  let ppid: number | undefined;
  if (text.startsWith('ppid=', at)) {
    end = plainEnd(text, at + 5);
    ppid = end < 0 ? -1 : digitsOf(text, at + 5, end);
    if (ppid < 0) return undefined;
    at = end + 1;
  }
  if (!text.startsWith('pid=', at)) return undefined;
  end = plainEnd(text, at + 4);
  const pid = end < 0 ? -1 : digitsOf(text, at + 4, end);
  if (pid < 0) return undefined;
  at = end + 1;
  if (!text.startsWith('auid=', at) || !text.includes(' comm=', at)) return undefined;
  const tail = tailOf(text.slice(at));
  return {
    head,
    tail,
    architecture: head.architecture,
    name: head.name,
    ids: tail.ids,
    image: tail.image,
    isUring: false,
    success,
    exit,
    args,
    argumentMembers,
    items,
    pid,
    ppid,
    tailAt: tail.escaped === undefined ? 0 : at,
  };
}

const ARGUMENT_MEMBERS = [',"a0":"', ',"a1":"', ',"a2":"', ',"a3":"'] as const;

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
  const head: SyscallHead = {
    arch,
    architecture: arch === undefined ? undefined : architectureName(arch),
    name: name ?? (number === '' ? 'unknown' : number),
    texts: [],
  };
  const tail = tailOfParts(idsOfFields(fields), imageOfFields(fields), undefined);
  return {
    head,
    tail,
    architecture: head.architecture,
    name: head.name,
    ids: tail.ids,
    image: tail.image,
    isUring,
    success: success === undefined ? undefined : success === 'yes',
    exit,
    args,
    argumentMembers: argumentMembers(success === 'no' ? errnoText(exit) : exit, args),
    items: countOf(fields.get('items')),
    pid: pidOf(fields.get('pid')),
    ppid: pidOf(fields.get('ppid')),
    tailAt: 0,
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
    how: programOf(exe, comm),
    members: flat(member('name', comm) + member('executable', exe)),
  };
}

/** Several keys are joined by 0x01; `(null)` is none. */
export function keysOf(key: string | undefined): readonly string[] {
  if (key === undefined || key === '' || key === '(null)') return [];
  return key.split(KEY_SEPARATOR).filter((part) => part !== '');
}

/** Members of `auditd.data`. */
function argumentMembers(exit: string | undefined, [a0, a1, a2, a3]: readonly (string | undefined)[]): string {
  return member('exit', exit) + member('a0', a0) + member('a1', a1) + member('a2', a2) + member('a3', a3);
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
