// Shared documents (store/shared/shared-documents.ts) in one small index beside the events. They are read by id, in real time, and never
// searched, so nothing waits for a refresh; `if_seq_no` with `if_primary_term` is the compare-and-set, which holds over failovers.
import { type Client, errors } from '@elastic/elasticsearch';
import type { SharedDocument, SharedDocuments } from '../shared/shared-documents.ts';
import { asUnavailable, connect, type ElasticsearchConnection, statusOf } from './connection.ts';

/** A process that waits longer for an answer has lost its leases anyway. */
const REQUEST_TIMEOUT_MS = 4_000;
const INDEX_SETTINGS = {
  settings: { 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1', 'index.refresh_interval': '30s' },
  mappings: { dynamic: false as const, properties: {} },
};

interface Body {
  readonly text: string;
}

/** Throws StoreUnavailable, or what is wrong with the options. */
export async function openElasticsearchDocuments(
  options: ElasticsearchConnection & { readonly prefix?: string },
): Promise<SharedDocuments> {
  const { prefix = 'vedette-events' } = options;
  const index = `${prefix}_engine`;
  const client = connect(options);
  try {
    await makeIndex(client, index);
  } catch (error) {
    await client.close();
    throw asUnavailable(error);
  }
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asUnavailable(error);
    }
  };
  // A repeated compare-and-set would meet its own write: who asks decides what to do about an answer that was lost.
  const once = { requestTimeout: REQUEST_TIMEOUT_MS, maxRetries: 0 };
  return {
    get: (ids) =>
      run(async () => {
        if (ids.length === 0) return new Map();
        const { docs } = await client.mget<Body>({ index, ids: [...ids] }, { requestTimeout: REQUEST_TIMEOUT_MS });
        const found = new Map<string, SharedDocument>();
        for (const doc of docs) {
          if ('error' in doc && doc.error !== undefined) throw new Error(`Elasticsearch cannot read ${doc._id}`);
          const { _id, _source, _seq_no, _primary_term } = doc as {
            readonly _id: string;
            readonly _source?: Body;
            readonly _seq_no?: number;
            readonly _primary_term?: number;
          };
          if (_source !== undefined) found.set(_id, { text: _source.text, version: `${_seq_no}.${_primary_term}` });
        }
        return found;
      }),
    create: (documents) =>
      run(async () => {
        const operations = [...documents].flatMap(([id, text]) => [{ create: { _index: index, _id: id } }, { text }]);
        if (operations.length === 0) return;
        const { items } = await client.bulk({ operations });
        for (const { create } of items) {
          const status = create?.status ?? 0;
          if (status !== 201 && status !== 409) {
            throw new errors.ElasticsearchClientError(`a document was answered ${status}`);
          }
        }
      }),
    replace: (id, text, expected) =>
      run(async () => {
        try {
          const { _seq_no, _primary_term } = await client.index<Body>(
            { index, id, document: { text }, ...conditionOf(expected) },
            once,
          );
          return `${_seq_no}.${_primary_term}`;
        } catch (error) {
          if (statusOf(error) === 409) return undefined;
          throw error;
        }
      }),
    remove: (ids) =>
      run(async () => {
        if (ids.length === 0) return;
        await client.bulk({ operations: ids.map((id) => ({ delete: { _index: index, _id: id } })) });
      }),
    close: () => client.close(),
  };
}

function conditionOf(expected: string | undefined) {
  if (expected === undefined) return { op_type: 'create' as const };
  const [number, term] = expected.split('.');
  return { if_seq_no: Number(number), if_primary_term: Number(term) };
}

async function makeIndex(client: Client, index: string): Promise<void> {
  if (await client.indices.exists({ index })) return;
  try {
    await client.indices.create({ index, ...INDEX_SETTINGS });
  } catch (error) {
    const type = error instanceof errors.ResponseError ? error.body?.error?.type : undefined;
    if (type !== 'resource_already_exists_exception') throw error;
  }
}
