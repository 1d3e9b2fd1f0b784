// The exact tail on two nodes with a replica: eight writers, three shards, events of several days, a day that begins in the middle of
// it, and both nodes restarted one after the other, the master too. None is missed, none comes twice. A follower by time
// reads beside it, and misses some. VEDETTE_TAIL_EVENTS: how many events (a million in the long form).
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../event/document.ts';
import { openElasticsearchStore } from '../../store/elasticsearch/elasticsearch-store.ts';
import { type EventStore, StoreUnavailable } from '../../store/port.ts';
import { type ElasticsearchCluster, startElasticsearchCluster } from '../elasticsearch/node.ts';

const EVENTS = Number(process.env['VEDETTE_TAIL_EVENTS'] ?? 60_000);
const WRITERS = 8;
const BATCH = EVENTS > 200_000 ? 1_000 : 100;
const PREFIX = 'tail-events';
const MIDNIGHT = Date.UTC(2026, 10, 21);

let cluster: ElasticsearchCluster;
let client: Client;
const stores: EventStore[] = [];

beforeAll(async () => {
  cluster = await startElasticsearchCluster(2);
  client = new Client({ nodes: [...cluster.urls], maxRetries: 5, requestTimeout: 60_000 });
}, 1_800_000);
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await client?.close();
  await cluster?.stop();
});

async function open(): Promise<EventStore> {
  const store = await openElasticsearchStore({
    node: cluster.urls,
    prefix: PREFIX,
    settings: { shards: 3, replicas: 1 },
    nowMs: () => MIDNIGHT,
  });
  stores.push(store);
  return store;
}

/** The `n`th of all: most of one day, some of the day before, the second half of the day after midnight. */
function event(n: number): NewEvent {
  const afterMs = n % 7 === 0 ? -100_000_000 : n < EVENTS / 2 ? -3_600_000 : 1_000;
  const at = new Date(MIDNIGHT + afterMs + (n % 1_000)).toISOString();
  return {
    id: `h${n % 40}.b.${n}`,
    document: {
      '@timestamp': at,
      event: { created: at, sequence: n, original: `type=SYSCALL msg=audit(1:${n}): exe="/usr/bin/true"` },
      host: { id: `h${n % 40}` },
      process: { name: n % 2 === 0 ? 'bash' : 'curl', args: ['x', `${n}`] },
    },
  };
}

/** Waits until every copy is there; the nodes may be slow to find each other. */
async function isGreen(): Promise<void> {
  for (;;) {
    const health = await client.cluster.health().catch(() => undefined);
    if (health?.status === 'green' && health.number_of_nodes === 2) return;
    await sleep(500);
  }
}

/** Until it is taken: a node that is away refuses, and a shipper sends again. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt > 600) throw error;
      await sleep(200);
    }
  }
}

describe('the tail of two nodes', () => {
  it(
    'gives every event exactly once, over restarts of both nodes and the turn of a day',
    async () => {
      const [writing, reading] = [await open(), await open()];
      let stored = 0;
      let isWritten = false;
      const write = async (writer: number): Promise<void> => {
        for (let first = writer * BATCH; first < EVENTS; first += WRITERS * BATCH) {
          const batch = Array.from({ length: Math.min(BATCH, EVENTS - first) }, (_, n) => event(first + n));
          // What time followers go by: when it was written.
          const ingested = new Date().toISOString();
          const stamped = batch.map(({ id, document }) => ({
            id,
            document: { ...document, event: { ...(document['event'] as object), ingested } },
          }));
          const results = await insist(() => writing.append(stamped));
          expect(results.every(({ kind }) => kind !== 'rejected')).toBe(true);
          stored += batch.length;
        }
      };
      const times = new Map<string, number>();
      let cursor: string | undefined;
      const follow = async (): Promise<void> => {
        // What is written is not visible at once, least of all while nodes come back: how long it takes is not what is asked.
        for (let idle = 0; idle < 3 || (times.size < EVENTS && idle < 120); ) {
          const batch = await insist(() => reading.next(cursor, { limit: 2_000, waitMs: 1_000 }));
          // The cursor is text that a process may die with.
          cursor = JSON.parse(JSON.stringify(batch.cursor));
          for (const { id } of batch.events) times.set(id, (times.get(id) ?? 0) + 1);
          if (batch.events.length > 0) idle = 0;
          else if (isWritten) idle++;
        }
      };
      const byTime = new Set<string>();
      const followByTime = async (): Promise<void> => {
        let last = '1970-01-01T00:00:00.000Z';
        for (let idle = 0; idle < 3; ) {
          const { hits } = await client
            .search<{ event: { ingested: string } }>({
              index: `${PREFIX}-*`,
              size: 5_000,
              _source: ['event.ingested'],
              query: { range: { 'event.ingested': { gt: last } } },
              sort: [{ 'event.ingested': { order: 'asc', unmapped_type: 'date' } }],
              ignore_unavailable: true,
            })
            .catch(() => ({ hits: { hits: [] } }));
          for (const { _id } of hits.hits) if (_id !== undefined) byTime.add(_id);
          const newest = hits.hits.at(-1)?._source?.event.ingested;
          if (newest !== undefined) last = newest;
          if (hits.hits.length > 0) idle = 0;
          else if (isWritten) idle++;
          await sleep(100);
        }
      };
      const restart = async (): Promise<void> => {
        while (stored < EVENTS / 4) await sleep(50);
        await cluster.halt(1);
        await sleep(1_000);
        await cluster.resume(1);
        await isGreen();
        while (stored < EVENTS * 0.6) await sleep(50);
        await cluster.halt(0);
        await sleep(1_000);
        await cluster.resume(0);
        await isGreen();
      };
      await Promise.all([
        Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(writer)), restart()]).then(() => {
          isWritten = true;
        }),
        follow(),
        followByTime(),
      ]);
      const missed = Array.from({ length: EVENTS }, (_, n) => event(n).id).filter((id) => !times.has(id));
      const twice = [...times].filter(([, count]) => count > 1);
      console.log(
        `exact tail: ${times.size} of ${EVENTS}, ${missed.length} missed, ${twice.length} twice; ` +
          `by time: ${byTime.size}, ${EVENTS - byTime.size} missed`,
      );
      expect(missed).toEqual([]);
      expect(twice).toEqual([]);
      expect(times.size).toBe(EVENTS);
      // A copy that nobody has read may not show the last of them.
      await client.indices.refresh({ index: `${PREFIX}-*` });
      const { count } = await client.count({ index: `${PREFIX}-*` });
      expect(count).toBe(EVENTS);
      const again = await open();
      expect(await again.next(cursor, { limit: 10, waitMs: 0 })).toEqual({ events: [], cursor });
    },
    EVENTS > 200_000 ? 3_600_000 : 1_800_000,
  );
});
