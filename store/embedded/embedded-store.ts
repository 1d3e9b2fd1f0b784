// The embedded store: a log that acknowledges (log.ts), memory that serves the newest (tail.ts), DuckDB partitions for the rest.
//
//   FOLDER/owner.lock owner.pid          one process at a time
//   FOLDER/log/log-N.ndjson              acknowledged, perhaps not yet in a partition
//   FOLDER/events-DAY.N.duckdb           partitions
//   FOLDER/spill/                        what a query or checkpoint could not hold in memory
//   FOLDER/partitions.json               what they span
//
// An append is answered after fdatasync; a kill at any moment loses none and doubles none.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredEvent } from '../../event/document.ts';
import { timestampOf } from '../admission.ts';
import { formatCursor, parseCursor } from '../cursor.ts';
import { type EventStore, type FollowBatch, StoreUnavailable } from '../port.ts';
import { createWake } from '../wake.ts';
import { aggregate } from './aggregate.ts';
import { createAppendQueue } from './append-queue.ts';

import { type FilePort, NODE_FILES } from './files.ts';
import { createLoader } from './loader.ts';
import { type EventLog, type LogEntry, openLog } from './log.ts';
import { openMendingDatabase } from './mending-database.ts';
import { takeOwnership } from './owner.ts';
import { openPartitions, type Partitions } from './partitions.ts';
import { bytesOf, retain } from './retain.ts';
import { rowOfId, rowsAfter } from './rows.ts';
import { SLICE_ROWS, scan } from './scan.ts';
import { type Snapshot, search } from './search.ts';
import type { Database } from './session.ts';
import { runSql } from './sql/run-sql.ts';
import { createTail, type Tail, type TailEntry } from './tail.ts';

interface EmbeddedLimits {
  /** Bytes of events that may wait between log and partitions. */
  readonly backlogBytesMax: number;
  readonly waitingBatchesMax: number;
  readonly groupBytesMax: number;
  /** A log segment is closed when it is this long. */
  readonly segmentBytesMax: number;
  /** Events (and their bytes) that stay in memory for followers after they were loaded. */
  readonly recentEvents: number;
  readonly recentBytes: number;
  /** A partition with so many events is followed by another of the same period. */
  readonly partitionRowsMax: number;
  /** An event is in a partition after about this time. */
  readonly loadDelayMs: number;
  /** A slice of a scan takes at most so many events of each partition. */
  readonly sliceRows: number;
  /** What DuckDB may use; the process needs more than that. */
  readonly databaseBytesMax: number;
  readonly databaseThreads: number;
}

const MIB = 1024 * 1024;

const EMBEDDED_LIMITS: EmbeddedLimits = {
  backlogBytesMax: 64 * MIB,
  waitingBatchesMax: 1_000,
  groupBytesMax: 8 * MIB,
  segmentBytesMax: 16 * MIB,
  recentEvents: 10_000,
  recentBytes: 16 * MIB,
  partitionRowsMax: 2_000_000,
  loadDelayMs: 1_000,
  sliceRows: SLICE_ROWS,
  databaseBytesMax: 512 * MIB,
  databaseThreads: 2,
};

export interface EmbeddedOptions {
  readonly folder: string;
  /** The clock; decides only how coarse the partitions of old events are. */
  readonly nowMs?: () => number;
  readonly limits?: Partial<EmbeddedLimits>;
  /** Told of damage and of failed attempts that go on; never of secrets or event contents. */
  readonly warn?: (text: string) => void;
  readonly files?: FilePort;
}

export interface EmbeddedStore extends EventStore {
  /** Loads everything that is acknowledged into partitions. */
  flush(): Promise<void>;
}

/** Opens the folder, creating it if need be. Throws when another process owns it. */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
  const { folder, nowMs = Date.now, warn = () => undefined, files = NODE_FILES } = options;
  const limits = { ...EMBEDDED_LIMITS, ...options.limits };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ownership = takeOwnership(folder);
  let database: Database | undefined;
  try {
    // What a killed process left there is of no use to anyone.
    const spillFolder = join(folder, 'spill');
    await rm(spillFolder, { recursive: true, force: true });
    database = await openMendingDatabase(
      { memoryBytesMax: limits.databaseBytesMax, threads: limits.databaseThreads, spillFolder },
      warn,
    );
    const partitions = await openPartitions({ folder, database, files, rowsMax: limits.partitionRowsMax, warn });
    const { log, entries, damagedLines } = await openLog(join(folder, 'log'), {
      files,
      segmentBytesMax: limits.segmentBytesMax,
      minNextSeq: partitions.nextSeq(),
    });
    if (damagedLines > 0)
      warn(`${damagedLines} lines of the log are damaged and cannot be read: their events are lost`);
    const tail = recoveredTail(entries, log.nextSeq, limits);
    return createStore({ database, partitions, log, tail, limits, nowMs, warn, release: () => ownership.release() });
  } catch (error) {
    await database?.close().catch(() => undefined);
    ownership.release();
    throw error;
  }
}

function recoveredTail(entries: readonly LogEntry[], nextSeq: number, limits: EmbeddedLimits): Tail {
  const tail = createTail((entries[0]?.seq ?? nextSeq) - 1, { events: limits.recentEvents, bytes: limits.recentBytes });
  tail.push(
    entries.map(({ seq, id, document, bytes }): TailEntry => {
      return { seq, id, document, bytes, timestampMs: timestampOf(document) ?? 0 };
    }),
  );
  return tail;
}

interface Parts {
  readonly database: Database;
  readonly partitions: Partitions;
  readonly log: EventLog;
  readonly tail: Tail;
  readonly limits: EmbeddedLimits;
  readonly nowMs: () => number;
  readonly warn: (text: string) => void;
  readonly release: () => void;
}

function createStore({ database, partitions, log, tail, limits, nowMs, warn, release }: Parts): EmbeddedStore {
  const wake = createWake();
  const loader = createLoader({
    log,
    tail,
    partitions,
    nowMs,
    warn,
    delayMs: limits.loadDelayMs,
    doubtfulSeq: tail.lastSeq,
  });
  const queue = createAppendQueue({
    log,
    tail,
    limits,
    known: (events) => partitions.known(events),
    appended: () => {
      wake.ring();
      loader.notice();
    },
  });
  let closing: Promise<void> | undefined;
  loader.notice();

  const assertOpen = (): void => {
    if (closing !== undefined) throw new StoreUnavailable('closed', 'the store is closed');
  };

  const snapshot = (): Snapshot => ({
    partitions,
    loadedSeq: tail.loadedSeq,
    pending: tail.after(tail.loadedSeq, Number.POSITIVE_INFINITY),
  });

  /** Events after a number: from memory where it has them all, else from the partitions, in order of number. */
  const read = async (after: number, limit: number): Promise<readonly StoredEvent[]> => {
    const covered = tail.coveredFrom;
    if (after < covered) {
      const found: StoredEvent[] = [];
      for (const partition of partitions.all()) {
        if (partition.span === undefined || partition.span.maxSeq <= after || partition.span.minSeq > covered) continue;
        const rows = await partitions.read(partition, (session) => rowsAfter(session, { after, upTo: covered, limit }));
        for (const row of rows ?? []) found.push(row);
      }
      if (found.length > 0) return found.sort((a, b) => a.seq - b.seq).slice(0, limit);
    }
    // Nothing older is left. Memory may have moved on meanwhile; then the rest is read next time.
    const from = Math.max(after, covered);
    return tail.coveredFrom > from
      ? []
      : tail.after(from, limit).map(({ seq, id, document }) => ({ seq, id, document }));
  };

  const shutDown = async (): Promise<void> => {
    wake.ring();
    await queue.close();
    await loader.stop();
    const attempt = async (consequence: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        warn(`${consequence}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    await attempt('events stay in the log until the next start', async () => {
      await loader.flush();
      await log.rotate();
      await log.removeUpTo(tail.loadedSeq);
    });
    await attempt('the log was not closed', () => log.close());
    await attempt('the partitions were not closed', () => database.close());
    await attempt('the list of partitions was not saved', () => partitions.saveManifest());
    release();
  };

  return {
    append: (batch) => queue.append(batch),

    async next(cursor, { limit, waitMs, signal }): Promise<FollowBatch> {
      const after = parseCursor(cursor);
      assertOpen();
      const atMost = Math.max(1, Math.floor(limit));
      let events = await read(after, atMost);
      if (events.length === 0 && tail.lastSeq <= after && closing === undefined) {
        await wake.wait(waitMs, signal);
        if (closing === undefined) events = await read(after, atMost);
      }
      return {
        events,
        cursor: cursor !== undefined && events.length === 0 ? cursor : formatCursor(events.at(-1)?.seq ?? after),
      };
    },

    async end() {
      assertOpen();
      return formatCursor(tail.lastSeq);
    },

    async *scan(range, scanOptions = {}) {
      assertOpen();
      const { query, signal } = scanOptions;
      yield* scan(snapshot(), { query: query ?? { kind: 'all' }, range, signal }, limits.sliceRows);
    },

    async search(request) {
      assertOpen();
      return search(snapshot(), request);
    },

    async aggregate(request) {
      assertOpen();
      return aggregate(snapshot(), request);
    },

    async sql(request) {
      assertOpen();
      const settle = async (): Promise<number> => {
        // What cannot be filed now (a full disk) is told as missing.
        await loader.flush().catch(() => undefined);
        return tail.pendingEvents;
      };
      return runSql({ database, partitions, settle }, request);
    },

    async get(id) {
      assertOpen();
      const pending = tail.pending(id);
      if (pending !== undefined) return pending.document;
      // Our own ids tell when the event was: that partition first, then from the newest on.
      const timeMs = Number.parseInt(/^[^.]+\.[^.]+\.([0-9a-z]+)\.[^.]+\.[^.]+$/.exec(id)?.[1] ?? '', 36);
      const holds = (span: { minTs: number; maxTs: number } | undefined): boolean =>
        span !== undefined && timeMs >= span.minTs && timeMs <= span.maxTs;
      const order = [...partitions.all()].sort(
        (a, b) => Number(holds(b.span)) - Number(holds(a.span)) || (b.span?.maxTs ?? 0) - (a.span?.maxTs ?? 0),
      );
      for (const partition of order) {
        const row = await partitions.read(partition, (session) => rowOfId(session, id));
        if (row !== undefined) return row.document;
      }
      return undefined;
    },

    async retain(request) {
      assertOpen();
      return retain({ partitions, loader, logBytes: log.bytes() }, request);
    },

    async statistics() {
      assertOpen();
      const { pending } = snapshot();
      const spans = partitions.all().flatMap(({ span }) => span ?? []);
      const oldest = [...spans.map((span) => span.minTs), ...pending.map((entry) => entry.timestampMs)];
      const newest = [...spans.map((span) => span.maxTs), ...pending.map((entry) => entry.timestampMs)];
      let bytes = log.bytes();
      for (const partition of partitions.all()) bytes += await bytesOf(partition);
      return {
        kind: 'embedded',
        events: spans.reduce((sum, span) => sum + span.rows, 0) + pending.length,
        bytes,
        oldestMs: oldest.length === 0 ? undefined : oldest.reduce((a, b) => Math.min(a, b)),
        newestMs: newest.length === 0 ? undefined : newest.reduce((a, b) => Math.max(a, b)),
        pending: pending.length,
      };
    },

    async flush() {
      assertOpen();
      await loader.flush();
    },

    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}
