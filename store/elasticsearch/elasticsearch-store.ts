// Events in Elasticsearch: an index for each UTC day (or hour) of `@timestamp`, so that a repeated event meets its own index and a 409
// is exact. `_source` is the document as it came (form.ts names the exceptions). Every append is durable when it is answered (translog
// durability `request`); one that fails half-way is refused as a whole and may be repeated safely.
import { type Client, errors } from '@elastic/elasticsearch';
import type { EventDocument } from '../../event/document.ts';
import { admit } from '../admission.ts';
import { type AppendResult, type EventStore, type FollowBatch, StoreUnavailable } from '../port.ts';
import { createWake } from '../wake.ts';
import { sendBulk } from './bulk.ts';
import { asUnavailable, connect, type ElasticsearchConnection, statusOf } from './connection.ts';
import { aggregate } from './counting.ts';
import { retain } from './dropping.ts';
import { documentOf, storedForm, wrappedForm } from './form.ts';
import { createIndexBook } from './index-book.ts';
import type { IndexPeriod } from './index-names.ts';
import { lossEvent } from './lost-index.ts';
import type { IndexSettings } from './mapping.ts';
import { createPlacing } from './placing.ts';
import { scan, search } from './searching.ts';
import { type SetupStep, setUp } from './setup.ts';
import { createShardTail } from './shard-tail.ts';
import { hasPassed } from './tail-place.ts';

export interface ElasticsearchOptions extends ElasticsearchConnection {
  /** Indices are called PREFIX-2026.11.21. */
  readonly prefix?: string;
  /** An index for each day, or each hour. */
  readonly period?: IndexPeriod;
  readonly settings?: IndexSettings;
  readonly nowMs?: () => number;
  /** Told of what is not an error of the caller: templates that were put, an index that vanished before it was read. */
  readonly warn?: (text: string) => void;
}

const DEFAULT_PREFIX = 'vedette-events';
/** Events of one `next`, whatever the caller asks. Elasticsearch gives 10,000 hits a page at most. */
const FOLLOW_LIMIT_MAX = 10_000;
/** A waiting follower looks so often for what other processes wrote, */
const POLL_MS = 250;
/** and so often at every index. */
const THOROUGH_MS = 1_000;

/** Throws {@link StoreUnavailable}, or what is wrong with the options or the cluster. */
export async function openElasticsearchStore(options: ElasticsearchOptions): Promise<EventStore> {
  const { prefix = DEFAULT_PREFIX, settings = {}, warn = () => undefined } = options;
  const client = connectChecked(options);
  try {
    const steps = await setUp(client, prefix, { settings, isDryRun: false });
    for (const { what, action, detail } of steps)
      if (action !== 'none') warn(`Elasticsearch: ${what}: ${action} (${detail})`);
  } catch (error) {
    // A key that may not see templates says nothing of whether they are there; each index shows it (index-book.ts).
    if (statusOf(error) !== 403) {
      await client.close();
      throw asUnavailable(error);
    }
  }
  return createStore(client, { ...options, prefix, warn });
}

/** Sets the cluster up, or says what that would do (docs/elasticsearch.md). */
export async function setUpElasticsearch(
  options: ElasticsearchOptions & { readonly isDryRun: boolean },
): Promise<readonly SetupStep[]> {
  const { prefix = DEFAULT_PREFIX, settings = {}, isDryRun } = options;
  const client = connectChecked(options);
  try {
    return await setUp(client, prefix, { settings, isDryRun });
  } catch (error) {
    throw asUnavailable(error);
  } finally {
    await client.close();
  }
}

function connectChecked(options: ElasticsearchOptions): Client {
  const { prefix = DEFAULT_PREFIX } = options;
  if (!/^[a-z][a-z0-9_-]{0,99}$/.test(prefix)) throw new Error(`an index cannot be called ${JSON.stringify(prefix)}`);
  return connect(options);
}

function createStore(
  client: Client,
  options: ElasticsearchOptions & { readonly prefix: string; readonly warn: (text: string) => void },
): EventStore {
  const { prefix, period = 'day', warn, nowMs = Date.now } = options;
  const pattern = `${prefix}-*`;
  const wake = createWake();
  const book = createIndexBook(client, pattern, warn);
  const placing = createPlacing(client, { prefix, period, nowMs });
  const tail = createShardTail(client, prefix);
  /** Indices that this process wrote to since they were refreshed. Bounded by what one batch after another's refresh can name. */
  const unrefreshed = new Set<string>();
  let isClosed = false;

  const run = async <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    if (isClosed) throw new StoreUnavailable('closed', 'the store is closed');
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      throw signal?.aborted === true && error instanceof errors.RequestAbortedError
        ? signal.reason
        : asUnavailable(error);
    }
  };

  const refresh = async (): Promise<void> => {
    const indices = [...unrefreshed];
    if (indices.length === 0) return;
    unrefreshed.clear();
    await client.indices.refresh({ index: indices.length > 50 ? pattern : indices, ignore_unavailable: true });
  };

  const append: EventStore['append'] = (batch) =>
    run(async () => {
      const admitted = batch.map((event) => ({ event, admission: admit(event) }));
      const results: (AppendResult | undefined)[] = admitted.map(({ admission }) =>
        admission.kind === 'rejected' ? admission : undefined,
      );
      const placed = await placing.place(
        admitted.flatMap(({ event, admission }, at) =>
          admission.kind === 'rejected'
            ? []
            : [{ at, id: event.id, timestampMs: admission.timestampMs, event, json: admission.json }],
        ),
      );
      for (const { at } of placed.stored) results[at] = { kind: 'duplicate' };
      // As it came; then, where the mapping refuses that, wrapped.
      let lines = placed.fresh.map((line) => ({
        ...line,
        source: storedForm(line.id, line.event.document, line.json, line.timestampMs),
      }));
      for (let isLast = false; lines.length > 0; isLast = true) {
        for (const { index } of lines) unrefreshed.add(index);
        const answers = await sendBulk(client, lines);
        const refused: typeof lines = [];
        for (const [at, answer] of answers.entries()) {
          const line = lines[at];
          if (line === undefined) continue;
          if (answer.kind === 'refused' && !isLast) refused.push(line);
          else if (answer.kind === 'refused') results[line.at] = { kind: 'rejected', reason: answer.reason };
          else if (answer.kind === 'too-large') results[line.at] = { kind: 'rejected', reason: TOO_LARGE };
          else results[line.at] = answer;
        }
        if (isLast) break;
        lines = refused.map((line) => ({
          ...line,
          source: wrappedForm(line.id, line.event.document, line.json, line.timestampMs),
        }));
      }
      tail.touch(new Set(placed.fresh.map(({ index }) => index)));
      wake.ring();
      return results.map((result) => result ?? { kind: 'rejected', reason: 'Elasticsearch did not answer for it' });
    });

  /** One look; what will never be read is stored as a loss before the follower goes on. */
  const readTail = async (
    cursor: string | undefined,
    look: { readonly limit: number; readonly isThorough: boolean; readonly signal: AbortSignal | undefined },
  ): Promise<FollowBatch> => {
    const { lost, ...batch } = await run(() => tail.read(cursor, look), look.signal);
    if (lost.length > 0) {
      const events = lost.map((one) => lossEvent(one, nowMs()));
      const results = await append(events);
      for (const [at, { document }] of events.entries()) {
        if (results[at]?.kind === 'created') warn(String(document['message']));
      }
    }
    return batch;
  };

  return {
    append,

    async next(cursor, { limit, waitMs, signal }): Promise<FollowBatch> {
      const atMost = Math.max(1, Math.min(Math.floor(limit), FOLLOW_LIMIT_MAX));
      const until = performance.now() + waitMs;
      await run(async () => undefined);
      try {
        for (;;) {
          const isDue = performance.now() - tail.lookedAt() >= THOROUGH_MS;
          let batch = await readTail(cursor, { limit: atMost, isThorough: isDue, signal });
          const leftMs = until - performance.now();
          // The last look before an empty answer leaves no index out.
          if (batch.events.length === 0 && leftMs <= 0 && !isDue) {
            batch = await readTail(cursor, { limit: atMost, isThorough: true, signal });
          }
          if (batch.events.length > 0 || leftMs <= 0 || signal?.aborted === true) return batch;
          await wake.wait(Math.min(POLL_MS, leftMs), signal);
          if (isClosed) return batch;
        }
      } catch (error) {
        if (signal?.aborted === true || isClosed) return { events: [], cursor: cursor ?? tail.begin() };
        throw error;
      }
    },

    end: () => run(() => tail.end()),
    horizon: () => run(() => tail.horizon()),
    hasPassed,

    async *scan(range, { query = { kind: 'all' } as const, signal } = {}) {
      signal?.throwIfAborted();
      await run(refresh);
      yield* scan(client, book, { query, range, signal });
    },

    search: (request) =>
      run(async () => {
        await refresh();
        return search(client, book, request);
      }, request.signal),

    aggregate: (request) =>
      run(async () => {
        await refresh();
        return aggregate(client, book, request);
      }, request.signal),

    get: (id) =>
      run(async () => {
        await refresh();
        const response = await client.search({
          index: pattern,
          size: 1,
          allow_partial_search_results: false,
          query: { ids: { values: [id] } },
        });
        const source = response.hits.hits[0]?._source;
        return source === undefined ? undefined : documentOf(source as EventDocument);
      }),

    retain: (request) =>
      run(async () => {
        const response = await retain(client, { prefix, book }, request);
        placing.forget();
        return response;
      }),

    statistics: () =>
      run(async () => {
        await refresh();
        const stats = await client.indices.stats({ index: pattern, metric: ['docs', 'store'] });
        const times = await client.search({
          index: pattern,
          size: 0,
          aggs: { oldest: { min: { field: '@timestamp' } }, newest: { max: { field: '@timestamp' } } },
        });
        const timeOf = (name: string): number | undefined => {
          const value = (times.aggregations?.[name] as { value?: number | null } | undefined)?.value;
          return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
        };
        return {
          kind: 'elasticsearch',
          events: stats._all?.primaries?.docs?.count ?? 0,
          bytes: stats._all?.total?.store?.size_in_bytes ?? 0,
          oldestMs: timeOf('oldest'),
          newestMs: timeOf('newest'),
          pending: 0,
        };
      }),

    async close() {
      if (isClosed) return;
      isClosed = true;
      wake.ring();
      await client.close();
    },
  };
}

const TOO_LARGE = 'Elasticsearch takes no request of this size (http.max_content_length)';
