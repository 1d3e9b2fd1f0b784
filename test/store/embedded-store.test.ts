// The embedded store keeps the contract.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { START_MS } from '../contract/event-samples.ts';
import { eventStoreContract } from '../contract/event-store.ts';

eventStoreContract(
  'embedded',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-store-'));
    const store = await openEmbeddedStore({
      folder,
      nowMs: () => START_MS,
      limits: { loadDelayMs: 3_600_000, recentEvents: 3, partitionRowsMax: 20, sliceRows: 4 },
    });
    return {
      store,
      settle: () => store.flush(),
      remove: async () => {
        await store.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
  { runs: 4 },
);
