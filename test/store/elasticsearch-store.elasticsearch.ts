// The Elasticsearch store keeps the contract on a real node, and what is its own: documents that the mapping refuses, and a cursor
// over several indices.
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openElasticsearchStore } from '../../store/elasticsearch/elasticsearch-store.ts';
import { sampleEvent } from '../contract/event-samples.ts';
import { eventStoreContract } from '../contract/event-store.ts';
import { type ElasticsearchNode, startElasticsearch } from '../elasticsearch/node.ts';

let node: ElasticsearchNode;
let client: Client;
let opened = 0;

beforeAll(async () => {
  node = await startElasticsearch();
  client = new Client({ node: node.url });
});
afterAll(async () => {
  await client?.close();
  await node?.stop();
});

async function open(warn?: (text: string) => void) {
  const prefix = `contract-${process.pid}-${++opened}`;
  const store = await openElasticsearchStore({ node: node.url, prefix, ...(warn === undefined ? {} : { warn }) });
  const remove = async (): Promise<void> => {
    await store.close();
    const indices = Object.keys(await client.indices.get({ index: `${prefix}-*,${prefix}_*`, features: 'aliases' }));
    if (indices.length > 0) await client.indices.delete({ index: indices });
    await client.indices.deleteIndexTemplate({ name: [prefix, `${prefix}_dropped`] });
    await client.cluster.deleteComponentTemplate({ name: [`${prefix}@settings`, `${prefix}@mappings`] });
  };
  return { store, prefix, settle: async () => {}, remove };
}

eventStoreContract('elasticsearch', () => open(), {
  runs: Number(process.env['VEDETTE_CONTRACT_RUNS'] ?? 5),
  severalOrders:
    'shards are numbered each for itself, so readers that look at different moments meet them interleaved differently',
});

describe('the Elasticsearch store', () => {
  it('keeps what the mapping refuses, and finds it', async () => {
    const { store, remove } = await open();
    const odd = sampleEvent(1, { process: 'not an object', user: { name: { first: 'x' } } });
    expect(await store.append([odd, sampleEvent(2)])).toEqual([{ kind: 'created' }, { kind: 'created' }]);
    expect(await store.append([odd])).toEqual([{ kind: 'duplicate' }]);
    expect(await store.get(odd.id)).toEqual(odd.document);
    const found = await store.search({
      query: { kind: 'equals', field: 'user.name.first', value: 'X' },
      range: { fromMs: 0, untilMs: 1e15 },
      limit: 10,
    });
    expect(found.events).toEqual([odd]);
    await remove();
  });

  it('tells of an index that is gone, once, and goes on with the others', async () => {
    const warnings: string[] = [];
    const { store, prefix, remove } = await open((text) => warnings.push(text));
    await store.append([sampleEvent(0), sampleEvent(-86_400)]);
    const first = await store.next(undefined, { limit: 1, waitMs: 0 });
    await client.indices.delete({ index: `${prefix}-2026.11.20` });
    const second = await store.next(first.cursor, { limit: 10, waitMs: 0 });
    expect(second.events.map((event) => event.id)).toEqual([sampleEvent(0).id]);
    const third = await store.next(second.cursor, { limit: 10, waitMs: 0 });
    expect(third.events).toEqual([]);
    await remove();
  });

  it('says unreachable when nobody answers', async () => {
    await expect(openElasticsearchStore({ node: 'http://127.0.0.1:9' })).rejects.toMatchObject({
      reason: 'unreachable',
    });
  });
});
