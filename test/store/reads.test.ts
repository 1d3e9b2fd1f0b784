// What reads of the embedded store ask of its database, and what they do not wait for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabaseThread } from '../../store/embedded/database-thread.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import type { Session } from '../../store/embedded/session.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import type { Query } from '../../store/query/query.ts';
import { documents, queries, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { databaseHere } from '../harness/database-here.ts';

const HOUR_MS = 3_600_000;
const ALL_TIME = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
const COUNT = /^SELECT count\(\*\)/;
const EVERYTHING: Query = { kind: 'all' };
const folder = mkdtempSync(join(tmpdir(), 'vedette-reads-'));
const ownId = (n: number): string => `host-1.b00t.${timeOf(n).toString(36)}.${n.toString(36)}.1`;
const timeOf = (n: number): number => START_MS + n * 10 * HOUR_MS;
const statements: string[] = [];
/** From this count on, those of all that matches take until they are broken off. */
let countsDone = Number.POSITIVE_INFINITY;
let counts = 0;
let store: EmbeddedStore;

const brokenOff = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

beforeAll(async () => {
  store = await openEmbeddedStore({
    folder,
    nowMs: () => timeOf(20),
    limits: { countMs: 300 },
    openDatabase: async (limits, warn) => {
      const database = await openDatabaseThread(limits, warn);
      return {
        ...database,
        use: (path, lane, work, signal) =>
          database.use(
            path,
            lane,
            (session) => {
              const rows: Session['rows'] = async (sql, values) => {
                statements.push(sql);
                if (COUNT.test(sql) && ++counts > countsDone) await brokenOff(signal);
                return session.rows(sql, values);
              };
              const chunks: Session['chunks'] = (sql, values, areFew) => {
                statements.push(sql);
                return session.chunks(sql, values, areFew);
              };
              return work({ ...session, rows, chunks });
            },
            signal,
          ),
      };
    },
  });
  for (let n = 0; n < 20; n++) {
    const { document } = sampleEvent(n);
    await store.append([{ id: ownId(n), document: { ...document, '@timestamp': new Date(timeOf(n)).toISOString() } }]);
  }
  const { document } = sampleEvent(21);
  await store.append([
    { id: 'named by others', document: { ...document, '@timestamp': new Date(timeOf(0)).toISOString() } },
  ]);
  await store.flush();
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

it('looks for an id of ours around its time first, for others everywhere', async () => {
  statements.length = 0;
  expect(await store.get(ownId(3))).toMatchObject({ '@timestamp': new Date(timeOf(3)).toISOString() });
  expect(statements).toHaveLength(2);
  expect(statements[0]).toContain(`_ts >= ${timeOf(3) - 1_000} AND _ts < ${timeOf(3) + 1_000}`);
  expect(await store.get('named by others')).toMatchObject({ '@timestamp': new Date(timeOf(0)).toISOString() });
  expect(await store.get(ownId(3).replace('.1', '.2'))).toBeUndefined();
});

it('tells a search’s progress, from its partitions to its total', async () => {
  const told: number[] = [];
  const found = await store.search({
    query: EVERYTHING,
    range: ALL_TIME,
    limit: 5,
    progress: (part) => told.push(part),
  });
  expect(found.total).toBeGreaterThan(5);
  expect(told.at(-1)).toBe(1);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.some((part) => part > 0 && part < 1)).toBe(true);
});

it('gives the first hits in order, however many are wanted and whatever lies between partitions', async () => {
  const query: Query = { kind: 'not', query: { kind: 'id', id: ownId(3) } };
  const ids = Array.from({ length: 20 }, (_, n) => ownId(n)).filter((id) => id !== ownId(3));
  for (const limit of [1, 2, 7, 19, 20, 100]) {
    const oldest = await store.search({ query, range: ALL_TIME, limit, oldestFirst: true });
    const newest = await store.search({ query, range: ALL_TIME, limit });
    expect(oldest.events.map(({ id }) => id)).toEqual([ids[0], 'named by others', ...ids.slice(1)].slice(0, limit));
    expect(newest.events.map(({ id }) => id)).toEqual(
      [...ids.slice(1).reverse(), 'named by others', ids[0]].slice(0, limit),
    );
    expect([oldest.total, newest.total]).toEqual([20, 20]);
  }
});

it('fetches the documents of few hits at once from each partition, and looks no further than it has to', async () => {
  statements.length = 0;
  const documents = (): number => statements.filter((sql) => sql.includes('"_rest"')).length;
  expect((await store.search({ query: EVERYTHING, range: ALL_TIME, limit: 100 })).events).toHaveLength(21);
  const partitions = new Set(statements.map((sql) => /\bp\d+\.events/.exec(sql)?.[0]));
  expect(documents()).toBe(partitions.size);
  statements.length = 0;
  expect((await store.search({ query: EVERYTHING, range: ALL_TIME, limit: 1 })).events).toHaveLength(1);
  expect(documents()).toBe(1);
});

it('counts a combination once, whether the database or a document tells it', async () => {
  const own = mkdtempSync(join(tmpdir(), 'vedette-combinations-'));
  const counting = await openEmbeddedStore({ folder: own, nowMs: () => timeOf(0), limits: { loadDelayMs: 3_600_000 } });
  const texts = [
    'plain',
    'a "quoted" one',
    'back\\slash',
    '\u001f\u0007\n',
    '\u007f',
    '\ufeffmark',
    'Käse 🦆',
    '\u2028',
    '/',
    '',
  ];
  const eventsOf = (from: number) =>
    texts.map((text, at) => ({
      id: ownId(from + at),
      document: {
        '@timestamp': new Date(timeOf(0) + at).toISOString(),
        process: { command_line: text, pid: at, args: [text, 'second'] },
        file: { owner: text },
      },
    }));
  try {
    await counting.append(eventsOf(0));
    await counting.flush();
    // The same values once more, in memory alone.
    await counting.append(eventsOf(texts.length));
    for (const distinct of [
      ['process.command_line', 'process.pid'],
      ['process.command_line', 'file.owner'],
      ['@timestamp', 'process.command_line'],
      ['process.pid', 'vedette.position'],
    ]) {
      const shape = { query: EVERYTHING, range: ALL_TIME, distinct, limit: 100 };
      expect(await counting.aggregate({ ...shape, groupBy: [] })).toMatchObject({
        distinct: texts.length,
        isExact: true,
      });
      const grouped = await counting.aggregate({ ...shape, groupBy: ['process.command_line'] });
      expect(grouped.groups.map(({ count, distinct: different }) => [count, different])).toEqual(
        texts.map(() => [2, 1]),
      );
    }
    const lists = {
      query: EVERYTHING,
      range: ALL_TIME,
      groupBy: [],
      distinct: ['process.args', 'process.pid'],
      limit: 1,
    };
    expect(await counting.aggregate(lists)).toMatchObject({ distinct: 2 * texts.length, events: 2 * texts.length });
  } finally {
    await counting.close();
    rmSync(own, { recursive: true, force: true });
  }
});

it('does not wait for a total: what was counted by then is a lower bound', async () => {
  [counts, countsDone] = [0, 1];
  const found = await store.search({ query: EVERYTHING, range: ALL_TIME, limit: 5 });
  expect(found.events).toHaveLength(5);
  expect(found.isTotalExact).toBe(false);
  expect(found.total).toBeGreaterThan(5);
  expect(found.total).toBeLessThan(21);

  const calledOff = AbortSignal.timeout(100);
  countsDone = 0;
  const search = store.search({ query: EVERYTHING, range: ALL_TIME, limit: 5, signal: calledOff });
  await expect(search).rejects.toThrow();
});

it('looks through many events that only may match in few steps, and misses none', async () => {
  const own = mkdtempSync(join(tmpdir(), 'vedette-doubtful-'));
  const doubtful = await openEmbeddedStore({ folder: own, nowMs: () => START_MS });
  try {
    // Bursts of fifty with long gaps between; every 700th is meant, which RE2 in the database is not asked.
    const events = Array.from({ length: 3_000 }, (_, n) => ({
      id: `d${n}`,
      document: {
        '@timestamp': new Date(START_MS + Math.floor(n / 50) * 600_000 + (n % 7)).toISOString(),
        process: { pid: n, title: n % 700 === 3 ? 'meant' : '5' },
      },
    }));
    await doubtful.append(events);
    await doubtful.flush();
    const query: Query = { kind: 'regex', field: 'process.title', pattern: '\\pL+' };
    const meant = events.filter((_, n) => n % 700 === 3).map(({ id }) => id);
    for (const oldestFirst of [true, false]) {
      for (const limit of [1, 3, 5]) {
        let steps = 0;
        const progress = (): number => ++steps;
        const found = await doubtful.search({ query, range: ALL_TIME, limit, oldestFirst, progress });
        const expected = (oldestFirst ? meant : meant.toReversed()).slice(0, limit);
        expect(found.events.map(({ id }) => id)).toEqual(expected);
        expect(steps).toBeLessThan(25);
      }
    }
  } finally {
    await doubtful.close();
    rmSync(own, { recursive: true, force: true });
  }
});

it('counts by reading what takes the database more memory than it has', async () => {
  const own = mkdtempSync(join(tmpdir(), 'vedette-memory-'));
  let refused = 0;
  const narrow = await openEmbeddedStore({
    folder: own,
    nowMs: () => START_MS,
    openDatabase: async (limits, warn) => {
      const database = await openDatabaseThread(limits, warn);
      return {
        ...database,
        use: (path, lane, work, signal) =>
          database.use(
            path,
            lane,
            (session) => {
              const rows: Session['rows'] = async (sql, values) => {
                if (!sql.includes('json_extract_string')) return session.rows(sql, values);
                refused++;
                throw new Error('Out of Memory Error: failed to allocate data of size 8.0 MiB');
              };
              return work({ ...session, rows });
            },
            signal,
          ),
      };
    },
  });
  try {
    await narrow.append(
      Array.from({ length: 40 }, (_, n) => sampleEvent(n, { file: { owner: n % 4 === 0 ? 'ann' : 'bob' } })),
    );
    await narrow.flush();
    const query: Query = { kind: 'equals', field: 'file.owner', value: 'ann' };
    const found = await narrow.aggregate({ query, range: ALL_TIME, groupBy: ['host.id'], limit: 5 });
    expect(found).toMatchObject({ events: 10, groups: [{ keys: ['h1'], count: 10 }], isExact: true });
    expect(refused).toBe(1);
  } finally {
    await narrow.close();
    rmSync(own, { recursive: true, force: true });
  }
});

it('counts what a query means, whether a partition has odd rows or not', async () => {
  const range = { fromMs: START_MS, untilMs: Number.MAX_SAFE_INTEGER };
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(documents, { minLength: 6, maxLength: 12 }),
      fc.array(queries, { minLength: 25, maxLength: 25 }),
      async (made, asked) => {
        const own = mkdtempSync(join(tmpdir(), 'vedette-counts-'));
        const counted = await openEmbeddedStore({
          folder: own,
          nowMs: () => START_MS,
          limits: { countMs: 60_000 },
          openDatabase: databaseHere,
        });
        const events = made.map((document, n) => ({
          id: `r${n}`,
          document: { ...document, '@timestamp': new Date(START_MS + n * 7_200_000).toISOString() },
        }));
        await counted.append(events);
        await counted.flush();
        for (const query of asked) {
          const meant = events.filter(({ document }) => matchesQuery(query, document)).length;
          const found = await counted.search({ query, range, limit: 0 });
          if (found.isTotalExact) expect(found.total).toBe(meant);
          else expect(found.total).toBeLessThanOrEqual(Math.max(1, meant));
          if (found.isTotalExact && meant > 0) exact += 1;
        }
        await counted.close();
        rmSync(own, { recursive: true, force: true });
      },
    ),
    { numRuns: 3 },
  );
  expect(exact).toBeGreaterThan(3);
});
