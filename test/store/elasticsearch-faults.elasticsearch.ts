// What stands between the store and a real Elasticsearch fails as networks and clusters do: requests refused (429, 503, 413), answers lost,
// single events put off, points in time lost while others write. Nothing is lost, nothing is stored or read twice.
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Client } from '@elastic/elasticsearch';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../event/document.ts';
import { openElasticsearchStore } from '../../store/elasticsearch/elasticsearch-store.ts';
import { type EventStore, StoreUnavailable } from '../../store/port.ts';
import { START_MS } from '../contract/event-samples.ts';
import { type ElasticsearchNode, startElasticsearch } from '../elasticsearch/node.ts';
import { standInFront } from '../elasticsearch/stand-in-front.ts';

let node: ElasticsearchNode;
let client: Client;
let opened = 0;

beforeAll(async () => {
  node = await startElasticsearch();
  client = new Client({ node: node.url, requestTimeout: 60_000 });
});
afterAll(async () => {
  await client?.close();
  await node?.stop();
});

type Fault =
  /** Answered with this status; the node never sees the request. */
  | 429
  | 503
  /** The connection ends before the node sees the request, or after it has answered. */
  | 'lost-request'
  | 'lost-answer'
  /** Of a `_bulk`, every third event is answered with 429 and not handed on. */
  | 'put-off'
  | undefined;

interface Faults {
  /** Asked for each request. */
  fault(path: string): Fault;
  /** Called before a page is handed on. */
  beforePage?(pit: string): Promise<void>;
  /** Larger requests are answered with 413. */
  readonly bytesMax?: number;
}

/** Stands before the node. */
async function stand(faults: Faults) {
  return standInFront((incoming, outgoing) => {
    handle(faults, incoming, outgoing).catch(() => outgoing.destroy());
  });
}

async function handle(faults: Faults, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const path = incoming.url ?? '/';
  const answer = (status: number, text: string): void => {
    outgoing.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' }).end(text);
  };
  if (faults.bytesMax !== undefined && body.length > faults.bytesMax) {
    answer(413, '');
    return;
  }
  const fault = faults.fault(path);
  if (fault === 'lost-request') {
    outgoing.destroy();
    return;
  }
  if (fault === 429 || fault === 503) {
    answer(
      fault,
      JSON.stringify({ error: { type: 'es_rejected_execution_exception', reason: 'made' }, status: fault }),
    );
    return;
  }
  const pit = path.startsWith('/_search') ? (JSON.parse(body.toString() || '{}').pit?.id as string) : undefined;
  if (pit !== undefined) await faults.beforePage?.(pit);
  if (fault === 'put-off' && path.startsWith('/_bulk')) {
    const lines = body.toString().trimEnd().split('\n');
    const events = lines.flatMap((_, at) => (at % 2 === 0 ? [`${lines[at]}\n${lines[at + 1]}\n`] : []));
    const through = events.filter((_, at) => at % 3 !== 0);
    const { text } = await forward(incoming, Buffer.from(through.join('')));
    const items: unknown[] = through.length === 0 ? [] : JSON.parse(text).items;
    const busy = { create: { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'made' } } };
    answer(200, JSON.stringify({ items: events.map((_, at) => (at % 3 === 0 ? busy : items.shift())) }));
    return;
  }
  const { status, text } = await forward(incoming, body);
  if (fault === 'lost-answer') outgoing.destroy();
  else answer(status, text);
}

async function forward({ method, url, headers }: IncomingMessage, body: Buffer) {
  const through = request(new URL(url ?? '/', node.url), {
    method,
    headers: { ...headers, host: new URL(node.url).host, 'accept-encoding': 'identity', 'content-length': body.length },
  });
  through.end(body);
  const [response] = (await once(through, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString() };
}

async function open(url: string) {
  const prefix = `faults-${process.pid}-${++opened}`;
  // Templates are put without faults.
  await (await openElasticsearchStore({ node: node.url, prefix })).close();
  const store = await openElasticsearchStore({ node: url, prefix });
  const remove = async (): Promise<void> => {
    await store.close();
    const indices = Object.keys(await client.indices.get({ index: `${prefix}-*,${prefix}_*`, features: 'aliases' }));
    if (indices.length > 0) await client.indices.delete({ index: indices });
    await client.indices.deleteIndexTemplate({ name: [prefix, `${prefix}_dropped`] });
    await client.cluster.deleteComponentTemplate({ name: [`${prefix}@settings`, `${prefix}@mappings`] });
  };
  return { store, prefix, remove };
}

/** Two of three on the first day; several share a time. */
function event(n: number): NewEvent {
  const at = new Date(START_MS + (n % 3 === 0 ? 86_400_000 : 0) + Math.floor(n / 4)).toISOString();
  return {
    id: `h.b.${n}`,
    document: { '@timestamp': at, event: { created: at, sequence: n }, host: { id: 'h' }, vedette: { position: n } },
  };
}

/** Until it is taken, as who sends repeats what was not. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt > 100) throw error;
    }
  }
}

async function followed(store: EventStore, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  const giveUp = performance.now() + 120_000;
  for (let cursor: string | undefined, idle = 0; idle < 2 || ids.length < count; ) {
    const from = cursor;
    const batch = await insist(() => store.next(from, { limit: 700, waitMs: 10 }));
    cursor = batch.cursor;
    for (const { id } of batch.events) ids.push(id);
    idle = batch.events.length === 0 ? idle + 1 : 0;
    if (performance.now() > giveUp) break;
  }
  return ids;
}

const ALL = { query: { kind: 'all' }, range: { fromMs: 0, untilMs: 1e15 } } as const;

describe('between the store and a failing Elasticsearch', () => {
  it('nothing is lost and nothing is twice, whatever fails on the way', async () => {
    const faults = fc.constantFrom<Fault>(429, 503, 'lost-request', 'lost-answer', 'put-off', undefined, undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(faults, { minLength: 2, maxLength: 9 }), async (sequence) => {
        let left: Fault[] = [];
        const begin = (): void => {
          left = [...sequence];
        };
        const fault = (): Fault => left.shift();
        const between = await stand({ fault, bytesMax: 40_000 });
        const { store, remove } = await open(between.url);
        try {
          const count = 600;
          for (let first = 0; first < count; first += 200) {
            const batch = Array.from({ length: 200 }, (_, n) => event(first + n));
            begin();
            const results = await insist(() => store.append(batch));
            expect(results.map(({ kind }) => kind)).not.toContain('rejected');
          }
          const repeated = await insist(() => store.append([event(0), event(count)]));
          expect(repeated[0]).toEqual({ kind: 'duplicate' });
          expect(repeated[1]?.kind).not.toBe('rejected');
          const expected = Array.from({ length: count + 1 }, (_, n) => event(n).id).sort();
          begin();
          expect([...(await followed(store, count + 1))].sort()).toEqual(expected);
          begin();
          const counted = await insist(() => store.aggregate({ ...ALL, groupBy: [], limit: 1 }));
          expect(counted.events).toBe(count + 1);
          left = [];
          expect((await store.statistics()).events).toBe(count + 1);
        } finally {
          left = [];
          await remove();
          await between.close();
        }
      }),
      { numRuns: Number(process.env['VEDETTE_CONTRACT_RUNS'] ?? 5) },
    );
  }, 900_000);

  it('an event that no request can hold is refused alone', async () => {
    const between = await stand({ fault: () => undefined, bytesMax: 40_000 });
    const { store, remove } = await open(between.url);
    const large = { ...event(1), document: { ...event(1).document, message: 'x'.repeat(50_000) } };
    const results = await store.append([event(0), large, event(2)]);
    expect(results.map(({ kind }) => kind)).toEqual(['created', 'rejected', 'created']);
    await remove();
    await between.close();
  });

  it('a search looks through many events that only may match in few pages', async () => {
    let pages = 0;
    const between = await stand({
      fault: () => undefined,
      async beforePage() {
        pages++;
      },
    });
    const { store, remove } = await open(between.url);
    const count = 3_000;
    await store.append(Array.from({ length: count }, (_, n) => event(n)));
    // No field of theirs that the index is asked by.
    const doubtful = { kind: 'wildcard', field: 'custom.x', pattern: '*' } as const;
    const query = { kind: 'or', left: { kind: 'id', id: event(7).id }, right: doubtful } as const;
    const found = await store.search({ ...ALL, query, limit: 1 });
    expect(found.events.map(({ id }) => id)).toEqual([event(7).id]);
    expect(pages).toBeLessThan(20);
    await remove();
    await between.close();
  }, 900_000);

  it('a scan whose points in time are lost while others write gives each event once, in order', async () => {
    let pages = 0;
    let lost = 0;
    let written = 10_000;
    let prefix = '';
    const between = await stand({
      fault: () => undefined,
      async beforePage(pit) {
        if (++pages % 4 !== 0 || lost >= 6) return;
        lost++;
        await client.closePointInTime({ id: pit });
        // What others write meanwhile, and merge, gives every document another place in the index.
        const operations = Array.from({ length: 50 }, () => event(written++)).flatMap(({ id, document }) => [
          {
            create: {
              _id: id,
              _index: `${prefix}-${String(document['@timestamp']).slice(0, 10).replaceAll('-', '.')}`,
            },
          },
          document,
        ]);
        await client.bulk({ operations, refresh: true });
        await client.indices.forcemerge({ index: `${prefix}-*`, max_num_segments: 1 });
      },
    });
    const { store, remove, prefix: made } = await open(between.url);
    prefix = made;
    const count = 9_000;
    for (let first = 0; first < count; first += 1_500) {
      await store.append(Array.from({ length: 1_500 }, (_, n) => event(count - 1 - first - n)));
      await client.indices.refresh({ index: `${prefix}-*` });
    }
    const seen: string[] = [];
    let lastMs = 0;
    for await (const batch of store.scan(ALL.range)) {
      for (const { id, document } of batch) {
        const ms = Date.parse(String(document['@timestamp']));
        expect(ms).toBeGreaterThanOrEqual(lastMs);
        lastMs = ms;
        seen.push(id);
      }
    }
    expect(lost).toBeGreaterThan(2);
    expect(new Set(seen).size).toBe(seen.length);
    const missed = Array.from({ length: count }, (_, n) => event(n).id).filter((id) => !seen.includes(id));
    expect(missed).toEqual([]);
    await remove();
    await between.close();
  }, 900_000);
});
