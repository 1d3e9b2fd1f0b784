// Lines of other people's logs into documents, for `vedette import`. Each line is recognised by itself:
//
//   [node=NAME ]type=… msg=audit(…): …            auditd's audit.log, raw or enriched
//   {"sequence":…,"timestamp":"…","messages":[…]}  go-audit, one event a line
//   {"@timestamp":…, …}                            ECS documents, bare or as the body of Elasticsearch's _bulk
//
// Pure. Names of ids come from the line itself or not at all: this host's are not that host's. `event.created` is the running
// maximum of `@timestamp` per host (docs/architecture.md, promise 3), so the same file in the same order means the same.
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { type EventDocument, isPlainObject, textOf, timeOf, toNested } from '../event/document.ts';
import { digestEventId, EVENT_ID_BYTES_MAX } from '../event/id.ts';
import { eventIdOf } from './document-id.ts';
import { createEcsMapper, type EcsMapper } from './ecs.ts';
import type { AuditEvent, AuditRecord, HostIdentity, HostKnowledge } from './event.ts';
import { enrichmentOf, fieldsOf } from './fields.ts';
import { createReassembler } from './reassembler.ts';
import { parseLine, recordFrom } from './record.ts';

export type Imported =
  | { readonly kind: 'document'; readonly id: string; readonly document: EventDocument }
  /** `line` counts from 1. */
  | { readonly kind: 'rejected'; readonly line: number; readonly reason: string };

export interface Importer {
  /** Takes a line in latin1 (one character a byte) without its line ending; returns what it completed. */
  push(line: string): readonly Imported[];
  /** The log ends: what is open is complete. */
  end(): readonly Imported[];
}

export interface ImportOptions {
  /** The host of a line: by its `node=` or `host.name`; undefined where the line names none. `bootId` may be ''. */
  readonly hostOf: (name: string | undefined) => HostIdentity;
  /** Hosts whose latest time is kept; with more, the one that was first begins anew. */
  readonly hostsMax?: number;
}

/** Objects and arrays of a line may nest so deep; a dotted name counts as its parts. Ingest asks for less and says so itself. */
export const NESTING_MAX = 100;
/** Hosts of one import. */
const HOSTS_MAX = 65_536;
/** Hosts whose decoded paths and users are remembered. */
const MAPPERS_MAX = 32;
/** Records of two seconds of a busy log. */
const OPEN_EVENTS_MAX = 65_536;
/** Open events are looked through once in so much of the log's own time. */
const FLUSH_EVERY_MS = 250;

interface Source {
  readonly mapper: EcsMapper;
  readonly names: LineNames;
}

/** Names that the event at hand brought with it. */
interface LineNames {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

export function createImporter({ hostOf, hostsMax = HOSTS_MAX }: ImportOptions): Importer {
  const reassembler = createReassembler({ expectsEoe: false, maxOpenEvents: OPEN_EVENTS_MAX });
  const wholeEvents = createReassembler({ expectsEoe: false });
  const sources = new Map<string, Source>();
  const createdMs = new Map<string, number>();
  let lineNumber = 0;
  let logMs = 0;
  let flushedMs = 0;
  let nextId: string | undefined;

  const newSource = (host: HostIdentity): Source => {
    const names: LineNames = { users: new Map(), groups: new Map() };
    const source: Source = { names, mapper: createEcsMapper(host, knowledgeOf(names)) };
    remember(sources, { key: host.id, value: source, entriesMax: Math.min(hostsMax, MAPPERS_MAX) });
    return source;
  };

  const sourceOf = (host: HostIdentity): Source => sources.get(host.id) ?? newSource(host);

  const created = (hostId: string, timeMs: number): number => {
    const latest = Math.max(createdMs.get(hostId) ?? 0, timeMs);
    remember(createdMs, { key: hostId, value: latest, entriesMax: hostsMax });
    return latest;
  };

  const documentOf = (event: AuditEvent, users?: ReadonlyMap<number, string>): Imported => {
    const host = hostOf(event.node);
    const { mapper, names } = sourceOf(host);
    const enriched = namesOf(event.records);
    names.users = users ?? enriched.users;
    names.groups = enriched.groups;
    const document = mapper.toDocument(event, { createdMs: created(host.id, event.timeMs) });
    return { kind: 'document', id: eventIdOf(event, host), document };
  };

  const pushAudit = (line: string): readonly Imported[] => {
    const record = parseLine(line);
    if (record === undefined)
      return [rejected('not an audit record: `type=NAME msg=audit(SECONDS.MS:SERIAL): …` expected')];
    logMs = Math.max(logMs, record.timeMs);
    const events = [...reassembler.push(record, logMs)];
    if (logMs - flushedMs >= FLUSH_EVERY_MS) {
      flushedMs = logMs;
      events.push(...reassembler.flush(logMs));
    }
    return events.map((event) => documentOf(event));
  };

  const pushGoAudit = (line: EventDocument): readonly Imported[] => {
    const records = goAuditRecords(line);
    if (records === undefined)
      return [rejected('not a go-audit event: `timestamp`, `sequence` and `messages` of type and data expected')];
    const users = userMap(line['uid_map']);
    const events = records.flatMap((record) => [...wholeEvents.push(record, record.timeMs)]);
    return [...events, ...wholeEvents.end()].map((event) => documentOf(event, users));
  };

  const pushDocument = (given: EventDocument, line: string): readonly Imported[] => {
    const timeMs = timeOf(given, '@timestamp');
    const id = nextId;
    nextId = undefined;
    if (timeMs === undefined) return [rejected('no `@timestamp` that is a time')];
    const nested = toNested(given);
    const host = { ...(isPlainObject(nested['host']) ? nested['host'] : {}) };
    const hostId = textOf(given, 'host.id') ?? hostOf(textOf(given, 'host.name')).id;
    const event = { ...(isPlainObject(nested['event']) ? nested['event'] : {}) };
    const givenMs = timeOf(given, 'event.created');
    const latest = created(hostId, givenMs ?? timeMs);
    const document = {
      ...nested,
      host: { ...host, id: hostId },
      event: givenMs === undefined ? { ...event, created: new Date(latest).toISOString() } : event,
    };
    return [{ kind: 'document', id: id ?? digestEventId(hostId, Buffer.from(line, 'latin1')), document }];
  };

  const pushJson = (line: string): readonly Imported[] => {
    const value = parsed(line);
    if (!isPlainObject(value)) return [rejected('not a JSON object')];
    if (isDeeperThan(value, NESTING_MAX)) return [rejected(`nested deeper than ${NESTING_MAX}`)];
    const action = value['create'] ?? value['index'];
    if (isPlainObject(action) && Object.keys(value).length === 1) {
      const id = action['_id'];
      nextId = typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= EVENT_ID_BYTES_MAX ? id : undefined;
      return [];
    }
    if (Array.isArray(value['messages']) && value['sequence'] !== undefined) return pushGoAudit(value);
    return pushDocument(value, line);
  };

  const rejected = (reason: string): Imported => ({ kind: 'rejected', line: lineNumber, reason });

  return {
    push: (given) => {
      lineNumber++;
      const line = given.endsWith('\r') ? given.slice(0, -1) : given;
      if (line.trim() === '') return [];
      if (line.length > BULK_LINE_BYTES_MAX) return [rejected(`longer than ${BULK_LINE_BYTES_MAX} bytes`)];
      return line.startsWith('{') ? pushJson(line) : pushAudit(line);
    },
    end: () => reassembler.end().map((event) => documentOf(event)),
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (depth < 0) return true;
  if (Array.isArray(value)) return value.some((each) => isDeeperThan(each, depth - 1));
  if (!isPlainObject(value)) return false;
  return Object.entries(value).some(([name, inner]) => isDeeperThan(inner, depth - name.split('.').length));
}

const TIMESTAMP = /^[0-9]{1,13}\.[0-9]{3}$/;

function goAuditRecords(line: EventDocument): readonly AuditRecord[] | undefined {
  const { timestamp, sequence, messages } = line as { timestamp?: unknown; sequence?: unknown; messages?: unknown };
  if (
    typeof timestamp !== 'string' ||
    !TIMESTAMP.test(timestamp) ||
    !Number.isInteger(sequence) ||
    !Array.isArray(messages)
  ) {
    return undefined;
  }
  const records: AuditRecord[] = [];
  for (const message of messages as readonly unknown[]) {
    if (!isPlainObject(message)) return undefined;
    const { type, data } = message as { type?: unknown; data?: unknown };
    if (typeof type !== 'number' || !Number.isInteger(type) || type < 0 || type > 0xffff || typeof data !== 'string')
      return undefined;
    const text = `audit(${timestamp}:${String(sequence)}): ${Buffer.from(data, 'utf8').toString('latin1')}`;
    const record = recordFrom(type, text);
    if (record === undefined) return undefined;
    records.push(record);
  }
  return records.length === 0 ? undefined : records;
}

const NAMES_MAX = 1024;

/** go-audit's `uid_map`: `{"0":"root"}`. */
function userMap(map: unknown): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  if (!isPlainObject(map)) return users;
  for (const [id, name] of Object.entries(map)) {
    if (users.size < NAMES_MAX && /^[0-9]{1,10}$/.test(id) && typeof name === 'string' && isName(name))
      users.set(Number(id), name);
  }
  return users;
}

const USER_FIELDS: readonly string[] = ['auid', 'uid', 'euid', 'suid', 'fsuid', 'ouid', 'oauid', 'old-auid', 'id'];
const GROUP_FIELDS: readonly string[] = ['gid', 'egid', 'sgid', 'fsgid', 'ogid'];

/** The names that an enriched log gives beside the ids. */
function namesOf(records: readonly AuditRecord[]): {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
} {
  const users = new Map<number, string>();
  const groups = new Map<number, string>();
  for (const record of records) {
    const names = enrichmentOf(record);
    if (names.size === 0) continue;
    const { kernel, user } = fieldsOf(record);
    const collect = (fields: readonly string[], into: Map<number, string>): void => {
      for (const field of fields) {
        const id = kernel.get(field) ?? (field === 'id' ? user.get(field) : undefined);
        const name = names.get(field.toUpperCase());
        if (id !== undefined && name !== undefined && isName(name) && into.size < NAMES_MAX) into.set(Number(id), name);
      }
    };
    collect(USER_FIELDS, users);
    collect(GROUP_FIELDS, groups);
  }
  return { users, groups };
}

/** auditd writes `unset` and `unknown(4242)` where there is no name, go-audit `UNKNOWN_USER`. */
function isName(name: string): boolean {
  return name !== '' && name !== 'unset' && !name.startsWith('unknown(') && name !== 'UNKNOWN_USER';
}

/** The id of a name; an event brings a handful of them. */
function firstWith(users: ReadonlyMap<number, string>, name: string): number | undefined {
  for (const [id, known] of users) if (known === name) return id;
  return undefined;
}

function knowledgeOf(names: LineNames): HostKnowledge {
  return {
    userName: (uid) => names.users.get(uid),
    userId: (name) => firstWith(names.users, name),
    groupName: (gid) => names.groups.get(gid),
    lineage: () => undefined,
  };
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
