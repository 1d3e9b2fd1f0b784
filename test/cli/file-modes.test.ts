// Whatever the umask: nobody but its owner reads anything of the data folder, while the server runs and after it ended.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { bulkLines } from '../../event/bulk.ts';
import type { EnrollResponse } from '../../server/api.ts';
import { sampleEvent } from '../contract/event-samples.ts';
import { eventually, makeInstallation } from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';

const before = process.umask();
afterEach(() => {
  process.umask(before);
});

/** Everything below a folder that others may do something with. */
function openToOthers(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    return (mode & 0o077) === 0 ? [] : [`${path} ${(mode & 0o777).toString(8)}`];
  });
}

it('keeps every file of the server to its owner', async () => {
  const installation = makeInstallation({ port: await freePort(), shippedRules: false });
  process.umask(0);
  const server = await installation.start('server');
  try {
    const { dataFolder } = installation;
    const secret = readFileSync(join(dataFolder, 'server', 'enrollment.secret'), 'utf8').trim();
    const body = { enrollment_secret: secret, host: { id: 'h1', name: 'h1' } };
    const { token } = await installation.api<EnrollResponse>('/enroll', body);
    const { id, document } = sampleEvent(1);
    const answer = await fetch(`${installation.url}/_bulk`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: bulkLines(id, JSON.stringify(document)),
    });
    expect(answer.status).toBe(200);
    await eventually('a partition', () =>
      readdirSync(join(dataFolder, 'store')).find((name) => name.endsWith('.duckdb')),
    );
    expect(openToOthers(dataFolder)).toEqual([]);
    await server.stop();
    const files = readdirSync(dataFolder, { recursive: true });
    expect(files.length).toBeGreaterThan(8);
    expect(openToOthers(dataFolder)).toEqual([]);
    expect(lstatSync(dataFolder).mode & 0o077).toBe(0);
  } finally {
    if (server.isRunning()) await server.kill();
    installation.remove();
  }
});
