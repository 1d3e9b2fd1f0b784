// The Elasticsearch store keeps the contract on a real node, and what is its own: documents that the mapping refuses, and a cursor
// over several indices.
import { request } from 'node:http';
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NewEvent, textOf } from '../../event/document.ts';
import { conditionOf } from '../../store/elasticsearch/dialect.ts';
import { openElasticsearchStore, setUpElasticsearch } from '../../store/elasticsearch/elasticsearch-store.ts';
import type { EventStore } from '../../store/port.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import { parseQuery } from '../../store/query/parse.ts';
import { hostileEvents, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { eventStoreContract } from '../contract/event-store.ts';
import { CASE_EVENTS } from '../contract/query-cases.ts';
import { type ElasticsearchNode, startElasticsearch } from '../elasticsearch/node.ts';
import { standInFront } from '../elasticsearch/stand-in-front.ts';
import { DIALECT_CASES } from './dialect-cases.ts';
import { FILTER_CASES, LARGE_QUERIES } from './elasticsearch-dialect-cases.ts';

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

const OWN_EVENTS = [
  { process: { name: 'bak' }, user: { id: '0' } },
  { process: { name: 'BA\u212a', pid: 100 }, user: { id: ['0', '1'] } },
  { process: { name: 'a"b.*[c]@~', pid: 5.5 }, source: { ip: '10.1.2.3' } },
  { process: { name: 'σ', pid: '100' }, source: { ip: '::ffff:10.1.9.9' } },
  { process: { name: 'bashi', pid: 7 }, source: { ip: 'localhost' } },
  { process: { name: 'BA\u017fHI', pid: 9_007_199_254_740_991 }, source: { ip: '10.0.0.5' } },
  { process: { name: `b${'x'.repeat(9_000)}s` }, event: { original: 'a type=USER_CMD msg=x1' } },
  { auditd: { data: { a0: '5F', op: 'LOG\u0130N' } }, message: 'subtype=user_cmdx msg=xy' },
].map((document) => ({ document }));

/** Stands before the node and counts what comes back from it. */
async function listen() {
  let bytes = 0;
  const front = await standInFront((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const through = request(new URL(url ?? '/', node.url), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.pipe(outgoing);
    });
    incoming.pipe(through);
  });
  return { ...front, bytes: () => bytes };
}

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

  it('asks for every event that a query means, and counts none that it does not', async () => {
    const { store, prefix, remove } = await open();
    const events = [...hostileEvents(), ...CASE_EVENTS, ...OWN_EVENTS].map(({ document }, n) => ({
      id: `d${n}`,
      document: { ...document, '@timestamp': new Date(START_MS + n).toISOString() },
    }));
    expect((await store.append(events)).map(({ kind }) => kind)).toEqual(events.map(() => 'created'));
    await client.indices.refresh({ index: `${prefix}-*` });
    const idsOf = async (filter: object): Promise<Set<string>> => {
      const query = { bool: { filter: [filter] } };
      const { hits } = await client.search({ index: `${prefix}-*`, size: 1_000, query });
      return new Set(hits.hits.map(({ _id }) => _id ?? ''));
    };
    let decided = 0;
    for (const { text } of [...FILTER_CASES, ...DIALECT_CASES, ...LARGE_QUERIES]) {
      const parsed = parseQuery(text, START_MS);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const { superset, subset } = conditionOf(parsed.query);
      const meant = events.filter(({ document }) => matchesQuery(parsed.query, document)).map(({ id }) => id);
      const [most, least] = [await idsOf(superset), await idsOf(subset)];
      expect({ text, missed: meant.filter((id) => !most.has(id)) }).toEqual({ text, missed: [] });
      expect({ text, wrong: [...least].filter((id) => !meant.includes(id)) }).toEqual({ text, wrong: [] });
      decided += least.size;
    }
    expect(decided).toBeGreaterThan(20);
    await remove();
  });

  it('finds the Kelvin sign, a long argument and lists within lists under what they say, and gives them back', async () => {
    const { store, remove } = await open();
    const long = `${'x'.repeat(40_000)} needle`;
    const events = [
      sampleEvent(1, { process: { name: '\u212aERNEL' } }),
      sampleEvent(2, { process: { args: [long], command_line: long } }),
      sampleEvent(3, { process: { args: ['a', ['b', ['c']]] }, '__proto__ ': 1 }),
    ];
    await store.append(events);
    for (const [at, text] of ['process.name:kernel', 'process.args:*needle', 'process.args:C'].entries()) {
      const parsed = parseQuery(text, 0);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const found = await store.search({ query: parsed.query, range: { fromMs: 0, untilMs: 1e15 }, limit: 10 });
      expect(found).toEqual({ events: [events[at]], total: 1, isTotalExact: true });
    }
    await remove();
  });

  it('reads an index whole that was not made by its template', async () => {
    const warnings: string[] = [];
    const { store, prefix, remove } = await open((text) => warnings.push(text));
    await client.indices.create({
      index: `${prefix}-2026.11.21`,
      mappings: { _meta: {}, dynamic: true, properties: { process: { properties: { name: { type: 'text' } } } } },
    });
    await client.indices.delete({ index: `${prefix}-2026.11.21` });
    await client.indices.putIndexTemplate({
      name: `${prefix}_x`,
      index_patterns: [`${prefix}-2026.11.2*`],
      priority: 900,
    });
    await store.append([sampleEvent(1, { process: { name: 'Web Server 1' } }), sampleEvent(-3 * 86_400)]);
    await client.indices.deleteIndexTemplate({ name: `${prefix}_x` });
    const request = {
      query: { kind: 'equals', field: 'process.name', value: 'web server 1' },
      range: { fromMs: 0, untilMs: 1e15 },
    } as const;
    expect((await store.search({ ...request, limit: 10 })).events).toHaveLength(1);
    const counted = await store.aggregate({ ...request, groupBy: ['process.name'], limit: 10 });
    expect(counted.groups).toEqual([{ keys: ['Web Server 1'], count: 1 }]);
    expect(warnings.filter((text) => text.includes('was not made by'))).toHaveLength(1);
    await remove();
  });

  it('counts what the index decides without reading it', async () => {
    const { store: writer, prefix, remove } = await open();
    await writer.append(
      Array.from({ length: 2_000 }, (_, n) => sampleEvent(n % 200, { message: 'x'.repeat(1_000) })).map((event, n) => ({
        ...event,
        id: `e${n}`,
      })),
    );
    await writer.statistics();
    const proxy = await listen();
    const store = await openElasticsearchStore({ node: proxy.url, prefix });
    const counted = await store.aggregate({
      query: { kind: 'equals', field: 'process.name', value: 'BASH' },
      range: { fromMs: 0, untilMs: 1e15 },
      groupBy: ['process.name', 'user.name'],
      distinct: ['process.args'],
      limit: 10,
    });
    expect(counted).toMatchObject({ groups: [{ keys: ['bash', 'root'], count: 1_000, distinct: 101 }], events: 1_000 });
    // The events alone are two million bytes.
    expect(proxy.bytes()).toBeLessThan(200_000);
    const query = { kind: 'wildcard', field: 'process.name', pattern: 'ba*' } as const;
    const found = await store.search({ query, range: { fromMs: 0, untilMs: 1e15 }, limit: 3 });
    expect(found).toMatchObject({ total: 1_000, isTotalExact: true });
    expect(proxy.bytes()).toBeLessThan(200_000);
    await store.close();
    await proxy.close();
    await remove();
  });

  it('knows an event again whose index has another name by now', async () => {
    let now = START_MS;
    const prefix = `moved-${process.pid}`;
    const options = { node: node.url, prefix, nowMs: () => now };
    const daily = await openElasticsearchStore(options);
    const ahead = sampleEvent(5 * 86_400);
    await daily.append([sampleEvent(1), ahead]);
    const hourly = await openElasticsearchStore({ ...options, period: 'hour' });
    expect(await hourly.append([sampleEvent(1), sampleEvent(2)])).toEqual([{ kind: 'duplicate' }, { kind: 'created' }]);
    now += 60 * 86_400_000;
    expect(await daily.append([sampleEvent(1), sampleEvent(2), ahead])).toEqual([
      { kind: 'duplicate' },
      { kind: 'duplicate' },
      { kind: 'duplicate' },
    ]);
    const names = Object.keys(await client.indices.get({ index: `${prefix}-*` })).sort();
    expect(names).toEqual([`${prefix}-2026`, `${prefix}-2026.11.21`, `${prefix}-2026.11.21.12`]);
    await daily.close();
    await hourly.close();
    await client.indices.delete({ index: names });
  });

  const follow = async (store: EventStore, cursor: string | undefined) => {
    const events: NewEvent[] = [];
    let at = cursor;
    for (let empty = 0; empty < 2; ) {
      const batch = await store.next(at, { limit: 10, waitMs: 0 });
      events.push(...batch.events);
      at = batch.cursor;
      empty = batch.events.length === 0 ? empty + 1 : 0;
    }
    return { events, cursor: at };
  };

  it('stores a loss for an index that somebody deleted unread, once, and goes on with the others', async () => {
    const { store, prefix, remove } = await open();
    await store.append([sampleEvent(0), sampleEvent(-86_400), sampleEvent(-86_399), sampleEvent(-2 * 86_400)]);
    const first = await store.next(undefined, { limit: 1, waitMs: 0 });
    await client.indices.delete({ index: `${prefix}-2026.11.20` });
    const { events, cursor } = await follow(store, first.cursor);
    const losses = events.filter(({ document }) => textOf(document, 'event.dataset') === 'vedette.loss');
    expect(losses).toHaveLength(1);
    expect(losses[0]?.document).toMatchObject({ vedette: { loss: { source: 'store', at_least: 2 } } });
    expect((await follow(store, cursor)).events).toEqual([]);
    await remove();
  });

  it('says how much a follower missed of what was dropped, and nothing to one that had read it', async () => {
    const { store, remove } = await open();
    await store.append([sampleEvent(-86_400), sampleEvent(-86_399), sampleEvent(0)]);
    const start = await store.next(undefined, { limit: 1, waitMs: 0 });
    const whole = await follow(store, undefined);
    await store.retain({ beforeMs: START_MS - 43_200_000 });
    const behind = await follow(store, start.cursor);
    const losses = behind.events.filter(({ document }) => textOf(document, 'event.dataset') === 'vedette.loss');
    expect(losses).toHaveLength(1);
    expect(losses[0]?.document).toMatchObject({ vedette: { loss: { at_least: 1, at_most: 1 } } });
    // Whoever had read it meets that record alone.
    expect((await follow(store, whole.cursor)).events.map(({ id }) => id)).toEqual(losses.map(({ id }) => id));
    await remove();
  });

  it('sets a cluster up once, upgrades what is older, and leaves alone what is newer', async () => {
    const prefix = `setup-${process.pid}`;
    const options = { node: node.url, prefix, settings: { shards: 2, replicas: 0 } };
    const actions = async (isDryRun: boolean, more = {}) =>
      (await setUpElasticsearch({ ...options, ...more, isDryRun })).map(({ action }) => action);
    expect(await actions(true)).toEqual(['create', 'create', 'create', 'create']);
    expect(await actions(false)).toEqual(['create', 'create', 'create', 'create']);
    expect(await actions(false)).toEqual(['none', 'none', 'none', 'none']);
    expect(await actions(false, { settings: { shards: 3 } })).toEqual(['change', 'none', 'none', 'none']);
    const name = `${prefix}@mappings`;
    await client.cluster.putComponentTemplate({ name, template: {}, _meta: { vedette: { version: 1 } } });
    expect(await actions(false, { settings: { shards: 3 } })).toEqual(['none', 'upgrade', 'none', 'none']);
    await client.cluster.putComponentTemplate({ name, template: {}, _meta: { vedette: { version: 99 } } });
    await expect(actions(false)).rejects.toThrow('a newer one has set this cluster up');
    await expect(openElasticsearchStore(options)).rejects.toThrow('a newer one');
  });

  it('says unreachable when nobody answers', async () => {
    await expect(openElasticsearchStore({ node: 'http://127.0.0.1:9' })).rejects.toMatchObject({
      reason: 'unreachable',
    });
  });
});
