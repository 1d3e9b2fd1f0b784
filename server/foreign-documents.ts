// What other shippers send, before it is admitted: raw audit lines become events (record-desk.ts), everything else a document that can
// be stored. A request with records may leave events open; what it leaves is durable before it is acknowledged (docs/decisions/0024),
// so a kill loses nothing of it, and the rest of the event finds it again.

import type { AuditRecord } from '../audit/event.ts';
import { type ForeignRecords, recordsOfDocument } from '../audit/foreign-document.ts';
import { EOE } from '../audit/tables/record-type.ts';
import type { AppendResult } from '../store/port.ts';
import type { OpenRecordsPort } from '../store/state/state-port.ts';
import type { BulkDocument, BulkItem } from './bulk-reader.ts';
import { isForeign, shaped } from './foreign-shape.ts';
import { createRecordDesk, GRACE_MS, type MadeEvent, type RecordDesk } from './record-desk.ts';

/** Bytes that all hosts' desks hold together; past them a host's open events are stored as they are, and flagged. */
const DESKS_BYTES_MAX: number = 64 * 1024 * 1024;
/** Hosts whose desks stay in memory though nothing is open there. */
const IDLE_DESKS_MAX = 256;

/** So long after the last sign of it a host's lines are taken to come out of order. */
const UNORDERED_MS = 60_000;

/** How an item went whose records are part of an event: 201 as soon as they are kept. */
interface RecordsOutcome {
  readonly id: string | undefined;
  readonly result: AppendResult;
}

/** A request of one host. */
export interface Taking {
  /** To be admitted: the request's own documents by their place, then those that were made of records, with the places after. */
  readonly documents: readonly { readonly at: number; readonly item: BulkDocument }[];
  /** Items that are refused before they are read further. */
  readonly refused: ReadonlyMap<number, string>;
  /**
   * Keeps what is open, durably, and says how each item with records went: `results` of the made documents, in their order. Throws
   * where nothing can be kept; then, and whenever the documents were not stored, `drop` has to be called.
   */
  settle(results: readonly (AppendResult | undefined)[]): ReadonlyMap<number, RecordsOutcome>;
  /** The request came to nothing: its sender will send it again. */
  drop(): void;
}

export interface ForeignDocuments {
  /** Takes a host's request; undefined where there is nothing of another shipper in it. Calls of one host follow each other. */
  take(
    host: { readonly id: string; readonly name: string },
    items: readonly BulkItem[],
    nowMs: number,
  ): Taking | undefined;
  /** A request of the host was put off: its open events are given time until it is sent again. */
  putOff(hostId: string, nowMs: number): void;
  /** Hosts with open events: a `take` without items stores those that have waited long enough. */
  waiting(): readonly string[];
}

interface ItemRecords {
  readonly at: number;
  readonly records: readonly AuditRecord[];
  readonly known: number;
}

export function createForeignDocuments(port: OpenRecordsPort): ForeignDocuments {
  /** By host, the one that spoke last at the end. */
  const desks = new Map<string, RecordDesk>();
  const unread = new Set<string>(port.hosts());
  /** Hosts whose last request was put off: they are given time to send it again. */
  const putOff = new Map<string, number>();
  /** Hosts whose lines came out of order, or may: what was not taken, rsyslog puts at the end of its queue. Until when it may. */
  const unordered = new Map<string, number>();
  /** Hosts that spoke to the server before it was started anew, and not yet since: what was under way was not taken. */
  const returning = new Set<string>(unread);

  const mayBeUnordered = (hostId: string, nowMs: number): boolean => {
    if ((unordered.get(hostId) ?? 0) > nowMs) return true;
    unordered.delete(hostId);
    return false;
  };

  const deskOf = (host: { readonly id: string; readonly name: string }, nowMs: number): RecordDesk => {
    const known = desks.get(host.id);
    const desk = known ?? createRecordDesk(host, port.of(host.id), nowMs);
    unread.delete(host.id);
    desks.delete(host.id);
    desks.set(host.id, desk);
    return desk;
  };

  /** Desks where nothing is open are made again from what is kept, whenever their host speaks. */
  const forgetIdle = (): void => {
    if (desks.size <= IDLE_DESKS_MAX) return;
    for (const [hostId, desk] of desks) {
      if (desks.size <= IDLE_DESKS_MAX) return;
      if (desk.openEvents === 0) desks.delete(hostId);
    }
  };

  const bytes = (): number => {
    let sum = 0;
    for (const desk of desks.values()) sum += desk.bytes;
    return sum;
  };

  return {
    take(host, items, nowMs) {
      const documents: { at: number; item: BulkDocument }[] = [];
      const refused = new Map<number, string>();
      const withRecords: { at: number; found: ForeignRecords }[] = [];
      let isAnyForeign = false;
      for (const [at, item] of items.entries()) {
        if (item.kind === 'refused') continue;
        if (!isForeign(item, host.id)) {
          documents.push({ at, item });
          continue;
        }
        isAnyForeign = true;
        const found = recordsOfDocument(item.document);
        if (found === undefined) documents.push({ at, item: shaped(item, host.id) });
        else {
          const stranger = strangerIn(found, host);
          if (stranger === undefined) withRecords.push({ at, found });
          else refused.set(at, `the record is of the host ${stranger}, and the token is of ${host.name}`);
        }
      }
      const isSweep = items.length === 0;
      if (isSweep && (putOff.get(host.id) ?? 0) > nowMs) return undefined;
      if (withRecords.length === 0 && !isSweep) {
        if (!isAnyForeign) return undefined;
        return { documents, refused, settle: () => new Map(), drop: () => undefined };
      }

      const desk = deskOf(host, nowMs);
      if (!isSweep && returning.delete(host.id)) unordered.set(host.id, nowMs + UNORDERED_MS);
      desk.begin(mayBeUnordered(host.id, nowMs));
      const read: ItemRecords[] = [];
      for (const { at, found } of withRecords) {
        const records = found.records.map((record) => ({ ...record, node: found.origin.bootId }));
        let known = 0;
        for (const record of records) {
          if (desk.push(record, nowMs) === 'known' && record.type !== EOE) known += 1;
        }
        read.push({ at, records, known });
      }
      if (bytes() > DESKS_BYTES_MAX) desk.giveUp(nowMs);
      const { made, change } = desk.end(nowMs);
      if (desk.isDisordered) unordered.set(host.id, nowMs + UNORDERED_MS);
      for (const [number, event] of made.entries())
        documents.push({ at: items.length + number, item: documentOf(event) });

      return {
        documents,
        refused,
        settle(results) {
          if (change.added.length + change.stored.length + change.removed.length > 0) port.change(host.id, change);
          putOff.delete(host.id);
          forgetIdle();
          return outcomesOf(read, made, results);
        },
        drop() {
          // What was read is forgotten with the desk; what was kept before is kept.
          desks.delete(host.id);
          unread.add(host.id);
          putOff.set(host.id, nowMs + GRACE_MS);
          unordered.set(host.id, nowMs + UNORDERED_MS);
        },
      };
    },
    putOff(hostId, nowMs) {
      unordered.set(hostId, nowMs + UNORDERED_MS);
      if (desks.has(hostId) || unread.has(hostId)) putOff.set(hostId, nowMs + GRACE_MS);
    },
    waiting() {
      const open = [...desks].flatMap(([hostId, desk]) => (desk.openEvents > 0 ? [hostId] : []));
      return [...open, ...unread];
    },
  };
}

/** {@link Taking.settle}; a request that cannot be settled came to nothing. */
export function settleOrDrop(taking: Taking | undefined, made: readonly AppendResult[]): ReturnType<Taking['settle']> {
  try {
    return taking?.settle(made) ?? new Map();
  } catch (error) {
    taking?.drop();
    throw error;
  }
}

/** The name of another host, where the lines or their document tell one. */
function strangerIn({ records, origin }: ForeignRecords, host: { readonly id: string; readonly name: string }) {
  for (const name of [origin.name, ...records.map(({ node }) => node)]) {
    if (name !== undefined && !isOwnName(name, host)) return name;
  }
  return undefined;
}

function isOwnName(name: string, host: { readonly id: string; readonly name: string }): boolean {
  const short = (text: string) => (text.split('.')[0] ?? text).toLowerCase();
  return (
    name === host.id ||
    short(name) === short(host.name) ||
    short(name) === short(host.id) ||
    short(name) === 'localhost'
  );
}

function documentOf({ id, json }: MadeEvent): BulkDocument {
  const document = JSON.parse(json) as Record<string, unknown>;
  return { kind: 'document', action: 'create', index: undefined, id, document, source: undefined };
}

/** An item went as the event went that its last record is part of; where that is still open, it is kept. */
function outcomesOf(
  read: readonly ItemRecords[],
  made: readonly MadeEvent[],
  results: readonly (AppendResult | undefined)[],
): ReadonlyMap<number, RecordsOutcome> {
  const numbers = new Map<AuditRecord, number>();
  for (const [number, event] of made.entries()) for (const record of event.records) numbers.set(record, number);
  const outcomes = new Map<number, RecordsOutcome>();
  for (const { at, records, known } of read) {
    const number = records.reduce<number | undefined>((last, record) => numbers.get(record) ?? last, undefined);
    const result = number === undefined ? undefined : results[number];
    const isRepeat = known > 0 && known === records.filter(({ type }) => type !== EOE).length;
    outcomes.set(at, {
      id: number === undefined ? undefined : made[number]?.id,
      result: result ?? { kind: isRepeat ? 'duplicate' : 'created' },
    });
  }
  return outcomes;
}
