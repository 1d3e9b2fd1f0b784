// The commands against the real server, in this process, on the memory store: the shapes of both sides fit.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostIdOfName } from '../../cli/import/imported-host.ts';
import { SHIPPED_RULES } from '../../cli/server-settings.ts';
import { HOST_ID_PATTERN } from '../../event/id.ts';
import type { RunningServer } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';
import { makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

let folder: TestFolder;
let server: RunningServer;

beforeAll(async () => {
  folder = makeFolder();
  server = await startServer({
    version: '0.0.0',
    dataFolder: join(folder.path, 'data'),
    port: 0,
    store: { kind: 'memory' },
    ruleFolders: [{ path: SHIPPED_RULES, kind: 'shipped' }],
    channels: { terminal: { writable: new PassThrough().resume() } },
    alertOnImports: true,
    now: () => NOW_MS,
    onNotice: () => {},
  });
});
afterAll(async () => {
  await server?.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path });
}

const SAMPLE = fileURLToPath(new URL('../data/audit-samples/execve_script.log', import.meta.url));

describe('against the real server', () => {
  it('status, hosts, alerts and search answer, and fit', async () => {
    expect(await ask('status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('store     memory: 0 events'),
    });
    expect(await ask('hosts')).toMatchObject({ code: 0, stderr: '0 hosts\n' });
    expect(await ask('alerts', 'list')).toMatchObject({ code: 0, stderr: expect.stringContaining('0 alerts') });
    expect(await ask('search', '*')).toMatchObject({ code: 0, stderr: expect.stringContaining('0 events') });
  });

  it('a query that cannot be read is refused with its place', async () => {
    const said = await ask('search', 'a AND (');
    expect(said).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        'query:1:8: error: the query ends too early [query/operand]',
        '  1 | a AND (',
        '    |        ^',
        '  Put a clause after the last operator.',
        'vedette: the query cannot be read [query/operand]',
        '  docs/search.md describes the search language.',
        '',
      ].join('\n'),
    });
  });

  it('what does not exist is said not to', async () => {
    expect(await ask('alerts', 'show', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such alert'),
    });
    expect(await ask('alerts', 'ack', 'nothing')).toMatchObject({ code: 2 });
    expect(await ask('hosts', 'revoke', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such host'),
    });
  });

  it('a backtest runs, of a rule and of everything', async () => {
    expect(await ask('backtest', 'web-server-spawned-shell', '--since', '1h')).toMatchObject({ code: 0 });
    expect(await ask('backtest', '--as-it-was', '--since', '1h')).toMatchObject({
      code: 0,
      stdout: 'No difference from what was found live.\n',
    });
  });
});

describe('import', () => {
  it('stores a log once, however often and however packed it comes, and search finds it under its host', async () => {
    const packed = join(folder.path, 'audit.log.gz');
    writeFileSync(packed, gzipSync(readFileSync(SAMPLE)));
    const first = await ask('import', SAMPLE, '--host', 'web.example.org');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const stored = Number(/: (\d+) stored, 0 duplicates, 0 rejected\n$/.exec(first.stdout)?.[1]);
    expect(stored).toBeGreaterThan(0);
    const second = await ask('import', packed, SAMPLE, '--host', 'web.example.org', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ stored: 0, duplicate: 2 * stored, rejected: 0, rejections: [] });
    const range = ['--since', '2026-01-01', '--until', '2027-01-01'];
    const found = await ask('search', 'host.name:web.example.org', ...range, '--json');
    expect(JSON.parse(found.stdout)).toMatchObject({ total: stored });
  });

  it('puts together what a rotation parted, from files in any order, and gives the ids of the host’s own collector', async () => {
    const logs = join(folder.path, 'rotated');
    mkdirSync(logs);
    const lines = readFileSync(SAMPLE, 'latin1').split('\n').filter(Boolean);
    for (const [name, from, to] of [
      ['audit.log', 7, lines.length],
      ['audit.log.1', 3, 7],
      ['audit.log.2', 0, 3],
    ] as const) {
      writeFileSync(join(logs, name), `${lines.slice(from, to).join('\n')}\n`, 'latin1');
    }
    const who = ['--host', 'web-9', '--host-id', '1f0c', '--boot-id', '0f1e2d3caaaabbbbcccc000000000000'];
    const parted = await ask('import', logs, ...who, '--json');
    expect(JSON.parse(parted.stdout)).toMatchObject({ files: 3, duplicate: 0, rejected: 0 });
    const whole = await ask('import', SAMPLE, ...who, '--json');
    const { events } = JSON.parse(whole.stdout);
    expect(JSON.parse(whole.stdout)).toMatchObject({ files: 1, stored: 0, duplicate: events });
    expect(JSON.parse(parted.stdout)).toMatchObject({ events, stored: events });
    const enriched = lines.map((line) => (line.startsWith('type=SYSCALL') ? `${line}\x1dUID="root"` : line));
    writeFileSync(join(logs, 'audit.log'), enriched.join('\n'), 'latin1');
    const again = await ask('import', join(logs, 'audit.log'), ...who, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, duplicate: events });
    const range = ['--since', '2026-01-01', '--until', '2027-01-01'];
    const found = await ask('search', 'host.id:1f0c', ...range, '--json');
    expect(JSON.parse(found.stdout)).toMatchObject({ total: events });
  });

  it.each([
    ['--host-id', 'not an id'],
    ['--boot-id', '1234'],
    ['--boots', SAMPLE],
    ['--boots', '/does/not/exist'],
  ])('refuses %s %s before anything is read', async (option, value) => {
    expect(await ask('import', SAMPLE, '--host', 'x', option, value)).toMatchObject({ code: 2, stdout: '' });
  });

  it('tells every rejected line by file and number, and stores the others', async () => {
    mkdirSync(join(folder.path, 'logs'));
    const file = join(folder.path, 'logs', 'mixed.ndjson');
    const good = (n: number): string =>
      JSON.stringify({ '@timestamp': `2026-05-01T09:0${n}:00Z`, host: { name: 'h' }, message: `m${n}` });
    writeFileSync(join(folder.path, 'logs', 'before.ndjson'), `${good(0)}\n`);
    writeFileSync(file, `${good(1)}\nnonsense \u001b[2J\n\n${good(2)}\n{"no":"time"}\n`);
    const said = await ask('import', join(folder.path, 'logs', 'before.ndjson'), file);
    expect(said.code).toBe(1);
    expect(said.stdout).toBe('2 files, 6 lines, 3 events: 3 stored, 0 duplicates, 2 rejected\n');
    expect(said.stderr.split('\n').map((line) => line.slice(file.length, file.length + 3))).toEqual([':2:', ':5:', '']);
    expect(said.stderr).not.toContain('\u001b');
  });

  it('wants to be told whose log it is, before anything is stored under a wrong name', async () => {
    const said = await ask('import', SAMPLE);
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain(`${SAMPLE}:`);
    expect(said.stderr).toContain('--host NAME');
  });

  it('names the file that cannot be read', async () => {
    const said = await ask('import', SAMPLE, join(folder.path, 'gone.log'), '--host', 'x');
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('gone.log does not exist');
  });

  it('gives two hosts two ids, whatever is in their names', () => {
    const names = ['web-1', 'web.1', 'web 1', 'web/1', '', 'x'.repeat(300), `${'x'.repeat(300)}y`, '../../etc'];
    const ids = names.map(hostIdOfName);
    expect(new Set(ids).size).toBe(names.length);
    for (const id of ids) expect(id).toMatch(HOST_ID_PATTERN);
    expect(ids[0]).toBe('web-1');
  });
});
