// Events in Elasticsearch: one index for each UTC day of `@timestamp`, so that a repeated event always meets its own index and a 409
// is exact. `_source` is the document as it came (form.ts names the exceptions). Every append is durable when it is answered
// (translog durability `request`); one that fails half-way is refused as a whole and may be repeated safely. Longer than 300 lines, because
// it is one port over one client; what can be told apart (dialect, form, mapping) is.
import { readFileSync } from 'node:fs';
import { Client, errors } from '@elastic/elasticsearch';
import { bulkLines } from '../../event/bulk.ts';
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import { admit, timestampOf } from '../admission.ts';
import { type AppendResult, type EventStore, type FollowBatch, StoreUnavailable } from '../port.ts';
import { createCount } from '../query/count.ts';
import { matcherOf } from '../query/matches.ts';
import { carryOut, planRetention } from '../retain.ts';
import { createWake } from '../wake.ts';
import { type Filter, filterOf } from './dialect.ts';
import { documentOf, storedForm, wrappedForm } from './form.ts';
import { indexTemplate } from './mapping.ts';
import { grouped, sortedHits } from './reader.ts';
import { readTail, tailEnd } from './shard-tail.ts';

export interface ElasticsearchOptions {
  /** URL of a node, or of several. */
  readonly node: string | readonly string[];
  readonly auth?: { readonly apiKey: string } | { readonly username: string; readonly password: string };
  /** PEM file of the authority that signed the nodes' certificates. */
  readonly caFile?: string;
  /** Indices are called PREFIX-2026.11.21. */
  readonly prefix?: string;
  /** Told of what is not an error of the caller: an index that vanished before it was read. */
  readonly warn?: (text: string) => void;
}

/** Bytes of one `_bulk` request, except that one document is never cut. */
const BULK_BYTES_MAX = 8 * 1024 * 1024;
/** Events of one `next`, whatever the caller asks. Elasticsearch gives 10,000 hits a page at most. */
const FOLLOW_LIMIT_MAX = 10_000;
const SEARCH_LIMIT_MAX = 10_000;
const SCAN_BATCH = 1_000;
/** A waiting follower looks so often for what other processes wrote. */
const POLL_MS = 250;
const REQUEST_TIMEOUT_MS = 30_000;
const DAY_MS = 86_400_000;

export async function openElasticsearchStore(options: ElasticsearchOptions): Promise<EventStore> {
  const prefix = options.prefix ?? 'vedette-events';
  if (!/^[a-z][a-z0-9_-]{0,99}$/.test(prefix)) throw new Error(`an index cannot be called ${JSON.stringify(prefix)}`);
  const client = new Client({
    nodes: typeof options.node === 'string' ? [options.node] : [...options.node],
    ...(options.auth === undefined ? {} : { auth: options.auth }),
    ...(options.caFile === undefined ? {} : { tls: { ca: readFileSync(options.caFile) } }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxRetries: 2,
    // A field may be called __proto__; JSON.parse makes it an own property, which is all that we ever read.
    disablePrototypePoisoningProtection: true,
  });
  try {
    await client.indices.putIndexTemplate({ name: prefix, ...indexTemplate(prefix) });
  } catch (error) {
    await client.close();
    throw asUnavailable(error);
  }
  return createStore(client, prefix, options.warn ?? (() => undefined));
}

interface Line {
  readonly at: number;
  readonly id: string;
  readonly index: string;
  readonly source: string;
  /** The same document wrapped; undefined where `source` is wrapped already. */
  readonly wrapped: () => string;
}

function createStore(client: Client, prefix: string, warn: (text: string) => void): EventStore {
  const pattern = `${prefix}-*`;
  const wake = createWake();
  /** Indices that this process wrote to since they were refreshed. Bounded by the days of one batch after another's refresh. */
  const unrefreshed = new Set<string>();
  let isClosed = false;

  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) throw new StoreUnavailable('closed', 'the store is closed');
    try {
      return await work();
    } catch (error) {
      throw asUnavailable(error);
    }
  };

  const refresh = async (): Promise<void> => {
    const indices = [...unrefreshed];
    if (indices.length === 0) return;
    unrefreshed.clear();
    await client.indices.refresh({ index: indices.length > 50 ? pattern : indices, ignore_unavailable: true });
  };

  /** Sends lines; answers those that the mapping refused, to be sent again in another form. */
  const send = async (lines: readonly Line[], results: (AppendResult | undefined)[]): Promise<readonly Line[]> => {
    const refused: Line[] = [];
    for (const part of parts(lines)) {
      const body = part
        .map(({ id, index, source }) =>
          bulkLines(id, source).replace('{"create":{', `{"create":{"_index":${JSON.stringify(index)},`),
        )
        .join('');
      const response = await client.transport.request<BulkResponse>(
        { method: 'POST', path: '/_bulk', body },
        { headers: { 'content-type': 'application/x-ndjson' } },
      );
      for (const [at, item] of response.items.entries()) {
        const line = part[at];
        const { status = 500, error } = item.create ?? {};
        if (line === undefined) continue;
        unrefreshed.add(line.index);
        if (status === 201) results[line.at] = { kind: 'created' };
        else if (status === 409) results[line.at] = { kind: 'duplicate' };
        else if (status === 400) {
          refused.push(line);
          results[line.at] = {
            kind: 'rejected',
            reason: String(error?.reason ?? 'the index refused it').slice(0, 500),
          };
        } else
          throw new StoreUnavailable(
            status === 429 ? 'overloaded' : 'unreachable',
            `Elasticsearch answered ${status} for an event`,
          );
      }
    }
    return refused;
  };

  const inRange = (field: string, fromMs: number, untilMs: number): Filter => ({
    range: { [field]: { gte: whole(Math.floor(fromMs)), lte: whole(Math.ceil(untilMs)), format: 'epoch_millis' } },
  });

  return {
    append: (batch) =>
      run(async () => {
        const results: (AppendResult | undefined)[] = [];
        const lines: Line[] = [];
        for (const [at, event] of batch.entries()) {
          const admission = admit(event);
          results.push(admission.kind === 'rejected' ? admission : undefined);
          if (admission.kind === 'rejected') continue;
          const { json, timestampMs } = admission;
          lines.push({
            at,
            id: event.id,
            index: `${prefix}-${new Date(timestampMs).toISOString().slice(0, 10).replaceAll('-', '.')}`,
            source: storedForm(event.id, event.document, json, timestampMs),
            wrapped: () => wrappedForm(event.id, event.document, json, timestampMs),
          });
        }
        const refused = await send(lines, results);
        if (refused.length > 0)
          await send(
            refused.map((line) => ({ ...line, source: line.wrapped() })),
            results,
          );
        wake.ring();
        return results.map((result) => result ?? { kind: 'rejected', reason: 'Elasticsearch did not answer for it' });
      }),

    async next(cursor, { limit, waitMs, signal }): Promise<FollowBatch> {
      const atMost = Math.max(1, Math.min(Math.floor(limit), FOLLOW_LIMIT_MAX));
      const vanished = (uuid: string): void =>
        warn(`the index ${uuid} is gone; events in it that were not read are lost`);
      const until = performance.now() + waitMs;
      for (;;) {
        const batch = await run(() => readTail(client, pattern, cursor, { limit: atMost, vanished }));
        const leftMs = until - performance.now();
        if (batch.events.length > 0 || leftMs <= 0 || signal?.aborted === true) return batch;
        await wake.wait(Math.min(POLL_MS, leftMs), signal);
        if (isClosed) return batch;
      }
    },

    end: () => run(() => tailEnd(client, pattern)),

    async *scan({ fromMs, untilMs }, { query = { kind: 'all' } as const, signal } = {}) {
      await run(refresh);
      const matches = matcherOf(query);
      const filter = filterOf(query);
      const hasCreated: Filter = { exists: { field: 'event.created' } };
      // Where there is no event.created, @timestamp stands for it (event/order.ts).
      const streams = [
        { field: 'event.created', filter: { bool: { filter: [filter, inRange('event.created', fromMs, untilMs)] } } },
        {
          field: '@timestamp',
          filter: { bool: { filter: [filter, inRange('@timestamp', fromMs, untilMs)], must_not: [hasCreated] } },
        },
      ].map((stream) => sortedHits(client, pattern, { ...stream, order: 'asc', signal }));
      let batch: NewEvent[] = [];
      for await (const group of grouped(streams)) {
        const keyed = group.map(({ id, document }) => ({ id, document, order: orderKeyOf(id, document) }));
        keyed.sort((a, b) => compareOrder(a.order, b.order));
        for (const { id, document, order } of keyed) {
          if (order.createdMs >= fromMs && order.createdMs < untilMs && matches(document)) batch.push({ id, document });
        }
        if (batch.length < SCAN_BATCH) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },

    search: ({ query, range, limit, oldestFirst, signal }) =>
      run(async () => {
        await refresh();
        const matches = matcherOf(query);
        const atMost = Math.max(0, Math.min(Math.floor(limit), SEARCH_LIMIT_MAX));
        const filter = { bool: { filter: [filterOf(query), inRange('@timestamp', range.fromMs, range.untilMs)] } };
        const events: NewEvent[] = [];
        const hits = sortedHits(client, pattern, {
          filter,
          field: '@timestamp',
          order: oldestFirst === true ? 'asc' : 'desc',
          signal,
        });
        for await (const { id, document, sortMs } of hits) {
          if (sortMs < range.fromMs || sortMs >= range.untilMs || !matches(document)) continue;
          if (events.length === atMost) return { events, total: atMost + 1, isTotalExact: false };
          events.push({ id, document });
        }
        return { events, total: events.length, isTotalExact: true };
      }),

    aggregate: (request) =>
      run(async () => {
        await refresh();
        const { query, range, signal } = request;
        const matches = matcherOf(query);
        const count = createCount(request);
        const filter = { bool: { filter: [filterOf(query), inRange('@timestamp', range.fromMs, range.untilMs)] } };
        for await (const { document } of sortedHits(client, pattern, {
          filter,
          field: '@timestamp',
          order: 'asc',
          signal,
        })) {
          const timestampMs = timestampOf(document) ?? 0;
          if (timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document))
            count.event(document, timestampMs);
        }
        return count.result();
      }),

    get: (id) =>
      run(async () => {
        await refresh();
        const response = await client.search({ index: pattern, size: 1, query: { ids: { values: [id] } } });
        const source = response.hits.hits[0]?._source;
        return source === undefined ? undefined : documentOf(source as EventDocument);
      }),

    retain: (request) =>
      run(async () => {
        await refresh();
        const stats = await client.indices.stats({ index: pattern, metric: ['docs', 'store'] });
        const partitions = Object.entries(stats.indices ?? {}).flatMap(([name, { primaries, total }]) => {
          const day = /-([0-9]{4})\.([0-9]{2})\.([0-9]{2})$/.exec(name);
          if (day === null) return [];
          const fromMs = Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]));
          const toMs = fromMs + DAY_MS - 1;
          const [events, bytes] = [primaries?.docs?.count ?? 0, total?.store?.size_in_bytes ?? 0];
          return [{ name, events, bytes, fromMs, toMs, ageMs: toMs }];
        });
        const plan = await planRetention(partitions, stats._all?.total?.store?.size_in_bytes ?? 0, {
          ...request,
          isHeld: async ({ name }, { fromMs, untilMs, hostId }) => {
            const times = ['@timestamp', 'event.created'].map((field) => inRange(field, fromMs, untilMs));
            const host = hostId === undefined ? [] : [{ term: { 'host.id': hostId } }];
            const query = { bool: { filter: [{ bool: { should: times } }, ...host] } };
            return (await client.count({ index: name, query })).count > 0;
          },
        });
        return carryOut(plan, request, async ({ name }) => {
          await client.indices.delete({ index: name });
          return true;
        });
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

interface BulkResponse {
  readonly items: readonly {
    readonly create?: { readonly status?: number; readonly error?: { readonly reason?: string } };
  }[];
}

function* parts(lines: readonly Line[]): Generator<readonly Line[]> {
  let part: Line[] = [];
  let bytes = 0;
  for (const line of lines) {
    if (part.length > 0 && bytes + line.source.length > BULK_BYTES_MAX) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(line);
    bytes += line.source.length;
  }
  if (part.length > 0) yield part;
}

/** A range end as Elasticsearch can read it. */
function whole(ms: number): number {
  return Math.max(-9e15, Math.min(ms, 9e15));
}

/** The port's words for what goes wrong on the way. Answers to bad requests are bugs and stay what they are. */
function asUnavailable(error: unknown): unknown {
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    if (status === 429) return new StoreUnavailable('overloaded', 'Elasticsearch takes no more at the moment (429)');
    if (status === 401 || status === 403) {
      return new StoreUnavailable('unreachable', `Elasticsearch refuses the configured credentials (${status})`);
    }
    return status >= 500 ? new StoreUnavailable('unreachable', `Elasticsearch answered ${status}`) : error;
  }
  if (error instanceof errors.ElasticsearchClientError) {
    return new StoreUnavailable('unreachable', `Elasticsearch did not answer: ${error.name}`);
  }
  return error;
}
