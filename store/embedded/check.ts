// Verifies a store's folder and says what is damaged: which file, what of it, how many events, what to do. Changes nothing. It reads
// through whoever holds the files: the running store's database, or one of its own that opens them read-only.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckFinding, CheckReport, CheckRequest } from '../port.ts';
import { checkLog, type LoggedEvents } from './check-log.ts';
import { createSeen, type Seen } from './check-seen.ts';
import { columnsOf, OtherColdFormat, partProblems, readContents, sha256Of } from './cold-folder.ts';
import { type Layout, parseLayout } from './columns.ts';
import { readManifest } from './manifest.ts';
import { isLeftover } from './partition-files.ts';
import { type PartitionName, parsePartitionName } from './periods.ts';
import { createRowReader } from './row-reading.ts';
import type { Session } from './session.ts';
import { readSpan, type Span } from './span.ts';

/** Rows that are read and rebuilt at once. */
const ROWS = 5_000;
const MANIFEST = 'partitions.json';
const KNOWN_FILES = /^(partitions\.json|owner\.(lock|pid)|owner\.lock-(journal|wal|shm)|log|spill)$/;

export interface CheckFolder {
  readonly folder: string;
  /** Reads from one partition's file. */
  readonly read: <T>(path: string, work: (session: Session) => Promise<T>) => Promise<T>;
  /** True while a server writes: the log's end and what is being made are not what they will be. */
  readonly isLive: boolean;
}

interface Checking extends CheckFolder {
  readonly request: CheckRequest;
  readonly find: (finding: CheckFinding) => void;
}

export async function checkFolder(context: CheckFolder, request: CheckRequest): Promise<CheckReport> {
  const { folder } = context;
  const { signal, progress = () => undefined } = request;
  const findings: CheckFinding[] = [];
  const checking: Checking = { ...context, request, find: (finding) => void findings.push(finding) };
  const names = (await readdir(folder)).sort();
  const partitions = names.flatMap((name) => {
    const parsed = parsePartitionName(name);
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
  checkNames(checking, names);
  const listed = await checkManifest(checking, partitions);
  const logged = await checkLog(join(folder, 'log'), checking);
  let events = logged.events;
  let bytes = 0;
  const sizes = await Promise.all(partitions.map(({ name }) => sizeOf(join(folder, name))));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const seen = createSeen();
  let period = '';
  for (const [at, partition] of partitions.entries()) {
    signal?.throwIfAborted();
    // Ids repeat within a period at most: an event keeps its time.
    if (partition.period !== period) seen.forgetIds();
    period = partition.period;
    const done = bytes;
    const tell = (part: number): void => progress(all === 0 ? 1 : (done + part * (sizes[at] ?? 0)) / all);
    events += await checkPartition(checking, partition, {
      listed: listed.get(partition.name),
      logged,
      seen,
      tell,
    });
    bytes += sizes[at] ?? 0;
  }
  progress(1);
  return { isQuick: request.isQuick, partitions: partitions.length, events, bytes, findings };
}

function checkNames({ isLive, find }: Checking, names: readonly string[]): void {
  const present = new Set(names);
  for (const name of names) {
    if (KNOWN_FILES.test(name) || parsePartitionName(name) !== undefined) continue;
    if (/\.duckdb\.wal$/.test(name) && present.has(name.slice(0, -4))) continue;
    const note = (what: string, remedy: string): void =>
      find({ kind: 'note', file: name, what, events: undefined, remedy });
    if (name.endsWith('.damaged')) note('was set aside as damaged', 'Keep it until nobody needs its events any more.');
    else if (isLeftover(name) || /\.new$/.test(name)) {
      if (!isLive) note('was left by a process that was killed', 'Nothing: the next start removes it.');
    } else note('is not a file of the store', 'Move it elsewhere.');
  }
}

async function checkManifest(
  { folder, find }: Checking,
  partitions: readonly { readonly name: string }[],
): Promise<ReadonlyMap<string, { readonly span: Span }>> {
  const listed = await readManifest(join(folder, MANIFEST));
  if (listed.isUnreadable && partitions.length > 0) {
    const remedy = 'Nothing: it is made anew from the partitions at the next start.';
    find({ kind: 'note', file: MANIFEST, what: 'is missing or cannot be read', events: undefined, remedy });
  }
  const present = new Set(partitions.map(({ name }) => stemOf(name)));
  for (const [name, { span }] of listed.partitions) {
    if (present.has(stemOf(name)) || (await exists(join(folder, `${name}.damaged`)))) continue;
    const remedy = 'Bring it back from a backup; else its events are lost.';
    find({
      kind: 'damage',
      file: name,
      what: 'is in the list of partitions and not in the folder',
      events: span.rows,
      remedy,
    });
  }
  return listed.partitions;
}

function stemOf(name: string): string {
  return name.replace(/\.(duckdb|parquet)$/, '');
}

async function checkPartition(
  checking: Checking,
  partition: PartitionName & { readonly name: string },
  options: {
    readonly listed: { readonly span: Span } | undefined;
    readonly logged: LoggedEvents;
    readonly seen: Seen;
    readonly tell: (part: number) => void;
  },
): Promise<number> {
  const { folder, read, request, find, isLive } = checking;
  const { name, temperature } = partition;
  const path = join(folder, name);
  const expected = options.listed?.span.rows;
  const remedy =
    temperature === 'hot'
      ? 'Bring it back from a backup, or set it aside: vedette store check --repair, while no server runs.'
      : 'Bring the part back from a backup, or set it aside: vedette store check --repair, while no server runs.';
  const damage = (what: string, events: number | undefined, file = name): void =>
    find({ kind: 'damage', file, what, events, remedy });
  let told: Span | undefined;
  if (temperature === 'cold') {
    const cold = await checkCold(path, request.isQuick, (part, problem, rows) =>
      damage(problem, rows ?? expected, part === '' ? name : `${name}/${part}`),
    );
    if (cold === undefined) return 0;
    told = cold;
  }
  try {
    return await read(path, async (session) => {
      const tables = await session.rows('SELECT table_name FROM duckdb_tables() WHERE database_name = $1', [
        session.schema,
      ]);
      // Made, and never written: its first transaction did not happen.
      if (tables.length === 0) return 0;
      const [, layoutText] =
        (await session.rows(`SELECT version, layout FROM ${session.schema}.vedette_format`))[0] ?? [];
      const layout = parseLayout(String(layoutText));
      await session.rows(`SELECT ${columnsOf(layout)} FROM ${session.schema}.events LIMIT 0`);
      const span = await readSpan(session);
      const should = told ?? (isLive ? undefined : options.listed?.span);
      const differs = span !== undefined && should !== undefined && !contains(should, span, told === undefined);
      if (differs)
        damage(`holds ${span.rows} events, and its list says ${should.rows}`, Math.abs(span.rows - should.rows));
      if (!request.isQuick && span !== undefined)
        await checkRows(session, { layout, span, damage, checking, ...options });
      return span === undefined ? 0 : span.rows - (await alsoLogged(session, span, options.logged));
    });
  } catch (error) {
    request.signal?.throwIfAborted();
    if (isLive && !(await exists(path))) return 0;
    damage(firstLineOf(error), told?.rows ?? expected);
    return 0;
  }
}

/** How many of a partition’s events the log still holds: they were counted there. */
async function alsoLogged({ schema, rows }: Session, span: Span, { events, firstSeq }: LoggedEvents): Promise<number> {
  if (events === 0 || span.maxSeq < firstSeq) return 0;
  const [[count] = []] = await rows(`SELECT count(*) FROM ${schema}.events WHERE _seq >= $1`, [BigInt(firstSeq)]);
  return Math.min(Number(count), events);
}

/** A list may tell more than there is (the span of a part that was set aside); of a hot file it may be older than the file. */
function contains(should: Span, span: Span, mayGrow: boolean): boolean {
  return mayGrow ? span.rows >= should.rows : span.rows === should.rows && span.maxSeq <= should.maxSeq;
}

async function checkCold(
  path: string,
  isQuick: boolean,
  damaged: (part: string, problem: string, rows: number | undefined) => void,
): Promise<Span | undefined> {
  try {
    const { span, parts } = await readContents(path);
    const wrong = await partProblems(path, parts);
    for (const { part, problem } of wrong) damaged(part.name, problem, part.rows);
    const bad = new Set(wrong.map(({ part }) => part.name));
    for (const part of isQuick ? [] : parts) {
      if (bad.has(part.name) || (await sha256Of(join(path, part.name))) === part.sha256) continue;
      damaged(part.name, 'is not what was written: its checksum is another', part.rows);
      bad.add(part.name);
    }
    return bad.size === 0 ? span : undefined;
  } catch (error) {
    const what = error instanceof OtherColdFormat ? error.message : `its list cannot be read: ${firstLineOf(error)}`;
    damaged('', what, undefined);
    return undefined;
  }
}

/** Reads every value of every row: DuckDB checks its blocks on the way, each row has to become a document, and none may be there twice. */
async function checkRows(
  session: Session,
  options: {
    readonly layout: Layout;
    readonly span: Span;
    readonly seen: Seen;
    readonly tell: (part: number) => void;
    readonly damage: (what: string, events: number | undefined) => void;
    readonly checking: Checking;
  },
): Promise<void> {
  const { layout, span, seen, tell, damage, checking } = options;
  const open = createRowReader(layout);
  let after = span.minSeq - 1;
  let [read, unreadable, repeatedIds, repeatedSeqs] = [0, 0, 0, 0];
  // Columns that no document is made of are read too.
  await session.rows(`SELECT count(COLUMNS(*)) FROM ${session.schema}.events`);
  for (;;) {
    checking.request.signal?.throwIfAborted();
    const chunks = await session.chunks(
      `SELECT ${layout.valuesSql} FROM ${session.schema}.events WHERE _seq > $1 AND _seq <= $2 ORDER BY _seq LIMIT ${ROWS}`,
      [BigInt(after), BigInt(span.maxSeq)],
    );
    let rows = 0;
    for (const chunk of chunks.map(open)) {
      rows += chunk.rows;
      for (let row = 0; row < chunk.rows; row++) {
        try {
          const { seq, order } = chunk.read(row);
          if (seen.hasSeq(seq)) repeatedSeqs++;
          if (seen.hasId(order.id)) repeatedIds++;
        } catch {
          unreadable++;
        }
        after = Math.max(after, chunk.seqAt(row));
      }
      chunk.close();
    }
    read += rows;
    tell(read / span.rows);
    if (rows < ROWS) break;
  }
  if (unreadable > 0) damage('holds rows of which no document can be made', unreadable);
  if (repeatedIds > 0) damage('holds events that are stored twice', repeatedIds);
  if (repeatedSeqs > 0) damage('holds numbers that other events have too', repeatedSeqs);
  if (read !== span.rows) damage(`${read} events of ${span.rows} can be read`, span.rows - read);
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  const parts = await readdir(path).catch(() => []);
  let sum = 0;
  for (const part of parts) sum += await sizeOf(join(path, part));
  return sum;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function firstLineOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}
