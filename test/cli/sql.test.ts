// `vedette sql` against a real server: its formats, its refusals, how it is called off, and a store that has no SQL.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/options.ts';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';
import { serveStore } from './served-store.ts';
import { makeFolder, runHere, type Said, type TestFolder } from './terminal.ts';

let folder: TestFolder;
let server: RunningServer;

beforeAll(async () => {
  folder = makeFolder();
  const store = await openEmbeddedStore({ folder: join(folder.path, 'data', 'store'), nowMs: () => START_MS });
  await store.append(Array.from({ length: 20 }, (_, n) => sampleEvent(n)));
  await store.append([sampleEvent(50, { process: { name: '\u001b[31mred\u202e', args: ['=1+1', 'a,b'] } })]);
  server = await serveStore(store, join(folder.path, 'data'));
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere(['sql', ...words, '--server', server.url, '--data', join(folder.path, 'data')], { cwd: folder.path });
}

const BY_NAME = `SELECT "process.name" AS name, count(*) AS n FROM events WHERE "process.pid" > 0 GROUP BY ALL ORDER BY name`;
const HOSTILE = `SELECT "process.name" AS name, "process.args" AS args FROM events WHERE "process.pid" IS NULL`;

describe('vedette sql', () => {
  it('prints a table, and how many rows that were', async () => {
    const { code, stdout, stderr } = await ask(BY_NAME);
    expect([code, stdout]).toEqual([0, 'name   n\nbash  10\ncurl  10\n']);
    expect(stderr).toMatch(/^2 rows \([0-9.]+ s\)\n$/);
  });

  it.each([
    ['csv', 'name,n\r\nbash,10\r\ncurl,10\r\n'],
    ['ndjson', '{"name":"bash","n":10}\n{"name":"curl","n":10}\n'],
  ])('prints %s', async (format, stdout) => {
    expect((await ask(BY_NAME, '--format', format)).stdout).toBe(stdout);
  });

  it('prints the whole answer as JSON', async () => {
    expect(JSON.parse((await ask(BY_NAME, '--json')).stdout)).toMatchObject({
      columns: [
        { name: 'name', type: 'VARCHAR' },
        { name: 'n', type: 'BIGINT' },
      ],
      rows: [
        ['bash', 10],
        ['curl', 10],
      ],
      missing: 0,
      partitions: 1,
    });
  });

  it('sends no command to the terminal, and no formula to a spreadsheet', async () => {
    for (const format of ['table', 'json', 'ndjson']) {
      const { stdout } = await ask(HOSTILE, '--format', format);
      expect(stdout).toContain('red');
      expect(stdout).not.toMatch(/[\u001b\u202e]/);
    }
    const { stdout } = await ask(`SELECT '=1+1' AS a, '@x' AS b`, '--format', 'csv');
    expect(stdout).toBe("a,b\r\n'=1+1,'@x\r\n");
  });

  it('reads a statement from a file', async () => {
    writeFileSync(join(folder.path, 'q.sql'), BY_NAME);
    expect((await ask('--file', join(folder.path, 'q.sql'))).stdout).toContain('curl');
    expect(await ask('SELECT 1', '--file', 'q.sql')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('one statement'),
    });
  });

  it('keeps to --since, --until and --limit, and says when there is more', async () => {
    const at = (second: number): string => new Date(START_MS + second * 1_000).toISOString();
    const ranged = await ask('SELECT count(*) AS n FROM events', '--since', at(5), '--until', at(9), '--format', 'csv');
    expect(ranged.stdout).toBe('n\r\n4\r\n');
    const limited = await ask('SELECT id FROM events', '--limit', '3');
    expect(limited.stderr).toContain('There are more');
  });

  it('leaves columns without any value out of a wide table', async () => {
    const { stdout, stderr } = await ask('SELECT * FROM events LIMIT 1');
    expect([stdout.includes('process.name'), stdout.includes('container.id')]).toEqual([true, false]);
    expect(stderr).toMatch(/[0-9]+ columns without any value/);
  });

  it('shows where a statement is wrong, and refuses what it may not do', async () => {
    const wrong = await ask('SELECT count(* FROM events');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('               ^')]);
    const refused = await ask(`SELECT 'é',\n  getenv('HOME')`);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('statement:2:3')]);
    expect(refused.stderr).toContain('getenv');
  });

  it('breaks a statement off after its time, and when its client goes', async () => {
    const endless = 'SELECT count(*) FROM range(100000000000) r(n) WHERE n % 7 = 8';
    expect(await ask(endless, '--timeout', '50ms')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('0.05 s'),
    });
    const token = readFileSync(server.secretFiles.readerToken, 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asking = request(`${server.url}/api/v1/sql`, { method: 'POST', headers });
    asking.on('error', () => undefined);
    asking.end(JSON.stringify({ sql: endless }));
    await sleep(200);
    asking.destroy();
    // The one place is free again soon: it would be taken for 30 s.
    expect((await ask('SELECT 1 AS one', '--timeout', '20s')).stdout).toContain('one');
  });

  it('asks for a reader’s token', async () => {
    const { status } = await fetch(`${server.url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"sql":"SELECT 1"}',
    });
    expect(status).toBe(401);
  });

  it('says what to use where the store has no SQL', async () => {
    const other = await serveStore(openMemoryStore(), join(folder.path, 'other'));
    const words = ['sql', 'SELECT 1', '--server', other.url, '--data', join(folder.path, 'other')];
    const { code, stderr } = await runHere(words, { cwd: folder.path });
    await other.close();
    expect([code, stderr]).toEqual([2, expect.stringContaining('vedette search')]);
  });
});
