// Partitions that an earlier release wrote, with other columns than today's catalogue has, are read by their own layout.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { LAYOUT } from '../../store/embedded/columns.ts';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { parseQuery } from '../../store/query/parse.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';

it('reads and searches a partition of another layout, and writes beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-layout-'));
  const open = () => openEmbeddedStore({ folder, nowMs: () => START_MS });
  let store = await open();
  await store.append([sampleEvent(1), sampleEvent(2)]);
  await store.close();

  // As if there had been no column for process.name then, one for a field that is gone, and the pid had been text.
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.duckdb'));
  const instance = await DuckDBInstance.create(join(folder, name));
  const connection = await instance.connect();
  await connection.run(
    `UPDATE events SET _rest = json_merge_patch(_rest, json_object('process', json_object('name', "process.name")))`,
  );
  await connection.run('ALTER TABLE events DROP COLUMN "process.name"');
  await connection.run('ALTER TABLE events ALTER COLUMN "process.pid" SET DATA TYPE VARCHAR');
  await connection.run(`ALTER TABLE events ADD COLUMN "gone.field" VARCHAR`);
  await connection.run(`UPDATE events SET "gone.field" = 'was here'`);
  const columns: unknown[][] = JSON.parse(LAYOUT.text);
  const then = columns
    .filter(([field]) => field !== 'process.name')
    .map(([field, type, isTime]) => [field, field === 'process.pid' ? 'VARCHAR' : type, isTime]);
  await connection.run('UPDATE vedette_format SET layout = $1', [
    JSON.stringify([...then, ['gone.field', 'VARCHAR', false]]),
  ]);
  connection.closeSync();
  instance.closeSync();

  store = await open();
  try {
    const document = sampleEvent(1).document as { process: object };
    const before = { ...document, process: { ...document.process, pid: '1001' }, gone: { field: 'was here' } };
    expect(await store.get(sampleEvent(1).id)).toEqual(before);
    expect((await store.append([sampleEvent(1), sampleEvent(3)])).map((result) => result.kind)).toEqual([
      'duplicate',
      'created',
    ]);
    await store.flush();
    expect(readdirSync(folder).filter((file) => file.endsWith('.duckdb'))).toHaveLength(2);
    for (const [text, expected] of [
      ['process.name:curl', [1, 3]],
      ['NOT process.name:curl', [2]],
      ['gone.field:*here', [1, 2]],
      ['process.pid:>=1002', [2, 3]],
      ['process.pid:1001', [1]],
      ['process.pid:*3', [3]],
      ['process.name:*', [1, 2, 3]],
    ] as const) {
      const parsed = parseQuery(text, 0);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const found = await store.search({
        query: parsed.query,
        range: { fromMs: 0, untilMs: 1e15 },
        limit: 10,
        oldestFirst: true,
      });
      expect([text, found.events.map((event) => event.id)]).toEqual([text, expected.map((n) => sampleEvent(n).id)]);
    }
    const scanned: string[] = [];
    for await (const batch of store.scan({ fromMs: 0, untilMs: 1e15 }))
      for (const event of batch) scanned.push(event.id);
    expect(scanned).toHaveLength(3);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('counts partitions itself where the list is of a release that could miscount', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-list-'));
  const open = () => openEmbeddedStore({ folder, nowMs: () => START_MS });
  let store = await open();
  await store.append([sampleEvent(1), sampleEvent(2), sampleEvent(3)]);
  await store.close();
  const path = join(folder, 'partitions.json');
  const { isCounted, ...list } = JSON.parse(readFileSync(path, 'utf8'));
  expect(isCounted).toBe(true);
  for (const partition of list.partitions) partition.span.rows = 1;
  writeFileSync(path, JSON.stringify(list));

  store = await open();
  expect((await store.statistics()).events).toBe(3);
  await store.close();
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    isCounted: true,
    partitions: [{ span: { rows: 3 } }],
  });
  rmSync(folder, { recursive: true, force: true });
});
