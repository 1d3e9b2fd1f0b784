// The event store's port. Three adapters keep it (memory, embedded, Elasticsearch), and one contract suite checks them.
// A store may return too much where it narrows, never too little: the engine has the last word (promise 5).
import type { EventDocument, NewEvent, StoredEvent } from '../event/document.ts';
import type { Query } from './query/query.ts';

/** What became of one event of a batch, in the batch's order. */
export type AppendResult =
  | { readonly kind: 'created' }
  /** The id is stored already: the same event, sent again. */
  | { readonly kind: 'duplicate' }
  /** This one cannot be stored, and never will be: say why. The others are stored. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** Thrown by `append` when nothing of the batch was stored and the caller should try again later. */
export class StoreUnavailable extends Error {
  readonly reason: 'disk-full' | 'overloaded' | 'unreachable' | 'closed';
  constructor(reason: StoreUnavailable['reason'], message: string) {
    super(message);
    this.name = 'StoreUnavailable';
    this.reason = reason;
  }
}

/** A follower's place: opaque text, kept by the engine in its own commit. */
export type Cursor = string;

export interface FollowBatch {
  readonly events: readonly StoredEvent[];
  /** The place after the last of them. */
  readonly cursor: Cursor;
}

/** Times in epoch ms; `from` inclusive, `until` exclusive. */
export interface TimeRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface SearchRequest {
  readonly query: Query;
  /** By `@timestamp`. */
  readonly range: TimeRange;
  /** At most this many, newest first unless `oldestFirst`. */
  readonly limit: number;
  readonly oldestFirst?: boolean;
  readonly signal?: AbortSignal;
}

export interface SearchResponse {
  readonly events: readonly NewEvent[];
  /** How many match in all; a lower bound when `isTotalExact` is false. */
  readonly total: number;
  readonly isTotalExact: boolean;
}

export interface StoreStatistics {
  readonly kind: 'memory' | 'embedded' | 'elasticsearch';
  readonly events: number;
  readonly bytes: number;
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
  /** Appended and acknowledged, not yet in its final place; 0 where there is no such thing. */
  readonly pending: number;
}

export interface EventStore {
  /** Stores a batch durably and answers per event. Resolves only after the durable write. Throws {@link StoreUnavailable}. */
  append(batch: readonly NewEvent[]): Promise<readonly AppendResult[]>;
  /**
   * The events after `cursor` (undefined: from the very first), in the store's arrival order, every event exactly once per
   * cursor. Waits up to `waitMs` for the first event; answers with no events and the same cursor when none came.
   */
  next(
    cursor: Cursor | undefined,
    options: { readonly limit: number; readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<FollowBatch>;
  /** All events whose `event.created` is in the range, in reference order (event/order.ts), in batches. */
  scan(
    range: TimeRange,
    options?: { readonly query?: Query; readonly signal?: AbortSignal },
  ): AsyncIterable<readonly NewEvent[]>;
  search(request: SearchRequest): Promise<SearchResponse>;
  get(id: string): Promise<EventDocument | undefined>;
  /** Drops whole partitions whose events are all older; answers how many events went. */
  dropBefore(timestampMs: number): Promise<number>;
  statistics(): Promise<StoreStatistics>;
  close(): Promise<void>;
}
