// An exact tail of Elasticsearch: every event once per cursor, by the numbers that each shard gives its writes. Only numbers up to
// the shard's global checkpoint are read, so nothing can still appear before the cursor. A cursor is, as JSON,
//
//   {"v":1,"n":EVENTS,"at":{INDEX_UUID:[NUMBER_OF_SHARD_0,…]}}
import type { Client } from '@elastic/elasticsearch';
import type { EventDocument, StoredEvent } from '../../event/document.ts';
import type { FollowBatch } from '../port.ts';
import { documentOf } from './form.ts';

interface Place {
  /** Events read so far: the number of the last one. */
  readonly count: number;
  /** Last number read of each shard, by index UUID; −1 before the first. */
  readonly at: ReadonlyMap<string, readonly number[]>;
}

interface ShardState {
  readonly index: string;
  readonly uuid: string;
  readonly shard: number;
  readonly checkpoint: number;
}

interface Hit {
  readonly _id: string;
  readonly _seq_no?: number;
  readonly _source?: EventDocument;
}

/** What can be read now after a cursor, at most `limit`. `vanished` is told of indices that a cursor knew and that are gone. */
export async function readTail(
  client: Client,
  pattern: string,
  cursor: string | undefined,
  options: { readonly limit: number; readonly vanished: (uuid: string) => void },
): Promise<FollowBatch> {
  const place = parsePlace(cursor);
  const shards = await shardStates(client, pattern);
  const at = new Map<string, number[]>();
  for (const { uuid } of shards) at.set(uuid, [...(place.at.get(uuid) ?? [])]);
  const gone = [...place.at.keys()].filter((uuid) => !at.has(uuid));
  for (const uuid of gone) options.vanished(uuid);
  const events: StoredEvent[] = [];
  for (const { index, uuid, shard, checkpoint } of shards) {
    const numbers = at.get(uuid) ?? [];
    const after = numbers[shard] ?? -1;
    const room = options.limit - events.length;
    if (checkpoint <= after || room <= 0) continue;
    await client.indices.refresh({ index });
    const response = await client.search({
      index,
      preference: `_shards:${shard}`,
      size: room,
      seq_no_primary_term: true,
      sort: [{ _seq_no: 'asc' }],
      query: { range: { _seq_no: { gt: after, lte: checkpoint } } },
    });
    const hits = response.hits.hits as readonly Hit[];
    for (const hit of hits) {
      events.push({ id: hit._id, document: documentOf(hit._source ?? {}), seq: place.count + events.length + 1 });
    }
    for (let earlier = numbers.length; earlier < shard; earlier++) numbers[earlier] = -1;
    numbers[shard] = hits.length < room ? checkpoint : (hits.at(-1)?._seq_no ?? after);
  }
  if (events.length === 0 && cursor !== undefined && gone.length === 0) return { events, cursor };
  return { events, cursor: formatPlace({ count: place.count + events.length, at }) };
}

/** The cursor after everything that is acknowledged now. */
export async function tailEnd(client: Client, pattern: string): Promise<string> {
  const at = new Map<string, number[]>();
  for (const { uuid, shard, checkpoint } of await shardStates(client, pattern)) {
    const numbers = at.get(uuid) ?? [];
    for (let earlier = numbers.length; earlier < shard; earlier++) numbers[earlier] = -1;
    numbers[shard] = checkpoint;
    at.set(uuid, numbers);
  }
  return formatPlace({ count: 0, at });
}

async function shardStates(client: Client, pattern: string): Promise<readonly ShardState[]> {
  const stats = await client.indices.stats({ index: pattern, level: 'shards', metric: 'docs' });
  const states: ShardState[] = [];
  for (const [index, { uuid = '', shards = {} }] of Object.entries(stats.indices ?? {})) {
    for (const [shard, copies] of Object.entries(shards)) {
      const checkpoint = copies.find((copy) => copy.routing?.primary === true)?.seq_no?.global_checkpoint;
      if (checkpoint !== undefined) states.push({ index, uuid, shard: Number(shard), checkpoint });
    }
  }
  return states.sort((a, b) => (a.index < b.index ? -1 : a.index > b.index ? 1 : a.shard - b.shard));
}

function formatPlace({ count, at }: Place): string {
  return JSON.stringify({ v: 1, n: count, at: Object.fromEntries(at) });
}

function parsePlace(cursor: string | undefined): Place {
  if (cursor === undefined) return { count: 0, at: new Map() };
  const saved: { v?: unknown; n?: unknown; at?: unknown } = cursor.startsWith('{') ? JSON.parse(cursor) : {};
  if (saved.v !== 1 || !Number.isSafeInteger(saved.n) || typeof saved.at !== 'object' || saved.at === null) {
    throw new Error(`this is not a cursor of this store: ${JSON.stringify(cursor.slice(0, 80))}`);
  }
  return { count: Number(saved.n), at: new Map(Object.entries(saved.at as Record<string, number[]>)) };
}
