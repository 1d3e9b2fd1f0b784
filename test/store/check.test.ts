// What a check finds when bytes are flipped, torn off or gone, in every kind of file: it names the file, and the store serves the rest.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOffline } from '../../store/embedded/check-offline.ts';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';
import { databaseHere } from '../harness/database-here.ts';

const DAY_MS = 86_400_000;
const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
const day = (days: number, count: number) => Array.from({ length: count }, (_, n) => sampleEvent(days * 86_400 + n));

/** 5 events cold, 4 and 3 hot, 6 in the log. */
const [COLD, OLD, NEW, LOGGED] = [day(-20, 5), day(-1, 4), day(0, 3), day(0, 9).slice(3)];
const ALL = [...COLD, ...OLD, ...NEW, ...LOGGED].map(({ id }) => id).sort();

let root: string;
let folder: string;
let copies = 0;

const open = (warnings: string[] = [], coldAfterMs = Number.POSITIVE_INFINITY) =>
  openEmbeddedStore({
    folder,
    nowMs: () => START_MS,
    warn: (text) => warnings.push(text),
    coldAfterMs,
    limits: { loadDelayMs: 3_600_000, recentEvents: 0 },
    openDatabase: databaseHere,
  });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'vedette-check-'));
  folder = join(root, 'built');
  const store = await open([], DAY_MS * 5);
  await store.append(COLD);
  await store.flush();
  // Written at START_MS by the store's clock: quiet for long by the next one.
  await store.close();
  const cooling = await openEmbeddedStore({
    folder,
    nowMs: () => Math.max(Date.now(), START_MS) + DAY_MS,
    coldAfterMs: DAY_MS,
    limits: { loadDelayMs: 3_600_000 },
    openDatabase: databaseHere,
  });
  expect(await cooling.cool()).toBe(1);
  await cooling.close();
  const filling = await open();
  for (const events of [OLD, NEW]) {
    await filling.append(events);
    await filling.flush();
  }
  await filling.close();
  // As a kill leaves it: acknowledged, in no partition.
  const killed = await open();
  await killed.append(LOGGED);
  cpSync(folder, join(root, 'killed'), { recursive: true });
  await killed.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = join(root, `copy-${++copies}`);
  cpSync(join(root, 'killed'), folder, { recursive: true });
});

const check = (isQuick = false, mayRepair = false) => checkOffline(join(folder), { isQuick, mayRepair });
const named = (pattern: RegExp): string => {
  const name = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => pattern.test(file))
    .sort()[0];
  if (name === undefined) throw new Error(`no file like ${pattern}`);
  return name;
};
const flip = (file: string, offsets: (length: number) => readonly number[]): void => {
  const bytes = readFileSync(join(folder, file));
  for (const at of offsets(bytes.length)) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(join(folder, file), bytes);
};
/** One byte in each of DuckDB's blocks, whichever of them are in use. */
const everyBlock = (length: number): number[] => {
  const offsets: number[] = [];
  for (let at = 12_288 + 1_000; at < length; at += 262_144) offsets.push(at);
  return offsets;
};
const served = async (warnings: string[] = []): Promise<string[]> => {
  const store = await open(warnings);
  try {
    const { events } = await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 100 });
    await store.append([sampleEvent(1_000)]);
    return events.map(({ id }) => id).sort();
  } finally {
    await store.close();
  }
};
const without = (...gone: readonly { readonly id: string }[][]): string[] => {
  const ids = new Set(gone.flat().map(({ id }) => id));
  return ALL.filter((id) => !ids.has(id));
};
const digestOf = (): string => {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true }).map(String).sort()) {
    if (file.startsWith('owner.') || statSync(join(folder, file)).isDirectory()) continue;
    hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
};

const HOT = /2026-11-20\.1\.duckdb$/;
const PART = /\.parquet\/part-0001\.parquet$/;
const LIST = /\.parquet\/contents\.json$/;
const LOG = /log\/log-.*ndjson$/;

describe('store check', () => {
  it.each([true, false])('finds nothing in a sound store, and changes nothing (quick: %s)', async (isQuick) => {
    const before = digestOf();
    expect(await check(isQuick)).toMatchObject({ findings: [], events: ALL.length, partitions: 3 });
    expect(digestOf()).toBe(before);
    expect(await served()).toEqual(ALL);
  });

  it('counts an event once that is in a partition and still in the log, as a kill can leave it', async () => {
    const store = await open();
    await store.flush();
    await store.close();
    rmSync(join(folder, 'log'), { recursive: true });
    cpSync(join(root, 'killed', 'log'), join(folder, 'log'), { recursive: true });
    expect(await check(true)).toMatchObject({ events: ALL.length, findings: [] });
  });

  it('tells the same through the running store', async () => {
    const store = await open();
    const report = await store.check?.({ isQuick: false });
    expect(report).toMatchObject({ findings: [], partitions: 3 });
    await store.close();
  });

  it.each([
    ['flipped bits in a hot partition', () => flip(named(HOT), everyBlock), HOT, OLD],
    ['a flipped header of a hot partition', () => flip(named(HOT), () => [10, 4_100, 8_200]), HOT, OLD],
    ['a hot partition cut short', () => truncateSync(join(folder, named(HOT)), 20_000), HOT, OLD],
    ['a cold part cut short', () => truncateSync(join(folder, named(PART)), 500), PART, COLD],
    ['a cold part that is gone', () => rmSync(join(folder, named(PART))), PART, COLD],
    ['a cold list that is no JSON', () => flip(named(LIST), () => [0, 1, 2]), /\.parquet$/, COLD],
  ])('names %s, serves the rest, and can set it aside', async (_, damage, file, lost) => {
    damage();
    const before = digestOf();
    const { findings } = await check();
    expect(digestOf()).toBe(before);
    expect(findings.filter(({ kind }) => kind === 'damage')).toMatchObject([{ file: expect.stringMatching(file) }]);
    const warnings: string[] = [];
    expect(await served(warnings)).toEqual(without(lost));
    expect(warnings.join('\n')).toMatch(/damaged|cannot be read/);
    const store = await open();
    await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 100 });
    expect((await store.statistics()).damaged).toMatchObject([{ events: lost.length }]);
    await store.close();
    const { setAside } = await check(false, true);
    expect(setAside.length).toBeGreaterThan(0);
    const after = await check();
    expect(after.findings.filter(({ kind }) => kind === 'damage')).toEqual([]);
  });

  it('finds any flipped bit of a cold part, also where Parquet itself would not', async () => {
    for (const at of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      flip(named(PART), (length) => [Math.floor(length * at)]);
      const { findings } = await check();
      expect(findings[0]).toMatchObject({ kind: 'damage', file: named(PART), events: COLD.length });
      flip(named(PART), (length) => [Math.floor(length * at)]);
    }
    expect((await check()).findings).toEqual([]);
  });

  it('names a flipped line of the log, and the store serves the others', async () => {
    const text = readFileSync(join(folder, named(LOG)), 'utf8');
    flip(named(LOG), () => [text.indexOf('type=SYSCALL n=4')]);
    const { findings } = await check();
    expect(findings).toMatchObject([{ kind: 'damage', file: named(LOG), events: 1 }]);
    expect(await served()).toEqual(ALL.filter((id) => id !== sampleEvent(4).id));
  });

  it('calls a torn end of the log what it is: never acknowledged', async () => {
    const path = join(folder, named(LOG));
    writeFileSync(path, `${readFileSync(path, 'utf8')}0badc0de 99 {"id":`);
    expect((await check()).findings).toMatchObject([{ kind: 'note', file: named(LOG) }]);
    expect(await served()).toEqual(ALL);
  });

  it('misses a partition that is gone, and does without its list of them', async () => {
    const gone = named(HOT);
    rmSync(join(folder, gone));
    expect((await check(true)).findings).toMatchObject([{ kind: 'damage', file: gone, events: OLD.length }]);
    const warnings: string[] = [];
    expect(await served(warnings)).toEqual(without(OLD));
    expect(warnings.join('\n')).toContain('is gone');
    writeFileSync(join(folder, 'partitions.json'), '{"vedette":');
    expect((await check(true)).findings).toMatchObject([{ kind: 'note', file: 'partitions.json' }]);
    expect(await served()).toContain(NEW[0]?.id);
  });

  it('finds an event that is in two partitions of a period, and what is not the store’s', async () => {
    cpSync(join(folder, named(HOT)), join(folder, named(HOT).replace('.1.duckdb', '.2.duckdb')));
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const { findings } = await check();
    expect(findings.map(({ what }) => what)).toEqual([
      'is not a file of the store',
      'holds events that are stored twice',
      'holds numbers that other events have too',
    ]);
  });

  it('waits for no server: a folder in use is refused', async () => {
    const store = await open();
    await expect(check()).rejects.toThrow('in use by another Vedette process');
    await store.close();
  });
});
