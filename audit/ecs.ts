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
import { createLineageWriter } from './ecs-process.ts';
import { createAccompanyingWriter, messageTypeOf, writeLeading } from './ecs-record.ts';
import { type SyscallContext, type SyscallEvent, writeSyscall, writeWithoutSyscall } from './ecs-syscall.ts';
import type { AuditEvent, AuditRecord, HostIdentity, HostKnowledge } from './event.ts';
import { bodyStart, fieldsOfText } from './fields.ts';
import { flat, jsonText, member } from './json.ts';
import { createMemo } from './memo.ts';
import { type PathRecord, pathOfText, splitItem } from './path.ts';
import { type SocketAddress, socketAddressOf } from './socket-address.ts';
import { createSyscallReader, type SyscallReader, type SyscallRecord } from './syscall-record.ts';
import { CWD, EXECVE, isAccompanying, PATH, PROCTITLE, SOCKADDR, SYSCALL, URINGOP } from './tables/record-type.ts';
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
/**
 * A mapper for one host; `knowledge` only where the events are of this very host. Whoever reads SYSCALL records before the
 * mapper does passes its own reader, so that they are read once.
 */
export function createEcsMapper(
  host: HostIdentity,
  knowledge?: HostKnowledge,
  syscalls: SyscallReader = createSyscallReader(),
): EcsMapper {
  const names = idNamesOf(knowledge);
  const lineage = createLineageWriter(knowledge);
  const userText = createUserTexts(names);
  const files = createFileWriter(names);
  const writeAccompanying = createAccompanyingWriter();
  const readers: Readers = {
    path: createMemo(MEMO_ENTRIES, pathOfText),
    cwd: createMemo(MEMO_ENTRIES, (text) => told('working_directory', fieldsOfText(text, CWD).get('cwd'))),
    title: createMemo(MEMO_ENTRIES, (text) => told('title', titleOf(text))),
    address: createMemo(MEMO_ENTRIES, (text) => ({
      address: socketAddressOf(fieldsOfText(text, SOCKADDR).get('saddr') ?? ''),
    })),
    syscall: syscalls.read,
  };
  const context: SyscallContext = { files, lineage, userText, writeAccompanying };
  const write = createDocumentWriter(host);

  const toJson = (event: AuditEvent, stamp?: Stamp): string => {
    const draft = createDraft();
    const parts = partsOf(event.records, readers, draft);
    const { leading } = parts;
    if (parts.syscall !== undefined) writeSyscall(draft, { ...parts, syscall: parts.syscall }, context);
    else writeWithoutSyscall(draft, parts, context);
    if (leading !== undefined)
      writeLeading(draft, leading, { names, lineage, hasSyscall: parts.syscall !== undefined });
    if (draft.messageType === '') writeNameless(draft, event.records);
    return write(draft, event, stamp);
  };
  return { toJson, toDocument: (event, stamp) => JSON.parse(toJson(event, stamp)) as EventDocument };
}

interface Readers {
  readonly path: (text: string) => PathRecord;
  readonly cwd: (text: string) => Told;
  readonly title: (text: string) => Told;
  readonly address: (text: string) => { readonly address: SocketAddress | undefined };
  readonly syscall: (record: AuditRecord) => SyscallRecord;
}

/** A value and its member in the document. */
interface Told {
  readonly text: string | undefined;
  readonly member: string;
}

const UNTOLD: Told = { text: undefined, member: '' };

function told(name: string, text: string | undefined): Told {
  return text === undefined || text === '' ? UNTOLD : { text, member: flat(member(name, text)) };
}

interface Parts extends Omit<SyscallEvent, 'syscall'> {
  readonly syscall: SyscallRecord | undefined;
  /** The record that says what happened, where it is not the syscall. */
  readonly leading: AuditRecord | undefined;
}

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
  for (const record of records) {
    const { type, text } = record;
    switch (type) {
      case SYSCALL:
        if (syscall === undefined) syscall = readers.syscall(record);
        else others.push(record);
        break;
      case URINGOP:
        if (operation === undefined) operation = readers.syscall(record);
        else others.push(record);
        break;
      case PATH: {
        const { item, rest } = splitItem(text, bodyStart(text));
        const path = readers.path(rest);
        paths.push(path);
        draft.paths += `${draft.paths === '' ? '' : ','}{"item":${jsonText(item)}${path.members}}`;
        break;
      }
      case CWD:
        cwd = readers.cwd(text.slice(bodyStart(text)));
        break;
      case PROCTITLE:
        title = readers.title(text.slice(bodyStart(text)));
        break;
      case SOCKADDR:
        address = readers.address(text.slice(bodyStart(text))).address;
        break;
      case EXECVE:
        execve.push(record);
        break;
      default:
        if (leading === undefined && !isAccompanying(type)) leading = record;
        else others.push(record);
    }
  }
  const located = { cwd: cwd.text, cwdMember: cwd.member, titleMember: title.member };
  return { syscall: syscall ?? operation, operation, leading, execve, paths, ...located, address, others };
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
  draft.action = draft.messageType.replaceAll('_', '-').replaceAll(/[[\]]/g, '');
  draft.category = ['process'];
  draft.type = ['info'];
}
