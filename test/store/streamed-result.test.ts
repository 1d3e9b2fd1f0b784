// What fails half-way fails: an answer that lacks rows is never given as a whole one. Nor is a statement broken off for what others hold.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabaseThread } from '../../store/embedded/database-thread.ts';
import type { BoundedRead, Database, Session } from '../../store/embedded/session.ts';

const MEMORY_BYTES = 128 * 1024 * 1024;

let folder: string;
let database: Database;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-streamed-'));
  const limits = { memoryBytesMax: MEMORY_BYTES, threads: 2, spillFolder: join(folder, 'spill') };
  database = await openDatabaseThread(limits, () => undefined);
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = (n: number): string => join(folder, `p${n}.duckdb`);

function read(sql: string, over: Partial<BoundedRead> = {}): BoundedRead {
  return { views: [], sql, values: [], rowsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER, ...over };
}

/** Enough rows before the last that some of them are given before it is computed. */
const LATE = 'FROM range(200001) r(n)';

it.each([
  [`SELECT CASE WHEN n = 200000 THEN error('of ours') ELSE 'x' END AS t, n::DOUBLE AS n ${LATE}`, /of ours/],
  [`SELECT 'x' AS t, (CASE WHEN n = 200000 THEN 'no number' ELSE '1' END)::DOUBLE AS n ${LATE}`, /Conversion Error/],
])('a statement that fails in its last row fails, and says why: %s', async (sql, why) => {
  await expect(database.use(path(0), 'read', ({ chunks }) => chunks(sql))).rejects.toThrow(why);
  await expect(database.read([], read(sql))).rejects.toThrow(why);
  // What was asked for came before it failed.
  expect(await database.read([], read(sql, { rowsMax: 10 }))).toMatchObject({ cut: 'rows', rows: { length: 10 } });
});

it('a whole answer is whole, of one chunk, of many and of none', async () => {
  for (const rows of [0, 1, 2_048, 2_049, 100_000]) {
    const sql = `SELECT 'x' AS t, n::DOUBLE AS n FROM range(${rows}) r(n)`;
    expect((await database.read([], read(sql))).rows).toHaveLength(rows);
    const packed = await database.use(path(0), 'read', ({ chunks }) => chunks(sql));
    expect(packed.reduce((sum, chunk) => sum + chunk.rows, 0)).toBe(rows);
  }
});

it('a statement that is broken off half-way gives nothing', async () => {
  for (let round = 0; round < 5; round++) {
    const abort = new AbortController();
    const reading = database.read([], read('SELECT n FROM range(100000000000) r(n)'), abort.signal);
    const using = database.use(
      path(0),
      'read',
      ({ chunks }) => chunks(`SELECT 'x', n::DOUBLE FROM range(100000000000) r(n)`),
      abort.signal,
    );
    const both = Promise.allSettled([reading, using]);
    // Something of each has been computed when others have been answered.
    for (let n = 0; n < 4 * round; n++) await database.use(path(1), 'lookup', ({ rows }) => rows('SELECT 1'));
    abort.abort(new Error('enough'));
    expect(await both).toMatchObject([
      { status: 'rejected', reason: { message: 'enough' } },
      { status: 'rejected', reason: { message: 'enough' } },
    ]);
  }
});

it('what loads hold in memory breaks no statement off', async () => {
  // Noise, in pieces too small to be written at once, and less of it for each file than makes a checkpoint.
  for (const file of [2, 3]) {
    await database.use(path(file), 'write', async ({ schema, rows }) => {
      await rows(`CREATE TABLE ${schema}.noise (a UBIGINT, b UBIGINT, c VARCHAR)`);
      for (let from = 0; from < 400_000; from += 40_000) {
        await rows(
          `INSERT INTO ${schema}.noise SELECT hash(n), hash(n + 1), md5(n::VARCHAR) FROM range(${from}, ${from + 40_000}) r(n)`,
        );
      }
    });
  }
  const held = await database.use(path(2), 'lookup', ({ rows }) =>
    rows(`SELECT sum(memory_usage_bytes)::DOUBLE FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'`),
  );
  expect(Number(held[0]?.[0])).toBeGreaterThan(MEMORY_BYTES * 0.4);
  // Takes two fifths of the memory: more than three of what is left.
  const hungry = 'SELECT count(DISTINCT hash(n)) FROM range(2500000) r(n)';
  expect((await database.read([], read(hungry))).rows).toEqual([[2_500_000]]);
  // Loads are put out to make room, and are there.
  const noise = ({ schema, rows }: Session) =>
    rows(`SELECT count(*)::DOUBLE, count(DISTINCT a)::DOUBLE FROM ${schema}.noise`);
  expect(await database.use(path(3), 'read', noise)).toEqual([[400_000, 400_000]]);
});
