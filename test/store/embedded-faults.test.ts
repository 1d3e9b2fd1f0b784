// The embedded store when things go wrong: kills, full disks, second owners, a loader that cannot keep up.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedOptions, type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { NODE_FILES } from '../../store/embedded/files.ts';
import { DAILY_MS, MONTHLY_MS, PERIODS_PER_LOAD_MAX, periodOf, STRAYS } from '../../store/embedded/periods.ts';
import type { Cursor } from '../../store/port.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';
import { brokenFiles } from './broken-files.ts';

const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

let folder: string;
let store: EmbeddedStore | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-store-'));
});
afterEach(async () => {
  await store?.close();
  store = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedStore> {
  store = await openEmbeddedStore({
    folder,
    nowMs: () => START_MS,
    ...options,
    limits: { loadDelayMs: 3_600_000, ...options.limits },
  });
  return store;
}

async function follow(from: EmbeddedStore, start?: Cursor): Promise<{ ids: string[]; seqs: number[] }> {
  const ids: string[] = [];
  const seqs: number[] = [];
  let cursor = start;
  for (;;) {
    const batch = await from.next(cursor, { limit: 500, waitMs: 0 });
    if (batch.events.length === 0) return { ids, seqs };
    for (const event of batch.events) {
      ids.push(event.id);
      seqs.push(event.seq);
    }
    cursor = batch.cursor;
  }
}

const batch = (from: number, size: number) => Array.from({ length: size }, (_, n) => sampleEvent(from + n));

describe('a killed embedded store', () => {
  it('loses no acknowledged event, stores none twice, and never numbers anew what it numbered', async () => {
    const acknowledged = new Set<string>();
    let before: { ids: string[]; seqs: number[] } = { ids: [], seqs: [] };
    for (let round = 0; round < 4; round++) {
      // Each round begins inside the last one's range: those must be told as duplicates.
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'embedded-writer.ts'), folder, String(round * 200)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const killAfter = 50 + Math.floor(Math.random() * 1_500);
      let lines = 0;
      const followed = new Set(before.ids);
      for await (const line of createInterface({ input: child.stdout })) {
        const [id = '', kind] = line.split(' ');
        if (kind === 'duplicate' && !followed.has(id) && !acknowledged.has(id))
          expect.fail(`${id} was never sent before`);
        acknowledged.add(id);
        if (++lines === killAfter) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      const opened = await open();
      const now = await follow(opened);
      const found = new Set(now.ids);
      expect(found.size).toBe(now.ids.length);
      expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
      // What a follower read before the kill stands where it stood.
      expect(now.ids.slice(0, before.ids.length)).toEqual(before.ids);
      expect(now.seqs.slice(0, before.seqs.length)).toEqual(before.seqs);
      await opened.flush();
      const { events } = await opened.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 100_000 });
      expect(events.map((event) => event.id).sort()).toEqual([...now.ids].sort());
      expect((await opened.statistics()).events).toBe(now.ids.length);
      before = now;
      await opened.close();
    }
  });
});

describe('a full disk', () => {
  it.each(['write', 'sync', 'truncate after write'] as const)(
    'stops acknowledging (%s), loses nothing, and goes on when there is room',
    async (fault) => {
      const files = brokenFiles(NODE_FILES);
      const opened = await open({ files });
      await opened.append(batch(0, 10));
      files.fail(fault);
      for (let attempt = 0; attempt < 3; attempt++) {
        await expect(opened.append(batch(10, 10))).rejects.toMatchObject({
          name: 'StoreUnavailable',
          reason: 'disk-full',
        });
      }
      expect((await follow(opened)).ids).toHaveLength(10);
      // What is stored already needs no room: its answer is still true.
      expect((await opened.append([sampleEvent(3)]))[0]).toEqual({ kind: 'duplicate' });
      files.heal();
      expect((await opened.append(batch(5, 15))).map((result) => result.kind)).toEqual([
        ...Array.from({ length: 5 }, () => 'duplicate'),
        ...Array.from({ length: 10 }, () => 'created'),
      ]);
      const followed = await follow(opened);
      await opened.close();
      expect(await follow(await open())).toEqual(followed);
      expect(followed.ids).toEqual(batch(0, 20).map((event) => event.id));
    },
  );
});

describe('a load that fails half-way', () => {
  it('shows every event once meanwhile, and stores every event once when it works again', async () => {
    const warnings: string[] = [];
    const opened = await open({ warn: (text) => warnings.push(text), limits: { loadDelayMs: 20 } });
    const events = [...batch(0, 5), ...batch(-86_400, 5)];
    // The first day's partition can be made, the second day's cannot.
    const blocked = join(folder, 'events-2026-11-20.1.duckdb');
    mkdirSync(blocked);
    await opened.append(events);
    await expect(opened.flush()).rejects.toThrow();
    await expect.poll(() => warnings.length, { timeout: 50_000, interval: 5 }).toBeGreaterThan(0);
    const idsOf = (found: readonly { readonly id: string }[]): string[] => found.map((event) => event.id).sort();
    const everyId = idsOf(events);
    const check = async (): Promise<void> => {
      const found = await opened.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 100 });
      expect(idsOf(found.events)).toEqual(everyId);
      const scanned: { id: string }[] = [];
      for await (const part of opened.scan(ALL_TIME)) scanned.push(...part);
      expect(idsOf(scanned)).toEqual(everyId);
      expect((await follow(opened)).ids).toEqual(events.map((event) => event.id));
    };
    await check();
    rmdirSync(blocked);
    await opened.flush();
    await check();
    expect((await opened.statistics()).events).toBe(10);
  });
});

describe('periods', () => {
  it('are at most a few hundred, whatever times come, and fine only for what is fresh', () => {
    const days = Array.from({ length: 230 * 365 }, (_, n) => periodOf(n * 86_400_000, START_MS));
    expect(new Set(days).size).toBeLessThan(320);
    expect(periodOf(START_MS, START_MS)).toBe('2026-11-21');
    expect(periodOf(START_MS - DAILY_MS, START_MS)).toBe('2026-10');
    expect(periodOf(START_MS - MONTHLY_MS, START_MS)).toBe('2024');
    expect(periodOf(START_MS + 3 * 86_400_000, START_MS)).toBe('2026');
  });
});

describe('the embedded store', () => {
  it('shares one fdatasync among appends that come together', async () => {
    const files = brokenFiles(NODE_FILES);
    const opened = await open({ files });
    await opened.append(batch(0, 1));
    const before = files.syncs();
    await Promise.all(Array.from({ length: 50 }, (_, n) => opened.append(batch(10 + n, 1))));
    expect(files.syncs() - before).toBeLessThanOrEqual(3);
    expect((await follow(opened)).ids).toHaveLength(51);
  });

  it('answers duplicate to one of two batches that race with the same event', async () => {
    const opened = await open();
    const results = await Promise.all([
      opened.append(batch(0, 3)),
      opened.append(batch(0, 3)),
      opened.append(batch(1, 3)),
    ]);
    expect(results.map((batchResults) => batchResults.map((result) => result.kind))).toEqual([
      ['created', 'created', 'created'],
      ['duplicate', 'duplicate', 'duplicate'],
      ['duplicate', 'duplicate', 'created'],
    ]);
  });

  it('refuses as overloaded what would wait beyond the bound, and takes it again after loading', async () => {
    const opened = await open({ limits: { backlogBytesMax: 4_000 } });
    await opened.append(batch(0, 8));
    const refused = batch(8, 8);
    await expect(opened.append(refused)).rejects.toMatchObject({ reason: 'overloaded' });
    expect((await opened.statistics()).events).toBe(8);
    await opened.flush();
    expect((await opened.append(refused)).map((result) => result.kind)).toEqual(refused.map(() => 'created'));
  });

  it('takes a batch that is larger than the bound when nothing waits', async () => {
    const opened = await open({ limits: { backlogBytesMax: 10 } });
    expect((await opened.append(batch(0, 5))).map((result) => result.kind)).toContain('created');
  });

  it('belongs to one process at a time, and says to whom', async () => {
    await open();
    await expect(openEmbeddedStore({ folder })).rejects.toThrow(
      new RegExp(`in use by another Vedette process .pid ${process.pid}`),
    );
    await store?.close();
    await open();
  });

  it('loads by itself, in the background', async () => {
    const opened = await open({ limits: { loadDelayMs: 1 } });
    await opened.append(batch(0, 10));
    await expect.poll(async () => (await opened.statistics()).pending, { timeout: 50_000, interval: 5 }).toBe(0);
    expect((await opened.statistics()).events).toBe(10);
  });

  it('makes another partition of a day when one is full, and finds events in all of them', async () => {
    const opened = await open({ limits: { partitionRowsMax: 10, recentEvents: 0, countMs: Number.POSITIVE_INFINITY } });
    for (let n = 0; n < 40; n += 10) {
      await opened.append(batch(n, 10));
      await opened.flush();
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.duckdb'))).toHaveLength(4);
    expect((await follow(opened)).ids).toEqual(batch(0, 40).map((event) => event.id));
    expect((await opened.append(batch(0, 40))).every((result) => result.kind === 'duplicate')).toBe(true);
    const found = await opened.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 15 });
    expect(found.events.map((event) => event.id)).toEqual(
      batch(25, 15)
        .map((event) => event.id)
        .reverse(),
    );
    expect(found).toMatchObject({ total: 40, isTotalExact: true });
  });

  it('cannot be made to open files without end by wild clocks', async () => {
    const opened = await open();
    const wild = Array.from({ length: 100 }, (_, n) => {
      const at = new Date(Date.UTC(2000, 0, 1) + n * 20 * 86_400_000).toISOString();
      return { id: `wild${n}`, document: { '@timestamp': at } };
    });
    await opened.append(wild);
    await opened.flush();
    expect(readdirSync(folder).filter((name) => name.endsWith('.duckdb')).length).toBeLessThan(8);
    expect((await opened.append(wild)).every((result) => result.kind === 'duplicate')).toBe(true);
    expect(await opened.get('wild99')).toEqual(wild[99]?.document);
  });

  it('opens again without its list of partitions, and leaves a broken partition aside with a warning', async () => {
    const opened = await open();
    await opened.append([sampleEvent(0), sampleEvent(-10 * 86_400)]);
    await opened.close();
    rmSync(join(folder, 'partitions.json'));
    const again = await open();
    expect((await follow(again)).ids).toHaveLength(2);
    await again.close();
    const [oldest] = readdirSync(folder)
      .filter((name) => name.endsWith('.duckdb'))
      .sort();
    const path = join(folder, oldest ?? '');
    writeFileSync(path, readFileSync(path).fill(0x55));
    const warnings: string[] = [];
    const damaged = await open({ warn: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(path);
    expect((await follow(damaged)).ids).toEqual([sampleEvent(0).id]);
    expect((await damaged.append([sampleEvent(-10 * 86_400)]))[0]).toEqual({ kind: 'created' });
    await damaged.flush();
    expect(await damaged.get(sampleEvent(-10 * 86_400).id)).toBeDefined();
  });

  it('files scattered times in few files a load, the present in its own, and finds each', async () => {
    const opened = await open();
    const at = (year: number, n: number) => sampleEvent(n, { '@timestamp': `${year}-01-01T00:00:00.000Z` });
    const events = Array.from({ length: 120 }, (_, n) => at(1975 + n, n));
    await opened.append([...events, sampleEvent(500), at(2001, 501)]);
    await opened.flush();
    const names = readdirSync(folder).filter((name) => name.endsWith('.duckdb'));
    expect(names.length).toBe(PERIODS_PER_LOAD_MAX + 1);
    expect(names).toContain(`events-${periodOf(START_MS, START_MS)}.1.duckdb`);
    expect(names).toContain('events-2001.1.duckdb');
    expect(names).toContain(`events-${STRAYS}.1.duckdb`);
    for (const event of events) expect((await opened.get(event.id))?.['@timestamp']).toBe(event.document['@timestamp']);
    expect(new Set((await opened.append(events)).map(({ kind }) => kind))).toEqual(new Set(['duplicate']));
    await opened.close();
    const again = await open();
    expect((await follow(again)).ids).toHaveLength(122);
  });

  it('refuses a newer list of partitions, and a newer partition, and leaves both as they are', async () => {
    const opened = await open();
    await opened.append([sampleEvent(0)]);
    await opened.close();
    const manifest = join(folder, 'partitions.json');
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, text.replace('"version":1', '"version":2'));
    await expect(open()).rejects.toThrow(/partitions\.json has format 2/);
    rmSync(manifest);
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.duckdb'));
    const instance = await DuckDBInstance.create(join(folder, name));
    const connection = await instance.connect();
    await connection.run('UPDATE vedette_format SET version = 3');
    connection.closeSync();
    instance.closeSync();
    await expect(open()).rejects.toThrow(/duckdb: it has format 3/);
    await expect(open()).rejects.toThrow(/duckdb: it has format 3/);
  });

  it('drops what was dated into the future once it is old', async () => {
    const opened = await open();
    const created = new Date(START_MS).toISOString();
    await opened.append([sampleEvent(0, { '@timestamp': '2099-01-01T00:00:00.000Z', event: { created } })]);
    await opened.flush();
    expect((await opened.retain({ beforeMs: START_MS })).dropped).toEqual([]);
    expect((await opened.retain({ beforeMs: START_MS + 1 })).dropped).toMatchObject([{ events: 1, why: 'age' }]);
    expect((await opened.statistics()).events).toBe(0);
  });
});
