// The embedded store: a log that acknowledges (log.ts), memory that serves the newest (tail.ts), DuckDB partitions for the rest.
//
//   FOLDER/owner.lock owner.pid          one process at a time
//   FOLDER/log/log-N.ndjson              acknowledged, perhaps not yet in a partition
//   FOLDER/events-DAY.N.duckdb           partitions
//   FOLDER/events-DAY.N.parquet/         cold partitions (cold-folder.ts)
//   FOLDER/spill/                        what a query or checkpoint could not hold in memory
//   FOLDER/partitions.json               what they span
//
// An append is answered after fdatasync; a kill at any moment loses none and doubles none.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { formatCursor, parseCursor } from '../cursor.ts';
import { type EventStore, type FollowBatch, StoreUnavailable } from '../port.ts';
import { createWake } from '../wake.ts';
import { aggregate } from './aggregate.ts';
import { createAppendQueue } from './append-queue.ts';
import { checkFolder } from './check.ts';
import { createCooler } from './cooler.ts';
import { EMBEDDED_LIMITS, type EmbeddedLimits, tailLimits } from './embedded-limits.ts';
import { type FilePort, NODE_FILES } from './files.ts';
import { createFollowing } from './following.ts';
import { createLineMemory, type LineMemory } from './line-memory.ts';
import { createLoader } from './loader.ts';
import { type EventLog, openLog } from './log.ts';
import { headOfLine, type RawLine } from './log-lines.ts';
import { openMendingDatabase } from './mending-database.ts';
import { takeOwnership } from './owner.ts';
import { openPartitions, type Partitions } from './partitions.ts';
import { createPendingIds, type PendingIds } from './pending-ids.ts';
import { placesOfId } from './place-of-id.ts';
import { bytesOf, retain } from './retain.ts';
import { createRoomCheck } from './room-check.ts';
import { handleColumn, rowOfId } from './rows.ts';
import { scan } from './scan.ts';
import { search } from './search.ts';
import type { Database, DatabaseLimits, Session } from './session.ts';
import type { Snapshot } from './snapshot.ts';
import { runSql } from './sql/run-sql.ts';
import { createTail, type Tail } from './tail.ts';

export interface EmbeddedOptions {
  readonly folder: string;
  /** The clock; decides only how coarse the partitions of old events are. */
  readonly nowMs?: () => number;
  readonly limits?: Partial<EmbeddedLimits>;
  /** A partition is rewritten as Parquet when its period is over by so much, ms. Never when absent. */
  readonly coldAfterMs?: number;
  /** Told of damage and of failed attempts that go on; never of secrets or event contents. */
  readonly warn?: (text: string) => void;
  readonly files?: FilePort;
  /** For tests that look at what is done to it, or get in the way. */
  readonly openDatabase?: (limits: DatabaseLimits, warn: (text: string) => void) => Promise<Database>;
}

export interface EmbeddedStore extends EventStore {
  /** Loads everything that is acknowledged into partitions. */
  flush(): Promise<void>;
  /** Makes every partition cold whose time has come, now; answers how many that were. */
  cool(): Promise<number>;
}

/** Opens the folder, creating it if need be. Throws when another process owns it. */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
  // The few documents of a search outlive a collection, and so V8 would make all that the same code makes among what is old: a scan after some
  // searches cost half as much again, in collections of the whole heap (decision 0058).
  setFlagsFromString('--no-allocation-site-pretenuring');
  const {
    folder,
    nowMs = Date.now,
    warn = () => undefined,
    files = NODE_FILES,
    openDatabase = openMendingDatabase,
  } = options;
  const limits = { ...EMBEDDED_LIMITS, ...options.limits };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ownership = takeOwnership(folder);
  let database: Database | undefined;
  try {
    // What a killed process left there is of no use to anyone.
    const spillFolder = join(folder, 'spill');
    await rm(spillFolder, { recursive: true, force: true });
    database = await openDatabase(
      { memoryBytesMax: limits.databaseBytesMax, threads: limits.databaseThreads, spillFolder, folder },
      warn,
    );
    const partitions = await openPartitions({ folder, database, files, rowsMax: limits.partitionRowsMax, warn });
    const memory = createLineMemory();
    const recovered = recovery(limits, memory);
    const { log, damagedLines } = await openLog(join(folder, 'log'), {
      files,
      segmentBytesMax: limits.segmentBytesMax,
      minNextSeq: partitions.nextSeq(),
      onLines: recovered.take,
      memory,
    });
    if (damagedLines > 0)
      warn(`${damagedLines} lines of the log are damaged and cannot be read: their events are lost`);
    const { tail, pendingIds } = recovered.end(log.nextSeq);
    const release = (): void => ownership.release();
    const { coldAfterMs = Number.POSITIVE_INFINITY } = options;
    const parts = { folder, database, partitions, log, tail, pendingIds, limits, nowMs, warn, release };
    return createStore({ ...parts, files, coldAfterMs });
  } catch (error) {
    await database?.close().catch(() => undefined);
    ownership.release();
    throw error;
  }
}

/** Takes what the log holds at the start: all of it waits, though some of it may be in partitions already. */
function recovery(limits: EmbeddedLimits, memory: LineMemory) {
  const pendingIds = createPendingIds();
  let tail: Tail | undefined;
  return {
    take(lines: readonly RawLine[]): void {
      for (const line of lines) pendingIds.add(headOfLine(line).id, line.seq);
      tail ??= createTail((lines[0]?.seq ?? 1) - 1, tailLimits(limits), memory);
      tail.push(lines);
    },
    end: (nextSeq: number) => ({ tail: tail ?? createTail(nextSeq - 1, tailLimits(limits), memory), pendingIds }),
  };
}

interface Parts {
  readonly folder: string;
  readonly database: Database;
  readonly partitions: Partitions;
  readonly log: EventLog;
  readonly tail: Tail;
  readonly pendingIds: PendingIds;
  readonly limits: EmbeddedLimits;
  readonly nowMs: () => number;
  readonly warn: (text: string) => void;
  readonly release: () => void;
  readonly files: FilePort;
  readonly coldAfterMs: number;
}

function createStore(parts: Parts): EmbeddedStore {
  const { folder, database, partitions, log, tail, pendingIds, limits, nowMs, warn, release } = parts;
  const wake = createWake();
  const loader = createLoader({
    log,
    tail,
    partitions,
    nowMs,
    warn,
    loaded: (seq) => pendingIds.forgetUpTo(seq),
    delayMs: limits.loadDelayMs,
    doubtfulSeq: tail.lastSeq,
  });
  const queue = createAppendQueue({
    log,
    tail,
    pendingIds,
    limits,
    known: (events) => partitions.known(events),
    assertRoom: createRoomCheck(folder, limits.freeBytesLeast, nowMs),
    appended: () => {
      wake.ring();
      loader.notice();
    },
  });
  const cooler = createCooler({ ...parts, loader });
  const { read, fromLog } = createFollowing({ log, tail, partitions });
  let closing: Promise<void> | undefined;
  loader.notice();
  cooler.start();

  const assertOpen = (): void => {
    if (closing !== undefined) throw new StoreUnavailable('closed', 'the store is closed');
  };

  /** What searches and scans look through, until it is released. While more waits than memory holds, they wait for the loads. */
  const snapshot = async (
    signal: AbortSignal | undefined,
  ): Promise<{ readonly seen: Snapshot; readonly release: () => void }> => {
    await loader.until(() => tail.coveredFrom <= tail.loadedSeq, signal);
    const { entries, release } = tail.after(tail.loadedSeq);
    return { seen: { partitions, loadedSeq: tail.loadedSeq, pending: entries }, release };
  };

  const shutDown = async (): Promise<void> => {
    wake.ring();
    await queue.close();
    await cooler.close();
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

    async next(cursor, { limit, waitMs, signal, isReadAtOnce = false }): Promise<FollowBatch> {
      const after = parseCursor(cursor);
      assertOpen();
      const atMost = Math.max(1, Math.floor(limit));
      let events = await read(after, atMost, isReadAtOnce);
      if (events.length === 0 && tail.lastSeq <= after && closing === undefined) {
        await wake.wait(waitMs, signal);
        if (closing === undefined) events = await read(after, atMost, isReadAtOnce);
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
      const { query = { kind: 'all' }, signal, progress, fields } = scanOptions;
      const { seen, release } = await snapshot(signal);
      try {
        yield* scan(seen, { query, range, signal, progress, fields }, limits.sliceRows);
      } finally {
        release();
      }
    },

    async search(request) {
      assertOpen();
      const { seen, release } = await snapshot(request.signal);
      return search(seen, request, limits.countMs).finally(release);
    },

    async aggregate(request) {
      assertOpen();
      const { seen, release } = await snapshot(request.signal);
      return aggregate(seen, request).finally(release);
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
      for (const seq of pendingIds.candidates(id, tail.loadedSeq)) {
        const pending = tail.at(seq) ?? (await fromLog(seq - 1, 1))[0];
        if (pending?.id === id) return pending.document;
      }
      for (const { partition, range } of placesOfId(partitions.all(), id)) {
        const row = await partitions.read(partition, (session) => rowOfId(session, id, handleColumn(partition), range));
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
      const spans = partitions.all().flatMap(({ span }) => span ?? []);
      const waiting = tail.pendingSpan === undefined ? [] : [tail.pendingSpan];
      const oldest = [...spans, ...waiting].map(({ minTs }) => minTs);
      const newest = [...spans, ...waiting].map(({ maxTs }) => maxTs);
      const damaged = partitions.damaged();
      let bytes = log.bytes();
      for (const partition of partitions.all()) bytes += await bytesOf(partition);
      return {
        kind: 'embedded',
        events: spans.reduce((sum, span) => sum + span.rows, 0) + tail.pendingEvents,
        bytes,
        oldestMs: oldest.length === 0 ? undefined : oldest.reduce((a, b) => Math.min(a, b)),
        newestMs: newest.length === 0 ? undefined : newest.reduce((a, b) => Math.max(a, b)),
        pending: tail.pendingEvents,
        coldEvents: partitions
          .all()
          .reduce((sum, { temperature, span }) => sum + (temperature === 'cold' ? (span?.rows ?? 0) : 0), 0),
        ...(damaged.length === 0 ? {} : { damaged }),
      };
    },

    async check(request) {
      assertOpen();
      const read = <T>(path: string, work: (session: Session) => Promise<T>): Promise<T> =>
        database.use(path, 'read', work, request.signal);
      return checkFolder({ folder, read, isLive: true }, request);
    },

    async flush() {
      assertOpen();
      await loader.flush();
    },

    async cool() {
      assertOpen();
      return cooler.run();
    },

    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}
