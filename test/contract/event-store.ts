// The one suite that every adapter of store/port.ts passes. What a store may do differently (nothing, so far) would be an
// option here with its reason.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventDocument, fieldOf, type NewEvent, type StoredEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import { type Cursor, type EventStore, StoreUnavailable } from '../../store/port.ts';
import { createCount } from '../../store/query/count.ts';
import { matcherOf, matchesQuery } from '../../store/query/matches.ts';
import { parseQuery } from '../../store/query/parse.ts';
import type { Query } from '../../store/query/query.ts';
import { valuesOf } from '../../store/query/values.ts';
import { documents, hostileEvents, queries, START_MS, sampleEvent, shapes, views } from './event-samples.ts';
import { CASE_EVENTS, CASES_NOW_MS, QUERY_CASES } from './query-cases.ts';

export interface StoreUnderTest {
  readonly store: EventStore;
  /** Brings every event to its final place, so that reads come from there. */
  settle(): Promise<void>;
  /** Closes the store and removes what it kept. */
  remove(): Promise<void>;
}

export interface ContractOptions {
  /** Rounds of the random tests. */
  readonly runs: number;
  /** Why two cursors may meet the events in different orders; undefined where there is one order for all. */
  readonly severalOrders?: string;
}

const DAY_MS = 86_400_000;
/** How long a follower may be asked to wait: less than a test may take, more than a busy machine needs to store an event. */
const WAIT_MS = 200_000;
const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

export function eventStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  { runs, severalOrders }: ContractOptions,
): void {
  describe(`${name}: the event store contract`, () => {
    let subject: StoreUnderTest;
    let store: EventStore;
    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(async () => {
      await subject.remove();
    });

    const readAll = async (from: Cursor | undefined, limit = 100): Promise<StoredEvent[]> => {
      const events: StoredEvent[] = [];
      let cursor = from;
      for (;;) {
        const batch = await store.next(cursor, { limit, waitMs: 0 });
        expect(batch.events.length).toBeLessThanOrEqual(limit);
        if (batch.events.length === 0) return events;
        events.push(...batch.events);
        cursor = batch.cursor;
      }
    };
    const scanAll = async (...args: Parameters<EventStore['scan']>): Promise<NewEvent[]> => {
      const events: NewEvent[] = [];
      for await (const batch of store.scan(...args)) events.push(...batch);
      return events;
    };

    /** An event for each document; the first half is settled before the second comes. */
    const appendInHalves = async (to: StoreUnderTest, made: readonly EventDocument[]) => {
      const events = made.map((document, n) => ({
        id: `r${n}`,
        document: { '@timestamp': new Date(START_MS + n * 7_200_000).toISOString(), ...document },
      }));
      const half = events.length >> 1;
      await to.store.append(events.slice(0, half));
      await to.settle();
      await to.store.append(events.slice(half));
      return events;
    };

    it('answers per event in the order of the batch, and stores a repeated id once', async () => {
      const [a, b, c] = [sampleEvent(1), sampleEvent(2), sampleEvent(3)] as const;
      expect(await store.append([a, b, a])).toEqual([{ kind: 'created' }, { kind: 'created' }, { kind: 'duplicate' }]);
      expect(await store.append([b, c])).toEqual([{ kind: 'duplicate' }, { kind: 'created' }]);
      await subject.settle();
      expect(await store.append([c, a, b])).toEqual([
        { kind: 'duplicate' },
        { kind: 'duplicate' },
        { kind: 'duplicate' },
      ]);
      expect((await readAll(undefined)).map((event) => event.id)).toEqual([a.id, b.id, c.id]);
      expect(await store.append([])).toEqual([]);
    });

    it('keeps the first content of an id', async () => {
      await store.append([sampleEvent(1)]);
      await store.append([sampleEvent(1, { message: 'other' })]);
      await subject.settle();
      expect(await store.get(sampleEvent(1).id)).toEqual(sampleEvent(1).document);
    });

    it('refuses alone what it can never store, and says why', async () => {
      let deep: unknown = 'x';
      for (let level = 0; level < 500; level++) deep = { deep };
      const refused: NewEvent[] = [
        { id: '', document: sampleEvent(1).document },
        { id: 'x'.repeat(513), document: sampleEvent(1).document },
        { id: 'a\nb', document: sampleEvent(1).document },
        { id: 'no-time', document: { message: 'x' } },
        { id: 'bad-time', document: { '@timestamp': 'soon' } },
        { id: 'far-time', document: { '@timestamp': '9999-01-01T00:00:00Z' } },
        { id: 'deep', document: sampleEvent(1, { deep }).document },
      ];
      const results = await store.append([sampleEvent(1), ...refused, sampleEvent(2)]);
      expect(results.map((result) => result.kind)).toEqual(['created', ...refused.map(() => 'rejected'), 'created']);
      for (const result of results) if (result.kind === 'rejected') expect(result.reason).not.toBe('');
      expect(await readAll(undefined)).toHaveLength(2);
    });

    it('gives back what went in, however hostile: before and after it reached its final place', async () => {
      const events = hostileEvents();
      const results = await store.append(events);
      expect(results.map((result) => result.kind)).toEqual(events.map(() => 'created'));
      for (const event of events) expect(await store.get(event.id)).toEqual(event.document);
      await subject.settle();
      for (const event of events) {
        const found = await store.get(event.id);
        expect(found).toEqual(event.document);
        expect(sortedJson(found)).toBe(sortedJson(event.document));
      }
      const followed = await readAll(undefined, 5);
      const plain = followed.map(({ id, document }) => ({ id, document }));
      if (severalOrders === undefined) expect(plain).toEqual(events);
      else
        expect(new Map(plain.map((event) => [event.id, event]))).toEqual(
          new Map(events.map((event) => [event.id, event])),
        );
      expect(plain).toHaveLength(events.length);
      const scanned = await scanAll(ALL_TIME);
      expect(new Set(scanned.map((event) => sortedJson(event.document)))).toEqual(
        new Set(events.map((event) => sortedJson(event.document))),
      );
      expect((await store.append(events)).map((result) => result.kind)).toEqual(events.map(() => 'duplicate'));
      expect({}).not.toHaveProperty('polluted');
    });

    it('knows no event that was not stored', async () => {
      expect(await store.get('absent')).toBeUndefined();
      expect(await store.get("' OR 1=1 --")).toBeUndefined();
      expect(await readAll(undefined)).toEqual([]);
      expect(await scanAll(ALL_TIME)).toEqual([]);
      expect(await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 10 })).toMatchObject({
        events: [],
        total: 0,
      });
    });

    it('gives every event exactly once per cursor while several append and read', async () => {
      const writers = 4;
      const batches = 12;
      const size = 9;
      const total = writers * batches * size;
      const write = async (writer: number): Promise<void> => {
        for (let batch = 0; batch < batches; batch++) {
          const first = (writer * batches + batch) * size;
          const events = Array.from({ length: size }, (_, n) => sampleEvent(first + n));
          await store.append(events);
          // Every batch is sent twice, as a shipper does that missed the answer.
          if (batch % 3 === 0) await store.append(events);
        }
      };
      const read = async (limit: number): Promise<StoredEvent[]> => {
        const events: StoredEvent[] = [];
        let cursor: Cursor | undefined;
        for (let rounds = 0; events.length < total && rounds < 10_000; rounds++) {
          const batch = await store.next(cursor, { limit, waitMs: 500 });
          events.push(...batch.events);
          cursor = batch.cursor;
        }
        const end = await store.next(cursor, { limit, waitMs: 0 });
        expect(end).toEqual({ events: [], cursor });
        return events;
      };
      const [slow, fast] = await Promise.all([
        read(7),
        read(100),
        ...Array.from({ length: writers }, (_, writer) => write(writer)),
      ]);
      for (const events of [slow, fast]) {
        expect(new Set(events?.map((event) => event.id)).size).toBe(total);
        expect(events).toHaveLength(total);
      }
      await subject.settle();
      const again = (await readAll(undefined, 50)).map((event) => event.id);
      const before = slow?.map((event) => event.id) ?? [];
      if (severalOrders === undefined) expect(again).toEqual(before);
      else expect([...again].sort()).toEqual([...before].sort());
    });

    it('numbers events in arrival order, and a cursor taken anywhere goes on right after', async () => {
      for (let n = 0; n < 30; n += 10) {
        await store.append(Array.from({ length: 10 }, (_, at) => sampleEvent(n + at)));
        if (n === 10) await subject.settle();
      }
      const first = await store.next(undefined, { limit: 13, waitMs: 0 });
      const rest = await readAll(first.cursor, 4);
      const seqs = [...first.events, ...rest].map((event) => event.seq);
      expect(seqs).toHaveLength(30);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(seqs[0]).toBeGreaterThan(0);
    });

    it('gives from its end only what comes later', async () => {
      const empty = await store.end();
      await store.append([sampleEvent(1), sampleEvent(2)]);
      expect(await readAll(empty)).toHaveLength(2);
      await subject.settle();
      const end = await store.end();
      expect(await readAll(end)).toEqual([]);
      await store.append([sampleEvent(3)]);
      expect((await readAll(end)).map((event) => event.id)).toEqual([sampleEvent(3).id]);
    });

    it('wakes a waiting follower when an event comes, when time is up, and when it is called off', async () => {
      const waiting = store.next(undefined, { limit: 10, waitMs: WAIT_MS });
      await store.append([sampleEvent(1)]);
      const batch = await waiting;
      expect(batch.events.map((event) => event.id)).toEqual([sampleEvent(1).id]);
      const none = await store.next(batch.cursor, { limit: 10, waitMs: 5 });
      expect(none).toEqual({ events: [], cursor: batch.cursor });
      const calledOff = new AbortController();
      const aborted = store.next(batch.cursor, { limit: 10, waitMs: WAIT_MS, signal: calledOff.signal });
      calledOff.abort();
      expect(await aborted).toEqual({ events: [], cursor: batch.cursor });
    });

    it('scans by event.created, from inclusive and until exclusive, in reference order', async () => {
      const at = (ms: number): string => new Date(START_MS + ms).toISOString();
      const make = (id: string, ms: number, host: string, boot: string, position: number): NewEvent => ({
        id,
        document: {
          // Seen by people a day and more apart, so that they lie in several partitions.
          '@timestamp': new Date(START_MS - position * 50_000_000).toISOString(),
          event: { created: at(ms) },
          host: { id: host, boot: { id: boot } },
          vedette: { position },
        },
      });
      const events = [
        make('e9', 5, 'h2', 'b1', 1),
        make('e8', 5, 'h1', 'b2', 1),
        make('e7', 5, 'h1', 'b1', 10),
        make('e6', 5, 'h1', 'b1', 2),
        make('e5', 5, 'h1', 'b1', 2),
        make('e4', 4, 'h9', 'b9', 0),
        make('e3', 9, 'h1', 'b1', 11),
        make('e2', 10, 'h1', 'b1', 12),
        make('e1', 3, 'h1', 'b1', 0),
      ];
      await store.append(events.slice(0, 5));
      await subject.settle();
      await store.append(events.slice(5));
      const range = { fromMs: START_MS + 4, untilMs: START_MS + 10 };
      expect((await scanAll(range)).map((event) => event.id)).toEqual(['e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'e3']);
      const query = { kind: 'equals', field: 'host.boot.id', value: 'b1' } as const;
      expect((await scanAll(range, { query })).map((event) => event.id)).toEqual(['e5', 'e6', 'e7', 'e9', 'e3']);
    });

    it('scans for a few fields: they are as they were sent, of the events that the query means', async () => {
      const events = [...hostileEvents(), ...Array.from({ length: 20 }, (_, n) => sampleEvent(n))];
      await store.append(events);
      await subject.settle();
      const query = { kind: 'not', query: { kind: 'equals', field: 'user.name', value: 'x' } } as const;
      for (const fields of [['process.name', 'process.args', 'process.pid'], ['message'], ['auditd.paths.name'], []]) {
        const told = new Map<string, unknown>();
        for (const { id, document } of await scanAll(ALL_TIME, { query, fields })) {
          told.set(
            id,
            fields.map((field) => fieldOf(document, field)),
          );
          expect(orderKeyOf(id, document)).toEqual(
            orderKeyOf(id, events.find((event) => event.id === id)?.document ?? {}),
          );
        }
        expect([...told].sort()).toEqual(
          events.map(({ id, document }) => [id, fields.map((field) => fieldOf(document, field))]).sort(),
        );
      }
    });

    it('searches for a few fields: they are as they were sent, of the events that the query means', async () => {
      const events = [...hostileEvents(), ...Array.from({ length: 20 }, (_, n) => sampleEvent(n))];
      await store.append(events.slice(0, -5));
      await subject.settle();
      await store.append(events.slice(-5));
      const queries: readonly Query[] = [
        { kind: 'all' },
        { kind: 'exists', field: 'process.name' },
        { kind: 'not', query: { kind: 'equals', field: 'user.name', value: 'x' } },
        { kind: 'not', query: { kind: 'equals', field: 'no.column', value: 'x' } },
      ];
      const asked = [
        ['@timestamp', 'process.name', 'process.args', 'process.pid', 'process.entity_id', 'event.original'],
        ['process.name', 'process.title', 'auditd.paths.name'],
        ['message', 'process'],
        ['auditd.paths', 'process.args.x', 'tags', '__proto__', 'a.b'],
        [],
      ];
      const toldOf = (all: Iterable<NewEvent>, fields: readonly string[]): readonly unknown[] =>
        [...all]
          .map(({ id, document }) => [id, fields.map((field) => [fieldOf(document, field), valuesOf(document, field)])])
          .sort();
      for (const query of queries) {
        const meant = events.filter(({ id, document }) => matcherOf(query)(document, id));
        for (const fields of asked) {
          const found = await store.search({ query, range: ALL_TIME, limit: 1_000, fields });
          expect(toldOf(found.events, fields)).toEqual(toldOf(meant, fields));
        }
      }
    });

    it('stops a scan that is called off', async () => {
      await store.append([sampleEvent(1)]);
      const calledOff = new AbortController();
      calledOff.abort();
      await expect(scanAll(ALL_TIME, { signal: calledOff.signal })).rejects.toThrow();
    });

    it('searches by @timestamp, newest first or oldest first, from inclusive and until exclusive, at most the limit', async () => {
      const events = Array.from({ length: 40 }, (_, n) =>
        sampleEvent(n * 3_600, { process: { name: n % 2 === 0 ? 'bash' : 'curl' } }),
      );
      await store.append(events.slice(0, 30));
      await subject.settle();
      await store.append(events.slice(30));
      const range = { fromMs: START_MS + 5 * 3_600_000, untilMs: START_MS + 35 * 3_600_000 };
      const idsOf = (from: number, until: number): string[] => events.slice(from, until).map((event) => event.id);
      const newest = await store.search({ query: { kind: 'all' }, range, limit: 8 });
      expect(newest.events.map((event) => event.id)).toEqual(idsOf(27, 35).reverse());
      expect(newest.total).toBeGreaterThanOrEqual(8);
      if (newest.isTotalExact) expect(newest.total).toBe(30);
      const oldest = await store.search({ query: { kind: 'all' }, range, limit: 100, oldestFirst: true });
      expect(oldest.events.map((event) => event.id)).toEqual(idsOf(5, 35));
      expect(oldest).toMatchObject({ total: 30, isTotalExact: true });
      const bash = await store.search({
        query: { kind: 'equals', field: 'process.name', value: 'BASH' },
        range,
        limit: 3,
      });
      expect(bash.events.map((event) => event.id)).toEqual([34, 32, 30].map((n) => events[n]?.id));
    });

    it('finds by search and scan exactly the events that the query means', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(documents, { minLength: 8, maxLength: 20 }),
          fc.array(fc.record({ query: queries, fields: views }), { minLength: 15, maxLength: 15 }),
          async (made, asked) => {
            const own = await open();
            try {
              const events = await appendInHalves(own, made);
              const documentOf = new Map(events.map(({ id, document }) => [id, document]));
              for (const { query, fields } of asked) {
                const meant = events.filter((event) => matchesQuery(query, event.document)).map((event) => event.id);
                const view = fields === undefined ? {} : { fields };
                const all = { query, range: ALL_TIME, limit: 1_000, oldestFirst: true };
                const found = await own.store.search({ ...all, ...view });
                expect(found.events.map((event) => event.id)).toEqual(meant);
                expect(found).toMatchObject({ total: meant.length, isTotalExact: true });
                const scanned: NewEvent[] = [];
                for await (const batch of own.store.scan(ALL_TIME, { query, ...view })) scanned.push(...batch);
                expect(scanned.map((event) => event.id).sort()).toEqual([...meant].sort());
                for (const { id, document } of [...found.events, ...scanned]) {
                  const sent = documentOf.get(id) ?? {};
                  if (fields === undefined) expect(document).toEqual(sent);
                  for (const field of fields ?? []) {
                    expect(fieldOf(document, field)).toEqual(fieldOf(sent, field));
                    expect(valuesOf(document, field)).toEqual(valuesOf(sent, field));
                  }
                }
                const keys = scanned.map((event) => orderKeyOf(event.id, event.document));
                expect(keys).toEqual([...keys].sort(compareOrder));
              }
            } finally {
              await own.remove();
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('finds what people type', async () => {
      await store.append(CASE_EVENTS.slice(0, 3));
      await subject.settle();
      await store.append(CASE_EVENTS.slice(3));
      const found: string[] = [];
      for (const [text] of QUERY_CASES) {
        const parsed = parseQuery(text, CASES_NOW_MS);
        if (!parsed.ok) throw new Error(`${text}: ${parsed.diagnostic.message}`);
        const { events } = await store.search({ query: parsed.query, range: ALL_TIME, limit: 100, oldestFirst: true });
        found.push(`${text} => ${events.map(({ id }) => id).join(' ')}`);
        const counted = await store.aggregate({ query: parsed.query, range: ALL_TIME, groupBy: [], limit: 1 });
        expect(counted.events, text).toBe(events.length);
      }
      expect(found).toEqual(QUERY_CASES.map(([text, ids]) => `${text} => ${ids}`));
    });

    it('counts by values, by time and by distinct values exactly what the query means', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(documents, { minLength: 8, maxLength: 20 }),
          fc.array(fc.tuple(queries, shapes), { minLength: 15, maxLength: 15 }),
          async (made, asked) => {
            const own = await open();
            try {
              const events = await appendInHalves(own, made);
              const range = { fromMs: START_MS + 1, untilMs: Number.POSITIVE_INFINITY };
              for (const [query, shape] of asked) {
                const count = createCount(shape);
                for (const { document } of events) {
                  const timestampMs = Date.parse(document['@timestamp']);
                  if (timestampMs >= range.fromMs && matchesQuery(query, document)) count.event(document, timestampMs);
                }
                expect(await own.store.aggregate({ query, range, ...shape })).toEqual(count.result());
              }
            } finally {
              await own.remove();
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('counts hostile values, and lists however long, as what they are', async () => {
      const events = [
        ...hostileEvents(),
        sampleEvent(1, { process: { name: '\ufeffbash', args: ['\ufeff', '', 'a', 'a'], tty: '\ud800' } }),
        sampleEvent(2, { process: { name: 'bash', args: ['a'], tty: 'pts0' } }),
      ];
      await store.append(events);
      await subject.settle();
      for (const [groupBy, distinct] of [
        [['process.name'], ['process.args']],
        [['process.args'], ['process.name', 'process.tty']],
        [['process.args', 'tags'], undefined],
        [['process.tty'], ['host.id']],
        [['auditd.paths.name'], ['__proto__']],
        [['__proto__', "quo'te"], undefined],
        [['event.created'], ['process.pid', 'vedette.position']],
      ] as const) {
        const shape = { groupBy, limit: 5_000, ...(distinct === undefined ? {} : { distinct }) };
        const count = createCount(shape);
        for (const { document } of events) count.event(document, 0);
        expect(await store.aggregate({ query: { kind: 'all' }, range: ALL_TIME, ...shape })).toEqual(count.result());
      }
    });

    it('drops only what is older, says how many, and goes on serving the rest', async () => {
      const old = Array.from({ length: 5 }, (_, n) => sampleEvent(-20 * 86_400 + n));
      const young = Array.from({ length: 5 }, (_, n) => sampleEvent(n));
      await store.append([...old, ...young]);
      await subject.settle();
      const beforeMs = START_MS - 10 * DAY_MS;
      expect(eventsIn((await store.retain({ beforeMs })).dropped)).toBe(5);
      expect(eventsIn((await store.retain({ beforeMs })).dropped)).toBe(0);
      expect((await readAll(undefined)).map((event) => event.id)).toEqual(young.map((event) => event.id));
      expect(await store.get(old[0]?.id ?? '')).toBeUndefined();
      expect((await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 100 })).events).toHaveLength(5);
      expect((await store.statistics()).events).toBe(5);
    });

    it('drops nothing unread: the follower gets it all the same, or is told what it missed', async () => {
      const read = sampleEvent(-21 * 86_400);
      const old = Array.from({ length: 5 }, (_, n) => sampleEvent(-20 * 86_400 + n));
      await store.append([read]);
      const { cursor } = await store.next(undefined, { limit: 10, waitMs: 0 });
      await store.append(old);
      await subject.settle();
      const beforeMs = START_MS - 10 * DAY_MS;
      const first = await store.retain({ beforeMs, follower: { cursor } });
      const followed = await readAll(cursor);
      if (first.unread === undefined) {
        // What was missed is stored as an event when the follower looks.
        const datasets = (await readAll(cursor)).map(({ document }) => fieldOf(document, 'event.dataset'));
        expect(datasets).toContain('vedette.loss');
        return;
      }
      expect(eventsIn(first.unread)).toBeGreaterThanOrEqual(5);
      expect(followed.map(({ id }) => id)).toEqual(old.map(({ id }) => id));
      await store.retain({ beforeMs, follower: { cursor: await store.end() } });
      expect((await store.statistics()).events).toBe(0);
    });

    it('drops the oldest where there are too many bytes, and no more of them than need be', async () => {
      const days = [-20, -15, -10, 0].map((day) => sampleEvent(day * 86_400));
      await store.append(days);
      await subject.settle();
      const found = async (): Promise<string[]> => {
        const request = { query: { kind: 'all' } as const, range: ALL_TIME, limit: 100, oldestFirst: true };
        return (await store.search(request)).events.map((event) => event.id);
      };
      const { bytes } = await store.statistics();
      expect(await store.retain({ bytesMax: bytes * 2 })).toEqual({ dropped: [], held: [], excessBytes: 0 });
      const { dropped, excessBytes } = await store.retain({ bytesMax: bytes - 1 });
      expect(dropped).toMatchObject([{ events: 1, why: 'bytes' }]);
      expect(excessBytes).toBe(0);
      expect(await found()).toEqual(days.slice(1).map((event) => event.id));
      const all = await store.retain({ bytesMax: 0, keepFromMs: START_MS - 12 * DAY_MS });
      expect(eventsIn(all.dropped)).toBe(1);
      expect(all.excessBytes).toBeGreaterThan(0);
      expect(await found()).toEqual(days.slice(2).map((event) => event.id));
    });

    it('drops nothing that a hold is on, by either time and by host, and names what it kept', async () => {
      const old = sampleEvent(-20 * 86_400, { host: { id: 'host-a' } });
      const other = sampleEvent(-25 * 86_400, { host: { id: 'host-b' } });
      await store.append([old, other, sampleEvent(0)]);
      await subject.settle();
      const at = START_MS - 20 * DAY_MS;
      const around = { fromMs: at - 1, untilMs: at + 3_600_000 };
      const everywhere = { fromMs: Number.NEGATIVE_INFINITY, untilMs: at };
      const first = await store.retain({
        beforeMs: START_MS - DAY_MS,
        bytesMax: 0,
        keepFromMs: START_MS - DAY_MS,
        holds: [{ ...everywhere, hostId: 'host-b' }, around],
      });
      expect(first.dropped).toEqual([]);
      expect(first.held).toHaveLength(2);
      expect(first.excessBytes).toBeGreaterThan(0);
      const second = await store.retain({ beforeMs: START_MS - DAY_MS, holds: [{ ...around, hostId: 'host-b' }] });
      expect(eventsIn(second.dropped)).toBe(2);
      expect(second.held).toEqual([]);
    });

    it('keeps a partition whose drop cannot be recorded', async () => {
      const old = sampleEvent(-20 * 86_400);
      await store.append([old, sampleEvent(0)]);
      await subject.settle();
      const beforeMs = START_MS - DAY_MS;
      const told: string[] = [];
      const refused = store.retain({ beforeMs, dropping: () => Promise.reject(new Error('not now')) });
      await expect(refused).rejects.toThrow('not now');
      expect(await store.get(old.id)).toBeDefined();
      const { dropped } = await store.retain({ beforeMs, dropping: async ({ name }) => void told.push(name) });
      expect(told).toEqual(dropped.map(({ name }) => name));
      expect(await store.get(old.id)).toBeUndefined();
    });

    it('tells how much it holds and from when', async () => {
      expect(await store.statistics()).toMatchObject({ events: 0, oldestMs: undefined, newestMs: undefined });
      await store.append([sampleEvent(5), sampleEvent(2)]);
      expect(await store.statistics()).toMatchObject({
        events: 2,
        oldestMs: START_MS + 2_000,
        newestMs: START_MS + 5_000,
      });
      await subject.settle();
      await store.append([sampleEvent(9)]);
      const statistics = await store.statistics();
      expect(statistics).toMatchObject({ events: 3, oldestMs: START_MS + 2_000, newestMs: START_MS + 9_000 });
      expect(statistics.bytes).toBeGreaterThan(0);
    });

    it('is closed for good: waiting followers end, appends are refused', async () => {
      const waiting = store.next(undefined, { limit: 1, waitMs: WAIT_MS });
      await store.close();
      expect((await waiting).events).toEqual([]);
      const refusal = await store.append([sampleEvent(1)]).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StoreUnavailable);
      expect(refusal).toMatchObject({ reason: 'closed' });
      await store.close();
    });
  });
}

/** JSON with sorted keys: equality that does not overlook own `__proto__` keys. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${sortedJson(inner)}`).join(',')}}`;
}

function eventsIn(partitions: readonly { readonly events: number }[]): number {
  return partitions.reduce((sum, { events }) => sum + events, 0);
}
