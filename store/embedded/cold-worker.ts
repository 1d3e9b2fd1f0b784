// The process that writes a cold partition: on its own, so that sorting a day takes neither the server's memory nor its turn, and may be
// killed at any moment. It reads a copy of the hot file, writes sorted Parquet beside it, reads that again, and says what it made
// only when both hold the same events. It ends with its parent.
//
//   node cold-worker.ts '{"source":…,"target":…,"spill":…}'     one line of JSON on stdout, or a reason on stderr and exit code 1
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { attachStatements } from './attachment.ts';
import { CONTENTS, type ColdPart, columnsOf, formatContents, PART_ROWS, sha256Of } from './cold-folder.ts';
import { type Layout, parseLayout, quoted, wholeOf } from './columns.ts';
import type { SqlValue } from './session.ts';
import { readSpan, type Span } from './span.ts';

export interface ColdJob {
  /** A hot partition that nobody else opens. */
  readonly source: string;
  /** The folder to make; its name ends as a cold partition's does. */
  readonly target: string;
  /** What does not fit into memory goes there. */
  readonly spill: string;
}

export interface ColdResult {
  readonly span: Span;
  readonly parts: number;
}

/** Sorting and writing PART_ROWS events of 2 kB takes about 300 MB. */
const WORKER_MEMORY = '512MiB';
/**
 * Values that are alike stand together: what was done, by which program, by whom, on which host. Only within runs of RUN_ROWS events, each a row
 * group, so that events that came one after another need not be looked for in many. Measured on 200,000 events of 2 kB, bytes of each,
 * and ms to fetch 1,000 that follow each other: unsorted 168, 13; runs of 40,960 152, 39; of 10,240 156, 12, and at level 12 154, 13.
 */
const SORT = ['event.action', 'process.executable', 'user.name', 'user.audit.id', '_host', '_ts'];
const RUN_ROWS = 10_240;
const WRITTEN = `FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 12, ROW_GROUP_SIZE ${RUN_ROWS}`;

setPriority(19);
process.stdin.on('end', () => process.exit(1)).resume();
try {
  const job: ColdJob = JSON.parse(process.argv[2] ?? '');
  const result: ColdResult = await make(job);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}

async function make({ source, target, spill }: ColdJob): Promise<ColdResult> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: WORKER_MEMORY,
    temp_directory: spill,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run(`ATTACH '${source.replaceAll("'", "''")}' AS hot (READ_ONLY)`);
  const [layoutText] = (await rowsOf(connection, 'SELECT layout FROM hot.vedette_format'))[0] ?? [];
  const { layout, sql } = wholeOf(parseLayout(String(layoutText)));
  const span = await readSpan({ schema: 'hot', rows: (sql) => rowsOf(connection, sql) });
  if (span === undefined) throw new Error(`${source} holds no events`);
  await mkdir(target, { mode: 0o700 });
  const parts = await writeParts(connection, target, { layout, sql });
  const list = await open(join(target, CONTENTS), 'w', 0o600);
  await list.close();
  await writeFile(join(target, CONTENTS), formatContents({ layout, span, parts }), { flush: true });
  for (const statement of await attachStatements(target, 'cold')) await connection.run(statement);
  const [hot, cold] = [
    await digest(connection, 'hot', sql.join(', ')),
    await digest(connection, 'cold', columnsOf(layout)),
  ];
  if (hot !== cold) throw new Error(`${target} does not hold what ${source} holds: ${cold} instead of ${hot}`);
  await syncFolder(target);
  connection.closeSync();
  instance.closeSync();
  return { span, parts: parts.length };
}

/** `sql` gives the values of the layout's columns. */
async function writeParts(
  connection: DuckDBConnection,
  target: string,
  { layout, sql }: { readonly layout: Layout; readonly sql: readonly string[] },
): Promise<ColdPart[]> {
  const names = new Set(layout.columns.map(({ name }) => name));
  const values = sql.map((value, at) => `${value} AS ${quoted(layout.columns[at]?.name ?? '')}`).join(', ');
  const order = SORT.filter((name) => names.has(name)).map(quoted);
  const parts: ColdPart[] = [];
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const [[first, last, rows] = []] = await rowsOf(
      connection,
      `SELECT min(_seq), max(_seq), count(*) FROM (SELECT _seq FROM hot.events WHERE _seq > ${after} ORDER BY _seq LIMIT ${PART_ROWS})`,
    );
    if (Number(rows) === 0) return parts;
    const name = `part-${String(parts.length + 1).padStart(4, '0')}.parquet`;
    const path = join(target, name);
    await connection.run(
      `COPY (SELECT ${values} FROM hot.events WHERE _seq > ${after} AND _seq <= ${Number(last)} ORDER BY (_seq - ${first}) // ${RUN_ROWS}, ${order.join(', ')})
        TO '${path.replaceAll("'", "''")}' (${WRITTEN})`,
    );
    const file = await open(path, 'r+');
    try {
      await file.chmod(0o600);
      await file.sync();
    } finally {
      await file.close();
    }
    parts.push({ name, rows: Number(rows), bytes: (await stat(path)).size, sha256: await sha256Of(path) });
    after = Number(last);
  }
}

/** Tells two sets of rows apart, whatever their order. */
async function digest(connection: DuckDBConnection, schema: string, values: string): Promise<string> {
  const [[rows, sum] = []] = await rowsOf(
    connection,
    `SELECT count(*)::VARCHAR, sum(md5_number_lower(json_array(${values})::VARCHAR)::HUGEINT)::VARCHAR FROM ${schema}.events`,
  );
  return `${String(rows)} events, ${String(sum)}`;
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Of columns that are text or numbers. */
async function rowsOf(connection: DuckDBConnection, sql: string): Promise<SqlValue[][]> {
  return (await connection.runAndReadAll(sql)).getRows() as SqlValue[][];
}
