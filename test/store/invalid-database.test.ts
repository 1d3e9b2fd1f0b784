// A database that DuckDB calls invalid, made so by its own switch for a checkpoint that fails half-way; and a write that fails
// after it was committed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { NODE_FILES } from '../../store/embedded/files.ts';
import { openLog } from '../../store/embedded/log.ts';
import { openMendingDatabase } from '../../store/embedded/mending-database.ts';
import { openPartitions } from '../../store/embedded/partitions.ts';
import type { Database } from '../../store/embedded/session.ts';
import { StoreUnavailable } from '../../store/port.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';

let folder: string;
let database: Database;
let warnings: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-invalid-'));
  warnings = [];
  const limits = { memoryBytesMax: 128 * 1024 * 1024, threads: 1 };
  database = await openMendingDatabase(limits, (text) => warnings.push(text));
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const breakCheckpoint = (path: string): Promise<unknown> =>
  database.use(path, 'write', async ({ schema, rows }) => {
    await rows(`INSERT INTO ${schema}.t VALUES (2)`);
    await rows(`SET GLOBAL debug_checkpoint_abort = 'before_header'`);
    await rows(`CHECKPOINT ${schema}`);
  });
const numbersIn = (path: string) =>
  database.use(path, 'read', ({ schema, rows }) => rows(`SELECT n FROM ${schema}.t ORDER BY n`));

describe('an invalid database', () => {
  it('is told as unavailable, opened anew, and has all that was committed', async () => {
    const paths = [join(folder, 'a.duckdb'), join(folder, 'b.duckdb')];
    for (const path of paths)
      await database.use(path, 'write', ({ schema, rows }) => rows(`CREATE TABLE ${schema}.t AS SELECT 1 AS n`));
    const [a = '', b = ''] = paths;
    await expect(breakCheckpoint(a)).rejects.toBeInstanceOf(StoreUnavailable);
    const [ofA, ofB] = await Promise.all([numbersIn(a), numbersIn(b)]);
    expect(ofA).toEqual([[1], [2]]);
    expect(ofB).toEqual([[1]]);
    await database.use(a, 'write', ({ schema, rows }) => rows(`INSERT INTO ${schema}.t VALUES (3)`));
    expect(await numbersIn(a)).toEqual([[1], [2], [3]]);
    expect(warnings.join('\n')).toContain('opened anew');
  });
});

describe('a fault that DuckDB finds in itself', () => {
  const failingOnce = (lane: 'read' | 'write', path: string) => {
    let attempts = 0;
    const answer = database.use(path, lane, async ({ schema, rows }) => {
      attempts++;
      if (attempts === 1) throw new Error('INTERNAL Error: at odds with itself\nStack Trace: …');
      return rows(`SELECT n FROM ${schema}.t`);
    });
    return { answer, attempts: () => attempts };
  };

  it('costs a reader no more than time, and a writer the answer: what it wrote may have been committed', async () => {
    const path = join(folder, 'a.duckdb');
    await database.use(path, 'write', ({ schema, rows }) => rows(`CREATE TABLE ${schema}.t AS SELECT 1 AS n`));
    const read = failingOnce('read', path);
    expect(await read.answer).toEqual([[1]]);
    expect(read.attempts()).toBe(2);
    const write = failingOnce('write', path);
    await expect(write.answer).rejects.toBeInstanceOf(StoreUnavailable);
    expect(write.attempts()).toBe(1);
    expect(await numbersIn(path)).toEqual([[1]]);
    expect(warnings[0]).toBe('the database is invalid: INTERNAL Error: at odds with itself');
  });
});

describe('a write that failed after it was committed', () => {
  it('is found out: its events are known, and not stored again', async () => {
    let mustFail = true;
    const failing: Database = {
      ...database,
      async insert(share) {
        const inserted = await database.insert(share);
        if (mustFail) throw new Error('IO Error: the answer was lost');
        return inserted;
      },
    };
    const options = { folder, database: failing, files: NODE_FILES, rowsMax: 1_000, warn: () => undefined };
    const partitions = await openPartitions(options);
    const { id, document } = sampleEvent(1);
    const { log } = await openLog(join(folder, 'log'), { files: NODE_FILES, segmentBytesMax: 1_000, minNextSeq: 1 });
    await log.append([{ id, json: JSON.stringify(document) }]);
    const { parts } = log.slice(0, { events: 10, bytes: 10_000 });
    await log.close();
    await expect(partitions.load({ parts, nowMs: START_MS, wantsIds: false })).rejects.toThrow('lost');
    mustFail = false;
    expect(await partitions.known([{ id, timestampMs: START_MS + 1_000 }])).toEqual(new Set([id]));
    expect(partitions.all().map(({ span }) => span?.rows)).toEqual([1]);
  });
});
