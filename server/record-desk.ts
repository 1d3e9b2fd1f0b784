// One host's audit records as a shipper hands them on: a few in each request, the rest of an event perhaps in the next one. The desk puts
// them together, knows again what comes twice, and says what has to be kept (store/state/sqlite-open-records.ts) so that a request
// may be acknowledged before its last event is whole. Pure: what is kept goes out as text, and a desk is made of it again.
import { eventIdOf } from '../audit/document-id.ts';
import { createEcsMapper, type EcsMapper } from '../audit/ecs.ts';
import type { AuditEvent, AuditRecord } from '../audit/event.ts';
import { knowledgeOf, type LineNames, namesOf } from '../audit/foreign-enrichment.ts';
import { isWhole } from '../audit/kernel-order.ts';
import { createReassembler } from '../audit/reassembler.ts';
import { EOE, isAccompanying, isAlone, PROCTITLE } from '../audit/tables/record-type.ts';
import type { OpenRecordsPart } from '../store/state/state-port.ts';

/** Bounds of what waits, for one host; past them its oldest event is stored as it is, and flagged. */
export const DESK_LIMITS = {
  maxOpenEvents: 1_024,
  maxOpenBytes: 8 * 1024 * 1024,
  // Shippers collect batches for seconds: the rest of an event may well be in the next one.
  timeoutMs: 15_000,
  loneTimeoutMs: 5_000,
} as const;
/** Events that took several requests, kept after they were stored: so many, and so long. */
const STORED_EVENTS_MAX = 256;
const STORED_KEPT_MS = 600_000;
/** After a restart, and after a request that was put off, a sender has so long to come back before its open events are given up. */
export const GRACE_MS = 60_000;
/** So much longer an event waits for the rest of it while lines may come out of order: a sender pauses before it sends again. */
const DISORDER_WAIT_MS = 10_000;
/** Boots of one host whose mappers are kept. */
const MAPPERS_MAX = 2;

/** An event that was put together, as a document that is yet to be admitted. */
export interface MadeEvent {
  readonly id: string;
  readonly json: string;
  readonly records: readonly AuditRecord[];
}

interface DeskChange {
  readonly added: readonly { readonly key: string; readonly json: string }[];
  readonly stored: readonly string[];
  readonly removed: readonly string[];
}

export interface RecordDesk {
  /**
   * Begins a request: what came before it is what may be repeated. Where its lines may be out of order, an event is taken for whole by
   * what it announces only if it came in one piece behind another one; else it waits.
   */
  begin(isUnordered: boolean): void;
  /** Takes a record of the request; says whether it was known already. What it completed is in {@link RecordDesk.end}. */
  push(record: AuditRecord, nowMs: number): 'taken' | 'known';
  /** Ends the request: the events that are whole, or have waited long enough, and what has to be kept before it is acknowledged. */
  end(nowMs: number): { readonly made: readonly MadeEvent[]; readonly change: DeskChange };
  /** Stores what is open as it is, with the next `end`. */
  giveUp(nowMs: number): void;
  /** True when an event of the request began with what cannot begin one: what leads it is late, or was stored before. */
  readonly isDisordered: boolean;
  readonly openEvents: number;
  /** Of all that is held in memory. */
  readonly bytes: number;
}

interface Held {
  records: AuditRecord[];
  /** How many of them came with earlier requests. */
  earlier: number;
  /** How often each of those came; made when it is asked for. */
  counts: Map<string, number> | undefined;
  bytes: number;
  /** When the event was stored; undefined while it is open. */
  storedMs: number | undefined;
  /** The run of lines that it began in, behind the first of them; undefined where what leads it may be yet to come. */
  run: number | undefined;
}

/** A record's event; `node` holds the boot, where the line told it. */
function keyOf({ node = '', timeMs, serial }: Pick<AuditRecord, 'node' | 'timeMs' | 'serial'>): string {
  return `${node} ${timeMs} ${serial}`;
}

export function createRecordDesk(
  host: { readonly id: string; readonly name: string },
  kept: readonly OpenRecordsPart[],
  nowMs: number,
): RecordDesk {
  const reassembler = createReassembler({ ...DESK_LIMITS, expectsEoe: false, isEnriched: true, isUnordered: true });
  const mappers = new Map<string, { readonly mapper: EcsMapper; readonly names: LineNames }>();
  const held = new Map<string, Held>();
  let closed: AuditEvent[] = [];
  let seen = new Map<string, number>();
  let stored = new Set<string>();
  const removed = new Set<string>();
  let bytes = 0;
  let isUnordered = false;
  let isDisordered = false;
  /** Lines of one request whose serials do not step back: another piece of the log begins where they do. */
  let run = 0;
  let lastSerial: number | undefined;
  let graceUntilMs = kept.length > 0 ? nowMs + GRACE_MS : 0;

  const hold = (record: AuditRecord, inRun?: number): void => {
    const key = keyOf(record);
    const entry = held.get(key) ?? {
      records: [],
      earlier: 0,
      counts: undefined,
      bytes: 0,
      storedMs: undefined,
      run: inRun,
    };
    held.set(key, entry);
    entry.records.push(record);
    entry.bytes += record.text.length;
    bytes += record.text.length;
  };

  const drop = (key: string, entry: Held): void => {
    held.delete(key);
    bytes -= entry.bytes;
  };

  /** What an event took with it is no longer open; one that took several requests is remembered. */
  const settle = (event: AuditEvent, atMs: number): void => {
    const key = keyOf(event);
    const entry = held.get(key);
    if (entry === undefined || isAlone(event.records[0]?.type ?? EOE)) return;
    const taken = new Set(event.records);
    const left = entry.records.filter((record) => !taken.has(record));
    if (left.length > 0) {
      // The same serial began anew, or outgrew its limit: the rest is an event of its own.
      drop(key, entry);
      if (entry.earlier > 0) removed.add(key);
      for (const record of left) hold(record);
    } else if (entry.earlier === 0) drop(key, entry);
    else {
      entry.storedMs = atMs;
      stored.add(key);
    }
  };

  const take = (events: readonly AuditEvent[], atMs: number): void => {
    for (const event of events) {
      closed.push(event);
      settle(event, atMs);
    }
  };

  const forget = (atMs: number): void => {
    let count = 0;
    for (const entry of held.values()) if (entry.storedMs !== undefined) count += 1;
    for (const [key, entry] of held) {
      if (entry.storedMs === undefined) continue;
      if (count <= STORED_EVENTS_MAX && atMs - entry.storedMs < STORED_KEPT_MS) continue;
      count -= 1;
      drop(key, entry);
      stored.delete(key);
      removed.add(key);
    }
  };

  const countOf = (entry: Held, record: AuditRecord): number => {
    if (entry.counts === undefined) {
      entry.counts = new Map();
      for (const earlier of entry.records.slice(0, entry.earlier)) {
        const name = `${earlier.type} ${earlier.text}`;
        entry.counts.set(name, (entry.counts.get(name) ?? 0) + 1);
      }
    }
    return entry.counts.get(`${record.type} ${record.text}`) ?? 0;
  };

  const mapped = (event: AuditEvent): MadeEvent => {
    const bootId = event.node ?? '';
    const own = event.node === undefined ? event : withoutNode(event);
    const identity = { id: host.id, name: host.name, bootId };
    let source = mappers.get(bootId);
    if (source === undefined) {
      const names: LineNames = { users: new Map(), groups: new Map() };
      source = { names, mapper: createEcsMapper(identity, knowledgeOf(names)) };
      mappers.set(bootId, source);
      if (mappers.size > MAPPERS_MAX) mappers.delete(mappers.keys().next().value ?? '');
    }
    const { users, groups } = namesOf(event.records);
    source.names.users = users;
    source.names.groups = groups;
    return { id: eventIdOf(own, identity), json: source.mapper.toJson(own), records: event.records };
  };

  const restore = (): void => {
    for (const isStored of [true, false]) {
      for (const part of kept) {
        if (part.isStored !== isStored) continue;
        for (const record of recordsOfText(part.json)) {
          hold(record);
          reassembler.push(record, nowMs);
        }
      }
      // What was stored is closed again, so that what is late for it is known for a fragment.
      if (isStored) reassembler.end();
    }
    const storedKeys = new Set(kept.flatMap(({ key, isStored }) => (isStored ? [key] : [])));
    for (const [key, entry] of held) {
      entry.earlier = entry.records.length;
      if (storedKeys.has(key)) entry.storedMs = nowMs;
    }
  };
  restore();

  return {
    begin(isDoubted) {
      isUnordered = isDoubted;
      isDisordered = false;
      run += 1;
      lastSerial = undefined;
      closed = [];
      seen = new Map();
      stored = new Set();
      removed.clear();
    },
    push(record, atMs) {
      graceUntilMs = 0;
      if (lastSerial !== undefined && record.serial < lastSerial) {
        run += 1;
        lastSerial = undefined;
      }
      const inRun = lastSerial === undefined ? undefined : run;
      lastSerial = record.serial;
      const entry = held.get(keyOf(record));
      // Most events were closed by their last record: an end that finds nothing open has nothing to say.
      if (record.type === EOE && (entry === undefined || entry.storedMs !== undefined)) return 'known';
      if (entry !== undefined && entry.earlier > 0 && !isAlone(record.type)) {
        const name = `${keyOf(record)} ${record.type} ${record.text}`;
        const times = (seen.get(name) ?? 0) + 1;
        seen.set(name, times);
        if (times <= countOf(entry, record)) return 'known';
      }
      // A late record of an event that is stored makes a fragment, which is held by itself.
      if (entry?.storedMs !== undefined) {
        drop(keyOf(record), entry);
        removed.add(keyOf(record));
      }
      // No event begins with these.
      if (isAccompanying(record.type) && held.get(keyOf(record)) === undefined && record.type !== EOE)
        isDisordered = true;
      if (record.type !== EOE && !isAlone(record.type)) hold(record, inRun);
      take(reassembler.push(record, atMs), atMs);
      // auditd writes no EOE: what is whole is closed by one of ours.
      const open = held.get(keyOf(record));
      if (open === undefined || open.storedMs !== undefined || record.type === EOE) return 'taken';
      const isSure = record.type === PROCTITLE && open.earlier === 0 && open.run === run;
      if ((isSure || !(isUnordered || isDisordered)) && isWhole(open.records))
        take(reassembler.push({ ...record, type: EOE }, atMs), atMs);
      return 'taken';
    },
    end(atMs) {
      if (atMs >= graceUntilMs) take(reassembler.flush(atMs - (isUnordered ? DISORDER_WAIT_MS : 0)), atMs);
      forget(atMs);
      const added: { key: string; json: string }[] = [];
      for (const [key, entry] of held) {
        if (entry.records.length > entry.earlier) {
          added.push({ key, json: textOfRecords(entry.records.slice(entry.earlier)) });
          entry.earlier = entry.records.length;
          entry.counts = undefined;
        }
      }
      return { made: closed.map(mapped), change: { added, stored: [...stored], removed: [...removed] } };
    },
    giveUp(atMs) {
      take(reassembler.end(), atMs);
    },
    get isDisordered() {
      return isDisordered;
    },
    get openEvents() {
      return reassembler.openEvents;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** The event as its host knows it: the boot was never in its lines. */
function withoutNode(event: AuditEvent): AuditEvent {
  return { ...event, node: undefined, records: event.records.map((record) => ({ ...record, node: undefined })) };
}

function textOfRecords(records: readonly AuditRecord[]): string {
  return JSON.stringify(records.map(({ type, timeMs, serial, node, text }) => [type, timeMs, serial, text, node]));
}

function recordsOfText(json: string): readonly AuditRecord[] {
  const rows = JSON.parse(json) as [number, number, number, string, string | null][];
  return rows.map(([type, timeMs, serial, text, node]) => ({ type, timeMs, serial, text, node: node ?? undefined }));
}
