// Audit event → document → spool. Lineage is asked for here, once, at the source, so that live and backtest see the same.
import { createEventIds } from '../audit/document-id.ts';
import { createEcsMapper } from '../audit/ecs.ts';
import type { AuditEvent, HostIdentity, HostKnowledge } from '../audit/event.ts';
import { createSyscallReader } from '../audit/syscall-record.ts';
import { SYSCALL } from '../audit/tables/record-type.ts';
import { bulkLinesOfPlainId } from '../event/bulk.ts';
import { createEventSorter, spoolClassOf } from './event-class.ts';
import type { Accounts } from './lineage/accounts.ts';
import type { Processes } from './lineage/processes.ts';
import type { SpoolClass } from './spool/segment.ts';
import type { SpoolWriter } from './spool/spool-writer.ts';

const CONFIG_CHANGE = 1305;
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
  const mapper = createEcsMapper(host, knowledge, syscalls);
  const idOf = createEventIds(host);
  const sorter = createEventSorter();
  return {
    classOf(event) {
      const record = event.records.find(({ type }) => type === SYSCALL);
      return spoolClassOf(event, record === undefined ? undefined : syscalls.read(record));
    },
    write(event, createdMs, isOwnChange) {
      const record = event.records.find(({ type }) => type === SYSCALL);
      const syscall = record === undefined ? undefined : syscalls.read(record);
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
          const isOwn = isOwnChange && event.records.some(({ type }) => type === CONFIG_CHANGE);
          const json = isOwn ? tagged(mapper.toDocument(event, stamp)) : mapper.toJson(event, stamp);
          return bulkLinesOfPlainId(idOf(event), json);
        },
      });
      return position;
    },
  };
}

function tagged(document: Readonly<Record<string, unknown>>): string {
  const tags = Array.isArray(document['tags']) ? (document['tags'] as unknown[]) : [];
  return JSON.stringify({ ...document, tags: [...tags, OWN_CHANGE_TAG] });
}
