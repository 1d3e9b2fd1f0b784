// SQL of people on the embedded store: what it finds, and that nobody gets anything else by it, whatever they write.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTACHED_MAX } from '../../store/embedded/database.ts';
import { openDatabaseThread } from '../../store/embedded/database-thread.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { FUNCTION_NAMES } from '../../store/embedded/sql/functions.ts';
import type { SqlRequest, SqlResponse } from '../../store/port.ts';
import { SqlRefused } from '../../store/sql-refusal.ts';
import { HOSTILE_DOCUMENTS, START_MS, sampleEvent } from '../contract/event-samples.ts';

const DAY_MS = 86_400_000;
const ALWAYS = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY };

let folder: string;
let store: EmbeddedStore;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-sql-'));
  store = await openEmbeddedStore({
    folder: join(folder, 'store'),
    nowMs: () => START_MS,
    // Little, so that what is too much is soon too much; but an honest `SELECT *` of few rows takes 180 MB, whenever it is looked at.
    limits: { databaseBytesMax: 384 * 1024 * 1024 },
  });
  await store.append(Array.from({ length: 1_000 }, (_, n) => sampleEvent(n)));
  await store.append(
    HOSTILE_DOCUMENTS.map((document, n) => ({
      id: `h1.x.${n}`,
      document: { '@timestamp': new Date(START_MS - 3 * DAY_MS + n).toISOString(), ...document },
    })),
  );
  writeFileSync(join(folder, 'secret.csv'), 'name\nhunter2\n');
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(sql: string, over: Partial<SqlRequest> = {}): Promise<SqlResponse> {
  if (store.sql === undefined) throw new Error('the embedded store has SQL');
  return store.sql({ sql, range: ALWAYS, rowsMax: 10_000, bytesMax: 1_000_000, ...over });
}

async function refusalOf(sql: string): Promise<SqlRefused> {
  const error = await run(sql).then(
    ({ rows }) => new Error(`it ran, and gave ${JSON.stringify(rows).slice(0, 200)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SqlRefused)) throw error;
  return error;
}

describe('SQL', () => {
  it.each<[string, unknown]>([
    ['SELECT count(*) FROM events', [[1_000 + HOSTILE_DOCUMENTS.length]]],
    [
      `SELECT "process.name" AS name, count(*) FROM events WHERE "host.id" = 'h1' GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 2`,
      [
        ['bash', 500],
        ['curl', 500],
      ],
    ],
    [
      `SELECT "@timestamp", "process.args", "event.category", "process.pid" FROM events WHERE "process.pid" = 1001`,
      [['2026-11-21T12:00:01.000Z', ['a', 'b1'], ['process'], 1001]],
    ],
    ['SELECT Count(*) FROM EVENTS AS e WHERE e."PROCESS.PID" BETWEEN 1000 AND 1009', [[10]]],
    [`SELECT count(*) FROM processes WHERE "@timestamp" < TIMESTAMP '2026-11-21 12:01:00'`, [[60]]],
    ['SELECT count(*) FROM connections', [[0]]],
    [`SELECT list_filter("process.args", x -> x LIKE 'b%') FROM events WHERE "process.pid" = 1002`, [[['b2']]]],
    [`SELECT [x FOR x IN "process.args" IF x <> 'a'] FROM events WHERE "process.pid" = 1002`, [[['b2']]]],
    [
      'SELECT e."process.pid" FROM events e JOIN range(1000, 1002) r(n) ON e."process.pid" = r.n ORDER BY 1',
      [[1000], [1001]],
    ],
    [
      `WITH RECURSIVE chain(pid, path) AS (
         SELECT "process.pid", "process.name" FROM events WHERE "process.pid" = 1001
         UNION ALL SELECT e."process.pid", c.path || ' > ' || e."process.name" FROM chain c JOIN events e ON e."process.pid" = c.pid + 1
         WHERE c.pid < 1003)
       SELECT path FROM chain ORDER BY pid DESC LIMIT 1`,
      [['curl > bash > curl']],
    ],
    [`SELECT rest ->> '$.ecs.version' FROM events WHERE "process.pid" = 1000`, [['9.0.0']]],
    [`SELECT count(*) FROM events, json_each(rest) WHERE json_each.key = '__proto__'`, [[1]]],
    [`SELECT "process.name" FROM events WHERE "process.name" LIKE '%DROP TABLE%'`, [["'; DROP TABLE events; --"]]],
    [`SELECT "process.pid" FROM events WHERE "process.name" = '["an","array"]'`, [[12]]],
    [
      'SELECT 9007199254740993, 0.1::DOUBLE, NULL, true, INTERVAL 1 HOUR',
      [['9007199254740993', 0.1, null, true, '01:00:00']],
    ],
    [`SELECT MAP {'__proto__': 1}, {'a': [1, 2]}`, [[JSON.parse('{"__proto__":1}'), { a: [1, 2] }]]],
    ['SELECT row_number() OVER (ORDER BY "@timestamp") AS n FROM events QUALIFY n = 3', [[3]]],
    ['/* a comment */ SELECT 1 -- and another; SELECT 2', [[1]]],
  ])('%s', async (sql, rows) => {
    expect((await run(sql)).rows).toEqual(rows);
  });

  it('tells the columns and their types', async () => {
    const { rows } = await run('DESCRIBE events');
    const types = Object.fromEntries(rows.map(([name, type]) => [String(name), type]));
    expect(types).toMatchObject({
      id: 'VARCHAR',
      rest: 'JSON',
      '@timestamp': 'TIMESTAMP',
      'process.pid': 'BIGINT',
      'process.args': 'VARCHAR[]',
      'process.ancestors.pid': 'BIGINT[]',
      'auditd.data': 'JSON',
    });
  });

  it('reads every column of every hostile document', async () => {
    const { rows } = await run('SELECT * FROM events WHERE "@timestamp" < TIMESTAMP \'2026-11-20\'');
    expect(rows).toHaveLength(HOSTILE_DOCUMENTS.length);
  });

  it.each([
    `WHERE "host.id" = 'h1' ORDER BY "@timestamp" DESC, id LIMIT 7`,
    `WHERE "host.id" = 'h2' ORDER BY "process.pid" DESC, id LIMIT 5 OFFSET 3`,
    `WHERE "process.name" LIKE 'c%' ORDER BY "event.created", "id" LIMIT 40 OFFSET 900`,
    `WHERE id LIKE '%''%' ORDER BY id LIMIT 3`,
    `WHERE "@timestamp" < TIMESTAMP '2026-11-20' ORDER BY id LIMIT 1000`,
    `WHERE false ORDER BY id LIMIT 3`,
    `ORDER BY id LIMIT 0`,
    // These are read in one.
    `WHERE "@timestamp" < TIMESTAMP '2026-11-20' AND id IN (SELECT id FROM events ORDER BY "@timestamp", id LIMIT 2) ORDER BY id LIMIT 5`,
    `WHERE "@timestamp" < TIMESTAMP '2026-11-20' ORDER BY id LIMIT 5000`,
    `WHERE "@timestamp" < TIMESTAMP '2026-11-20' ORDER BY lower(id) LIMIT 2`,
  ])('gives whole rows in two steps as it does in one: %s', async (rest) => {
    await store.append([{ id: `h1.x.'); --"\\`, document: { '@timestamp': '2026-11-18T22:00:00.000Z', n: 1 } }]);
    const names = ['id', 'rest', '@timestamp', 'process.name', 'process.ancestors.pid', 'auditd.data'];
    for (const view of ['events', 'processes']) {
      const inOne = await run(`SELECT ${names.map((name) => `"${name}"`).join(', ')} FROM ${view} ${rest}`);
      const inTwo = await run(`SELECT * FROM ${view} ${rest}`, { bytesMax: 100_000_000 });
      const places = names.map((name) => inTwo.columns.findIndex((column) => column.name === name));
      expect(inTwo.rows.map((row) => places.map((place) => row[place]))).toEqual(inOne.rows);
    }
  });

  it('makes no field of rows that a limit leaves out', async () => {
    const one = await run('SELECT * EXCLUDE (rest) FROM events ORDER BY "@timestamp" DESC LIMIT 1');
    expect(one.columns.map(({ name }) => name)).not.toContain('rest');
    expect(one.rows).toHaveLength(1);
    await expect(refusalOf('SELECT * FROM events WHERE "no.such" = 1 ORDER BY id LIMIT 1')).resolves.toMatchObject({
      code: 'sql-failed',
    });
  });

  it('hides no field of an event behind half of a surrogate pair, in whatever field that is', async () => {
    const process = { name: 'x\ud800y', command_line: 'nc -l', args: ['a\udfff\\ud800', '😀'] };
    await store.append([
      { id: 'half.x.1', document: { '@timestamp': '2026-11-18T23:00:00.000Z', process, odd: { '\udc00': 1 } } },
    ]);
    const { rows } = await run(
      `SELECT "process.name", "process.command_line", "process.args"[2], rest ->> '$.process.name' FROM events WHERE id = 'half.x.1'`,
    );
    expect(rows).toEqual([['x\ufffdy', 'nc -l', '😀', 'x\ufffdy']]);
    const found = await run(`SELECT id FROM events WHERE "process.name" LIKE 'x%y'`);
    expect(found.rows).toEqual([['half.x.1']]);
  });

  it('sees what is acknowledged, before it is filed', async () => {
    await store.append([sampleEvent(5_000, { host: { id: 'h7' } })]);
    expect((await run(`SELECT count(*) FROM events WHERE "host.id" = 'h7'`)).rows).toEqual([[1]]);
  });

  it.each([
    ['WHERE "@timestamp" >= TIMESTAMP \'2026-11-21\'', 1],
    ['WHERE "@timestamp" >= TIMESTAMP \'2026-11-21\' - INTERVAL 1 HOUR AND "process.pid" > 0', 1],
    ['WHERE TIMESTAMP \'2026-11-20\' > "@timestamp"', 1],
    ["e WHERE e.\"@timestamp\" BETWEEN TIMESTAMP '2026-11-18' AND TIMESTAMP '2026-11-19'", 1],
    ['WHERE "@timestamp" >= TIMESTAMP \'2026-11-21\' OR "process.pid" = 12', 2],
    ["WHERE date_trunc('day', \"@timestamp\") = DATE '2026-11-21'", 2],
    ['a, events b WHERE a."@timestamp" >= TIMESTAMP \'2026-11-21\'', 2],
    ['WHERE "@timestamp" > TIMESTAMP \'2026-11-21\' AND id IN (SELECT id FROM events)', 2],
    ['WHERE "@timestamp" > now() + INTERVAL 1 DAY', 0],
    ['', 2],
  ])('opens the partitions that are needed: %s', async (where, partitions) => {
    expect((await run(`SELECT count(*) FROM events ${where}`)).partitions).toBe(partitions);
  });

  it('keeps to the range that it is given', async () => {
    const range = { fromMs: START_MS + 10_000, untilMs: START_MS + 20_000 };
    const { rows, partitions } = await run('SELECT count(*) FROM events', { range });
    expect([rows, partitions]).toEqual([[[10]], 1]);
  });

  it('ends an answer at its bounds, and says so', async () => {
    const few = await run('SELECT id FROM events ORDER BY "process.pid"', { rowsMax: 3 });
    expect([few.rows.length, few.cut]).toEqual([3, 'rows']);
    const short = await run('SELECT n FROM range(1000000000) r(n)', { bytesMax: 1_000 });
    expect([short.rows.length < 300, short.cut]).toEqual([true, 'bytes']);
  });

  it('lets go of the files of an answer that was cut short', async () => {
    const days = Array.from({ length: ATTACHED_MAX + 4 }, (_, day) => ({
      id: `h1.days.${day}`,
      document: { ...sampleEvent(day).document, '@timestamp': new Date(START_MS - (5 + day) * DAY_MS).toISOString() },
    }));
    await store.append(days);
    for (let round = 0; round < 3; round++) {
      expect((await run('SELECT a.id FROM events a, events b', { rowsMax: 1 })).cut).toBe('rows');
      expect((await run(`SELECT count(*) FROM events WHERE id LIKE 'h1.days.%'`)).rows).toEqual([[days.length]]);
    }
  });

  it('says where a statement is wrong', async () => {
    expect(await refusalOf('SELECT count(* FROM events')).toMatchObject({ code: 'sql-syntax', at: 15 });
    expect(await refusalOf(' -- nothing')).toMatchObject({ code: 'sql-syntax', message: 'there is no statement' });
    expect((await refusalOf('SELECT "proces.name" FROM events')).remedy).toContain('"process.name"');
    expect((await refusalOf('SELECT process.name FROM events')).remedy).toContain('double quotes: "process.name"');
    expect((await refusalOf('SELECT 1 FROM events WHERE "user.name" = "root"')).remedy).toContain('texts in single');
    expect((await refusalOf('SELECT 1 FROM evnts')).remedy).toContain('events');
    expect((await refusalOf('SELECT lowr("process.name") FROM events')).remedy).toContain('lower');
  });
});

describe('SQL over cold partitions', () => {
  it('finds the same, behind the fence too', async () => {
    const own = mkdtempSync(join(tmpdir(), 'vedette-sql-cold-'));
    const cold = await openEmbeddedStore({ folder: own, nowMs: () => START_MS + 20 * DAY_MS, coldAfterMs: 0 });
    await cold.append(Array.from({ length: 20 }, (_, n) => sampleEvent(n)));
    await cold.append([sampleEvent(30, { process: { name: 7, pid: '12' } })]);
    await cold.flush();
    expect(await cold.cool()).toBe(1);
    const sql = `SELECT "process.name", count(*), max("process.pid") FROM events GROUP BY ALL ORDER BY 1`;
    const answer = await cold.sql?.({ sql, range: ALWAYS, rowsMax: 10, bytesMax: 10_000 });
    await cold.close();
    rmSync(own, { recursive: true });
    expect(answer?.rows).toEqual([
      ['7', 1, 12],
      ['bash', 10, 1_018],
      ['curl', 10, 1_019],
    ]);
  });
});

describe('the list of functions', () => {
  it('names nothing that reaches out of the statement', () => {
    const reaching =
      /^(read_|glob$|getenv|current_setting|getvariable|query|sniff|parquet|duckdb|pragma|pg_|nextval|currval|which_secret|json_(de)?serialize|json_execute|list_aggr|array_aggr|list_reduce|array_reduce|reduce$|write_|sleep|setseed|error$|format$|printf|range$|generate_series$|list_resize|array_resize|bitstring|sql_auto)/;
    expect(FUNCTION_NAMES.filter((name) => reaching.test(name))).toEqual([]);
  });
});

describe('hostile SQL is refused before anything of it runs', () => {
  it.each([
    // Files.
    `SELECT * FROM read_csv('FOLDER/secret.csv')`,
    `SELECT * FROM 'FOLDER/secret.csv'`,
    `FROM "FOLDER/secret.csv"`,
    `SELECT * FROM read_text('/etc/passwd')`,
    `SELECT * FROM read_blob('FOLDER/*')`,
    `SELECT * FROM glob('/*')`,
    `SELECT * FROM read_parquet(['FOLDER/a', 'FOLDER/b'])`,
    `SELECT * FROM parquet_metadata('FOLDER/x')`,
    `SELECT * FROM sniff_csv('FOLDER/secret.csv')`,
    `SELECT * FROM read_json_auto('FOLDER/store/partitions.json')`,
    `SELECT * FROM read_duckdb('FOLDER/store/events-2026-11-21.1.duckdb')`,
    `SELECT * FROM (SELECT * FROM (SELECT * FROM read_text('/etc/passwd')))`,
    `SELECT (SELECT content FROM read_text('/etc/passwd'))`,
    `SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))`,
    `SELECT * FROM events, LATERAL (SELECT * FROM read_text("file.path"))`,
    `WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM a`,
    `WITH "FOLDER/secret.csv" AS (SELECT 1) SELECT * FROM (SELECT * FROM "FOLDER/secret.csv")`,
    `SELECT * FROM (WITH a AS (SELECT 1) FROM a), a`,
    `SELECT count(*) FROM range(1) LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))`,
    `SELECT * FROM range(1) ORDER BY (SELECT content FROM read_text('/etc/passwd'))`,
    `SELECT sum(1) OVER (ORDER BY (SELECT content FROM read_text('/etc/passwd')))`,
    `SELECT count(*) FILTER (WHERE EXISTS (FROM read_text('/etc/passwd'))) FROM events`,
    `SELECT CASE WHEN true THEN (SELECT content FROM read_text('/etc/passwd')) END`,
    `VALUES ((SELECT content FROM read_text('/etc/passwd')))`,
    `SELECT * REPLACE ((SELECT content FROM read_text('/etc/passwd')) AS id) FROM events`,
    `SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')`,
    `SELECT list_transform([1], x -> (SELECT content FROM read_text('/etc/passwd')))`,
    `SUMMARIZE SELECT * FROM read_text('/etc/passwd')`,
    `COPY events TO 'FOLDER/out.csv'`,
    `COPY (SELECT 1) TO 'FOLDER/out.csv'`,
    `EXPORT DATABASE 'FOLDER/out'`,
    `IMPORT DATABASE 'FOLDER/out'`,
    // Extensions, network, secrets.
    'INSTALL httpfs',
    'LOAD httpfs',
    `FORCE INSTALL 'FOLDER/x.duckdb_extension'`,
    `SELECT * FROM read_csv('http://127.0.0.1:1/x')`,
    `SELECT * FROM 's3://bucket/x.parquet'`,
    `CREATE SECRET s (TYPE s3)`,
    'SELECT * FROM duckdb_secrets()',
    "SELECT * FROM which_secret('s3://x', 's3')",
    // Settings, the environment, what else is there.
    `SET memory_limit = '1TB'`,
    'SET GLOBAL enable_external_access = true',
    'RESET ALL',
    'PRAGMA database_list',
    'PRAGMA version',
    'CALL pragma_version()',
    'SELECT * FROM pragma_version()',
    'SELECT * FROM pragma_database_size()',
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_databases()',
    'SELECT * FROM duckdb_tables',
    'SELECT * FROM sqlite_master',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM pg_catalog.pg_tables',
    'SELECT * FROM p1.events',
    'SELECT * FROM p1.main.events',
    'SELECT * FROM memory.main.events',
    'SELECT * FROM temp.events',
    'SELECT * FROM vedette_format',
    `SELECT current_setting('temp_directory')`,
    `SELECT getenv('HOME')`,
    `SELECT GetEnv('HOME')`,
    `SELECT "getenv"('HOME')`,
    `SELECT main.getenv('HOME')`,
    `SELECT system.main.current_setting('threads')`,
    'SELECT current_query()',
    `SELECT getvariable('x')`,
    'SET VARIABLE x = 1',
    'SHOW TABLES',
    'SHOW ALL TABLES',
    'SHOW DATABASES',
    'SELECT * FROM (SHOW TABLES)',
    'SELECT * FROM (SHOW DATABASES)',
    // Writing.
    'CREATE TABLE x (a INT)',
    'CREATE TEMP VIEW x AS SELECT 1',
    'CREATE MACRO f(a) AS a',
    'INSERT INTO events SELECT * FROM events',
    'DELETE FROM events',
    'UPDATE events SET id = 1',
    'DROP VIEW events',
    'ALTER TABLE events RENAME TO x',
    `ATTACH 'FOLDER/x.duckdb' AS x`,
    'DETACH p1',
    'USE p1',
    'CHECKPOINT',
    'FORCE CHECKPOINT p1',
    'VACUUM',
    'BEGIN',
    'ROLLBACK',
    'WITH a AS (INSERT INTO x VALUES (1) RETURNING *) FROM a',
    `SELECT nextval('s')`,
    // Statements in statements.
    'SELECT 1; SELECT 2',
    'SELECT 1; DROP VIEW events',
    `SELECT * FROM query('SELECT 1')`,
    `SELECT * FROM query_table('p1.events')`,
    `SELECT * FROM json_execute_serialized_sql('{}')`,
    `SELECT json_serialize_sql('SELECT 1')`,
    `PREPARE p AS SELECT 1`,
    'EXECUTE p',
    'EXPLAIN ANALYZE SELECT 1',
    'SELECT $1',
    'SELECT ?',
    'SELECT $name',
    `SELECT list_aggregate([1], 'sum')`,
    'PIVOT events ON "process.name" USING count(*)',
    // Names that would stand for something else.
    'WITH events AS (SELECT 1) SELECT * FROM events',
    'WITH duckdb_settings AS (SELECT 1) SELECT 1',
    'WITH "p1.events" AS (SELECT 1) SELECT 1',
    // Texts without end.
    `SELECT repeat('x', 1000000000)`,
    `SELECT repeat("process.name", "process.pid") FROM events`,
    `SELECT lpad('x', 1000000000, 'y')`,
    `SELECT repeat(repeat(repeat("process.name", 200), 200), 200) FROM events`,
    `SELECT a || a FROM (SELECT a || a AS a FROM (SELECT a || a AS a FROM (SELECT a || a AS a FROM (SELECT a || a AS a FROM
       (SELECT a || a AS a FROM (SELECT a || a AS a FROM (SELECT a || a AS a FROM (SELECT a || a AS a FROM (SELECT 'x' AS a)))))))))`,
    `WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM t WHERE length(s) < 1e9) SELECT max(length(s)) FROM t`,
    `WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT e.s || e.s FROM t AS e) SELECT count(*) FROM t`,
    `WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT concat(a, a) FROM (SELECT s AS a FROM t)) SELECT count(*) FROM t`,
    `WITH RECURSIVE t(events) AS (SELECT {'s': 'x'} UNION ALL SELECT {'s': events.s || events.s} FROM t, events) SELECT 1 FROM t`,
    `SELECT replace("event.original", 'e', "event.original") FROM events`,
    `SELECT regexp_replace(regexp_replace("event.original", '.', repeat('x', 100), 'g'), '.', 'xxxxxxxxxx', 'g') FROM events`,
    `SELECT string_agg("event.original") OVER (ORDER BY "@timestamp") FROM events`,
    `SELECT list_transform("process.args", x -> "event.original") FROM events`,
    `SELECT list_transform([1], x -> list_transform([1], y -> x))`,
    `SELECT list_reduce(['a', 'b', 'c'], (x, y) -> x || x || y)`,
    `SELECT json_extract(rest, ['$', '$', '$', '$']) FROM events`,
    `SELECT range(1000000000)`,
    `SELECT generate_series(1, 1000000000)`,
    `SELECT list_resize([1], 1000000000)`,
    `SELECT format('{:1000000000}', 1)`,
    `SELECT printf('%1000000000d', 1)`,
    `SELECT NULL::INTEGER[100000000]`,
    `SELECT bitstring('1', 1000000000)`,
    `SELECT "process.name"::BLOB FROM events`,
    // Patterns that try everything.
    `SELECT "process.name" LIKE '%a_%a_%a_%a_%a_%a_%a_%b' FROM events`,
    `SELECT "process.name" ILIKE '%a%a%a%a%a%a%a%a%b' FROM events`,
    `SELECT "process.name" LIKE "process.command_line" FROM events`,
    `SELECT "process.name" GLOB '*a*a*a*b' FROM events`,
    `SELECT regexp_matches("process.name", "process.command_line") FROM events`,
    `SELECT regexp_matches("process.name", '${'(a?){50}'.repeat(200)}') FROM events`,
    `SELECT levenshtein("event.original", "event.original") FROM events`,
    // Trees without end.
    `SELECT ${'NOT '.repeat(5_000)}true`,
    `SELECT 1${'+1'.repeat(10_000)}`,
    `SELECT ${'(SELECT '.repeat(1_000)}1${')'.repeat(1_000)}`,
    `SELECT ${'['.repeat(3_000)}${']'.repeat(3_000)}`,
    `SELECT '${'x'.repeat(40_000)}'`,
    // Nonsense.
    '',
    ';',
    '--',
    '\u0000',
    'SELECT \u0000',
    "SELECT '",
    '\ud800',
  ])('%.80s', async (sql) => {
    const refusal = await refusalOf(sql.replaceAll('FOLDER', folder));
    expect(refusal.message).not.toContain('hunter2');
    // Nothing is told of how the store is made, but what the statement itself says.
    if (!sql.includes('p1')) expect(`${refusal.message} ${refusal.remedy}`).not.toMatch(/\bp[0-9]+\.|root:|\/store\//);
    expect(refusal.remedy).not.toBe('');
  });
});

describe('the fence behind the check', () => {
  it.each([
    `SELECT * FROM read_text('/etc/passwd')`,
    `SELECT * FROM read_csv('FOLDER/secret.csv')`,
    `SELECT * FROM read_text('FOLDER/store/../secret.csv')`,
    `SELECT * FROM glob('/etc/*')`,
    `COPY (SELECT 1) TO 'FOLDER/out.csv'`,
    `SET enable_external_access = true`,
    `SET GLOBAL lock_configuration = false`,
    'LOAD httpfs',
    `INSTALL httpfs`,
    `ATTACH 'FOLDER/x.duckdb' AS x`,
    `CREATE TABLE x (a INT)`,
  ])('holds where a statement was not checked: %s', async (sql) => {
    const database = await openDatabaseThread(
      { memoryBytesMax: 64 * 1024 * 1024, threads: 1, folder: join(folder, 'store') },
      () => undefined,
    );
    const read = { views: [], sql: sql.replaceAll('FOLDER', folder), values: [], rowsMax: 10, bytesMax: 1_000 };
    await expect(database.read([], read)).rejects.toThrow(/Permission Error|disabled|configuration/);
    await database.close();
  });
});

describe('a hungry statement fails alone', () => {
  it.each([
    ['a cross join', 'SELECT count(*) FROM events a, events b, events c, events d WHERE a.id || b.id = c.id || d.id'],
    ['a recursion', 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t'],
    ['a long range', 'SELECT count(*) FROM range(100000000000) r(n) WHERE n % 7 = 8'],
    ['aggregation of nothing but noise', 'SELECT count(DISTINCT hash(n)) FROM range(10000000000) r(n)'],
  ])('%s is broken off', async (_, sql) => {
    const abort = new AbortController();
    const running = run(sql, { signal: abort.signal });
    running.catch(() => undefined);
    const [added, found] = await Promise.all([
      store.append([sampleEvent(8_000)]),
      store.search({ query: { kind: 'all' }, range: ALWAYS, limit: 1 }),
    ]);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow(/enough|memory/);
    expect([added.length, found.events.length]).toEqual([1, 1]);
    expect((await run('SELECT 1')).rows).toEqual([[1]]);
  });

  it.each([
    'SELECT count(*) FROM (SELECT DISTINCT n, hash(n), md5(n::VARCHAR) FROM range(100000000) r(n))',
    'SELECT list(n) FROM range(200000000) r(n)',
    'SELECT n FROM range(200000000) r(n) ORDER BY hash(n)',
    `SELECT string_agg(md5(n::VARCHAR), '') FROM range(100000000) r(n)`,
  ])('and what needs too much memory ends by itself: %s', async (sql) => {
    expect(await refusalOf(sql)).toMatchObject({ code: 'sql-too-much' });
    expect(await store.append([sampleEvent(9_000)])).toHaveLength(1);
    await store.flush();
    expect((await run('SELECT 1')).rows).toEqual([[1]]);
  });
});
