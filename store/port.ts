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
  /** Documents hold these fields as they were sent; of all others they may lack some. Much is not read then. */
  readonly fields?: readonly string[];
  readonly signal?: AbortSignal;
  /** Told now and then how much of the range was looked through, 0 to 1. */
  readonly progress?: (part: number) => void;
}

export interface SearchResponse {
  readonly events: readonly NewEvent[];
  /** How many match in all; a lower bound when `isTotalExact` is false. */
  readonly total: number;
  readonly isTotalExact: boolean;
}

/** The most fields of `groupBy`, and of `distinct`. */
export const AGGREGATE_FIELDS_MAX = 8;
/** The most groups that an answer holds. */
export const AGGREGATE_GROUPS_MAX = 10_000;

/** Counts events by the values of fields, by time, or both. */
export interface AggregateRequest {
  readonly query: Query;
  /** By `@timestamp`. */
  readonly range: TimeRange;
  /**
   * The fields whose values make the groups; none: all events are one group. An event without the field is in the group of null;
   * one with several values is in the group of each.
   */
  readonly groupBy: readonly string[];
  /** Groups are parted by time too, in buckets of this many ms that begin at its multiples since 1970. A whole number, 1 or more. */
  readonly bucketMs?: number;
  /** In each group, the different combinations of these fields' values are counted; events that have none of the fields have none. */
  readonly distinct?: readonly string[];
  /** At most so many groups: those with the most events. With buckets, it counts combinations of values, each with all its buckets. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  readonly progress?: (part: number) => void;
}

export interface AggregateGroup {
  /** In the order of `groupBy`: the value as text, null where there is none. Values that differ in case only are two. */
  readonly keys: readonly (string | null)[];
  /** Where its bucket begins, epoch ms. */
  readonly bucketMs?: number;
  readonly count: number;
  readonly distinct?: number;
}

export interface AggregateResponse {
  /**
   * Most events first (of all their buckets), then by keys in the order of UTF-16 code units, null first; buckets of one
   * combination by time. Buckets without events are left out.
   */
  readonly groups: readonly AggregateGroup[];
  /** How many combinations of values there are, shown or not. */
  readonly combinations: number;
  /** How many events match. */
  readonly events: number;
  /** The different combinations of `distinct` over all events that match. */
  readonly distinct?: number;
  /** False where there were too many groups or values to hold: then the figures are lower bounds. */
  readonly isExact: boolean;
}

/** A range that nothing may drop: events with `@timestamp` or `event.created` in it, of one host or of all. */
export interface Hold extends TimeRange {
  /** `host.id`; absent: every host's. */
  readonly hostId?: string;
}

/** What may go. A partition is the least that can be dropped: it goes only when all of it may. */
export interface RetainRequest {
  /** Partitions all of whose events are older go. */
  readonly beforeMs?: number;
  /** Then the oldest partitions go until the store has no more bytes than this. */
  readonly bytesMax?: number;
  /** For the sake of `bytesMax` no partition goes that holds an event from this time on. */
  readonly keepFromMs?: number;
  /** Partitions that hold an event of one of these stay, whatever else is asked. */
  readonly holds?: readonly Hold[];
  /**
   * Who follows the store, and has come so far: partitions that hold an event after that stay, whatever else is asked. A store that
   * tells followers what they missed (a loss record) may drop them all the same.
   */
  readonly follower?: { readonly cursor: Cursor | undefined };
  /** Told of each partition before it goes, so that the drop can be recorded; the partition stays when this throws. */
  readonly dropping?: (partition: RetainedPartition) => Promise<void>;
}

/** A partition that went, or would have gone. */
export interface RetainedPartition {
  /** Of a file or an index: the same partition has the same name at the next attempt. */
  readonly name: string;
  readonly events: number;
  readonly bytes: number;
  /** The least and the greatest `@timestamp`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly why: 'age' | 'bytes';
}

export interface RetainResponse {
  readonly dropped: readonly RetainedPartition[];
  /** Would have gone, had no hold been on them. */
  readonly held: readonly RetainedPartition[];
  /** Would have gone, had the follower read them; absent where there are none. */
  readonly unread?: readonly RetainedPartition[];
  /** How many bytes the store is still larger than `bytesMax`; 0 where it is not, or no such bound was given. */
  readonly excessBytes: number;
}

/** A column of an SQL answer; the type in SQL's words. */
export interface SqlColumn {
  readonly name: string;
  readonly type: string;
}

/** A value of an SQL answer, as JSON has it. */
export type SqlCell = string | number | boolean | null | readonly SqlCell[] | { readonly [name: string]: SqlCell };

export interface SqlRequest {
  /** One SELECT over the views `events`, `processes` and `connections` (docs/sql.md). Hostile until it has been checked. */
  readonly sql: string;
  /** The views hold events of this time only, by `@timestamp`. */
  readonly range: TimeRange;
  readonly rowsMax: number;
  /** Of the rows as JSON. */
  readonly bytesMax: number;
  readonly signal?: AbortSignal;
}

export interface SqlResponse {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly (readonly SqlCell[])[];
  /** What ended the answer before its end. */
  readonly cut: 'rows' | 'bytes' | undefined;
  /** Acknowledged events that the views did not hold yet. */
  readonly missing: number;
  /** How many partitions were read. */
  readonly partitions: number;
}

/** Something that a check found. */
export interface CheckFinding {
  /** `damage`: events are lost or in danger. `note`: nothing is lost, and somebody may want to know. */
  readonly kind: 'damage' | 'note';
  /** Relative to the store's folder. */
  readonly file: string;
  readonly what: string;
  /** How many events it touches, where that is known. */
  readonly events: number | undefined;
  /** What to do about it, one sentence. */
  readonly remedy: string;
}

export interface CheckRequest {
  /** Names, sizes, lists, spans and the log; no contents of partitions. */
  readonly isQuick: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (part: number) => void;
}

export interface CheckReport {
  readonly isQuick: boolean;
  readonly partitions: number;
  readonly events: number;
  readonly bytes: number;
  readonly findings: readonly CheckFinding[];
}

export interface StoreStatistics {
  readonly kind: 'memory' | 'embedded' | 'elasticsearch';
  readonly events: number;
  readonly bytes: number;
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
  /** Appended and acknowledged, not yet in its final place; 0 where there is no such thing. */
  readonly pending: number;
  /** Of `events`, how many are in cold partitions; absent where there are none such. */
  readonly coldEvents?: number;
  /** Partitions whose events are missing from every answer, as they proved to be damaged. */
  readonly damaged?: readonly { readonly name: string; readonly events: number }[];
}

export interface EventStore {
  /** Stores a batch durably and answers per event. Resolves only after the durable write. Throws {@link StoreUnavailable}. */
  append(batch: readonly NewEvent[]): Promise<readonly AppendResult[]>;
  /**
   * The events after `cursor` (undefined: from the very first), in the store's arrival order, every event exactly once per
   * cursor. Waits up to `waitMs` for the first event; answers with no events and the same cursor when none came.
   * `isReadAtOnce`: whoever asks looks at the events before the loop's next turn and keeps none, so that their memory may be used again.
   */
  next(
    cursor: Cursor | undefined,
    options: {
      readonly limit: number;
      readonly waitMs: number;
      readonly signal?: AbortSignal;
      readonly isReadAtOnce?: boolean;
    },
  ): Promise<FollowBatch>;
  /** The place after every event that is stored now: `next` from there gives only what comes later. */
  end(): Promise<Cursor>;
  /**
   * A place beyond every event that was acknowledged before, by whichever process: who has passed it has read them all. Absent where no
   * other process writes to the store.
   */
  horizon?(): Promise<Cursor>;
  /** True when a follower at `cursor` has read everything up to a horizon. */
  hasPassed?(cursor: Cursor, horizon: Cursor): boolean;
  /** All events whose `event.created` is in the range, in reference order (event/order.ts), in batches. */
  scan(
    range: TimeRange,
    options?: {
      readonly query?: Query;
      /** Documents hold these fields as they were sent, and the order's; of all others they may lack some. Much is not read then. */
      readonly fields?: readonly string[];
      readonly signal?: AbortSignal;
      readonly progress?: (part: number) => void;
    },
  ): AsyncIterable<readonly NewEvent[]>;
  search(request: SearchRequest): Promise<SearchResponse>;
  /** Counts exactly what the query means: the same figures from every store. */
  aggregate(request: AggregateRequest): Promise<AggregateResponse>;
  /** Runs SQL of people; absent where a store has no SQL. Throws SqlRefused (store/sql-refusal.ts), the signal's reason, or what else failed. */
  sql?(request: SqlRequest): Promise<SqlResponse>;
  get(id: string): Promise<EventDocument | undefined>;
  /** Drops whole partitions: the old, and the oldest where there are too many bytes; never what is held. */
  retain(request: RetainRequest): Promise<RetainResponse>;
  statistics(): Promise<StoreStatistics>;
  /** Verifies what is on disk, changing nothing; absent where the store looks after that itself. */
  check?(request: CheckRequest): Promise<CheckReport>;
  close(): Promise<void>;
}
