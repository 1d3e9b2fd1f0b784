// Reads over a point in time: pages of hits in an order, until the caller has enough.
import type { Client } from '@elastic/elasticsearch';
import type { EventDocument, NewEvent } from '../../event/document.ts';
import type { Filter } from './dialect.ts';
import { documentOf } from './form.ts';

const PAGE_HITS = 1_000;
const KEEP_ALIVE = '1m';

export interface SortedHit extends NewEvent {
  /** The value that it was sorted by. */
  readonly sortMs: number;
}

interface RawHit {
  readonly _id: string;
  readonly _source?: EventDocument;
  readonly sort?: readonly unknown[];
}

/** Hits by a date field; `filter` narrows. The point in time is closed when the caller stops. */
export async function* sortedHits(
  client: Client,
  pattern: string,
  request: {
    readonly filter: Filter;
    readonly field: string;
    readonly order: 'asc' | 'desc';
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<SortedHit> {
  const { filter, field, order, signal } = request;
  signal?.throwIfAborted();
  const { id } = await client.openPointInTime({ index: pattern, keep_alive: KEEP_ALIVE, ignore_unavailable: true });
  let after: readonly unknown[] | undefined;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const response = await client.search({
        size: PAGE_HITS,
        pit: { id, keep_alive: KEEP_ALIVE },
        track_total_hits: false,
        query: { bool: { filter: [filter] } },
        sort: [{ [field]: { order, format: 'epoch_millis', numeric_type: 'date', unmapped_type: 'date' } }],
        ...(after === undefined ? {} : { search_after: [...after] as string[] }),
      });
      const hits = response.hits.hits as readonly RawHit[];
      for (const hit of hits) {
        yield { id: hit._id, document: documentOf(hit._source ?? {}), sortMs: Number(hit.sort?.[0]) };
      }
      after = hits.at(-1)?.sort;
      if (hits.length < PAGE_HITS || after === undefined) return;
    }
  } finally {
    await client.closePointInTime({ id });
  }
}

/** Two streams by `sortMs` as one, in groups that share it. */
export async function* grouped(streams: readonly AsyncGenerator<SortedHit>[]): AsyncGenerator<readonly SortedHit[]> {
  try {
    const heads = await Promise.all(streams.map((stream) => stream.next()));
    for (;;) {
      const times = heads.flatMap((head) => (head.done === true ? [] : [head.value.sortMs]));
      if (times.length === 0) return;
      const least = times.reduce((a, b) => Math.min(a, b));
      const group: SortedHit[] = [];
      for (const [at, stream] of streams.entries()) {
        for (;;) {
          const head = heads[at];
          if (head === undefined || head.done === true || head.value.sortMs !== least) break;
          group.push(head.value);
          heads[at] = await stream.next();
        }
      }
      yield group;
    }
  } finally {
    for (const stream of streams) await stream.return(undefined);
  }
}
