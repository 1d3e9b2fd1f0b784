// Writes by `_bulk`, `create` only. Every event gets an answer of its own: 201 stored, 409 stored before, 400 refused by the mapping; what
// is 429 or passing is tried again a few times, without those that were answered; a request that is too large (413) is halved. What
// is left throws, and may be repeated as a whole: an id meets its own index again. (Why not the client's helper: decision 0027.)
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, errors } from '@elastic/elasticsearch';
import { bulkLines } from '../../event/bulk.ts';
import { StoreUnavailable } from '../port.ts';
import { asUnavailable, diskFull, isDiskFull, statusOf } from './connection.ts';

export interface Line {
  readonly id: string;
  readonly index: string;
  readonly source: string;
}

export type LineResult =
  | { readonly kind: 'created' }
  | { readonly kind: 'duplicate' }
  /** The mapping refused it in this form. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No request of its size is taken, not even alone. */
  | { readonly kind: 'too-large' };

/** Bytes of one request, except that one document is never cut. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;
/** Pauses before what was refused for the moment is sent again, ms. */
const PAUSES_MS: readonly number[] = [50, 150, 400, 1_000];
/** How long a node waits for a shard that is away. */
const WAIT = '10s';

/** Sends lines; answers in their order. Throws {@link StoreUnavailable} when some could not be stored; others may be. */
export async function sendBulk(client: Client, lines: readonly Line[]): Promise<readonly LineResult[]> {
  const results: (LineResult | undefined)[] = [];
  let left = lines.map((line, at): Numbered => ({ line, at }));
  for (let attempt = 0; left.length > 0; attempt++) {
    const again: Numbered[] = [];
    let reason: StoreUnavailable | undefined;
    for (const part of parts(left)) {
      const answer = await sendPart(client, part);
      for (const [at, result] of answer.entries()) {
        const numbered = part[at];
        if (numbered === undefined) continue;
        if (result instanceof StoreUnavailable) {
          reason = result;
          again.push(numbered);
        } else results[numbered.at] = result;
      }
    }
    if (reason === undefined) break;
    const pauseMs = PAUSES_MS[attempt];
    if (pauseMs === undefined || reason.reason === 'disk-full') throw reason;
    await sleep(pauseMs);
    left = again;
  }
  return lines.map((_, at) => results[at] ?? { kind: 'refused', reason: 'Elasticsearch did not answer for it' });
}

interface Numbered {
  readonly line: Line;
  readonly at: number;
}

type Answer = LineResult | StoreUnavailable;

async function sendPart(client: Client, part: readonly Numbered[]): Promise<readonly Answer[]> {
  const body = part
    .map(({ line: { id, index, source } }) =>
      bulkLines(id, source).replace('{"create":{', () => `{"create":{"_index":${JSON.stringify(index)},`),
    )
    .join('');
  try {
    const { items } = await client.transport.request<BulkResponse>(
      {
        method: 'POST',
        path: '/_bulk',
        querystring: {
          timeout: WAIT,
          filter_path:
            'items.create.status,items.create.error.type,items.create.error.reason,items.create.error.caused_by.reason',
        },
        body,
      },
      { headers: { 'content-type': 'application/x-ndjson' } },
    );
    return part.map((_, at) => answerOf(items?.[at]?.create));
  } catch (error) {
    if (statusOf(error) === 413) return sendHalves(client, part);
    // Of a request that was not answered nothing is known; it may be repeated.
    const unavailable = asUnavailable(error);
    if (unavailable instanceof StoreUnavailable && error instanceof errors.ResponseError) {
      return part.map(() => unavailable);
    }
    throw unavailable;
  }
}

async function sendHalves(client: Client, part: readonly Numbered[]): Promise<readonly Answer[]> {
  if (part.length <= 1) return part.map(() => ({ kind: 'too-large' }));
  const half = part.length >> 1;
  return [...(await sendPart(client, part.slice(0, half))), ...(await sendPart(client, part.slice(half)))];
}

interface BulkResponse {
  readonly items?: readonly { readonly create?: Item }[];
}
interface Item {
  readonly status?: number;
  readonly error?: {
    readonly type?: string;
    readonly reason?: string;
    readonly caused_by?: { readonly reason?: string };
  };
}

/** Errors of 400 that the cluster's state causes, not the event. */
const PASSING_TYPES: ReadonlySet<string> = new Set([
  'cluster_block_exception',
  'index_closed_exception',
  'index_not_found_exception',
  // “this action would add [2] shards, but this cluster currently has …”
  'validation_exception',
]);

function answerOf(item: Item | undefined): Answer {
  const { status = 500, error } = item ?? {};
  if (status === 201) return { kind: 'created' };
  if (status === 409) return { kind: 'duplicate' };
  const reason = String(error?.reason ?? '');
  if (isDiskFull(reason)) return diskFull();
  if (status === 400 && !PASSING_TYPES.has(error?.type ?? '')) {
    const cause = error?.caused_by?.reason;
    return { kind: 'refused', reason: `${reason}${cause === undefined ? '' : ` (${cause})`}`.slice(0, 500) };
  }
  return new StoreUnavailable(
    status === 429 ? 'overloaded' : 'unreachable',
    `Elasticsearch answered ${status} for an event${reason === '' ? '' : `: ${reason.slice(0, 200)}`}`,
  );
}

function* parts(lines: readonly Numbered[]): Generator<readonly Numbered[]> {
  let part: Numbered[] = [];
  let bytes = 0;
  for (const numbered of lines) {
    const length = numbered.line.source.length;
    if (part.length > 0 && bytes + length > REQUEST_BYTES_MAX) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(numbered);
    bytes += length;
  }
  if (part.length > 0) yield part;
}
