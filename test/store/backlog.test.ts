// More waits for partitions than memory holds: it waits in the log, and is followed, found, told as a repetition and stored all the
// same, also after a restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { openMendingDatabase } from '../../store/embedded/mending-database.ts';
import { createPendingIds } from '../../store/embedded/pending-ids.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';

const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

let folder: string;
let store: EmbeddedStore | undefined;
let mayLoad: PromiseWithResolvers<void>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-backlog-'));
  mayLoad = Promise.withResolvers();
});
afterEach(async () => {
  mayLoad.resolve();
  await store?.close();
  store = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Memory for some ten events, and loads that wait until they may. */
async function open(): Promise<EmbeddedStore> {
  store = await openEmbeddedStore({
    folder,
    nowMs: () => START_MS,
    limits: { memoryBytesMax: 4_000, recentEvents: 3, segmentBytesMax: 10_000, loadDelayMs: 1 },
    openDatabase: async (limits, warn) => {
      const database = await openMendingDatabase(limits, warn);
      return { ...database, prepare: (load) => mayLoad.promise.then(() => database.prepare(load)) };
    },
  });
  return store;
}

async function followed(from: EmbeddedStore, limit = 7): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const batch = await from.next(cursor, { limit, waitMs: 0 });
    if (batch.events.length === 0) return ids;
    for (const event of batch.events) {
      expect(event.seq).toBe(ids.length + 1);
      ids.push(event.id);
    }
    cursor = batch.cursor;
  }
}

const EVENTS = Array.from({ length: 120 }, (_, n) => sampleEvent(n));
const IDS = EVENTS.map(({ id }) => id);

it('is followed, found and told as a repetition, before it is loaded, while and after', async () => {
  const opened = await open();
  for (let n = 0; n < EVENTS.length; n += 10) await opened.append(EVENTS.slice(n, n + 10));
  expect((await opened.statistics()).pending).toBe(120);
  expect(await followed(opened)).toEqual(IDS);
  const again = [...EVENTS.slice(110), ...EVENTS.slice(0, 30), sampleEvent(500), ...EVENTS.slice(60, 70)];
  const told = (await opened.append(again)).map(({ kind }) => kind);
  expect(told.filter((kind) => kind === 'created')).toHaveLength(1);
  expect(told[40]).toBe('created');
  expect(await opened.get(IDS[1] ?? '')).toEqual(EVENTS[1]?.document);
  expect(await opened.get(IDS[119] ?? '')).toEqual(EVENTS[119]?.document);

  // A search sees all that was acknowledged: it waits for what memory does not hold.
  let isFound = false;
  const search = opened.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 1_000 }).then((found) => {
    isFound = true;
    return found;
  });
  const broken = new AbortController();
  const called = opened.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 1, signal: broken.signal });
  broken.abort();
  await expect(called).rejects.toThrow();
  expect(isFound).toBe(false);
  mayLoad.resolve();
  expect((await search).events.map(({ id }) => id).sort()).toEqual([...IDS, sampleEvent(500).id].sort());
  await opened.flush();
  expect((await opened.statistics()).events).toBe(121);
  expect(await followed(opened)).toEqual([...IDS, sampleEvent(500).id]);
});

it('is there after a restart', async () => {
  const opened = await open();
  for (let n = 0; n < EVENTS.length; n += 10) await opened.append(EVENTS.slice(n, n + 10));
  mayLoad.reject(new Error('the disk is away'));
  mayLoad.promise.catch(() => undefined);
  await opened.close();
  mayLoad = Promise.withResolvers();
  const reopened = await open();
  expect((await reopened.statistics()).pending).toBe(120);
  expect(await followed(reopened, 50)).toEqual(IDS);
  expect((await reopened.append(EVENTS)).every(({ kind }) => kind === 'duplicate')).toBe(true);
  mayLoad.resolve();
  await reopened.flush();
  expect((await reopened.statistics()).events).toBe(120);
});

it('knows the numbers of any ids, however many come and go', () => {
  const ids = createPendingIds();
  let loaded = 0;
  for (let seq = 1; seq <= 60_000; seq++) {
    ids.add(`host.boot.${seq.toString(36)}.x`, seq);
    if (seq % 7_000 === 0) {
      loaded = seq - 6_500;
      ids.forgetUpTo(loaded);
    }
  }
  for (let seq = 1; seq <= 60_000; seq += 7) {
    const found = ids.candidates(`host.boot.${seq.toString(36)}.x`, loaded);
    if (seq > loaded) expect(found).toContain(seq);
    else expect(found).toEqual([]);
  }
  let strangers = 0;
  for (let n = 0; n < 20_000; n++) strangers += ids.candidates(`host.boot.${n.toString(36)}.y`, loaded).length;
  expect(strangers).toBeLessThan(5);
});

it('is followed unparsed where its times are known, and is the same parsed', async () => {
  const opened = await open();
  const document = { '@timestamp': '2026-11-22T03:54:10.904Z', event: { created: '2026-11-22T03:54:11.000Z' } };
  const text = Buffer.from(JSON.stringify(document));
  const encoded = { insertAt: text.length - 2, insert: Buffer.from(',"ingested":"é"'), timestampMs: 1, createdMs: 2 };
  const ids = ['h.plain', 'h."quoted"-é'];
  await opened.append(ids.map((id) => ({ id, document, encoded: { line: text, ...encoded } })));
  const { events } = await opened.next(undefined, { limit: 10, waitMs: 0 });
  expect(events.map(({ id }) => id)).toEqual(ids);
  const whole = { ...document, event: { ...document.event, ingested: 'é' } };
  for (const event of events) {
    const { bytes, from, to, createdMs } = event.unparsed ?? expect.unreachable();
    expect(createdMs).toBe(2);
    expect(JSON.parse(Buffer.from(bytes.subarray(from, to)).toString('utf8'))).toEqual(whole);
    expect(event.document).toEqual(whole);
  }
});

it('is followed unparsed out of the log too, where ingest knew its time', async () => {
  const opened = await open();
  const insert = Buffer.from(',"ingested":"2026-01-01T00:00:00.000Z"');
  const encoded = EVENTS.map(({ id, document }) => {
    const line = Buffer.from(JSON.stringify({ '@timestamp': document['@timestamp'], event: { kind: 'event' } }));
    const insertAt = line.length - 2;
    return { id, document, encoded: { line, insertAt, insert, timestampMs: START_MS, createdMs: START_MS + 7 } };
  });
  await opened.append(encoded);
  await opened.append([sampleEvent(900)]);
  const { events } = await opened.next(undefined, { limit: 200, waitMs: 0 });
  expect(events.map(({ id }) => id)).toEqual([...IDS, sampleEvent(900).id]);
  for (const event of events.slice(0, 120)) {
    expect(event.unparsed?.createdMs).toBe(START_MS + 7);
    const { bytes, from = 0, to = 0 } = event.unparsed ?? {};
    expect(JSON.parse(Buffer.from(bytes ?? []).toString('utf8', from, to))).toEqual(event.document);
  }
  expect(events.at(-1)?.unparsed).toBeUndefined();
});
