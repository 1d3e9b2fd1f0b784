// An audit event becomes one ECS document, as a line of JSON. The mapping is written once, to text (json.ts says why); whoever
// wants an object parses that text. It never throws and never drops: what no family knows is decoded generically.
//
//   records ─ by their part (SYSCALL, PATH, …) ─┬─ ecs-syscall.ts   what a call did          ─┐
//                                               └─ ecs-record.ts    what a record says alone ─┴─ Draft ─ this file ─ JSON
import type { EventDocument } from '../event/document.ts';
import { textOfBytes } from './bytes.ts';
import { createDraft, type Draft } from './draft.ts';
import { createDocumentWriter, type Stamp } from './ecs-document.ts';
import { createFileWriter } from './ecs-file.ts';
import { createLineageWriter, type LineageWriter } from './ecs-process.ts';
import { createAccompanyingWriter, messageTypeOf, writeLeading } from './ecs-record.ts';
import { type SyscallContext, type SyscallEvent, writeSyscall, writeWithoutSyscall } from './ecs-syscall.ts';
import type { AuditEvent, AuditRecord, HostIdentity, HostKnowledge } from './event.ts';
import { bodyStart, fieldsOfText } from './fields.ts';
import { escapedAscii, flat, isPlain, member } from './json.ts';
import { createMemo } from './memo.ts';
import { createPathReader, type PathReader, type PathRecord } from './path.ts';
import { type SocketAddress, socketAddressOf } from './socket-address.ts';
import { createArgumentTexts } from './syscall-arguments.ts';
import { createSyscallReader, type SyscallReader, type SyscallRecord } from './syscall-record.ts';
import { recordAction } from './tables/record-action.ts';
import {
  CWD,
  EXECVE,
  isAccompanying,
  PATH,
  PROCTITLE,
  recordTypeName,
  SOCKADDR,
  SYSCALL,
  URINGOP,
} from './tables/record-type.ts';
import { createUserTexts, idNamesOf } from './user.ts';

export interface EcsMapper {
  /** The document as one line of JSON. */
  toJson(event: AuditEvent, stamp?: Stamp): string;
  /** The same as an object. */
  toDocument(event: AuditEvent, stamp?: Stamp): EventDocument;
}

/** The document of one event. For many events of a host make one {@link createEcsMapper}: it remembers. */
export function toEcs(event: AuditEvent, host: HostIdentity, knowledge?: HostKnowledge): EventDocument {
  return createEcsMapper(host, knowledge).toDocument(event);
}

/** Distinct paths, directories, titles and addresses that are remembered, each. */
export const MEMO_ENTRIES = 2048;
export interface MapperParts {
  /** Whoever reads SYSCALL records before the mapper does passes its own reader, so that they are read once. */
  readonly syscalls?: SyscallReader;
  readonly lineage?: LineageWriter;
}

/** A mapper for one host; `knowledge` only where the events are of this very host. */
export function createEcsMapper(host: HostIdentity, knowledge?: HostKnowledge, parts: MapperParts = {}): EcsMapper {
  const { syscalls = createSyscallReader(), lineage = createLineageWriter(knowledge) } = parts;
  const names = idNamesOf(knowledge);
  const userText = createUserTexts(names);
  const files = createFileWriter(names);
  const writeAccompanying = createAccompanyingWriter();
  const readers: Readers = {
    path: createPathReader(),
    cwd: createMemo(MEMO_ENTRIES, (text) =>
      told({ name: 'working_directory', text: fieldsOfText(text, CWD).get('cwd'), record: text }),
    ),
    title: createMemo(MEMO_ENTRIES, (text) => told({ name: 'title', text: titleOf(text), record: text })),
    address: createMemo(MEMO_ENTRIES, (text) => ({
      address: socketAddressOf(fieldsOfText(text, SOCKADDR).get('saddr') ?? ''),
      escaped: escapedAscii(text),
    })),
    other: createMemo(MEMO_ENTRIES, (text) => ({ escaped: escapedAscii(text) })),
    syscall: syscalls.read,
    linePrefix: createLinePrefixes(),
  };
  const context: SyscallContext = { files, lineage, userText, writeAccompanying, argumentTexts: createArgumentTexts() };
  const write = createDocumentWriter(host);

  const toJson = (event: AuditEvent, stamp?: Stamp): string => {
    const draft = createDraft();
    const parts = partsOf(event.records, readers, draft);
    const { leading } = parts;
    if (parts.syscall !== undefined) writeSyscall(draft, { ...parts, syscall: parts.syscall }, context);
    else writeWithoutSyscall(draft, parts, context);
    if (leading !== undefined) {
      writeLeading(draft, leading, { names, lineage, hasSyscall: parts.syscall !== undefined });
      draft.call = undefined;
    }
    if (draft.messageType === '') writeNameless(draft, event.records);
    return write(draft, event, stamp);
  };
  return { toJson, toDocument: (event, stamp) => JSON.parse(toJson(event, stamp)) as EventDocument };
}

interface Readers {
  readonly path: PathReader;
  readonly cwd: (text: string) => Told;
  readonly title: (text: string) => Told;
  readonly address: (text: string) => Escaped & { readonly address: SocketAddress | undefined };
  readonly other: (text: string) => Escaped;
  readonly syscall: (record: AuditRecord) => SyscallRecord;
  readonly linePrefix: (type: number) => string;
}

interface Escaped {
  /** The record's text as the inside of a JSON string; undefined where it is not ASCII. */
  readonly escaped: string | undefined;
}

/** A value and its member in the document. */
interface Told extends Escaped {
  readonly text: string | undefined;
  readonly member: string;
}

const UNTOLD: Told = { text: undefined, member: '', escaped: undefined };

function told(of: { readonly name: string; readonly text: string | undefined; readonly record: string }): Told {
  const { name, text, record } = of;
  const escaped = escapedAscii(record);
  return text === undefined || text === ''
    ? { ...UNTOLD, escaped }
    : { text, member: flat(member(name, text)), escaped };
}

/** What stands before a record of a type in `event.original`: a line's end, escaped, and the beginning of its line. */
function createLinePrefixes(): (type: number) => string {
  const prefixes = new Map<number, string>();
  return (type) => {
    let prefix = prefixes.get(type);
    if (prefix === undefined) {
      prefix = `\\ntype=${recordTypeName(type)} msg=`;
      prefixes.set(type, prefix);
    }
    return prefix;
  };
}

interface Parts extends Omit<SyscallEvent, 'syscall'> {
  readonly syscall: SyscallRecord | undefined;
  /** The record that says what happened, where it is not the syscall. */
  readonly leading: AuditRecord | undefined;
}

/** Sorts the records by their part, and makes `event.original` of what is remembered of them. */
function partsOf(records: readonly AuditRecord[], readers: Readers, draft: Draft): Parts {
  let syscall: SyscallRecord | undefined;
  let operation: SyscallRecord | undefined;
  let leading: AuditRecord | undefined;
  let cwd = UNTOLD;
  let title = UNTOLD;
  let address: SocketAddress | undefined;
  const execve: AuditRecord[] = [];
  const paths: PathRecord[] = [];
  const others: AuditRecord[] = [];
  const first = records[0];
  // All records of an event begin with the same stamp.
  const stampEnd = first === undefined ? 0 : bodyStart(first.text);
  const stamp = first === undefined ? '' : first.text.slice(0, stampEnd);
  let original = '';
  let isEscaped = first !== undefined && first.node === undefined && isPlain(stamp);
  for (const record of records) {
    const { type, text } = record;
    let start = stampEnd;
    if (record !== first && !text.startsWith(stamp)) {
      start = bodyStart(text);
      isEscaped = false;
    }
    let escaped: string | undefined;
    switch (type) {
      case SYSCALL:
        if (syscall === undefined) {
          syscall = readers.syscall(record);
          if (syscall.tailAt > 0) escaped = text.slice(start, syscall.tailAt) + syscall.tail.escaped;
        } else others.push(record);
        break;
      case URINGOP:
        if (operation === undefined) operation = readers.syscall(record);
        else others.push(record);
        break;
      case PATH: {
        const itemEnd = itemEndOf(text, start);
        const path = readers.path(text.slice(itemEnd));
        const item = itemEnd === start ? '' : text.slice(start + 5, itemEnd - 1);
        paths.push(path);
        draft.paths += `${draft.paths === '' ? '{"item":"' : ',{"item":"'}${item}"${path.members}}`;
        if (path.escaped !== undefined) escaped = text.slice(start, itemEnd) + path.escaped;
        break;
      }
      case CWD:
        cwd = readers.cwd(text.slice(start));
        escaped = cwd.escaped;
        break;
      case PROCTITLE:
        title = readers.title(text.slice(start));
        escaped = title.escaped;
        break;
      case SOCKADDR: {
        const told = readers.address(text.slice(start));
        address = told.address;
        escaped = told.escaped;
        break;
      }
      case EXECVE:
        execve.push(record);
        escaped = readers.other(text.slice(start)).escaped;
        break;
      default:
        if (leading === undefined && !isAccompanying(type)) leading = record;
        else others.push(record);
    }
    if (!isEscaped) continue;
    escaped ??= readers.other(text.slice(start)).escaped;
    if (escaped === undefined) isEscaped = false;
    else original += readers.linePrefix(type) + stamp + escaped;
  }
  draft.original = isEscaped ? original : undefined;
  const located = { cwd: cwd.text, cwdMember: cwd.member, titleMember: title.member };
  return { syscall: syscall ?? operation, operation, leading, execve, paths, ...located, address, others };
}

/** The end of `item=12 ` at `from`; `from` itself where it is not there. */
function itemEndOf(text: string, from: number): number {
  if (!text.startsWith('item=', from)) return from;
  let at = from + 5;
  for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(++at));
  return at > from + 5 && text.charCodeAt(at) === 32 ? at + 1 : from;
}

/** A title's words are separated by NULs; a program may have written anything there. */
function titleOf(text: string): string {
  const match = /^ *proctitle=([0-9A-F]+)/.exec(text);
  const hex = match?.[1];
  if (hex === undefined || hex.length % 2 === 1) return fieldsOfText(text, PROCTITLE).get('proctitle') ?? '';
  const bytes = Buffer.from(hex, 'hex');
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  for (let at = 0; at < end; at++) if (bytes[at] === 0) bytes[at] = 32;
  return textOfBytes(bytes.subarray(0, end));
}

/** Only accompanying records (a fragment, or an event whose SYSCALL was lost), or none at all (only its EOE arrived). */
function writeNameless(draft: Draft, records: readonly AuditRecord[]): void {
  const first = records[0];
  draft.messageType = first === undefined ? 'eoe' : messageTypeOf(first.type);
  draft.code = draft.messageType.toUpperCase();
  const action = first === undefined ? undefined : recordAction(first.type);
  draft.action = action?.action ?? draft.messageType.replaceAll('_', '-').replaceAll(/[[\]]/g, '');
  draft.category = action?.category ?? ['process'];
  draft.type = action?.type ?? ['info'];
}
