// What a partition is said to hold, whatever look-ups and loads meet. The database is a stub: only so can a reading be held up.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LAYOUT, PARTITION_FORMAT } from '../../store/embedded/columns.ts';
import { NODE_FILES } from '../../store/embedded/files.ts';
import { openPartitions } from '../../store/embedded/partitions.ts';
import type { Database, Session, SqlValue } from '../../store/embedded/session.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 12);
const EVENTS = 2_048;

it('counts each event once where a look-up reads a file again while the next load is inserted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-partitions-'));
  const held = Promise.withResolvers<void>();
  const readBegan = Promise.withResolvers<void>();
  let rows = 0;
  let reads = 0;
  let mustFail = true;
  const answer = (sql: string): SqlValue[][] => {
    if (sql.includes('duckdb_tables')) return [['events']];
    if (sql.includes('vedette_format')) return [[PARTITION_FORMAT, LAYOUT.text]];
    return sql.includes('count(*)') ? [[BigInt(rows), 1n, BigInt(rows), 0n, BigInt(NOW_MS), 0, NOW_MS]] : [];
  };
  const session: Session = {
    schema: 'p1',
    async rows(sql) {
      const found = answer(sql);
      if (sql.includes('count(*)') && reads++ === 0) {
        readBegan.resolve();
        await held.promise;
      }
      return found;
    },
    chunks: () => Promise.reject(new Error('not asked')),
  };
  const database: Database = {
    use: (_path, _lane, work) => work(session),
    read: () => Promise.reject(new Error('not asked')),
    prepare: async () => ({ periods: ['2026-11-21'], ids: [], damagedLines: 0 }),
    async insert({ path }) {
      writeFileSync(path, '');
      const [minSeq, maxSeq] = [rows + 1, rows + EVENTS];
      rows += EVENTS;
      if (mustFail) throw new Error('committed all the same');
      const span = { rows: EVENTS, minSeq, maxSeq, minTs: 0, maxTs: NOW_MS, minCreated: 0, maxCreated: NOW_MS };
      return { span, newest: new Map() };
    },
    release: async () => undefined,
    attachedCount: () => 0,
    close: async () => undefined,
  };
  try {
    const partitions = await openPartitions({
      folder,
      database,
      files: NODE_FILES,
      rowsMax: 1_000_000,
      warn: () => undefined,
    });
    const load = () => partitions.load({ parts: [], nowMs: NOW_MS, wantsIds: false });
    await expect(load()).rejects.toThrow('committed all the same');
    mustFail = false;
    const lookup = partitions.known([{ id: 'h.1', timestampMs: NOW_MS }]);
    await readBegan.promise;
    const loaded = load();
    // As much as could happen while the reading is held up.
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    held.resolve();
    await Promise.all([lookup, loaded]);
    expect(partitions.all().map(({ span }) => span?.rows)).toEqual([2 * EVENTS]);
    expect(partitions.nextSeq()).toBe(2 * EVENTS + 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
