// The same events in other forms: lines of JSON in zstd files, SQLite with the usual indexes, Elasticsearch.
import { createReadStream, createWriteStream, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { EventDocument } from '../event/document.ts';
import { openElasticsearchStore } from '../store/elasticsearch/elasticsearch-store.ts';
import { matchesQuery } from '../store/query/matches.ts';
import { startElasticsearch } from '../test/elasticsearch/node.ts';
import { eventTimeMs, storeEvent } from './store-events.ts';
import { forensicQueries, measure, quantile, queryOf } from './store-questions.ts';

export async function peerLines(folder: string, events: number, startMs: number): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const lines = [...(await ndjsonLines(folder, events, startMs)), ...sqliteLines(folder, events, startMs)];
  return process.env['VEDETTE_BENCH_ELASTICSEARCH'] === '1'
    ? [...lines, ...(await elasticsearchLines(events, startMs))]
    : lines;
}

async function ndjsonLines(folder: string, events: number, startMs: number): Promise<readonly string[]> {
  const file = join(folder, 'events.ndjson.zst');
  const lines = function* (): Generator<string> {
    for (let n = 0; n < events; n++) yield `${JSON.stringify(storeEvent(n, startMs).document)}\n`;
  };
  await pipeline(Readable.from(lines()), createZstdCompress(), createWriteStream(file));
  const query = queryOf('process.name:tar AND user.name:bob');
  const [began, used] = [performance.now(), process.cpuUsage()];
  let found = 0;
  for await (const line of createInterface({ input: createReadStream(file).pipe(createZstdDecompress()) })) {
    const document: EventDocument = JSON.parse(line);
    if (matchesQuery(query, document)) found++;
  }
  const perSecond = Math.round((events / (performance.now() - began)) * 1_000);
  const { user, system } = process.cpuUsage(used);
  return [
    `  NDJSON.zst and JSON.parse: ${(statSync(file).size / events).toFixed(0)} bytes an event; any question ${perSecond} events/s, CPU ${((user + system) / events).toFixed(1)} µs/event (${found} found)`,
  ];
}

function sqliteLines(folder: string, events: number, startMs: number): readonly string[] {
  const file = join(folder, 'events.sqlite');
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE events (id TEXT PRIMARY KEY, ts INTEGER, name TEXT, user TEXT, document TEXT) WITHOUT ROWID;
      CREATE INDEX by_ts ON events (ts); CREATE INDEX by_name ON events (name, ts); CREATE INDEX by_user ON events (user, ts)`);
    const insert = database.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?)');
    const began = performance.now();
    for (let n = 0; n < events; ) {
      database.exec('BEGIN');
      for (let at = 0; at < 4_096 && n < events; at++, n++) {
        const { id, document } = storeEvent(n, startMs);
        const { process: own, user } = document as { process: { name: string }; user: { name: string } };
        insert.run(id, eventTimeMs(n, startMs), own.name, user.name, JSON.stringify(document));
      }
      database.exec('COMMIT');
    }
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const loaded = Math.round((events / (performance.now() - began)) * 1_000);
    const timed = (sql: string): string => {
      const at = performance.now();
      const rows = database.prepare(sql).all();
      return `${(performance.now() - at).toFixed(0)} ms (${rows.length} rows)`;
    };
    return [
      `  SQLite: loaded at ${loaded} events/s, ${(statSync(file).size / events).toFixed(0)} bytes an event`,
      `    a rare program, by its index ${timed("SELECT document FROM events WHERE name = 'xmrig' ORDER BY ts DESC LIMIT 100")}`,
      `    *curl* in command lines ${timed("SELECT document FROM events WHERE document ->> '$.process.command_line' LIKE '%curl%' ORDER BY ts DESC LIMIT 100")}`,
      `    programs most run ${timed('SELECT name, count(*) FROM events GROUP BY name')}`,
      `    connections by program and user ${timed("SELECT name, user, count(DISTINCT document ->> '$.destination.ip') FROM events WHERE document ->> '$.network.direction' = 'egress' GROUP BY name, user")}`,
    ];
  } finally {
    database.close();
  }
}

async function elasticsearchLines(events: number, startMs: number): Promise<readonly string[]> {
  const node = await startElasticsearch();
  try {
    const store = await openElasticsearchStore({ node: node.url, prefix: 'bench' });
    const began = performance.now();
    for (let n = 0; n < events; n += 2_000) {
      await store.append(Array.from({ length: Math.min(2_000, events - n) }, (_, at) => storeEvent(n + at, startMs)));
    }
    const loaded = Math.round((events / (performance.now() - began)) * 1_000);
    const { bytes } = await store.statistics();
    const span = {
      fromMs: startMs - 10_000,
      untilMs: eventTimeMs(events, startMs) + 1,
      id: storeEvent(events >> 1, startMs).id,
    };
    const { lines, times } = await measure(store, forensicQueries(span, 'whole'), 4);
    await store.close();
    return [
      `  Elasticsearch: loaded at ${loaded} events/s, ${(bytes / events).toFixed(0)} bytes an event, p95 of the eight ${quantile(times, 0.95).toFixed(0)} ms`,
      ...lines.map((line) => `    ${line}`),
    ];
  } finally {
    await node.stop();
  }
}
