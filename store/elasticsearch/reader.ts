// Reads over a point in time: pages of hits in an order, until the caller has enough. Pages shrink where documents are so large that
// a node or this process would not bear a full one, and a point in time that is lost (a node went, the reader was slow) is
// taken anew where reading stopped.
import { type Client, errors } from '@elastic/elasticsearch';
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { statusOf } from './connection.ts';
import type { Filter } from './dialect.ts';
import { documentOf } from './form.ts';

const PAGE_HITS = 1_000;
const PAGE_GROWTH = 8;
export const KEEP_ALIVE = '5m';
/** A response is no larger; beyond it the page is halved. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
/** So often in a row a lost point in time is taken anew without a hit in between. */
export const REOPENED_MAX = 5;

export interface SortedHit extends NewEvent {
  /** The value that it was sorted by. */
  readonly sortMs: number;
}

export interface RawHit {
  readonly _id: string;
  readonly _seq_no?: number;
  readonly _source?: EventDocument;
  readonly sort?: readonly unknown[];
}

export interface SortedRequest {
  readonly filter: Filter;
  readonly field: string;
  readonly order: 'asc' | 'desc';
  readonly signal: AbortSignal | undefined;
  /** One of several readers that share the documents between them: all of one point, since what they share are the places in it. */
  readonly slice?: { readonly id: number; readonly max: number };
  /** A point in time of the caller's, who closes it, and begins anew where it is lost; else each reading has its own. */
  readonly point?: string;
  /** Hits from this time on, in the order. */
  readonly fromMs?: number | undefined;
  /** Hits of the first page, where they may be enough; further ones grow. */
  readonly pageHits?: number;
}

/** Hits by a date field; `filter` narrows. Each full page is asked for while the one before it is read. */
export async function* sortedHits(client: Client, index: string[], request: SortedRequest): AsyncGenerator<SortedHit> {
  const { signal } = request;
  let last: SortedHit | undefined;
  /** The ids of the hits at `last.sortMs`: what is read again after a loss begins with them. */
  let atLast = new Set<string>();
  for (let reopened = 0; ; reopened++) {
    signal?.throwIfAborted();
    try {
      for await (const hit of hitsOfPoint(client, index, { ...request, fromMs: last?.sortMs ?? request.fromMs })) {
        if (hit.sortMs === last?.sortMs && atLast.has(hit.id)) continue;
        if (hit.sortMs !== last?.sortMs) atLast = new Set();
        atLast.add(hit.id);
        last = hit;
        reopened = 0;
        yield hit;
      }
      return;
    } catch (error) {
      if (!isPointLost(error) || request.point !== undefined || reopened >= REOPENED_MAX) throw error;
    }
  }
}

/** The caller closes it. */
export async function openPoint(client: Client, index: string[], signal: AbortSignal | undefined): Promise<string> {
  const { id } = await client.openPointInTime(
    { index, keep_alive: KEEP_ALIVE, ignore_unavailable: true, allow_partial_search_results: false },
    signal === undefined ? {} : { signal },
  );
  return id;
}

export async function closePoint(client: Client, id: string): Promise<void> {
  await client.closePointInTime({ id }).catch(() => undefined);
}

async function* hitsOfPoint(client: Client, index: string[], request: SortedRequest): AsyncGenerator<SortedHit> {
  const { filter, field, order, signal, slice, fromMs } = request;
  const abort = signal === undefined ? {} : { signal };
  let id = request.point ?? (await openPoint(client, index, signal));
  const filters = [filter];
  if (fromMs !== undefined) {
    filters.push({ range: { [field]: { [order === 'asc' ? 'gte' : 'lte']: fromMs, format: 'epoch_millis' } } });
  }
  const sizes = pageSizes(PAGE_HITS, request.pageHits);
  const page = async (after: readonly unknown[] | undefined): Promise<readonly RawHit[]> => {
    const response = await sizes.ask((size) =>
      client.search(
        {
          size,
          pit: { id, keep_alive: KEEP_ALIVE },
          // A shard that does not answer fails the page: without this its hits would be missing, and nothing would say so.
          allow_partial_search_results: false,
          track_total_hits: false,
          query: { bool: { filter: filters } },
          ...(slice === undefined ? {} : { slice: { id: String(slice.id), max: slice.max } }),
          sort: [{ [field]: { order, format: 'epoch_millis', numeric_type: 'date', unmapped_type: 'date' } }],
          ...(after === undefined ? {} : { search_after: [...after] as string[] }),
        },
        { ...abort, maxResponseSize: RESPONSE_BYTES_MAX },
      ),
    );
    id = response.pit_id ?? id;
    return response.hits.hits as readonly RawHit[];
  };
  let asked: Promise<readonly RawHit[]> | undefined;
  try {
    let hits = await page(undefined);
    for (;;) {
      const after = hits.at(-1)?.sort;
      // A short page may also be one that was halved.
      if (after === undefined) return;
      const isLast = hits.length < sizes.current();
      // Whoever hopes that a page is enough does not wait for another.
      if (!isLast && sizes.isFull()) asked = page(after);
      asked?.catch(() => undefined);
      for (const hit of hits) {
        yield { id: hit._id, document: documentOf(hit._source ?? {}), sortMs: Number(hit.sort?.[0]) };
      }
      if (isLast) return;
      if (asked === undefined) sizes.grow();
      hits = await (asked ?? page(after));
      asked = undefined;
    }
  } finally {
    await asked?.catch(() => undefined);
    if (request.point === undefined) await closePoint(client, id);
  }
}

interface PageSizes {
  /** Asks with a size that is halved as long as the answer is too large. */
  ask<T>(work: (size: number) => Promise<T>): Promise<T>;
  /** The size of the last answer: one with fewer hits is the last. */
  current(): number;
  /** Further answers may be larger, but none as large as was too large before. */
  grow(): void;
  /** True where they cannot grow. */
  isFull(): boolean;
}

export function pageSizes(most: number, first = most): PageSizes {
  let size = Math.max(1, Math.min(first, most));
  let sizeMax = Math.max(1, most);
  return {
    async ask(work) {
      for (;;) {
        try {
          return await work(size);
        } catch (error) {
          if (size === 1 || !isTooLarge(error)) throw error;
          size = Math.max(1, size >> 2);
          sizeMax = size;
        }
      }
    },
    current: () => size,
    grow() {
      size = Math.min(sizeMax, size * PAGE_GROWTH);
    },
    isFull: () => size >= sizeMax,
  };
}

/** The answer was larger than this process takes, or than the node's memory bears. */
function isTooLarge(error: unknown): boolean {
  if (error instanceof errors.RequestAbortedError) return error.message.includes('bigger than the maximum allowed');
  return (
    error instanceof errors.ResponseError &&
    (error.message.includes('circuit_breaking_exception') || error.message.includes('Data too large'))
  );
}

export function isPointLost(error: unknown): boolean {
  return (
    error instanceof errors.ResponseError &&
    (statusOf(error) === 404 || error.message.includes('search_context_missing_exception'))
  );
}

/** Streams by `sortMs`, all ascending or all descending, as one, in groups that share it. */
export async function* grouped(
  streams: readonly AsyncGenerator<SortedHit>[],
  order: 'asc' | 'desc',
): AsyncGenerator<readonly SortedHit[]> {
  const sign = order === 'asc' ? 1 : -1;
  try {
    const heads = await Promise.all(streams.map((stream) => stream.next()));
    for (;;) {
      let first = Number.POSITIVE_INFINITY;
      for (const head of heads) if (head.done !== true) first = Math.min(first, sign * head.value.sortMs);
      if (first === Number.POSITIVE_INFINITY) return;
      const group: SortedHit[] = [];
      for (const [at, stream] of streams.entries()) {
        for (;;) {
          const head = heads[at];
          if (head === undefined || head.done === true || sign * head.value.sortMs !== first) break;
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
