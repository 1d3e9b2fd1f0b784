// What is told when an index is gone before a follower has read it: a loss record, stored like any other event. Who drops an index leaves
// a note of what it held (the index PREFIX_dropped, one document for each, under the index's UUID), so that a follower that is
// behind can say how much it missed, and one that is not says nothing. Where somebody else deleted it, the bounds are what this
// process last saw.
import { createHash } from 'node:crypto';
import type { Client } from '@elastic/elasticsearch';
import type { NewEvent } from '../../event/document.ts';
import type { RawHit } from './reader.ts';

const NOTES_MAX = 10_000;

/** What an index held when it was dropped. */
export interface DroppedIndex {
  readonly uuid: string;
  readonly name: string;
  readonly events: number;
  /** The greatest number of each shard; −1 where it had none. */
  readonly numbers: readonly number[];
}

/** Events that a follower will never read. */
export interface LostEvents {
  readonly index: string;
  readonly uuid: string;
  /** How far the follower had read, by shard. */
  readonly read: readonly number[];
  readonly atLeast: number;
  readonly atMost: number | undefined;
  readonly span: { readonly fromMs: number; readonly untilMs: number } | undefined;
  readonly why: 'dropped' | 'gone' | 'replaced';
}

const HOST = { id: 'vedette-store', name: 'event store', boot: { id: 'server' } };
const WORDS = {
  dropped: 'was dropped before the engine had read it',
  gone: 'is gone: somebody deleted it before the engine had read it',
  replaced:
    'has a shard whose history was replaced (a copy without the newest events was made the primary); it is read again',
} as const;

/** How many events of a dropped index were not read. Numbers may have gaps, so the count is a bound from below only. */
export function unreadOf(dropped: DroppedIndex, read: readonly number[]): { atLeast: number; atMost: number } {
  const unread = dropped.numbers.reduce((sum, number, shard) => sum + Math.max(0, number - (read[shard] ?? -1)), 0);
  const readAtMost = dropped.numbers.reduce((sum, number, shard) => sum + Math.min(number, read[shard] ?? -1) + 1, 0);
  return {
    atLeast: Math.min(unread, Math.max(0, dropped.events - readAtMost)),
    atMost: Math.min(unread, dropped.events),
  };
}

/** The loss record. The same loss to followers at the same place has the same id. */
export function lossEvent(lost: LostEvents, nowMs: number): NewEvent {
  const now = new Date(nowMs).toISOString();
  const { index, uuid, read, atLeast, atMost, span, why } = lost;
  const place = createHash('sha256')
    .update(JSON.stringify([uuid, read, why]))
    .digest('hex')
    .slice(0, 20);
  const bound =
    atMost === undefined ? `${atLeast} or more` : atLeast === atMost ? `${atLeast}` : `${atLeast} to ${atMost}`;
  const document = {
    '@timestamp': now,
    ecs: { version: '8.17.0' },
    message: `the index ${index} ${WORDS[why]}: ${bound} events were not evaluated`,
    event: {
      kind: 'pipeline_error',
      category: ['host'],
      type: ['info'],
      module: 'vedette',
      dataset: 'vedette.loss',
      action: 'lost-events',
      created: now,
      ingested: now,
    },
    host: HOST,
    vedette: {
      loss: {
        source: 'store',
        at_least: atLeast,
        ...(atMost === undefined ? {} : { at_most: atMost }),
        ...(span === undefined
          ? {}
          : { from: new Date(span.fromMs).toISOString(), to: new Date(span.untilMs).toISOString() }),
      },
    },
  };
  return { id: `${HOST.id}.server.lost-${place}`, document };
}

interface Note extends DroppedIndex {
  readonly number: number;
}

/** The notes of indices that were dropped since, and of those that are asked for, by UUID. */
export async function readNotes(
  client: Client,
  index: string,
  { after, upTo, uuids }: { readonly after: number; readonly upTo: number; readonly uuids: readonly string[] },
): Promise<ReadonlyMap<string, Note>> {
  if (upTo < 0) return new Map();
  await client.indices.refresh({ index, ignore_unavailable: true });
  const response = await client.search({
    index,
    ignore_unavailable: true,
    allow_partial_search_results: false,
    size: NOTES_MAX,
    seq_no_primary_term: true,
    sort: [{ _seq_no: 'asc' }],
    query: {
      bool: { should: [{ range: { _seq_no: { gt: after, lte: upTo } } }, { ids: { values: [...uuids] } }] },
    },
  });
  const notes = new Map<string, Note>();
  for (const { _id: uuid, _seq_no: number = 0, _source } of response.hits.hits as readonly RawHit[]) {
    const { name, events, numbers } = (_source ?? {}) as Partial<DroppedIndex>;
    if (name !== undefined && events !== undefined && Array.isArray(numbers)) {
      notes.set(uuid, { uuid, name, events, numbers, number });
    }
  }
  return notes;
}
