// Audit event → document → spool. Lineage is asked for here, once, at the source, so that live and backtest see the same.
import { createViews, writeAscii } from '../audit/byte-writer.ts';
import { createEventIdWriter, eventIdOf } from '../audit/document-id.ts';
import type { AuditEvent, HostIdentity, HostKnowledge } from '../audit/event.ts';
import type { EventBytes } from '../audit/event-bytes.ts';
import { createShapeReader } from '../audit/event-shape.ts';
import { createQuickMapper } from '../audit/quick-document.ts';
import { createSyscallReader, type SyscallRecord } from '../audit/syscall-record.ts';
import { SYSCALL } from '../audit/tables/record-type.ts';
import { bulkLinesOfPlainId } from '../event/bulk.ts';
import { createEventSorter, spoolClassOf } from './event-class.ts';
import type { Accounts } from './lineage/accounts.ts';
import type { Processes } from './lineage/processes.ts';
import type { SpoolClass } from './spool/segment.ts';
import type { SpoolWriter } from './spool/spool-writer.ts';

const CONFIG_CHANGE = 1305;
/** Longer documents are written by the mapper. */
const QUICK_BYTES_MAX = 512 * 1024;
const LINE_END = 10;
const BEFORE_ID = '{"create":{"_id":"';
const AFTER_ID = '"}}\n';
/** The tag of changes to the audit configuration that the collector itself made: not an attacker's. */
const OWN_CHANGE_TAG = 'vedette-self';

export interface EventWriter {
  /** The event's position, or undefined when the spool refused it. `isOwnChange`: the collector changes the kernel just now. */
  write(event: AuditEvent, createdMs: number, isOwnChange: boolean): number | undefined;
  /** Its spool class, for who drops an event before it costs more. */
  classOf(event: AuditEvent): SpoolClass;
}

export function createEventWriter(options: {
  readonly host: HostIdentity;
  readonly accounts: Accounts;
  readonly processes: Processes;
  readonly spool: SpoolWriter;
  /** Where the reassembler leaves the records of an event. */
  readonly gathered?: EventBytes;
}): EventWriter {
  const { host, accounts, processes, spool } = options;
  const knowledge: HostKnowledge = {
    userName: accounts.userName,
    groupName: accounts.groupName,
    ...(accounts.userId === undefined ? {} : { userId: accounts.userId }),
    ...(accounts.version === undefined ? {} : { namesVersion: accounts.version }),
    lineage: processes.lineage,
    execed: processes.execed,
  };
  const syscalls = createSyscallReader();
  const { gathered } = options;
  const shapes = createShapeReader(gathered === undefined ? {} : { gathered });
  const mapper = createQuickMapper(host, knowledge, { syscalls, shapes });
  const out = Buffer.allocUnsafe(QUICK_BYTES_MAX);
  const viewOf = createViews(out);
  const writeId = createEventIdWriter(host);
  const sorter = createEventSorter({
    hasAccount: (uid) => accounts.userName(uid) !== undefined,
    containerOf: (pid, ppid) => processes.lineage(pid, ppid)?.container,
  });
  return {
    classOf(event) {
      return spoolClassOf(event, syscallOf(event));
    },
    write(event, createdMs, isOwnChange) {
      const quick = mapper.find(event);
      const syscall = quick ?? syscallOf(event);
      processes.see(event, syscall, createdMs);
      const position = spool.append({
        spoolClass: spoolClassOf(event, syscall),
        createdMs,
        timeMs: event.timeMs,
        serial: event.serial,
        countsSerial: !event.isFragment,
        owner: sorter.ownerOf(event, syscall),
        sort: sorter.sortOf(event, syscall),
        lines: (at) => {
          const stamp = { createdMs, position: at };
          if (quick !== undefined) {
            const lines = quickLines(event, stamp);
            if (lines !== undefined) return lines;
          }
          const id = eventIdOf(event, host);
          const isOwn = isOwnChange && event.records.some(({ type }) => type === CONFIG_CHANGE);
          return bulkLinesOfPlainId(id, isOwn ? tagged(mapper.toDocument(event, stamp)) : mapper.toJson(event, stamp));
        },
      });
      return position;
    },
  };

  function syscallOf(event: AuditEvent): SyscallRecord | undefined {
    for (const record of event.records) if (record.type === SYSCALL) return syscalls.read(record);
    return undefined;
  }

  /** The two lines of an event that the mapper found a template for, in bytes that hold until the next event. */
  function quickLines(
    event: AuditEvent,
    stamp: { readonly createdMs: number; readonly position: number },
  ): Uint8Array | undefined {
    const idEnd = writeId(event, { out, at: writeAscii(BEFORE_ID, { out, at: 0 }) });
    const at = writeAscii(AFTER_ID, { out, at: idEnd });
    const end = mapper.write(event, stamp, { out, at });
    if (end < 0) return undefined;
    out[end] = LINE_END;
    return viewOf(end + 1);
  }
}

function tagged(document: Readonly<Record<string, unknown>>): string {
  const tags = Array.isArray(document['tags']) ? (document['tags'] as unknown[]) : [];
  return JSON.stringify({ ...document, tags: [...tags, OWN_CHANGE_TAG] });
}
