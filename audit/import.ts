// Lines of other people's logs into documents, for `vedette import` (foreign-line.ts says which). Whatever their form, audit records
// go through the same reassembly and mapping as the kernel's own.
//
// Pure. Names of ids come from the line itself or not at all: this host's are not that host's. `event.created` is the running
// maximum of `@timestamp` per host (docs/architecture.md, promise 3), so the same file in the same order means the same.
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { type EventDocument, isPlainObject, textOf, timeOf, toNested } from '../event/document.ts';
import { digestEventId, EVENT_ID_BYTES_MAX } from '../event/id.ts';
import { eventIdOf } from './document-id.ts';
import { createEcsMapper, type EcsMapper } from './ecs.ts';
import type { AuditEvent, AuditRecord, HostIdentity } from './event.ts';
import { knowledgeOf, type LineNames, namesOf } from './foreign-enrichment.ts';
import { type LogOrigin, readForeignLine } from './foreign-line.ts';
import { createLogClock } from './log-clock.ts';
import { createReassembler } from './reassembler.ts';

export type Imported =
  /** `json` and `document` are the same; the object is made when it is asked for. */
  | { readonly kind: 'document'; readonly id: string; readonly json: string; readonly document: EventDocument }
  /** `line` counts from 1. */
  | { readonly kind: 'rejected'; readonly line: number; readonly reason: string };

export interface Importer {
  /** Takes a line in latin1 (one character a byte) without its line ending; returns what it completed. */
  push(line: string): readonly Imported[];
  /** The log ends: what is open is complete. Another may follow. */
  end(): readonly Imported[];
  /** The time of the last audit record, epoch ms. */
  readonly lastMs: number;
}

export interface ImportOptions {
  /** The host of a line, by what the line says of it (nothing: an empty origin). `bootId` may be ''. */
  readonly hostOf: (origin: LogOrigin, timeMs: number) => HostIdentity;
  /** Hosts whose latest time is kept; with more, the one that was first begins anew. */
  readonly hostsMax?: number;
}

/** Hosts of one import. */
const HOSTS_MAX = 65_536;
/** Hosts (and boots) whose decoded paths and users are remembered. */
const MAPPERS_MAX = 32;
/** Records of two seconds of a busy log. */
const OPEN_EVENTS_MAX = 65_536;
/** Open events are looked through once in so much of the log's own time. */
const FLUSH_EVERY_MS = 250;
/** Before what stands for a host that is known by more than a name: no `node=` holds it. */
const ORIGIN_MARK = '\0';

interface Source {
  readonly mapper: EcsMapper;
  readonly names: LineNames;
}

export function createImporter({ hostOf, hostsMax = HOSTS_MAX }: ImportOptions): Importer {
  const reassembler = createReassembler({ expectsEoe: false, isEnriched: true, maxOpenEvents: OPEN_EVENTS_MAX });
  const clock = createLogClock();
  const sources = new Map<string, Source>();
  const createdMs = new Map<string, number>();
  let lineNumber = 0;
  let flushedMs = 0;
  let lastMs = 0;
  let nextId: string | undefined;

  const sourceOf = (host: HostIdentity): Source => {
    const key = `${host.id} ${host.bootId} ${host.name}`;
    const known = sources.get(key);
    if (known !== undefined) return known;
    const names: LineNames = { users: new Map(), groups: new Map() };
    const source: Source = { names, mapper: createEcsMapper(host, knowledgeOf(names)) };
    remember(sources, { key, value: source, entriesMax: Math.min(hostsMax, MAPPERS_MAX) });
    return source;
  };

  const created = (hostId: string, timeMs: number): number => {
    const latest = Math.max(createdMs.get(hostId) ?? 0, timeMs);
    remember(createdMs, { key: hostId, value: latest, entriesMax: hostsMax });
    return latest;
  };

  const mapped = (given: AuditEvent): Imported => {
    const { node } = given;
    const isMarked = node?.startsWith(ORIGIN_MARK) === true;
    const event = isMarked ? withoutNode(given) : given;
    const origin = isMarked ? (JSON.parse(node.slice(1)) as LogOrigin) : { name: node };
    const host = hostOf(origin, event.timeMs);
    const { mapper, names } = sourceOf(host);
    const { users, groups } = namesOf(event.records);
    names.users = users;
    names.groups = groups;
    const json = mapper.toJson(event, { createdMs: created(host.id, event.timeMs) });
    return documentOf(eventIdOf(event, host), json);
  };

  const pushRecords = (records: readonly AuditRecord[], origin: LogOrigin | undefined): readonly Imported[] => {
    const node = origin === undefined ? undefined : `${ORIGIN_MARK}${JSON.stringify(origin)}`;
    let made: Imported[] | undefined;
    for (const read of records) {
      const record = node === undefined ? read : { ...read, node };
      lastMs = record.timeMs;
      const nowMs = clock.at(record.node ?? '', record.timeMs);
      const closed = reassembler.push(record, nowMs);
      if (closed.length > 0) {
        made ??= [];
        for (const event of closed) made.push(mapped(event));
      }
      if (nowMs - flushedMs < FLUSH_EVERY_MS) continue;
      flushedMs = nowMs;
      for (const event of reassembler.flush(nowMs)) {
        made ??= [];
        made.push(mapped(event));
      }
    }
    return made ?? NOTHING;
  };

  const pushDocument = (given: EventDocument, line: string): readonly Imported[] => {
    const timeMs = timeOf(given, '@timestamp');
    const id = nextId;
    nextId = undefined;
    if (timeMs === undefined) return [rejected('no `@timestamp` that is a time')];
    const nested = toNested(given);
    const host = { ...(isPlainObject(nested['host']) ? nested['host'] : {}) };
    const hostId = textOf(given, 'host.id') ?? hostOf({ name: textOf(given, 'host.name') }, timeMs).id;
    const event = { ...(isPlainObject(nested['event']) ? nested['event'] : {}) };
    const givenMs = timeOf(given, 'event.created');
    const latest = created(hostId, givenMs ?? timeMs);
    const document = {
      ...nested,
      host: { ...host, id: hostId },
      event: givenMs === undefined ? { ...event, created: new Date(latest).toISOString() } : event,
    };
    return [documentOf(id ?? digestEventId(hostId, Buffer.from(line, 'latin1')), JSON.stringify(document))];
  };

  const rejected = (reason: string): Imported => ({ kind: 'rejected', line: lineNumber, reason });

  return {
    push: (given) => {
      lineNumber++;
      const line = given.endsWith('\r') ? given.slice(0, -1) : given;
      if (line.length > BULK_LINE_BYTES_MAX) return [rejected(`longer than ${BULK_LINE_BYTES_MAX} bytes`)];
      const read = readForeignLine(line);
      switch (read.kind) {
        case 'records':
          return pushRecords(read.records, read.origin);
        case 'document':
          return pushDocument(read.document, line);
        case 'action': {
          const { id } = read;
          nextId = typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= EVENT_ID_BYTES_MAX ? id : undefined;
          return NOTHING;
        }
        case 'nothing':
          return NOTHING;
        case 'refused':
          return [rejected(read.reason)];
      }
    },
    end: () => reassembler.end().map(mapped),
    get lastMs() {
      return lastMs;
    },
  };
}

const NOTHING: readonly Imported[] = [];

function documentOf(id: string, json: string): Imported {
  return {
    kind: 'document',
    id,
    json,
    get document() {
      return JSON.parse(json) as EventDocument;
    },
  };
}

/** The event as its host knows it: what stood for the host was never in its lines. */
function withoutNode(event: AuditEvent): AuditEvent {
  return { ...event, node: undefined, records: event.records.map((record) => ({ ...record, node: undefined })) };
}

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly entriesMax: number;
}

function remember<Value>(map: Map<string, Value>, { key, value, entriesMax }: Entry<Value>): void {
  map.set(key, value);
  if (map.size > entriesMax) map.delete(map.keys().next().value ?? '');
}
