// `vedette hold add` against a server that answers from a table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, openApiServer, type Reply } from './api-server.ts';
import { makeFolder, runHere, type TestFolder } from './terminal.ts';

const HOLD = {
  id: 'hold-1',
  fromMs: 0,
  untilMs: 86_400_000,
  hostId: 'we"b',
  reason: 'case',
  addedBy: 'ann',
  addedMs: 1,
};

let folder: TestFolder;
let server: ApiServer;
let found: Reply;

beforeEach(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'data', 'server'), { recursive: true });
  writeFileSync(join(folder.path, 'data', 'server', 'admin.token'), 'admin-token\n');
  server = await openApiServer(({ path }) => (path.endsWith('/search') ? found : { status: 201, body: HOLD }));
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

describe('hold add', () => {
  it.each<[string, Reply, string]>([
    ['how many events are in it', { body: { total: 3, isTotalExact: true } }, '3 events in it now\n'],
    ['a bound, where that is known', { body: { total: 9, isTotalExact: false } }, 'at least 9 events in it now\n'],
    ['that it holds nothing', { body: { total: 0, isTotalExact: true } }, 'vedette: no event is in it now. '],
    ['nothing where they cannot be counted', { status: 503, body: {} }, ''],
  ])('says %s', async (_, reply, expected) => {
    found = reply;
    const words = [
      'hold',
      'add',
      '--from',
      '1970-01-01',
      '--until',
      '1970-01-02',
      '--host',
      'we"b',
      '--reason',
      'case',
    ];
    const said = await runHere([...words, '--server', server.url], { cwd: folder.path });
    expect(said).toMatchObject({
      code: 0,
      stdout: 'hold-1 holds 1970-01-01T00:00:00.000Z to 1970-01-02T00:00:00.000Z of we"b\n',
      stderr: expected === '' ? '' : expect.stringContaining(expected),
    });
    expect(JSON.parse(server.asked.at(-1)?.body ?? '')).toEqual({
      query: 'host.id:"we\\"b"',
      sinceMs: 0,
      untilMs: 86_400_000,
      limit: 1,
    });
  });
});
