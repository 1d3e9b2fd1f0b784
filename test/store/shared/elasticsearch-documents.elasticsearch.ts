// Shared documents on a real Elasticsearch with security on, under a key that may do what docs/elasticsearch.md says and no more: each of
// the promises that everything else rests on (store/shared/shared-documents.ts).
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openElasticsearchDocuments } from '../../../store/elasticsearch/elasticsearch-documents.ts';
import type { SharedDocuments } from '../../../store/shared/shared-documents.ts';
import { type OwnElasticsearchNode, startSecureElasticsearch } from '../../elasticsearch/node.ts';

const PASSWORD = 'a-password-of-the-test';
const KEY = {
  vedette: {
    indices: [
      { names: ['vedette-events_engine'], privileges: ['create_index', 'read', 'write', 'view_index_metadata'] },
    ],
  },
};

let node: OwnElasticsearchNode;
let documents: SharedDocuments;
let other: SharedDocuments;
beforeAll(async () => {
  node = await startSecureElasticsearch(PASSWORD);
  const client = new Client({ node: node.url, auth: { username: 'admin', password: PASSWORD }, maxRetries: 10 });
  const { encoded } = await client.security.createApiKey({ name: 'engine', role_descriptors: KEY });
  await client.close();
  const connection = { node: node.url, auth: { apiKey: encoded } };
  documents = await openElasticsearchDocuments(connection);
  other = await openElasticsearchDocuments(connection);
});
afterAll(async () => {
  await documents?.close();
  await other?.close();
  await node?.stop();
});

describe('shared documents on Elasticsearch', () => {
  it('what was written is read at once, by everybody', async () => {
    await documents.create(
      new Map([
        ['a.0', 'first'],
        ['a.1', 'second'],
      ]),
    );
    const found = await other.get(['a.0', 'a.1', 'a.2']);
    expect([...found].map(([id, { text }]) => [id, text])).toEqual([
      ['a.0', 'first'],
      ['a.1', 'second'],
    ]);
  });

  it('a document that is there keeps its text', async () => {
    await documents.create(new Map([['kept', 'first']]));
    await other.create(new Map([['kept', 'second']]));
    expect((await documents.get(['kept'])).get('kept')?.text).toBe('first');
  });

  it('of many who replace the same version one succeeds', async () => {
    const first = await documents.replace('contested', '0', undefined);
    expect(first).toBeDefined();
    expect(await other.replace('contested', 'x', undefined)).toBeUndefined();
    const writers = Array.from({ length: 20 }, (_, at) =>
      (at % 2 === 0 ? documents : other).replace('contested', `${at}`, first),
    );
    const versions = (await Promise.all(writers)).filter((version) => version !== undefined);
    expect(versions).toHaveLength(1);
    expect((await other.get(['contested'])).get('contested')?.version).toBe(versions[0]);
    expect(await documents.replace('contested', 'late', first)).toBeUndefined();
  });

  it('what was removed is gone', async () => {
    await documents.create(new Map([['gone', 'x']]));
    await documents.remove(['gone', 'never there']);
    expect((await other.get(['gone'])).size).toBe(0);
  });
});
