// Making partitions cold, and dropping them: killed between any two durable steps, with a full disk, with events that come late.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOffline } from '../../store/embedded/check-offline.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';
import { databaseHere } from '../harness/database-here.ts';

const DAY_MS = 86_400_000;
const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
const OLD = Array.from({ length: 300 }, (_, n) => sampleEvent(-10 * 86_400 + n));
const YOUNG = Array.from({ length: 5 }, (_, n) => sampleEvent(n));
const ids = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id).sort();

let root: string;
let folder: string;
let copies = 0;

const open = (coldAfterMs = DAY_MS): Promise<EmbeddedStore> =>
  openEmbeddedStore({
    folder,
    nowMs: () => START_MS + DAY_MS,
    coldAfterMs,
    limits: { loadDelayMs: 3_600_000, recentEvents: 0 },
    openDatabase: databaseHere,
  });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'vedette-cooling-'));
  folder = join(root, 'built');
  const store = await open();
  await store.append([...OLD, ...YOUNG]);
  await store.close();
  beWritten(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = join(root, `copy-${++copies}`);
  cpSync(join(root, 'built'), folder, { recursive: true, preserveTimestamps: true });
});

/** Runs the child until it is killed by itself at a step, or by us so long after it began. */
async function killed(work: 'cool' | 'drop', step: number, afterMs?: number): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'cooling-writer.ts'), folder, work, String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (afterMs !== undefined) child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
  await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  beWritten(folder);
}

/** As if it had been written at START_MS: the store's clock stands there, whatever day it is, and files say when they were written. */
function beWritten(folder: string): void {
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), START_MS / 1_000, START_MS / 1_000);
}

async function found(store: EmbeddedStore): Promise<string[]> {
  return ids((await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 1_000 })).events);
}

describe('a kill', () => {
  it.each([
    ['while it is copied and made', 99, 20],
    ['while it is made', 99, 250],
    ['after the cold one is in its place', 1, undefined],
    ['after the list says so', 2, undefined],
    ['after the hot one is removed', 3, undefined],
  ] as const)('%s leaves exactly one of both, and every event once', async (_, step, afterMs) => {
    await killed('cool', step, afterMs);
    const store = await open();
    expect(await found(store)).toEqual(ids([...OLD, ...YOUNG]));
    expect((await store.append(OLD)).every(({ kind }) => kind === 'duplicate')).toBe(true);
    await store.cool();
    expect(await found(store)).toEqual(ids([...OLD, ...YOUNG]));
    await store.close();
    const old = readdirSync(folder).filter((name) => name.startsWith('events-2026-11-11'));
    expect(old).toEqual(['events-2026-11-11.1.parquet']);
    expect((await checkOffline(folder, { isQuick: false, mayRepair: false })).findings).toEqual([]);
  });

  it.each([1, 2])('between the steps of a drop (%s) leaves all of a partition or nothing', async (step) => {
    await killed('drop', step);
    const store = await open(Number.POSITIVE_INFINITY);
    const left = await found(store);
    expect(left).toEqual(step === 1 ? ids([...OLD, ...YOUNG]) : ids(YOUNG));
    await store.retain({ beforeMs: START_MS - 5 * DAY_MS });
    // Numbers are never given twice, though the greatest may have been dropped.
    const end = await store.next(undefined, { limit: 1_000, waitMs: 0 });
    expect(end.events.map(({ seq }) => seq)).toEqual(YOUNG.map((_, n) => OLD.length + n + 1));
    expect(await found(store)).toEqual(ids(YOUNG));
    await store.close();
    expect((await checkOffline(folder, { isQuick: false, mayRepair: false })).findings).toEqual([]);
  });
});

describe('a store with cold partitions', () => {
  it('takes late events of a cold day in a file of their own, and makes that cold in its turn', async () => {
    const store = await open();
    await store.cool();
    const late = Array.from({ length: 3 }, (_, n) => sampleEvent(-10 * 86_400 + 1_000 + n));
    await store.append(late);
    await store.flush();
    expect(existsSync(join(folder, 'events-2026-11-11.2.duckdb'))).toBe(true);
    // Not at once: more of them may come.
    expect(await store.cool()).toBe(0);
    expect(await found(store)).toEqual(ids([...OLD, ...YOUNG, ...late]));
    await store.close();
  });

  it('ends while one is made, leaves it hot, and tries again at the next start', async () => {
    const store = await open();
    const cooling = store.cool();
    await store.close();
    await cooling;
    beWritten(folder);
    const again = await open();
    await again.cool();
    expect(await found(again)).toEqual(ids([...OLD, ...YOUNG]));
    await again.close();
    expect(readdirSync(folder).filter((name) => /cooling|gone|2026-11-11.*duckdb/.test(name))).toEqual([]);
  });
});
