// The contract once more, with every event in a cold partition: nobody who reads may tell it from a hot one.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { START_MS } from '../contract/event-samples.ts';
import { eventStoreContract } from '../contract/event-store.ts';
import { databaseHere } from '../harness/database-here.ts';

const DAY_MS = 86_400_000;

eventStoreContract(
  'embedded, cold',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-cold-'));
    const store = await openEmbeddedStore({
      folder,
      nowMs: () => START_MS + 20 * DAY_MS,
      coldAfterMs: 0,
      limits: { loadDelayMs: 3_600_000, recentEvents: 0 },
      openDatabase: databaseHere,
    });
    return {
      store,
      settle: async () => {
        await store.flush();
        await store.cool();
        expect(readdirSync(folder).filter((name) => name.endsWith('.duckdb'))).toEqual([]);
      },
      remove: async () => {
        await store.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
  { runs: 1 },
);
