// Attached partition files: bounded in number, attached again when needed, one at a time under any interleaving.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ATTACHED_MAX } from '../../store/embedded/database.ts';
import { openDatabaseThread } from '../../store/embedded/database-thread.ts';
import type { Database } from '../../store/embedded/session.ts';

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vedette-data'base-"));
  database = await openDatabaseThread({ memoryBytesMax: 128 * 1024 * 1024, threads: 1 }, () => undefined);
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = (n: number): string => join(folder, `p${n}.duckdb`);

it('runs statements in threads that give way to who acknowledges', async () => {
  await database.use(path(0), 'write', ({ schema, rows }) => rows(`CREATE TABLE ${schema}.t AS SELECT 0 AS n`));
  const stats = readdirSync('/proc/self/task').flatMap((id) => {
    try {
      return [readFileSync(`/proc/self/task/${id}/stat`, 'latin1')];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
  // After the name in brackets the nice value is the 17th field (proc(5)).
  const nices = stats
    .filter((stat) => stat.includes('(libuv-worker)'))
    .map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
  expect(nices.length).toBeGreaterThan(0);
  expect(Math.min(...nices)).toBeGreaterThanOrEqual(5);
});

it('attaches no more files at once than the bound, and finds what was written in each', async () => {
  const files = Array.from({ length: ATTACHED_MAX + 6 }, (_, n) => n);
  for (const n of files) {
    await database.use(path(n), 'write', ({ schema, rows }) => rows(`CREATE TABLE ${schema}.t AS SELECT ${n} AS n`));
    expect(database.attachedCount()).toBeLessThanOrEqual(ATTACHED_MAX);
  }
  for (const n of files) {
    expect(await database.use(path(n), 'read', ({ schema, rows }) => rows(`SELECT n FROM ${schema}.t`))).toEqual([[n]]);
  }
});

it('bears any mixture of uses and releases of the same file', async () => {
  await database.use(path(0), 'write', ({ schema, rows }) => rows(`CREATE TABLE ${schema}.t AS SELECT 0 AS n`));
  const work = Array.from({ length: 60 }, async (_, n) => {
    if (n % 3 === 0) return database.release(path(0));
    return database.use(path(0), n % 2 === 0 ? 'read' : 'lookup', async ({ schema, rows }) => {
      expect(await rows(`SELECT n FROM ${schema}.t`)).toEqual([[0]]);
    });
  });
  await Promise.all(work);
});

it('tries a file again that could not be attached', async () => {
  const missing = join(folder, 'absent', 'p.duckdb');
  const use = () => database.use(missing, 'read', ({ rows }) => rows('SELECT 1'));
  await expect(use()).rejects.toThrow();
  await expect(use()).rejects.toThrow();
  expect(database.attachedCount()).toBe(0);
});

describe('closing', () => {
  it('breaks off a statement of people, also while its memory is looked at, and waits until nothing is at work', async () => {
    const read = { views: [], sql: 'SELECT count(*) FROM range(100000000000)', values: [], rowsMax: 1, bytesMax: 100 };
    const limits = { memoryBytesMax: 64 * 1024 * 1024, threads: 1 };
    const databases = await Promise.all([0, 1, 2].map(() => openDatabaseThread(limits, () => undefined)));
    const reads = databases.map((each) => each.read([], read).catch((error: unknown) => String(error)));
    // The memory is looked at every 100 ms.
    for (const each of databases) {
      await new Promise((resolve) => setTimeout(resolve, 70));
      await each.close();
    }
    for (const said of await Promise.all(reads)) expect(said).toMatch(/interrupted|closed/i);
  });
});
