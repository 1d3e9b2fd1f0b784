import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ServerNotice } from '../../server/options.ts';
import { createRetention } from '../../server/retention.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { execEvent, START_MS, startTestServer } from './server-under-test.ts';

const DAY_MS = 86_400_000;

describe('retention', () => {
  const counted = (fails = false) => {
    const notices: ServerNotice[] = [];
    const pruned: number[] = [];
    const store = openMemoryStore();
    const retention = createRetention({
      store,
      state: {
        pruneBefore(ms) {
          if (fails) throw new Error('the disk is full');
          pruned.push(ms);
          return { detections: 2, alerts: 1, alertsNotClosed: 0, notifications: 1 };
        },
      },
      days: 30,
      now: () => START_MS,
      onNotice: (notice) => notices.push(notice),
    });
    return { notices, pruned, store, retention };
  };

  it('drops events, detections and alerts older than its days, and says how many', async () => {
    const { notices, pruned, store, retention } = counted();
    const old = execEvent('h', 1, { createdMs: START_MS - 30 * DAY_MS - 1 });
    const kept = execEvent('h', 2, { createdMs: START_MS - 30 * DAY_MS });
    await store.append([old, kept]);
    await Promise.all([retention.run(), retention.run()]);
    expect(pruned).toEqual([START_MS - 30 * DAY_MS]);
    expect(await store.get(old.id)).toBeUndefined();
    expect(await store.get(kept.id)).toBeDefined();
    expect(notices).toEqual([
      { kind: 'retention', message: 'dropped 1 events, 1 alerts and 2 detections older than 30 days' },
    ]);
  });

  it('says so when it cannot, and ends', async () => {
    const { notices, retention } = counted(true);
    await retention.run();
    expect(notices).toMatchObject([{ kind: 'error', message: expect.stringContaining('the disk is full') }]);
    retention.start();
    await retention.close();
  });
});

describe('a rules folder that cannot be read any more', () => {
  it('leaves the rules in force', async () => {
    const server = await startTestServer();
    rmSync(server.rulesFolder, { recursive: true });
    const { loaded, diagnostics } = await server.running.reloadRules();
    expect(loaded).toBe(1);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(server.notices.at(-1)).toMatchObject({ kind: 'warning', message: expect.stringContaining('stay') });
    await server.end();
  });
});
