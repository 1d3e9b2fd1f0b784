// The commands against the real server, in this process, on the memory store: the shapes of both sides fit.

import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHIPPED_RULES } from '../../cli/server-settings.ts';
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

  it('a query that cannot be read is refused with its column', async () => {
    const said = await ask('search', 'a AND (');
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/column \d/);
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
