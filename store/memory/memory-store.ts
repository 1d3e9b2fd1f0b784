// The store of tests and short recordings: events in an array, nothing durable. It is the plainest reading of the port, so the
// others are compared with it.
import type { NewEvent, StoredEvent } from '../../event/document.ts';
import { compareOrder, type OrderKey, orderKeyOf } from '../../event/order.ts';
import { admit } from '../admission.ts';
import { formatCursor, parseCursor } from '../cursor.ts';
import { type AppendResult, type EventStore, StoreUnavailable } from '../port.ts';
import { createCount } from '../query/count.ts';
import { matcherOf } from '../query/matches.ts';
import { carryOut, planRetention } from '../retain.ts';
import { createWake } from '../wake.ts';

/** How many events it takes before it answers `overloaded`. */
const MEMORY_EVENTS_MAX = 2_000_000;

const SCAN_BATCH = 1_000;

interface Entry extends StoredEvent {
  readonly timestampMs: number;
  readonly bytes: number;
}

export function openMemoryStore(options: { readonly eventsMax?: number } = {}): EventStore {
  const eventsMax = options.eventsMax ?? MEMORY_EVENTS_MAX;
  const wake = createWake();
  let entries: Entry[] = [];
  const byId = new Map<string, Entry>();
  let lastSeq = 0;
  let isClosed = false;

  const assertOpen = (): void => {
    if (isClosed) throw new StoreUnavailable('closed', 'the store is closed');
  };

  const appendOne = (event: NewEvent): AppendResult => {
    const admission = admit(event);
    if (admission.kind === 'rejected') return admission;
    if (byId.has(event.id)) return { kind: 'duplicate' };
    const { json, timestampMs } = admission;
    // Parsed again: what comes back must not share objects with the caller.
    const entry: Entry = { id: event.id, document: JSON.parse(json), seq: ++lastSeq, timestampMs, bytes: json.length };
    entries.push(entry);
    byId.set(entry.id, entry);
    return { kind: 'created' };
  };

  const plain = ({ id, document }: NewEvent): NewEvent => ({ id, document });

  return {
    async append(batch) {
      assertOpen();
      if (entries.length + batch.length > eventsMax) {
        throw new StoreUnavailable('overloaded', `the memory store holds at most ${eventsMax} events`);
      }
      const results = batch.map(appendOne);
      wake.ring();
      return results;
    },

    async next(cursor, { limit, waitMs, signal }) {
      const after = parseCursor(cursor);
      assertOpen();
      if (lastSeq <= after) await wake.wait(waitMs, signal);
      const events: StoredEvent[] = [];
      for (let at = firstAfter(entries, after); at < entries.length && events.length < limit; at++) {
        const entry = entries[at];
        if (entry !== undefined) events.push({ ...plain(entry), seq: entry.seq });
      }
      return { events, cursor: formatCursor(events.at(-1)?.seq ?? after) };
    },

    async end() {
      assertOpen();
      return formatCursor(lastSeq);
    },

    async *scan(range, scanOptions = {}) {
      assertOpen();
      const matches = matcherOf(scanOptions.query ?? { kind: 'all' });
      const found: { key: OrderKey; entry: Entry }[] = [];
      for (const entry of entries) {
        const key = orderKeyOf(entry.id, entry.document);
        if (key.createdMs >= range.fromMs && key.createdMs < range.untilMs && matches(entry.document, entry.id)) {
          found.push({ key, entry });
        }
      }
      found.sort((a, b) => compareOrder(a.key, b.key));
      for (let at = 0; at < found.length; at += SCAN_BATCH) {
        scanOptions.signal?.throwIfAborted();
        yield found.slice(at, at + SCAN_BATCH).map(({ entry }) => plain(entry));
      }
    },

    async search({ query, range, limit, oldestFirst, signal }) {
      assertOpen();
      signal?.throwIfAborted();
      const matches = matcherOf(query);
      const found = entries.filter(
        (entry) =>
          entry.timestampMs >= range.fromMs && entry.timestampMs < range.untilMs && matches(entry.document, entry.id),
      );
      found.sort((a, b) => a.timestampMs - b.timestampMs || a.seq - b.seq);
      if (oldestFirst !== true) found.reverse();
      return { events: found.slice(0, limit).map(plain), total: found.length, isTotalExact: true };
    },

    async aggregate(request) {
      assertOpen();
      request.signal?.throwIfAborted();
      const { query, range } = request;
      const matches = matcherOf(query);
      const count = createCount(request);
      for (const { id, document, timestampMs } of entries) {
        if (timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document, id))
          count.event(document, timestampMs);
      }
      return count.result();
    },

    async get(id) {
      assertOpen();
      return byId.get(id)?.document;
    },

    async retain(request) {
      assertOpen();
      const readSeq = request.follower === undefined ? Number.POSITIVE_INFINITY : parseCursor(request.follower.cursor);
      const partitions = entries.map((entry) => {
        const { id: name, bytes, timestampMs, seq } = entry;
        const isUnread = seq > readSeq;
        const { createdMs, hostId } = orderKeyOf(entry.id, entry.document);
        const ageMs = Math.min(timestampMs, createdMs);
        return { name, events: 1, bytes, fromMs: timestampMs, toMs: timestampMs, ageMs, isUnread, createdMs, hostId };
      });
      const plan = await planRetention(partitions, bytesOf(entries), {
        ...request,
        isHeld: ({ fromMs, createdMs, hostId }, hold) =>
          (hold.hostId === undefined || hold.hostId === hostId) &&
          [fromMs, createdMs].some((ms) => ms >= hold.fromMs && ms < hold.untilMs),
      });
      try {
        return await carryOut(plan, request, async ({ name }) => byId.delete(name));
      } finally {
        entries = entries.filter((entry) => byId.has(entry.id));
      }
    },

    async statistics() {
      assertOpen();
      const times = entries.map((entry) => entry.timestampMs);
      return {
        kind: 'memory',
        events: entries.length,
        bytes: bytesOf(entries),
        oldestMs: times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b)),
        newestMs: times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b)),
        pending: 0,
      };
    },

    async close() {
      isClosed = true;
      wake.ring();
    },
  };
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.bytes, 0);
}

/** Index of the first entry with a greater number; entries stand in ascending order. */
function firstAfter(entries: readonly Entry[], seq: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.seq ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
