// The memory store keeps the contract, and its bound.
import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { sampleEvent } from '../contract/event-samples.ts';
import { eventStoreContract } from '../contract/event-store.ts';

eventStoreContract(
  'memory',
  async () => {
    const store = openMemoryStore();
    return { store, settle: async () => {}, remove: () => store.close() };
  },
  { runs: 30 },
);

describe('the memory store', () => {
  it('answers overloaded instead of growing without end', async () => {
    const store = openMemoryStore({ eventsMax: 2 });
    await store.append([sampleEvent(1), sampleEvent(2)]);
    await expect(store.append([sampleEvent(3)])).rejects.toMatchObject({ reason: 'overloaded' });
  });
});
