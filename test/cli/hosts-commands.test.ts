// `vedette hosts add` and `vedette hosts quota` against a server that answers from a table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, openApiServer, type Reply } from './api-server.ts';
import { makeFolder, runHere, type Said, type TestFolder } from './terminal.ts';

let folder: TestFolder;
let server: ApiServer;
let reply: Reply;

beforeEach(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'data', 'server'), { recursive: true });
  writeFileSync(join(folder.path, 'data', 'server', 'admin.token'), 'admin-token\n');
  server = await openApiServer(() => reply);
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path });
}

describe('hosts add and hosts quota', () => {
  it('prints the token alone, so that it can go into a file', async () => {
    reply = { status: 201, body: { host_id: 'web-1', token: 'vdt_h_x' } };
    const said = await ask('hosts', 'add', 'web-1', '--id', 'w1', '--new-token');
    expect(said).toMatchObject({ code: 0, stdout: 'vdt_h_x\n' });
    expect(said.stderr).toContain('not shown again');
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/api/v1/hosts', token: 'Bearer admin-token' });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({ name: 'web-1', id: 'w1', replace_token: true });
  });

  it('sends the quota in the server’s units, and says what holds', async () => {
    reply = { body: { host_id: 'web-1', quota: { eventsPerSecond: 500, bytesPerSecond: 524_288, burstS: 60 } } };
    const options = ['--events-per-second', '500', '--bytes-per-second', '512KiB', '--burst', '1m'];
    const said = await ask('hosts', 'quota', 'web-1', ...options);
    expect(said.stdout).toMatch(/^web-1: 500 events\/s, 512(\.0)? ?KiB\/s, 60 s at once\n$/);
    const asked = server.asked[0];
    expect(asked?.path).toBe('/api/v1/hosts/web-1/quota');
    expect(JSON.parse(asked?.body ?? '')).toEqual({ events_per_second: 500, bytes_per_second: 524_288, burst_s: 60 });
    reply = { body: { host_id: 'web-1', quota: null } };
    expect((await ask('hosts', 'quota', 'web-1')).stdout).toBe('web-1: the quota of the configuration\n');
  });

  it.each([
    ['--events-per-second', '0'],
    ['--bytes-per-second', 'much'],
    ['--burst', '10ms'],
    ['--burst', '10s'],
  ])('refuses %s %s before it asks', async (...options) => {
    expect((await ask('hosts', 'quota', 'web-1', ...options)).code).toBe(2);
    expect(server.asked).toEqual([]);
  });
});
