// `vedette explain` against a real server: stored events by their ids, what suppression made of them, windows of the past.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';
import { makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

let folder: TestFolder;
let server: RunningServer;

const NETCAT = `id: netcat
name: Netcat
severity: low
match: event.action = "executed" and process.name in ["nc", "ncat"]
by: [host.id]
alert: { suppress: { for: 1h, by: [host.id] } }
`;
const BURST = `id: burst
name: Burst
severity: low
match: event.action = "failed"
by: [user.name]
threshold: { count: 3, within: 1m }
`;

beforeAll(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'own'));
  writeFileSync(join(folder.path, 'own', 'netcat.yaml'), NETCAT);
  writeFileSync(join(folder.path, 'own', 'burst.yaml'), BURST);
  const slow = BURST.replace('id: burst', 'id: slow').replace('count: 3, within: 1m', 'count: 5, within: 1d');
  writeFileSync(join(folder.path, 'own', 'slow.yaml'), slow);
  const together =
    'id: both\nname: Both\nseverity: low\nby: [host.id]\ntogether: { rules: [netcat, burst], within: 5m }\n';
  writeFileSync(join(folder.path, 'own', 'both.yaml'), together);
  writeFileSync(join(folder.path, 'vedette.yaml'), `rules: { folders: [own], shipped: false }\n`);
  server = await startServer({
    version: '0.0.0',
    dataFolder: join(folder.path, 'data'),
    port: 0,
    store: { kind: 'memory' },
    ruleFolders: [{ path: join(folder.path, 'own'), kind: 'own' }],
    channels: { terminal: { writable: new PassThrough().resume() } },
    alertOnImports: true,
    now: () => NOW_MS,
    onNotice: () => {},
  });
  const at = (minute: number, second: number): string =>
    new Date(NOW_MS - 3_600_000 + minute * 60_000 + second * 1_000).toISOString();
  const event = (time: string, more: object): string =>
    JSON.stringify({ '@timestamp': time, host: { id: 'h1', name: 'h1' }, ...more });
  writeFileSync(
    join(folder.path, 'events.ndjson'),
    [
      event(at(0, 0), { event: { action: 'executed', created: at(0, 0) }, process: { name: 'nc' } }),
      event(at(1, 0), { event: { action: 'executed', created: at(1, 0) }, process: { name: 'ncat' } }),
      event(at(2, 0), { event: { action: 'executed', created: at(2, 0) }, process: { name: 'cat' } }),
      ...[0, 20, 90].map((second) =>
        event(at(5, second), { event: { action: 'failed', created: at(5, second) }, user: { name: 'root' } }),
      ),
      event(at(5, 5), { event: { action: 'failed', created: at(5, 5) }, user: { name: 'mallory' } }),
      event(at(6, 0), {
        event: { action: 'executed', created: at(6, 0) },
        user: { name: 'root' },
        process: { name: 'id' },
      }),
    ].join('\n'),
  );
  const stored = await ask('import', join(folder.path, 'events.ndjson'));
  expect(stored.stdout).toContain('8 stored');
});
afterAll(async () => {
  await server?.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path });
}

async function idOf(query: string): Promise<string> {
  const { stdout } = await ask('search', query, '--since', '2h', '--json');
  return JSON.parse(stdout).events[0].id;
}

describe('explain, of what is stored', () => {
  it('tells the clause that decided about an event', async () => {
    const { stdout, code } = await ask('explain', 'netcat', '--event', await idOf('process.name:cat'));
    expect(code).toBe(0);
    expect(stdout).toContain('It does not match: `process.name in ["nc", "ncat"]` is not true: process.name is "cat"');
  });

  it('tells which alert an event opened, or until when its key was suppressed', async () => {
    const until = async (): Promise<string> => (await ask('alerts', 'list', '--since', '2h', '--json')).stdout;
    while (!(await until()).includes('netcat')) await new Promise((resolve) => setTimeout(resolve, 10));
    const opened = await ask('explain', 'netcat', '--event', await idOf('process.name:nc'));
    expect(opened.stdout).toMatch(/opened alert \w+; its key is suppressed until 2026-05-01 10:00:00\.000 UTC/);
    const joined = await ask('explain', 'netcat', '--event', await idOf('process.name:ncat'));
    expect(joined.stdout).toMatch(
      /suppressed: joined alert \w+, which holds its key until 2026-05-01 10:00:00\.000 UTC/,
    );
    const all = await ask('explain', '--event', await idOf('process.name:ncat'));
    expect(all.stdout).toMatch(/: 1 decision\n {2}netcat: suppressed: joined alert \w+, which holds/);
    const none = await ask('explain', '--event', await idOf('process.name:cat'));
    expect(none.stdout).toContain('no rule matched it');
    expect(await ask('explain', '--event', 'nowhere')).toMatchObject({ code: 2 });
    expect((await ask('explain')).stderr).toContain('neither RULE nor --event');
    const { alerts } = JSON.parse(await until());
    const shown = await ask('alerts', 'show', alerts[0].id);
    expect(shown.stdout).toContain('Why\n  Alerts on an event where event.action is "executed"');
    expect(shown.stdout).toContain('✓ process.name in ["nc", "ncat"]  process.name is "nc"');
  });

  it('tells how far a window came, of an event’s key, of a key, of all', async () => {
    const event = await ask('explain', 'burst', '--event', await idOf('user.name:root AND event.action:failed'));
    expect(event.stdout).toContain('key ["root"]: 3 events');
    expect(event.stdout).toContain('2 of 3 within 1m at the most');
    const uncounted = await ask('explain', 'burst', '--event', await idOf('process.name:id'));
    expect(uncounted.stdout).toMatch(/It does not match: .*event\.action is "executed"/);
    expect(uncounted.stdout).toContain('key ["root"]: 3 events');
    const alone = await ask('explain', 'burst', '--event', await idOf('process.name:cat'));
    expect(alone.stdout).toContain('no event counts around it under this key');
    const key = await ask('explain', 'burst', '--since', '2h', '--key', 'mallory');
    expect(key.stdout).toContain('key ["mallory"]: 1 event');
    expect(key.stdout).not.toContain('root');
    const long = await ask('explain', 'burst', '--key', 'h1,mallory');
    expect([long.code, long.stderr]).toEqual([
      2,
      expect.stringContaining('--key has 2 values, and the rule’s key 1 field'),
    ]);
    const all = JSON.parse((await ask('explain', 'burst', '--since', '2h', '--json')).stdout);
    expect(all).toMatchObject({
      keysTotal: 2,
      isComplete: true,
      keys: [{ key: '["root"]', matches: 3, found: [] }, {}],
    });
  });

  it('tells which rules of `together` detected', async () => {
    const { stdout, code } = await ask('explain', 'both', '--since', '2h');
    expect(code).toBe(0);
    expect(stdout).toContain('key ["h1"]: 1 of 2 rules: nothing found');
    expect(stdout).toContain('✓ netcat: 2 detections, the last 2026-05-01T09:01:00.000Z\n  ✗ burst: 0 detections');
  });

  it('says that an event is not there', async () => {
    expect(await ask('explain', 'netcat', '--event', 'nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such event'),
    });
  });

  it('without --since, live windows as the server has them: for a key, and those seen last', async () => {
    const one = await ask('explain', 'slow', '--key', 'root');
    expect(one.stdout).toMatch(/key \["root"\]: last match .*\n {2}3 of 5 within 1d; the oldest leaves at /);
    expect(one.stdout).not.toContain('mallory');
    expect(one.stderr).toContain('live, as of the events up to');
    const all = JSON.parse((await ask('explain', 'slow', '--json')).stdout);
    expect(all).toMatchObject({ isLive: true, keysTotal: 2, keys: [{ key: '["root"]' }, { key: '["mallory"]' }] });
    const stored = await ask('explain', 'slow', '--since', '2h', '--key', 'root');
    expect(stored.stdout).toContain('3 of 5 within 1d at the most');
  });

  it('live windows are for readers, and bounded', async () => {
    const url = `${server.url}/api/v1/rules/slow/windows`;
    expect((await fetch(url)).status).toBe(401);
    expect((await ask('explain', 'slow', '--key', `["${'x'.repeat(20_000)}"]`)).stdout).toContain('no event counts');
  });
});
