// Makes partitions cold that take no more events: rewritten as sorted Parquet by a process of its own, and put in the hot file's place
// when that is done and compared. Each step may be the last one before a kill:
//
//   seal            the partition takes no more events; its log is written into its file
//   copy            events-DAY.N.duckdb → events-DAY.N.cooling/source.duckdb
//   make, compare   events-DAY.N.cooling/events.parquet/          (cold-worker.ts)
//   rename          → events-DAY.N.parquet: from here on the cold one counts, and nothing before it did
//   remove          events-DAY.N.duckdb, events-DAY.N.cooling
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { ColdJob, ColdResult } from './cold-worker.ts';
import type { FilePort } from './files.ts';
import type { Loader } from './loader.ts';
import { COOLING_SUFFIX } from './partition-files.ts';
import type { Partition, Partitions } from './partitions.ts';
import { endOfPeriod, partitionName } from './periods.ts';
import type { Database } from './session.ts';

/** What was written within this time may be written to again: an import of the past that goes on. */
const QUIET_MS = 3_600_000;
const LOOK_EVERY_MS = 600_000;
/** A partition that could not be made cold is not tried again before this. */
const RETRY_MS = 6 * 3_600_000;
/** The copy, what is written, what is spilled: so many times the hot file must there be room for, and some to spare. */
const ROOM_TIMES = 3;
const ROOM_SPARE_BYTES = 256 * 1024 * 1024;
const REASON_LENGTH_MAX = 2_000;

export interface Cooler {
  start(): void;
  /** Makes all cold that may be; answers how many partitions that were. */
  run(): Promise<number>;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export interface CoolerParts {
  readonly folder: string;
  readonly partitions: Partitions;
  readonly database: Database;
  readonly loader: Loader;
  readonly files: FilePort;
  readonly nowMs: () => number;
  /** After its period is over by so much, a partition is made cold. */
  readonly coldAfterMs: number;
  readonly warn: (text: string) => void;
}

export function createCooler(parts: CoolerParts): Cooler {
  const { partitions, nowMs, coldAfterMs, warn } = parts;
  const stopped = new AbortController();
  const failedMs = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<number> | undefined;

  const isReady = ({ name, temperature, period, writtenMs, isDoubtful, isDropped }: Partition): boolean =>
    temperature === 'hot' &&
    !isDoubtful &&
    !isDropped &&
    nowMs() >= endOfPeriod(period) + coldAfterMs &&
    nowMs() >= writtenMs + Math.min(coldAfterMs, QUIET_MS) &&
    nowMs() >= (failedMs.get(name) ?? Number.NEGATIVE_INFINITY) + RETRY_MS;

  const coolAll = async (): Promise<number> => {
    let made = 0;
    for (;;) {
      const [oldest] = partitions
        .all()
        .filter(isReady)
        .sort((a, b) => (a.span?.maxTs ?? 0) - (b.span?.maxTs ?? 0));
      if (oldest === undefined || stopped.signal.aborted) return made;
      const { name } = oldest;
      try {
        await cool(oldest, parts, stopped.signal);
        made++;
      } catch (error) {
        if (stopped.signal.aborted) return made;
        failedMs.set(name, nowMs());
        warn(`${name} stays hot for now: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };

  const run = (): Promise<number> => {
    running ??= coolAll().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    start() {
      timer = setInterval(() => void run(), LOOK_EVERY_MS);
      timer.unref();
    },
    run,
    async close() {
      stopped.abort();
      clearInterval(timer);
      await running;
    },
  };
}

async function cool(partition: Partition, parts: CoolerParts, signal: AbortSignal): Promise<void> {
  const { folder, partitions, database, loader, files } = parts;
  const { period, generation, path } = partition;
  const coldName = partitionName(period, generation, 'cold');
  const workFolder = join(folder, `events-${period}.${generation}${COOLING_SUFFIX}`);
  await assertRoom(folder, (await stat(path)).size);
  partitions.seal(partition, true);
  let isDone = false;
  try {
    // Not while a load is under way: it may have chosen this partition before it was sealed.
    await loader.exclusively(() => database.release(path));
    if (partition.isDropped || partition.isDoubtful) throw new Error('it changed meanwhile');
    await rm(workFolder, { recursive: true, force: true });
    await mkdir(workFolder, { mode: 0o700 });
    const source = join(workFolder, 'source.duckdb');
    await copySettled(path, source);
    const target = join(workFolder, 'events.parquet');
    const { span } = await make({ source, target, spill: join(workFolder, 'spill') }, signal);
    if (span.rows !== partition.span?.rows)
      throw new Error(`${span.rows} events of ${partition.span?.rows} were copied`);
    signal.throwIfAborted();
    await loader.exclusively(async () => {
      // It may have been dropped for its age while it was made.
      if (partition.isDropped) return;
      await rename(target, join(folder, coldName));
      await files.syncFolder(folder);
      isDone = true;
      await partitions.becomeCold(partition, coldName);
    });
  } finally {
    if (!isDone) partitions.seal(partition, false);
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** Copies a hot file whose own log is empty; nobody writes to it, as it is sealed. */
async function copySettled(path: string, target: string): Promise<void> {
  const wal = await stat(`${path}.wal`).then(
    ({ size }) => size,
    () => 0,
  );
  if (wal > 0) throw new Error('its log could not be written into it');
  await copyFile(path, target, constants.COPYFILE_FICLONE);
}

async function assertRoom(folder: string, hotBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = hotBytes * ROOM_TIMES + ROOM_SPARE_BYTES;
  if (bavail * bsize < needed) throw new Error(`making it cold needs ${needed} bytes of room on the disk`);
}

/** Nothing of ours, but where compiled code is kept: half of what a small partition costs. */
function environment(): NodeJS.ProcessEnv {
  const ours = getCompileCacheDir(); // A folder of this Node's version in the one that was given.
  return ours === undefined ? {} : { NODE_COMPILE_CACHE: dirname(ours) };
}

/** Runs the worker; it is killed when the signal aborts. */
function make(job: ColdJob, signal: AbortSignal): Promise<ColdResult> {
  const program = join(import.meta.dirname, `cold-worker${extname(import.meta.filename)}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(job)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(),
    });
    const kill = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    let answer = '';
    let reason = '';
    child.stdout.on('data', (bytes: Buffer) => {
      answer = (answer + bytes.toString()).slice(0, REASON_LENGTH_MAX);
    });
    child.stderr.on('data', (bytes: Buffer) => {
      reason = (reason + bytes.toString()).slice(0, REASON_LENGTH_MAX);
    });
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      if (code === 0) resolve(JSON.parse(answer) as ColdResult);
      else reject(new Error(reason.trim() || `the process that makes it ended with ${killedBy ?? `code ${code}`}`));
    });
  });
}
