// The embedded store, killed between every two durable steps: of the log, of its segments, of loads and their shares, of the removal of
// what was loaded, of the close. Nothing that was acknowledged is lost, nothing is stored twice, and what a follower has read stays.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { START_MS } from '../contract/event-samples.ts';

const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

// Hundreds of processes, one after the other: twenty minutes where a machine has others to run.
vi.setConfig({ testTimeout: 5_400_000 });

interface Run {
  readonly acknowledged: readonly { readonly id: string; readonly kind: string }[];
  /** How many steps there are; undefined of a run that was killed. */
  readonly steps: number | undefined;
}

function run(folder: string, killAt: number): Run {
  const writer = join(import.meta.dirname, 'embedded-steps-writer.ts');
  const { stdout, signal } = spawnSync(process.execPath, [writer, folder, String(killAt)], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line !== '');
  const steps = /^steps ([0-9]+)$/.exec(lines.at(-1) ?? '')?.[1];
  // Another run may need fewer of them: it came to its end before that one.
  const isAtEnd = killAt === 0 || Number(steps) < killAt;
  expect(signal).toBe(isAtEnd ? null : 'SIGKILL');
  const acknowledged = lines.slice(0, steps === undefined ? undefined : -1).map((line) => {
    const [id = '', kind = ''] = line.split(' ');
    return { id, kind };
  });
  return { acknowledged, steps: steps === undefined ? undefined : Number(steps) };
}

async function followed(store: EmbeddedStore): Promise<readonly { readonly seq: number; readonly id: string }[]> {
  const events: { seq: number; id: string }[] = [];
  for (let cursor: string | undefined; ; ) {
    const batch = await store.next(cursor, { limit: 7, waitMs: 0 });
    if (batch.events.length === 0) return events;
    for (const { seq, id } of batch.events) events.push({ seq, id });
    cursor = batch.cursor;
  }
}

const open = (folder: string): Promise<EmbeddedStore> =>
  openEmbeddedStore({ folder, nowMs: () => START_MS, limits: { loadDelayMs: 3_600_000, recentEvents: 5 } });

it('loses nothing and doubles nothing, wherever it is killed', async () => {
  const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-steps-'));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  let steps = 0;
  await inFolder(async (folder) => {
    steps = run(folder, 0).steps ?? 0;
  });
  expect(steps).toBeGreaterThan(60);
  for (let killAt = 1; killAt <= steps; killAt++) {
    await inFolder(async (folder) => {
      const { acknowledged } = run(folder, killAt);
      const store = await open(folder);
      const before = await followed(store);
      const ids = before.map(({ id }) => id);
      const say = `killed at step ${killAt} of ${steps}`;
      expect(new Set(ids).size, say).toBe(ids.length);
      expect(
        acknowledged.filter(({ id }) => !ids.includes(id)),
        say,
      ).toEqual([]);
      await store.flush();
      expect(await followed(store), say).toEqual(before);
      const found = await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 1_000 });
      expect(found.events.map(({ id }) => id).sort(), say).toEqual([...ids].sort());
      expect((await store.statistics()).events, say).toBe(ids.length);
      await store.close();
      // Whatever was acknowledged is told as stored when it is sent again; numbers go on where they ended.
      const again = run(folder, 0).acknowledged;
      const told = new Map(again.map(({ id, kind }) => [id, kind]));
      for (const { id } of acknowledged) expect(told.get(id), say).toBe('duplicate');
      const reopened = await open(folder);
      const after = await followed(reopened);
      expect(after.slice(0, before.length), say).toEqual(before);
      expect(new Set(after.map(({ id }) => id)).size, say).toBe(after.length);
      expect(new Set(after.map(({ seq }) => seq)).size, say).toBe(after.length);
      await reopened.close();
    });
  }
});
