// A disk that is really full (a small tmpfs, so root is needed): the embedded store stops acknowledging, loses nothing of what it
// acknowledged, in the log as in partitions, and goes on when there is room.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { StoreUnavailable } from '../../store/port.ts';
import { sampleEvent } from '../contract/event-samples.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-full-'));
  if (isRoot) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
});
afterEach(() => {
  // Lazily: a store that a failed claim left open must not keep the mount.
  if (isRoot) execFileSync('umount', ['--lazy', folder]);
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!isRoot)('a disk that is full (needs root to mount one)', () => {
  it.each([
    ['when loads are large', 3_600_000],
    ['when loads are small and many', 20],
  ])('costs no acknowledged event %s', async (_name, loadDelayMs) => {
    const warnings: string[] = [];
    const open = () =>
      openEmbeddedStore({
        folder: join(folder, 'store'),
        warn: (text) => warnings.push(text),
        limits: { loadDelayMs, segmentBytesMax: 1_000_000, backlogBytesMax: 100_000_000, freeBytesLeast: 0 },
      });
    let store = await open();
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(8_000_000));
    const acknowledged: string[] = [];
    let refusals = 0;
    let n = 0;
    const appendSome = async (): Promise<void> => {
      // Text that does not compress, so that partitions grow as the log does.
      const noise = () => Array.from({ length: 60 }, () => Math.random().toString(36)).join('');
      const events = Array.from({ length: 50 }, (_, at) => sampleEvent(n + at, { message: noise() }));
      try {
        await store.append(events);
        for (const event of events) acknowledged.push(event.id);
        n += 50;
      } catch (error) {
        expect(error).toBeInstanceOf(StoreUnavailable);
        expect(error).toMatchObject({ reason: 'disk-full' });
        refusals++;
      }
    };
    for (let attempt = 0; attempt < 2_000 && refusals < 5; attempt++) await appendSome();
    expect(refusals).toBe(5);
    const readAll = async (): Promise<string[]> => {
      const ids: string[] = [];
      let cursor: string | undefined;
      for (;;) {
        const batch = await store.next(cursor, { limit: 1_000, waitMs: 0 });
        if (batch.events.length === 0) return ids;
        for (const event of batch.events) ids.push(event.id);
        cursor = batch.cursor;
      }
    };
    expect(await readAll()).toEqual(acknowledged);
    // Whether a load has met the full disk by itself is a matter of moments: ask for one.
    const failure = await store.flush().then(
      () => '',
      (error: unknown) => `filing them failed: ${error}`,
    );
    // There is room again.
    rmSync(ballast);
    expect(statfsSync(folder).bavail).toBeGreaterThan(0);
    const before = acknowledged.length;
    await appendSome();
    expect(acknowledged.length).toBe(before + 50);
    await store.flush();
    expect(await readAll()).toEqual(acknowledged);
    await store.close();
    expect([failure, ...warnings].join()).toContain('filing them failed');
    store = await open();
    expect(await readAll()).toEqual(acknowledged);
    expect((await store.statistics()).events).toBe(acknowledged.length);
    await store.close();
  });
});
