// Opens what an engine process works on, and starts it.
import { elasticsearchOptions, openSharedDocuments } from '../open-store.ts';
import type { StoreOptions } from '../options.ts';
import { type EngineProcessOptions, type RunningEngine, startEngine } from './engine-process.ts';

/** Throws when the store cannot be opened. */
export async function openEngine(
  options: Omit<EngineProcessOptions, 'store' | 'documents'> & { readonly store: StoreOptions },
): Promise<RunningEngine> {
  const { store: where, now, onNotice } = options;
  const documents = await openSharedDocuments(where);
  try {
    if (where.kind !== 'elasticsearch') throw new Error('only events in Elasticsearch can be shared among engines');
    const { openElasticsearchStore } = await import('../../store/elasticsearch/elasticsearch-store.ts');
    const warn = (message: string): void => onNotice({ kind: 'store', message });
    const store = await openElasticsearchStore({ ...elasticsearchOptions(where), nowMs: now, warn });
    const { horizon, hasPassed } = store;
    if (horizon === undefined || hasPassed === undefined) throw new Error('this store has one process only');
    return startEngine({ ...options, store: { ...store, horizon, hasPassed }, documents });
  } catch (error) {
    await documents.close();
    throw error;
  }
}
