// Opens the configured event store. The adapters are loaded only when asked for: a server on Elasticsearch needs no DuckDB.
import type { EventStore } from '../store/port.ts';
import type { SharedDocuments } from '../store/shared/shared-documents.ts';
import { DEFAULT_COLD_AFTER_MS, type ServerOptions, type StoreOptions } from './options.ts';

/** Throws when the store cannot be opened. */
export async function openStore(server: ServerOptions): Promise<EventStore> {
  const { store: options, dataFolder, now, onNotice } = server;
  switch (options.kind) {
    case 'given':
      return options.store;
    case 'memory': {
      const { openMemoryStore } = await import('../store/memory/memory-store.ts');
      return openMemoryStore();
    }
    case 'embedded': {
      const { openEmbeddedStore } = await import('../store/embedded/embedded-store.ts');
      return openEmbeddedStore({
        folder: `${dataFolder}/store`,
        nowMs: now,
        coldAfterMs: server.coldAfterMs ?? DEFAULT_COLD_AFTER_MS,
        warn: (message) => onNotice({ kind: 'store', message }),
      });
    }
    case 'elasticsearch': {
      const { openElasticsearchStore } = await import('../store/elasticsearch/elasticsearch-store.ts');
      return openElasticsearchStore({
        ...elasticsearchOptions(options),
        nowMs: now,
        warn: (message) => onNotice({ kind: 'store', message }),
      });
    }
  }
}

/** Where engines and server meet: beside the events. Throws when that cannot be. */
export async function openSharedDocuments(options: StoreOptions): Promise<SharedDocuments> {
  if (options.kind !== 'elasticsearch') throw new Error('only events in Elasticsearch can be shared among engines');
  const { openElasticsearchDocuments } = await import('../store/elasticsearch/elasticsearch-documents.ts');
  return openElasticsearchDocuments(elasticsearchOptions(options));
}

/** The options of the adapter, also for those who set a cluster up. */
export function elasticsearchOptions(options: Extract<StoreOptions, { readonly kind: 'elasticsearch' }>) {
  const { node, caFile, period, settings } = options;
  return {
    node,
    ...(caFile === undefined ? {} : { caFile }),
    ...(period === undefined ? {} : { period }),
    ...(settings === undefined ? {} : { settings }),
    ...credentialsOf(options),
  };
}

/** An API key goes before a password. Half a password login is a mistake, not a login without one. */
function credentialsOf({ apiKey, username, password }: Extract<StoreOptions, { readonly kind: 'elasticsearch' }>) {
  if (apiKey !== undefined) return { auth: { apiKey } };
  if (username !== undefined && password !== undefined) return { auth: { username, password } };
  if (username === undefined && password === undefined) return {};
  throw new Error(`a ${username === undefined ? 'password' : 'user name'} alone is no login`);
}
