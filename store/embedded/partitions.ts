// The partition files: which there are, what each spans, and the few things done to them: insert a batch, ask for ids, drop.
// What a file spans is kept in `partitions.json`, so that a start need not open every file; the files are the truth. Longer than 300
// lines, because the list and the files have to change in one order, whoever changes them.
//
//   partitions.json   {"vedette":"partitions","version":1,"partitions":[{name,bytes,mtimeMs,span,layout}]}
//
// A partition is hot (a DuckDB file) or cold (a folder, cold-folder.ts). Where a kill left both, the cold one counts if it holds as much.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OtherColdFormat, partProblems, readContents } from './cold-folder.ts';
import { idSql, LAYOUT, type Layout, mayBeIdOf, PARTITION_FORMAT, parseLayout, READ_FORMATS } from './columns.ts';
import type { FilePort } from './files.ts';
import { readManifest, type SavedPartition, writeManifest } from './manifest.ts';
import { joined, mayHold, type NewestByHost, NONE_STORED, newestOfRows, newestSql } from './newest-by-host.ts';
import { isDamage, removePartition, settledNames } from './partition-files.ts';
import { parsePartitionName, partitionName, type Temperature } from './periods.ts';
import type { Database, InsertRequest, Lane, LoadRequest, PreparedLoad, Session } from './session.ts';
import { readSpan, type Span, widened } from './span.ts';

const MANIFEST = 'partitions.json';

/** A session that knows the columns of its partition. */
export interface PartitionSession extends Session {
  readonly layout: Layout;
}

export interface Partition {
  /** Of its file or folder; another one once it is cold. */
  name: string;
  path: string;
  readonly period: string;
  readonly generation: number;
  temperature: Temperature;
  /** True once it takes no more events. */
  isSealed: boolean;
  /** What a read found to be wrong with it; it is not asked again until the next start. */
  damage: string | undefined;
  /** When it was last written, epoch ms; at the start by the file's clock. */
  writtenMs: number;
  /** What it holds; undefined while it holds nothing. */
  span: Span | undefined;
  layout: Layout;
  bytes: number;
  isDropped: boolean;
  /** True after a write that failed: it may have been committed all the same, so `span` is to be read from the file again. */
  isDoubtful: boolean;
  /** By host, of what it held when it was opened, undefined until somebody asked; and of what was inserted since. */
  newestFound: NewestByHost | undefined;
  newestAdded: NewestByHost;
}

/** Lines of the log, as a load takes them. */
type LoadedEvents = Omit<LoadRequest, 'number'>;

/** A load that was read. */
export interface LoadInMemory {
  readonly number: number;
  readonly nowMs: number;
  readonly prepared: PreparedLoad;
}

export interface Partitions {
  /** Those that hold events. */
  all(): readonly Partition[];
  /** Reads from a partition; undefined when it has been dropped meanwhile. `signal` breaks off the statement that runs. */
  read<T>(
    partition: Partition,
    work: (session: PartitionSession) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | undefined>;
  /** Which of these ids are stored; exact, as an event keeps its `@timestamp` however often it is sent. */
  known(events: readonly { readonly id: string; readonly timestampMs: number }[]): Promise<ReadonlySet<string>>;
  /** Reads events of the log, to be stored: while they are, the next ones may be read. */
  prepare(events: LoadedEvents): Promise<LoadInMemory>;
  /** Stores events of the log; each partition's share is one transaction. With `wantsIds` those that are stored already are left out. */
  load(events: LoadedEvents | LoadInMemory): Promise<void>;
  /** A hot partition takes no more events from now on, or does so again. */
  seal(partition: Partition, isSealed: boolean): void;
  /** Puts a cold folder, which is in its place already, where its hot file was, and removes that. */
  becomeCold(partition: Partition, folderName: string): Promise<void>;
  /** Those that cannot be read, as the start or a read found: their events are missing from every answer. */
  damaged(): readonly { readonly name: string; readonly events: number }[];
  /** Drops a partition; false, and it stays, where it does not hold just so many events. */
  drop(partition: Partition, rows: number): Promise<boolean>;
  /** The least number that no stored event has reached. */
  nextSeq(): number;
  saveManifest(): Promise<void>;
}

export interface PartitionOptions {
  readonly folder: string;
  readonly database: Database;
  readonly files: FilePort;
  /** A partition with more rows is followed by another one of the same period. */
  readonly rowsMax: number;
  readonly warn: (text: string) => void;
}

export async function openPartitions(options: PartitionOptions): Promise<Partitions> {
  const { folder, database, files, rowsMax, warn } = options;
  const partitions = new Map<string, Partition>();
  /** Files that cannot be opened. Their names stay taken. */
  const broken = new Map<string, { readonly name: string; readonly events: number }>();
  /** Readings of what doubtful partitions hold. */
  const readings = new Map<Partition, Promise<void>>();
  const manifest = await readManifest(join(folder, MANIFEST));
  let savedNextSeq = manifest.nextSeq;
  let loads = 0;

  const use = <T>(partition: Partition, lane: Lane, work: (session: Session) => Promise<T>): Promise<T> =>
    database.use(partition.path, lane, work);

  const register = (name: string): Partition | undefined => {
    const parsed = parsePartitionName(name);
    if (parsed === undefined) return undefined;
    const partition: Partition = {
      name,
      path: join(folder, name),
      ...parsed,
      isSealed: parsed.temperature === 'cold',
      damage: undefined,
      writtenMs: 0,
      span: undefined,
      layout: LAYOUT,
      bytes: 0,
      isDropped: false,
      isDoubtful: false,
      newestFound: undefined,
      newestAdded: NONE_STORED,
    };
    partitions.set(keyOf(partition), partition);
    return partition;
  };

  const takeContents = async (partition: Partition): Promise<void> => {
    const { span, layout, parts } = await readContents(partition.path);
    const [wrong] = await partProblems(partition.path, parts);
    if (wrong !== undefined) throw new Error(`${wrong.part.name} ${wrong.problem}`);
    Object.assign(partition, { span, layout, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), isSealed: true });
  };

  const leaveAside = (partition: Partition, error: unknown): void => {
    partitions.delete(keyOf(partition));
    const { name } = partition;
    broken.set(keyOf(partition), { name, events: manifest.partitions.get(name)?.span.rows ?? 0 });
    warn(`${partition.path} cannot be read and is left aside: ${messageOf(error)}`);
  };

  for (const name of await settledNames(folder, { database, warn })) {
    const partition = register(name);
    if (partition === undefined) continue;
    if (partition.temperature === 'cold') {
      try {
        await takeContents(partition);
      } catch (error) {
        if (error instanceof OtherColdFormat) throw new Error(`${partition.path}: ${error.message}`);
        leaveAside(partition, error);
      }
      continue;
    }
    const known = manifest.partitions.get(name);
    const { size, mtimeMs } = await stat(partition.path);
    partition.bytes = size;
    partition.writtenMs = mtimeMs;
    if (known?.bytes === size && known.mtimeMs === mtimeMs && !(await exists(`${partition.path}.wal`))) {
      partition.span = known.span;
      partition.layout = parseLayout(known.layout);
      continue;
    }
    try {
      const content = await use(partition, 'lookup', readContent);
      partition.span = content?.span;
      partition.layout = content?.layout ?? LAYOUT;
    } catch (error) {
      if (error instanceof OtherFormat) throw new Error(`${partition.path}: ${error.message}`);
      leaveAside(partition, error);
    }
  }

  for (const [name, { span }] of manifest.partitions) {
    const parsed = parsePartitionName(name);
    if (parsed === undefined || partitions.has(keyOf(parsed)) || broken.has(keyOf(parsed))) continue;
    if (await exists(`${join(folder, name)}.damaged`)) continue;
    warn(`${join(folder, name)} is gone: its ${span.rows} events are lost, unless it is brought back`);
  }

  const all = (): Partition[] =>
    [...partitions.values()].filter(({ span, damage }) => span !== undefined && damage === undefined);

  const target = (period: string): Partition => {
    let generation = 1;
    for (const partition of partitions.values()) {
      if (partition.period === period) generation = Math.max(generation, partition.generation);
    }
    const newest = partitions.get(keyOf({ period, generation }));
    const mayTake = newest !== undefined && !newest.isSealed && newest.damage === undefined;
    if (mayTake && newest.layout.text === LAYOUT.text && (newest.span?.rows ?? 0) < rowsMax) return newest;
    if (newest !== undefined) generation++;
    while (broken.has(keyOf({ period, generation }))) generation++;
    const made = register(partitionName(period, generation));
    if (made === undefined) throw new Error(`no partition can be named for ${period}`);
    return made;
  };

  const readContentAgain = async (partition: Partition): Promise<void> => {
    const content = await use(partition, 'lookup', readContent);
    partition.span = content?.span;
    partition.layout = content?.layout ?? LAYOUT;
    partition.isDoubtful = false;
    partition.newestFound = undefined;
  };

  /**
   * One reading at a time, for all who need it: a look-up may begin it, and one that ended after the next load had been inserted would
   * put what it read before over what that load added.
   */
  const readAgain = (partition: Partition): Promise<void> => {
    const reading = readings.get(partition) ?? readContentAgain(partition).finally(() => readings.delete(partition));
    readings.set(partition, reading);
    return reading;
  };

  const readDoubtful = async (): Promise<void> => {
    for (const partition of [...partitions.values()]) if (partition.isDoubtful) await readAgain(partition);
  };

  const prepare: Partitions['prepare'] = async (events) => {
    const number = ++loads;
    return { number, nowMs: events.nowMs, prepared: await database.prepare({ ...events, number }) };
  };

  const insertInto = async (partition: Partition, share: Pick<InsertRequest, 'load' | 'period' | 'skip'>) => {
    const isNew = partition.span === undefined;
    try {
      const inserted = await database.insert({ ...share, path: partition.path, isNew });
      if (inserted === undefined) return;
      partition.span = widened(partition.span, inserted.span);
      partition.newestAdded = joined(partition.newestAdded, inserted.newest);
    } catch (error) {
      partition.isDoubtful = true;
      throw error;
    }
    partition.bytes = (await stat(partition.path)).size;
    if (isNew)
      await saveManifest().catch((error: unknown) => warn(`the list of partitions was not saved: ${String(error)}`));
  };

  /** Those of the events that a partition may hold. */
  const possible = async <T extends { readonly id: string; readonly timestampMs: number }>(
    partition: Partition,
    events: readonly T[],
  ): Promise<readonly T[]> => {
    const { span } = partition;
    const within = events.filter(
      ({ timestampMs }) => span !== undefined && timestampMs >= span.minTs && timestampMs <= span.maxTs,
    );
    if (within.length === 0 || partition.isDropped) return [];
    partition.newestFound ??= newestOfRows(
      await use(partition, 'lookup', ({ schema, rows }) => rows(newestSql(schema, partition.layout))),
    );
    const { newestFound, newestAdded } = partition;
    return within.filter((event) => mayHold(newestFound, event) || mayHold(newestAdded, event));
  };

  const known = async (
    events: readonly { readonly id: string; readonly timestampMs: number }[],
  ): Promise<ReadonlySet<string>> => {
    const found = new Set<string>();
    const asked = new Set(events.map(({ id }) => id));
    await readDoubtful();
    for (const partition of all()) {
      const mine = (await unlessDamaged(partition, () => possible(partition, events))) ?? [];
      if (mine.length === 0) continue;
      const isPerhaps = mayBeIdOf(
        mine.map(({ id }) => id),
        partition.layout,
        3,
      );
      const [from, until] = extent(mine.map(({ timestampMs }) => timestampMs));
      const rows = await unlessDamaged(partition, () =>
        use(partition, 'lookup', ({ schema, rows: query }) =>
          query(
            `SELECT ${idSql(partition.layout)} FROM ${schema}.events WHERE _ts >= $1 AND _ts <= $2 AND ${isPerhaps.sql}`,
            [BigInt(from), BigInt(until), ...isPerhaps.values],
          ),
        ),
      );
      for (const [id] of rows ?? []) if (asked.has(String(id))) found.add(String(id));
    }
    return found;
  };

  /** Works on a partition, unless it proves to be damaged: the others must go on being served, and a write must not wait for it. */
  const unlessDamaged = async <T>(partition: Partition, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (partition.isDropped) return undefined;
      if (!isDamage(error)) throw error;
      partition.damage ??= messageOf(error);
      warn(
        `${partition.path} is damaged: its ${partition.span?.rows ?? 0} events are missing from every answer until it is mended (vedette store check): ${messageOf(error)}`,
      );
      return undefined;
    }
  };

  const saveManifest = async (): Promise<void> => {
    // Of one that cannot be read it stays known how much it held, until it is mended or set aside.
    const saved: SavedPartition[] = [...broken.values()].flatMap(({ name }) => manifest.partitions.get(name) ?? []);
    for (const partition of partitions.values()) {
      if (partition.span === undefined) continue;
      // One that vanished while we ran stays listed, so that the next start misses it.
      const { size, mtimeMs } = await stat(partition.path).catch(() => ({ size: partition.bytes, mtimeMs: 0 }));
      saved.push({ name: partition.name, bytes: size, mtimeMs, span: partition.span, layout: partition.layout.text });
    }
    savedNextSeq = nextSeq();
    await writeManifest(join(folder, MANIFEST), savedNextSeq, saved);
    await files.syncFolder(folder);
  };

  const removeFiles = async (path: string): Promise<void> => {
    await database.release(path);
    await removePartition(path);
    await files.syncFolder(folder);
  };

  const nextSeq = (): number =>
    [...partitions.values()].reduce((next, { span }) => Math.max(next, (span?.maxSeq ?? 0) + 1), savedNextSeq);

  return {
    all,
    nextSeq,
    saveManifest,
    async read(partition, work, signal) {
      if (partition.isDropped) return undefined;
      const { layout, path } = partition;
      return unlessDamaged(partition, () =>
        database.use(path, 'read', (session) => work({ ...session, layout }), signal),
      );
    },
    known,
    prepare,
    async load(events) {
      await readDoubtful();
      const { number, nowMs, prepared } = 'prepared' in events ? events : await prepare(events);
      const { periods, ids, damagedLines } = prepared;
      if (damagedLines > 0)
        warn(`${damagedLines} lines of the log are damaged and cannot be read: their events are lost`);
      const skip = ids.length === 0 ? [] : [...(await known(ids))];
      const targets = periods.map((period) => ({ period, partition: target(period) }));
      for (const { period, partition } of targets) {
        await insertInto(partition, { load: number, period, skip });
        partition.writtenMs = nowMs;
      }
    },
    async drop(partition, rows) {
      if (partition.isDropped || partition.isDoubtful || partition.span?.rows !== rows) return false;
      savedNextSeq = Math.max(savedNextSeq, partition.span.maxSeq + 1);
      partition.isDropped = true;
      partitions.delete(keyOf(partition));
      try {
        // First the list, which keeps the numbers that were given: a file that is not in it, after a kill, is read again.
        await saveManifest();
      } catch (error) {
        partition.isDropped = false;
        partitions.set(keyOf(partition), partition);
        throw error;
      }
      await removeFiles(partition.path);
      return true;
    },
    damaged: () => [
      ...broken.values(),
      ...[...partitions.values()]
        .filter(({ damage }) => damage !== undefined)
        .map(({ name, span }) => ({ name, events: span?.rows ?? 0 })),
    ],
    seal(partition, isSealed) {
      partition.isSealed = isSealed;
    },
    async becomeCold(partition, folderName) {
      const hotPath = partition.path;
      const cold = { ...partition, name: folderName, path: join(folder, folderName), temperature: 'cold' as const };
      await takeContents(cold);
      // Numbers are told by the list too; a kill from here on finds both, and the cold one counts.
      Object.assign(partition, cold);
      await saveManifest();
      await removeFiles(hotPath);
    },
  };
}

/** A partition's place, whatever its temperature. */
function keyOf({ period, generation }: { readonly period: string; readonly generation: number }): string {
  return `${period}.${generation}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}

/** Not damage: left aside, its events would be stored again and seem to be lost. */
class OtherFormat extends Error {}

async function readContent({ schema, rows }: Session): Promise<{ span: Span | undefined; layout: Layout } | undefined> {
  const tables = await rows('SELECT table_name FROM duckdb_tables() WHERE database_name = $1', [schema]);
  // The file was made, and the process ended before its first transaction did.
  if (tables.length === 0) return undefined;
  const [version, layout] = (await rows(`SELECT version, layout FROM ${schema}.vedette_format`))[0] ?? [];
  if (!READ_FORMATS.has(version))
    throw new OtherFormat(
      `it has format ${version}, and this version of Vedette reads formats up to ${PARTITION_FORMAT}`,
    );
  const span = await readSpan({ schema, rows });
  return { span, layout: parseLayout(String(layout)) };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function extent(numbers: readonly number[]): [number, number] {
  return [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
}
