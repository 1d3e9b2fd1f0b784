// An exact tail of Elasticsearch: every event once per cursor, by the numbers that each shard gives its writes. Only numbers up to
// the shard's global checkpoint are read: every copy in sync has them, no failure takes them back, and nothing can still appear
// before them. All copies are refreshed before one is asked, so whichever answers shows them. Most looks ask only the indices that
// lately grew, and those that this process wrote to; every second all are asked, by one request.
import type { Client } from '@elastic/elasticsearch';
import type { StoredEvent } from '../../event/document.ts';
import { type FollowBatch, StoreUnavailable } from '../port.ts';
import { statusOf } from './connection.ts';
import { documentOf } from './form.ts';
import { uuidsOf } from './index-book.ts';
import { spanOf } from './index-names.ts';
import { type LostEvents, readNotes, unreadOf } from './lost-index.ts';
import { pageSizes, type RawHit, RESPONSE_BYTES_MAX } from './reader.ts';
import { formatPlace, type Place, parsePlace } from './tail-place.ts';

/** An index that has not grown for so long is asked every second only. */
const WARM_MS = 60_000;
const WARM_MAX = 50;
/** Indices, also of those that are gone, whose last state is remembered. */
const SEEN_MAX = 10_000;
/** Shards that are read side by side. */
const SHARDS_AT_ONCE = 6;
const HISTORY_CHARS = 8;

export interface ShardTail {
  /**
   * What can be read now after a cursor, at most `limit`. `isThorough`: of all indices, else of those that lately grew. `lost` is what
   * will never be read; who calls stores it before going on from the new cursor.
   */
  read(
    cursor: string | undefined,
    options: { readonly limit: number; readonly isThorough: boolean; readonly signal: AbortSignal | undefined },
  ): Promise<FollowBatch & { readonly lost: readonly LostEvents[] }>;
  /** These indices were written to. */
  touch(names: Iterable<string>): void;
  /** The cursor before the very first event. */
  begin(): string;
  /** The cursor after every event that is stored now. */
  end(): Promise<string>;
  /** The place that is passed when everything is read that was acknowledged before: by the greatest number of each shard, also above the checkpoint. */
  horizon(): Promise<string>;
  /** When all indices were last asked, on performance.now()'s clock. */
  lookedAt(): number;
}

interface ShardState {
  readonly index: string;
  readonly uuid: string;
  readonly shard: number;
  readonly checkpoint: number;
  /** The greatest number that any copy has. */
  readonly most: number;
  readonly history: string;
}

export function createShardTail(client: Client, prefix: string): ShardTail {
  const pattern = `${prefix}-*`;
  const notesIndex = `${prefix}_dropped`;
  /** When an index last grew, by name; its checkpoints at the last look, by UUID. Both oldest first. */
  const warm = new Map<string, number>();
  const seen = new Map<string, readonly number[]>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let notesUpTo = -1;

  const warmUp = (name: string): void => {
    warm.delete(name);
    warm.set(name, performance.now());
  };

  /** `isRead`: what it sees is read next; else a thorough look for reading stays due. */
  const look = async (
    isThorough: boolean,
    signal: AbortSignal | undefined,
    isRead = true,
  ): Promise<readonly ShardState[]> => {
    const names = [...warm.keys()];
    if (!isThorough && names.length === 0) return [];
    const all = await shardStates(
      client,
      isThorough ? [pattern, `${notesIndex}*`] : names.map((name) => `${name}*`),
      signal,
    );
    const now = performance.now();
    const states = all.filter(({ index }) => index !== notesIndex);
    const byUuid = Map.groupBy(states, ({ uuid }) => uuid);
    for (const [uuid, shards] of byUuid) {
      const checkpoints: number[] = [];
      for (const { shard, checkpoint } of shards) checkpoints[shard] = checkpoint;
      const before = seen.get(uuid);
      if (checkpoints.some((checkpoint, shard) => checkpoint !== before?.[shard])) warmUp(shards[0]?.index ?? '');
      seen.delete(uuid);
      seen.set(uuid, checkpoints);
    }
    for (const [name, at] of warm) if (now - at > WARM_MS || warm.size > WARM_MAX) warm.delete(name);
    for (const uuid of seen.keys()) if (seen.size > SEEN_MAX) seen.delete(uuid);
    if (isThorough) {
      if (isRead) lookedAt = now;
      notesUpTo = all.find(({ index }) => index === notesIndex)?.checkpoint ?? -1;
    }
    return states;
  };

  /** What is not there any more: dropped with a note, or gone without. */
  const account = async (
    place: Place,
    present: ReadonlySet<string>,
  ): Promise<{ lost: readonly LostEvents[]; gone: readonly string[]; notes: number }> => {
    const { at, notes = notesUpTo } = place;
    const absent = [...at.keys()].filter((uuid) => !present.has(uuid));
    if (absent.length === 0 && notes >= notesUpTo) return { lost: [], gone: [], notes: Math.max(notes, notesUpTo) };
    // An index whose shards are all away is still one: only who is not in the cluster's state is gone.
    const known = new Set((await uuidsOf(client, pattern)).values());
    const gone = absent.filter((uuid) => !known.has(uuid));
    const dropped = await readNotes(client, notesIndex, { after: notes, upTo: notesUpTo, uuids: gone });
    const lost: LostEvents[] = [];
    for (const note of dropped.values()) {
      if (known.has(note.uuid) || present.has(note.uuid)) continue;
      const position = at.get(note.uuid);
      // A note that an earlier look has counted already, of an index that this cursor has let go of.
      if (position === undefined && note.number <= notes) continue;
      const read = position?.numbers ?? [];
      const unread = unreadOf(note, read);
      if (unread.atMost > 0) {
        lost.push({
          index: note.name,
          uuid: note.uuid,
          read,
          ...unread,
          span: spanOf(note.name, prefix),
          why: 'dropped',
        });
      }
    }
    for (const uuid of gone) {
      const position = at.get(uuid);
      if (position === undefined || dropped.has(uuid)) continue;
      const last = seen.get(uuid);
      const atLeast = (last ?? []).reduce(
        (sum, end, shard) => sum + Math.max(0, end - (position.numbers[shard] ?? -1)),
        0,
      );
      // Seen a moment ago and read to its end: nothing is known to be missing.
      if (last !== undefined && atLeast === 0) continue;
      const span = spanOf(position.name, prefix);
      lost.push({ index: position.name, uuid, read: position.numbers, atLeast, atMost: undefined, span, why: 'gone' });
    }
    return { lost, gone, notes: Math.max(notes, notesUpTo) };
  };

  const placeOf = async (numberOf: (state: ShardState) => number): Promise<string> => {
    const at = new Map<string, { name: string; numbers: number[]; histories: string[] }>();
    let count = 0;
    for (const state of await look(true, undefined, false)) {
      const { index, uuid, shard, history } = state;
      const position = at.get(uuid) ?? { name: index, numbers: [], histories: [] };
      at.set(uuid, position);
      position.numbers[shard] = numberOf(state);
      position.histories[shard] = history;
      count += numberOf(state) + 1;
    }
    return formatPlace({ count, notes: notesUpTo, at });
  };

  return {
    lookedAt: () => lookedAt,
    begin: () => formatPlace({ count: 0, notes: undefined, at: new Map() }),

    end: () => placeOf(({ checkpoint }) => checkpoint),
    horizon: () => placeOf(({ most }) => most),

    touch(names) {
      for (const name of names) warmUp(name);
    },

    async read(cursor, { limit, isThorough, signal }) {
      const place = parsePlace(cursor);
      const states = await look(isThorough, signal);
      const at = new Map<string, { name: string; numbers: number[]; histories: string[] }>();
      for (const [uuid, { name, numbers, histories }] of place.at) {
        at.set(uuid, { name, numbers: [...numbers], histories: [...histories] });
      }
      const lost: LostEvents[] = [];
      let { notes } = place;
      if (isThorough) {
        const report = await account(place, new Set(states.map(({ uuid }) => uuid)));
        lost.push(...report.lost);
        for (const uuid of report.gone) at.delete(uuid);
        notes = report.notes;
      }
      const behind: (ShardState & { readonly after: number })[] = [];
      for (const state of states) {
        const { uuid, index, shard, checkpoint, history } = state;
        const position = at.get(uuid) ?? { name: index, numbers: [], histories: [] };
        at.set(uuid, position);
        for (let earlier = 0; earlier <= shard; earlier++) position.numbers[earlier] ??= -1;
        for (let earlier = 0; earlier <= shard; earlier++) position.histories[earlier] ??= '';
        const before = position.histories[shard] ?? '';
        if (history !== '' && before !== '' && before !== history && (position.numbers[shard] ?? -1) >= 0) {
          const span = spanOf(index, prefix);
          const read = [...position.numbers];
          lost.push({ index, uuid, read, atLeast: 0, atMost: undefined, span, why: 'replaced' });
          position.numbers[shard] = -1;
        }
        if (history !== '') position.histories[shard] = history;
        const after = position.numbers[shard] ?? -1;
        if (checkpoint > after) behind.push({ ...state, after });
      }
      const parts = await readShards(client, behind, { limit, signal });
      const events: StoredEvent[] = [];
      for (const { state, hits, upTo } of parts) {
        const position = at.get(state.uuid);
        if (position === undefined) continue;
        for (const { _id: id, _source = {} } of hits) {
          events.push({ id, document: documentOf(_source), seq: place.count + events.length + 1 });
        }
        position.numbers[state.shard] = upTo;
      }
      // Without an event the place is the same: what is gone is told under the same id until the next one. But numbers that hold no event
      // are passed, or who waits for a horizon would wait for the next event.
      const isPassed = lost.length === 0 && parts.some(({ state, upTo }) => upTo > state.after);
      if (events.length === 0 && cursor !== undefined && !isPassed) return { events, lost, cursor };
      return { events, lost, cursor: formatPlace({ count: place.count + events.length, notes, at }) };
    },
  };
}

interface ShardPart {
  readonly state: ShardState & { readonly after: number };
  readonly hits: readonly RawHit[];
  /** The number up to which the shard is read now. */
  readonly upTo: number;
}

async function readShards(
  client: Client,
  behind: readonly (ShardState & { readonly after: number })[],
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal | undefined },
): Promise<readonly ShardPart[]> {
  // Each shard gets its share, so that one long behind holds up no other.
  const some = behind.slice(0, Math.max(1, Math.min(behind.length, limit)));
  if (some.length === 0) return [];
  const share = Math.max(1, Math.floor(limit / some.length));
  const names = [...new Set(some.map(({ index }) => index))];
  const { _shards: refreshed } = await client.indices.refresh({ index: names, ignore_unavailable: true });
  if ((refreshed?.failed ?? 0) > 0)
    throw new StoreUnavailable('unreachable', 'a copy of a shard could not be refreshed');
  const parts: ShardPart[] = [];
  for (let from = 0; from < some.length; from += SHARDS_AT_ONCE) {
    const group = some.slice(from, from + SHARDS_AT_ONCE);
    const read = await Promise.all(group.map((state) => readShard(client, state, { size: share, signal })));
    parts.push(...read.filter((part) => part !== undefined));
  }
  // An index that was deleted and made again under its name meanwhile is another one: what was read of it counts for nothing.
  const uuids = await uuidsOf(client, names.join(','), signal);
  return parts.filter(({ state }) => uuids.get(state.index) === state.uuid);
}

async function readShard(
  client: Client,
  state: ShardState & { readonly after: number },
  { size: most, signal }: { readonly size: number; readonly signal: AbortSignal | undefined },
): Promise<ShardPart | undefined> {
  const { index, shard, checkpoint } = state;
  const sizes = pageSizes(most);
  let { after } = state;
  try {
    for (;;) {
      // So many numbers hold no more events than that: nothing beyond them has to be looked at, or sorted.
      const { hits, upTo, found } = await sizes.ask(async (size) => {
        const upTo = Math.min(checkpoint, after + size);
        const response = await client.search(
          {
            index,
            preference: `_shards:${shard}`,
            size,
            track_total_hits: false,
            allow_partial_search_results: false,
            seq_no_primary_term: true,
            sort: [{ _seq_no: 'asc' }],
            query: { range: { _seq_no: { gt: after, lte: upTo } } },
          },
          { maxResponseSize: RESPONSE_BYTES_MAX, ...(signal === undefined ? {} : { signal }) },
        );
        return { hits: response.hits.hits as readonly RawHit[], upTo, found: response._shards.successful };
      });
      if (found < 1) return undefined;
      // A number without an event is a write that failed; it counts as read.
      if (hits.length > 0 || upTo >= checkpoint) return { state, hits, upTo };
      after = upTo;
    }
  } catch (error) {
    // The index is gone: the next look says so.
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function shardStates(
  client: Client,
  index: string[],
  signal: AbortSignal | undefined,
): Promise<readonly ShardState[]> {
  const stats = await client.indices.stats(
    {
      index,
      level: 'shards',
      metric: 'docs',
      filter_path: [
        'indices.*.uuid',
        'indices.*.shards.*.routing.primary',
        'indices.*.shards.*.seq_no.global_checkpoint',
        'indices.*.shards.*.seq_no.max_seq_no',
        'indices.*.shards.*.commit.user_data.history_uuid',
      ],
    },
    signal === undefined ? {} : { signal },
  );
  const states: ShardState[] = [];
  for (const [name, { uuid = '', shards = {} }] of Object.entries(stats.indices ?? {})) {
    for (const [shard, copies] of Object.entries(shards)) {
      // Whatever any copy knows to be the checkpoint is below it or it.
      const checkpoint = copies.reduce((most, copy) => Math.max(most, copy.seq_no?.global_checkpoint ?? -1), -1);
      const most = copies.reduce((greatest, copy) => Math.max(greatest, copy.seq_no?.max_seq_no ?? -1), checkpoint);
      const primary = copies.find((copy) => copy.routing?.primary === true) ?? copies[0];
      const history = (primary?.commit?.user_data?.['history_uuid'] ?? '').slice(0, HISTORY_CHARS);
      states.push({ index: name, uuid, shard: Number(shard), checkpoint, most, history });
    }
  }
  return states.sort((a, b) => (a.index < b.index ? -1 : a.index > b.index ? 1 : a.shard - b.shard));
}
