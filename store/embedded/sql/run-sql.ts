// A person's SQL from its text to its rows: parsed by DuckDB, checked (check.ts), given views of no more partitions than it needs,
// run with bounds. What it may not do is told before anything of it runs.
import { nearest } from '../../../event/nearest-name.ts';
import type { SqlRequest, SqlResponse, TimeRange } from '../../port.ts';
import { SqlRefused } from '../../sql-refusal.ts';
import type { Partition, Partitions } from '../partitions.ts';
import type { Database } from '../session.ts';
import { checkStatement } from './check.ts';
import { reckoningTree, type TimeBound, timeBoundsOf } from './times.ts';
import { type TwoSteps, twoStepsOf } from './two-steps.ts';
import { VIEW_COLUMNS, VIEW_NAMES, viewStatements } from './views.ts';

const SQL_CHARS_MAX = 32_768;
/** Partitions of one statement; each costs a few milliseconds. */
const PARTITIONS_MAX = 150;
/** `now()` moves on between reckoning a bound and running the statement. */
const BOUND_SLACK_MS = 60_000;
const ALWAYS: TimeRange = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
/** What a statement without tables gives at most: a tree, an explanation. */
const TREE_BYTES_MAX: number = 64 * 1024 * 1024;

export interface SqlParts {
  readonly database: Database;
  readonly partitions: Partitions;
  /** Files what is only in memory yet; answers how many events could not be. */
  readonly settle: () => Promise<number>;
}

export async function runSql(parts: SqlParts, request: SqlRequest): Promise<SqlResponse> {
  const { database, partitions, settle } = parts;
  const { sql, signal } = request;
  if (sql.length > SQL_CHARS_MAX)
    throw new SqlRefused('sql-refused', `the statement is longer than ${SQL_CHARS_MAX} characters`, 'Make it shorter.');
  const serialized = await ask(database, 'SELECT json_serialize_sql($1::VARCHAR)', [sql], signal);
  const checked = checkStatement(serialized, { names: VIEW_NAMES, columns: VIEW_COLUMNS });
  const bounds = timeBoundsOf(checked.tree, VIEW_NAMES);
  const said = bounds === undefined ? ALWAYS : await hullOf(database, bounds, signal);
  const range = intersection(request.range, said);
  const readsEvents = checked.views.size > 0;
  const missing = readsEvents ? await settle() : 0;
  const needed = !readsEvents
    ? []
    : partitions
        .all()
        .filter(({ span }) => span !== undefined && span.maxTs >= range.fromMs && span.minTs < range.untilMs);
  if (needed.length > PARTITIONS_MAX) {
    const message = `it would read ${needed.length} partitions; ${PARTITIONS_MAX} are the most`;
    const remedy = 'Say of what time: `--since 30d`, or WHERE "@timestamp" >= now() - INTERVAL 30 DAY.';
    throw new SqlRefused('sql-too-much', message, remedy);
  }
  const reading: Reading = { database, needed, range, request };
  const steps = readsEvents && checked.names === undefined ? twoStepsOf(checked.tree) : undefined;
  const read = (): Promise<SqlResult> =>
    steps === undefined
      ? runOver(reading, sql, { names: checked.names, hasViews: readsEvents })
      : runInTwoSteps(reading, steps);
  try {
    return { ...(await read()), missing, partitions: needed.length };
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error);
  }
}

type SqlResult = Pick<SqlResponse, 'columns' | 'rows' | 'cut'>;

interface Reading {
  readonly database: Database;
  readonly needed: readonly Partition[];
  readonly range: TimeRange;
  readonly request: SqlRequest;
}

interface Shown {
  readonly names: ReadonlySet<string> | undefined;
  readonly hasViews: boolean;
  readonly ids?: readonly string[];
}

function runOver({ database, needed, range, request }: Reading, sql: string, shown: Shown): Promise<SqlResult> {
  const { names, hasViews, ids } = shown;
  const layouts = needed.map(({ layout }) => layout);
  const views = hasViews ? viewStatements({ layouts, names, range, ids }) : [];
  const paths = needed.filter(({ isDropped }) => !isDropped).map(({ path }) => path);
  const { rowsMax, bytesMax, signal } = request;
  return database.read(paths, { views, sql, values: [], rowsMax, bytesMax }, signal);
}

async function runInTwoSteps(reading: Reading, { which, whole }: TwoSteps): Promise<SqlResult> {
  const { database, needed, request } = reading;
  const textOf = (serialized: string): Promise<string> =>
    ask(database, 'SELECT json_deserialize_sql($1::JSON)', [serialized], request.signal);
  const { names } = checkStatement(which, { names: VIEW_NAMES, columns: VIEW_COLUMNS });
  const bounds = { rowsMax: Number.MAX_SAFE_INTEGER, bytesMax: TREE_BYTES_MAX };
  const found = await runOver({ ...reading, request: { ...request, ...bounds } }, await textOf(which), {
    names,
    hasViews: true,
  });
  const times = found.rows.map(([, time]) => Date.parse(String(time)));
  const [least, most] = [
    times.reduce((a, b) => Math.min(a, b), Infinity),
    times.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  const range = intersection(reading.range, least <= most ? { fromMs: least, untilMs: most + 1 } : ALWAYS);
  const within = needed.filter(
    ({ span }) => span !== undefined && span.maxTs >= range.fromMs && span.minTs < range.untilMs,
  );
  const ids = found.rows.map(([id]) => String(id));
  return runOver({ ...reading, needed: within, range }, await textOf(whole), { names: undefined, hasViews: true, ids });
}

async function ask(
  database: Database,
  sql: string,
  values: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    const { rows } = await database.read([], { views: [], sql, values, rowsMax: 1, bytesMax: TREE_BYTES_MAX }, signal);
    return String(rows[0]?.[0] ?? '');
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error);
  }
}

/** From the earliest to the latest time of all places that read events. */
async function hullOf(
  database: Database,
  places: readonly (readonly TimeBound[])[],
  signal: AbortSignal | undefined,
): Promise<TimeRange> {
  const all = places.flat();
  if (all.length === 0) return ALWAYS;
  let values: readonly unknown[];
  try {
    const text = await ask(database, 'SELECT json_deserialize_sql($1::JSON)', [reckoningTree(all)], signal);
    const read = { views: [], sql: text, values: [], rowsMax: 1, bytesMax: TREE_BYTES_MAX };
    values = (await database.read([], read, signal)).rows[0] ?? [];
  } catch (error) {
    signal?.throwIfAborted();
    // What cannot be reckoned bounds nothing.
    if (error instanceof Error) return ALWAYS;
    throw error;
  }
  const known = new Map(all.map((bound, at) => [bound, values[at]]));
  const ranges = places.map((bounds) => {
    let [fromMs, untilMs] = [ALWAYS.fromMs, ALWAYS.untilMs];
    for (const bound of bounds) {
      const ms = known.get(bound);
      if (typeof ms !== 'number') continue;
      if (bound.kind === 'from') fromMs = Math.max(fromMs, ms - BOUND_SLACK_MS);
      else untilMs = Math.min(untilMs, ms + BOUND_SLACK_MS);
    }
    return { fromMs, untilMs };
  });
  return {
    fromMs: ranges.reduce((least, { fromMs }) => Math.min(least, fromMs), Number.POSITIVE_INFINITY),
    untilMs: ranges.reduce((most, { untilMs }) => Math.max(most, untilMs), Number.NEGATIVE_INFINITY),
  };
}

function intersection(a: TimeRange, b: TimeRange): TimeRange {
  return { fromMs: Math.max(a.fromMs, b.fromMs), untilMs: Math.min(a.untilMs, b.untilMs) };
}

/** Errors that speak of the statement alone; any other could tell of files. */
const TOLD =
  /^(Parser|Binder|Catalog|Conversion|Out of Range|Invalid Input|Invalid Type|Mismatch Type|Not implemented|Syntax|Constraint|Dependency|Permission) Error: /;

function failureOf(error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  if (error instanceof Error && error.name === 'StoreUnavailable') return error;
  if (/Out of Memory Error|bad_alloc|Array buffer allocation/.test(message)) {
    const remedy = 'Ask for less: a shorter time, fewer columns, GROUP BY on fewer values, ORDER BY with LIMIT.';
    return new SqlRefused('sql-too-much', 'the statement needs more memory than it may have', remedy);
  }
  if (!TOLD.test(message)) return error;
  const [first = ''] = message.split('\n', 1);
  const said = first.replace(/^[A-Za-z ]+ Error: /, '').replaceAll(/'?\/[^\s'"]+'?/g, '…');
  const place = /LINE \d+: [^\n]*/.exec(message)?.[0];
  return new SqlRefused('sql-failed', said, remedyOf(message) ?? place ?? 'docs/sql.md tells what there is.');
}

/** The column that was meant, where one was not found: the views hold only what the statement names. */
function remedyOf(message: string): string | undefined {
  if (/^Binder Error: Referenced table "/.test(message))
    return `A name with a dot is one name, in double quotes: "process.name".`;
  const name = /(?:column|named) "([^"]{1,64})"/i.exec(message)?.[1];
  const meant = name === undefined ? undefined : nearest(name, [...VIEW_COLUMNS]);
  if (name === undefined || meant === name.toLowerCase()) return undefined;
  const quoting =
    'Names with a dot or @ stand in double quotes, texts in single ones; DESCRIBE events lists the names.';
  return meant === undefined ? quoting : `Did you mean "${meant}"? ${quoting}`;
}
