// The server on a disk that is really full (a small tmpfs, so root is needed): over HTTP it puts off what it cannot store, goes on
// answering, and when there is room goes on by itself, with every acknowledged event stored and judged once.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlertsResponse, EnrollResponse, SearchApiResponse, StatusResponse } from '../../server/api.ts';
import { eventually, type Installation, makeInstallation } from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';
import { bulkOf, execEvent, SPAWN_RULE } from './server-under-test.ts';

const isRoot = process.getuid?.() === 0;
const BATCH = 100;
let installation: Installation;

beforeEach(async () => {
  installation = makeInstallation({
    port: await freePort(),
    shippedRules: false,
    rules: { 'web-server-spawns-shell.yaml': SPAWN_RULE },
  });
  mkdirSync(installation.dataFolder);
  if (isRoot) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=700', 'tmpfs', installation.dataFolder]);
});
afterEach(() => {
  // Lazily: what a failed claim left running must not keep the mount.
  if (isRoot) execFileSync('umount', ['--lazy', installation.dataFolder]);
  installation.remove();
});

/** Sends a batch; answers the ids that are acknowledged, or how it was put off. */
async function send(
  token: string,
  first: number,
): Promise<readonly string[] | { status: number; retryAfter: string | null }> {
  const startMs = Date.now();
  const events = Array.from({ length: BATCH }, (_, at) => {
    const { id, document } = execEvent('web-1', first + at, { user: `u${(first + at) % 20}`, createdMs: startMs });
    // Text that does not compress, so that partitions grow as the log does.
    return { id, document: { ...document, message: randomBytes(3_000).toString('base64') } };
  });
  const answer = await fetch(`${installation.url}/_bulk`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: bulkOf(events),
  });
  const body = (await answer.json()) as { items?: { create: { _id: string; status: number } }[] };
  if (body.items === undefined) return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
  return body.items.flatMap(({ create }) => (create.status === 201 ? [create._id] : []));
}

describe.skipIf(!isRoot)('a server whose disk is full (needs root to mount one)', () => {
  it('puts off, goes on, and has what it acknowledged once, alerts included', async () => {
    const { dataFolder } = installation;
    const server = await installation.start('server');
    try {
      const ballast = join(dataFolder, 'ballast');
      // Taken away again it leaves room for all that the log can hold meanwhile, once more in partitions, and for what is found.
      writeFileSync(ballast, Buffer.alloc(27_000_000));
      const secret = readFileSync(join(dataFolder, 'server', 'enrollment.secret'), 'utf8').trim();
      const body = { enrollment_secret: secret, host: { id: 'web-1', name: 'web-1' } };
      const { token } = await installation.api<EnrollResponse>('/enroll', body);
      const acknowledged: string[] = [];
      const putOff: { status: number; retryAfter: string | null }[] = [];
      let next = 1;
      while (putOff.filter(({ status }) => status === 503).length < 10 && next < 20_000) {
        const answer = await send(token, next);
        if ('status' in answer) putOff.push(answer);
        else acknowledged.push(...answer);
        next += BATCH;
      }
      expect(putOff.filter(({ status }) => status !== 429 && status !== 503)).toEqual([]);
      expect(putOff.some(({ status }) => status === 503)).toBe(true);
      expect(putOff.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
      // To the last byte: state.sqlite cannot grow either.
      const filler = join(dataFolder, 'filler');
      const { bavail, bsize } = statfsSync(dataFolder);
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize));
      } catch {
        // It was taken meanwhile.
      }
      const enrolment = await fetch(`${installation.url}/api/v1/enroll`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ enrollment_secret: secret, host: { id: 'web-2', name: 'n'.repeat(200) } }),
      });
      // SQLite may have a page left.
      expect([201, 503]).toContain(enrolment.status);
      expect((await installation.api<StatusResponse>('/status')).store.events).toBeGreaterThan(0);
      expect(server.isRunning()).toBe(true);

      rmSync(ballast);
      rmSync(filler, { force: true });
      const more = await eventually('events to be taken again', async () => {
        const answer = await send(token, next);
        return 'status' in answer ? undefined : answer;
      });
      acknowledged.push(...more);
      const stored = await eventually('all to be filed and judged', async () => {
        const status = await installation.api<StatusResponse>('/status');
        return status.store.pending === 0 && status.engine.behind === 0 && status.engine.pendingDetections === 0
          ? status
          : undefined;
      });
      expect(stored.store.events).toBeGreaterThanOrEqual(acknowledged.length);
      const found = await installation.api<SearchApiResponse>('/search', { query: '', sinceMs: 0, limit: 10_000 });
      const ids = found.events.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const known = new Set(ids);
      expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
      const { alerts } = await installation.api<AlertsResponse>('/alerts?limit=1000');
      expect(alerts.reduce((sum, { count }) => sum + count, 0)).toBe(ids.length);
      expect(await server.stop()).toBe(0);
    } finally {
      if (server.isRunning()) await server.kill();
    }
  });
});
