// The collector straight on a real Elasticsearch with security on: an API key that may do no more than docs/collector.md says,
// the right index and id for every event, create only, refused events set aside and told, and a cluster that is away for a while.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@elastic/elasticsearch';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCollector } from '../../collector/collector.ts';
import type { Collector, Notice } from '../../collector/options.ts';
import { openElasticsearchStore, setUpElasticsearch } from '../../store/elasticsearch/elasticsearch-store.ts';
import { type OwnElasticsearchNode, startSecureElasticsearch } from '../elasticsearch/node.ts';

const PASSWORD = 'for-this-test-only';
const INDICES = 'vedette-events-*';
/** What docs/collector.md asks for, and nothing else. */
const LEAST_PRIVILEGE = { vedette: { indices: [{ names: [INDICES], privileges: ['create_doc', 'auto_configure'] }] } };
/** What docs/elasticsearch.md asks for, by who needs it. */
const INIT = { vedette: { cluster: ['manage_index_templates'] } };
const SERVER = {
  vedette: {
    indices: [
      {
        names: [INDICES],
        privileges: ['create_doc', 'auto_configure', 'read', 'view_index_metadata', 'monitor', 'maintenance', 'manage'],
      },
      { names: ['vedette-events_dropped'], privileges: ['index', 'auto_configure', 'read', 'monitor', 'maintenance'] },
    ],
  },
};
const READER = { vedette: { indices: [{ names: [INDICES], privileges: ['read', 'view_index_metadata'] }] } };

let node: OwnElasticsearchNode;
let client: Client;
let apiKey: string;
let folder: string;
let collectors: Collector[] = [];

beforeAll(async () => {
  node = await startSecureElasticsearch(PASSWORD);
  const auth = { username: 'admin', password: PASSWORD };
  client = new Client({ node: node.url, auth, maxRetries: 10 });
  // A Vedette server on the cluster leaves the template.
  const store = await openElasticsearchStore({ node: node.url, auth });
  await store.close();
  const { encoded } = await client.security.createApiKey({ name: 'host', role_descriptors: LEAST_PRIVILEGE });
  apiKey = encoded;
});
afterAll(async () => {
  await client?.close();
  await node?.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-shipping-'));
});
afterEach(async () => {
  await Promise.all(collectors.map((collector) => collector.close()));
  collectors = [];
  rmSync(folder, { recursive: true, force: true });
});

/** Lines of audit.log for execs with serials `first` … `first + count - 1`, the first `beforeMidnight` of them on the day before. */
function execs(first: number, count: number, { day, beforeMidnight }: { day: number; beforeMidnight: number }): string {
  let text = '';
  for (let at = 0; at < count; at += 1) {
    const second = (day - (at < beforeMidnight ? 15_000 : 0)) / 1000;
    const stamp = `audit(${second + Math.floor(at / 10)}.${100 + (at % 10)}:${first + at})`;
    text +=
      `type=SYSCALL msg=${stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=${900 + at} ` +
      'auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=1 comm="true" exe="/usr/bin/true" key=(null)\n' +
      `type=EXECVE msg=${stamp}: argc=2 a0="true" a1="n${first + at}"\ntype=EOE msg=${stamp}: \n`;
  }
  return text;
}

async function collect(name: string, notices: Notice[] = [], key: string = apiKey): Promise<Collector> {
  const apiKeyFile = join(folder, 'key');
  writeFileSync(apiKeyFile, `${key}\n`);
  const started = await startCollector({
    dataFolder: folder,
    server: { url: node.url, destination: 'elasticsearch', apiKeyFile, compression: 'gzip' },
    source: { kind: 'file', files: [join(folder, 'audit.log')], host: { id: name, name }, start: 'beginning' },
    onNotice: (notice) => notices.push(notice),
    now: Date.now,
  });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  collectors.push(started.collector);
  return started.collector;
}

async function until(what: string, holds: () => boolean | Promise<boolean>, forMs = 300_000): Promise<void> {
  const endMs = Date.now() + forMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Stored {
  readonly _index: string;
  readonly _id: string;
  readonly _version?: number;
  readonly _source: {
    readonly '@timestamp': string;
    readonly event: { readonly dataset: string; readonly sequence?: number };
    readonly process?: { readonly args?: readonly string[] };
    readonly vedette?: { readonly loss?: Readonly<Record<string, unknown>> };
  };
}

/** Everything of a host that the cluster holds, after a refresh. */
async function storedOf(host: string): Promise<readonly Stored[]> {
  await client.indices.refresh({ index: INDICES });
  const query = { term: { 'host.id': host } };
  const { hits } = await client.search({ index: INDICES, size: 5_000, query, version: true });
  return hits.hits as unknown as Stored[];
}

const execsOf = (stored: readonly Stored[]): readonly Stored[] =>
  stored.filter(({ _source }) => _source.process?.args?.[0] === 'true');
const serialsOf = (stored: readonly Stored[]): readonly number[] =>
  execsOf(stored)
    .map(({ _source }) => _source.event.sequence ?? 0)
    .sort((a, b) => a - b);
const range = (first: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => first + at);

describe('keys of least privilege', () => {
  const keyOf = async (name: string, role_descriptors: object): Promise<{ readonly apiKey: string }> => {
    const { encoded } = await client.security.createApiKey({
      name,
      role_descriptors: role_descriptors as typeof LEAST_PRIVILEGE,
    });
    return { apiKey: encoded };
  };

  it('sets up with one, serves with another, reads with a third, and none can do what it is not for', async () => {
    const [init, server, reader] = [
      await keyOf('init', INIT),
      await keyOf('server', SERVER),
      await keyOf('reader', READER),
    ];
    const steps = await setUpElasticsearch({ node: node.url, auth: init, isDryRun: false });
    expect(steps).toHaveLength(4);
    await expect(setUpElasticsearch({ node: node.url, auth: server, isDryRun: false })).rejects.toThrow(
      '(403): indices:admin/index_template',
    );

    const at = Date.UTC(2026, 9, 1, 12);
    const store = await openElasticsearchStore({ node: node.url, auth: server, nowMs: () => at });
    const events = [0, 1, 2].map((n) => ({
      id: `k.b.${n}`,
      document: { '@timestamp': new Date(at + n).toISOString(), host: { id: 'k' }, process: { name: 'sh' } },
    }));
    expect((await store.append(events)).map(({ kind }) => kind)).toEqual(['created', 'created', 'created']);
    const all = { query: { kind: 'all' }, range: { fromMs: at, untilMs: at + 1_000 } } as const;
    const batch = await store.next(undefined, { limit: 100, waitMs: 0 });
    expect(batch.events.map(({ id }) => id)).toEqual(expect.arrayContaining(['k.b.0', 'k.b.1', 'k.b.2']));
    expect(await store.search({ ...all, limit: 10 })).toMatchObject({ total: 3, isTotalExact: true });
    expect(await store.aggregate({ ...all, groupBy: ['process.name'], limit: 10 })).toMatchObject({ events: 3 });
    const scanned: unknown[] = [];
    for await (const part of store.scan(all.range)) scanned.push(...part);
    expect(scanned).toHaveLength(3);
    expect(await store.get('k.b.1')).toBeDefined();
    const { dropped } = await store.retain({ beforeMs: at + 86_400_000 });
    expect(dropped.map(({ events: count }) => count)).toContain(3);
    await store.end();
    await store.close();

    const as = (auth: { readonly apiKey: string }) => new Client({ node: node.url, auth, maxRetries: 0 });
    const [byServer, byReader] = [as(server), as(reader)];
    await client.index({ index: 'elsewhere', id: '1', document: {}, refresh: true });
    for (const other of [byServer, byReader]) {
      await expect(other.search({ index: 'elsewhere' })).rejects.toMatchObject({ statusCode: 403 });
      await expect(other.indices.delete({ index: 'elsewhere' })).rejects.toMatchObject({ statusCode: 403 });
      await expect(other.security.getUser()).rejects.toMatchObject({ statusCode: 403 });
    }
    await expect(byServer.index({ index: 'vedette-events-2026.10.02', id: 'x', document: {} })).rejects.toMatchObject({
      statusCode: 403,
    });
    await expect(byReader.create({ index: 'vedette-events-2026.10.02', id: 'x', document: {} })).rejects.toMatchObject({
      statusCode: 403,
    });
    expect((await byReader.search({ index: INDICES, ignore_unavailable: true })).timed_out).toBe(false);
    await byServer.close();
    await byReader.close();
  });
});

describe('the collector straight on Elasticsearch', () => {
  it('puts each event once into the index of its day under its own id, with a key that may only create', async () => {
    const day = Date.UTC(2026, 10, 20);
    const log = execs(1, 400, { day, beforeMidnight: 150 });
    writeFileSync(join(folder, 'audit.log'), log);
    const first = await collect('web-1');
    await until('all delivered', async () => serialsOf(await storedOf('web-1')).length >= 400);
    await first.close();
    const stored = await storedOf('web-1');
    expect(serialsOf(stored)).toEqual(range(1, 400));
    for (const { _index, _source } of stored) {
      expect(_index).toBe(`vedette-events-${_source['@timestamp'].slice(0, 10).replaceAll('-', '.')}`);
    }
    const byDay = execsOf(stored).filter(({ _index }) => _index.endsWith('2026.11.19'));
    expect(byDay).toHaveLength(150);
    expect(new Set(stored.map(({ _id }) => _id)).size).toBe(stored.length);

    // The same log again, by a collector that knows nothing of the first: every id meets its own index and is 409.
    rmSync(folder, { recursive: true, force: true });
    folder = mkdtempSync(join(tmpdir(), 'vedette-shipping-'));
    writeFileSync(join(folder, 'audit.log'), log);
    const again = await collect('web-1');
    // It has read the log to its end, and nothing of it is left.
    await until('all delivered again', () => {
      const { delivered, deliveredPosition, position } = again.figures();
      return delivered >= 400 && deliveredPosition >= position;
    });
    await again.close();
    expect(again.figures().rejected).toBe(0);
    const twice = await storedOf('web-1');
    expect(serialsOf(twice)).toEqual(range(1, 400));
    expect(execsOf(twice).every(({ _version }) => _version === 1)).toBe(true);
    expect(new Set(execsOf(twice).map(({ _id }) => _id))).toEqual(new Set(execsOf(stored).map(({ _id }) => _id)));

    const limited = new Client({ node: node.url, auth: { apiKey } });
    await expect(limited.search({ index: INDICES })).rejects.toMatchObject({ statusCode: 403 });
    const [one] = stored as [Stored];
    await expect(limited.delete({ index: one._index, id: one._id })).rejects.toMatchObject({ statusCode: 403 });
    await expect(limited.index({ index: one._index, id: one._id, document: {} })).rejects.toMatchObject({
      statusCode: 403,
    });
    await expect(limited.create({ index: 'elsewhere', id: 'x', document: {} })).rejects.toMatchObject({
      statusCode: 403,
    });
    await limited.close();
  });

  it('sets aside what the mapping refuses, with its reason, tells it as a loss, and goes on with the rest', async () => {
    // An index of that day that somebody made with a mapping of their own.
    await client.indices.create({
      index: 'vedette-events-2026.11.17',
      mappings: { properties: { process: { properties: { args: { type: 'long' } } } } },
      settings: { 'index.mapping.ignore_malformed': false },
    });
    const text =
      execs(1, 20, { day: Date.UTC(2026, 10, 17, 12), beforeMidnight: 0 }) +
      execs(21, 20, { day: Date.UTC(2026, 10, 18, 12), beforeMidnight: 0 });
    writeFileSync(join(folder, 'audit.log'), text);
    const notices: Notice[] = [];
    const collector = await collect('web-2', notices);
    await until('refused ones are set aside', () => collector.figures().rejected >= 20);
    let losses: readonly Stored[] = [];
    await until('the loss is stored', async () => {
      losses = (await storedOf('web-2')).filter(({ _source }) => _source.vedette?.loss?.['source'] === 'server');
      return losses.reduce((sum, { _source }) => sum + Number(_source.vedette?.loss?.['at_least']), 0) === 20;
    });
    await until('the others are stored', async () => serialsOf(await storedOf('web-2')).length >= 20);
    expect(serialsOf(await storedOf('web-2'))).toEqual(range(21, 20));
    const aside = readFileSync(join(folder, 'collector-files-web-2', 'rejected.ndjson'), 'utf8')
      .trim()
      .split('\n');
    expect(aside).toHaveLength(20);
    const kept = aside.map((line) => JSON.parse(line) as { status: number; reason: string; lines: string });
    for (const { status, reason } of kept) {
      expect(status).toBe(400);
      expect(reason).toContain('document_parsing_exception');
    }
    // What was set aside is the very request lines, so that it can be sent by hand once the mapping is mended.
    expect(JSON.parse((kept[0] as { lines: string }).lines.split('\n')[1] as string).event.sequence).toBe(1);
    expect(notices.map(({ code }) => code)).toContain('rejected');
  });

  it('loses nothing and stores nothing twice while the cluster is stopped and started again', async () => {
    const path = join(folder, 'audit.log');
    const day = Date.UTC(2026, 10, 21, 12);
    writeFileSync(path, execs(1, 200, { day, beforeMidnight: 0 }));
    const notices: Notice[] = [];
    const collector = await collect('web-3', notices);
    await until('the first are delivered', () => collector.figures().delivered >= 200);
    const halted = node.halt();
    for (let part = 0; part < 10; part += 1) {
      writeFileSync(path, execs(201 + part * 100, 100, { day, beforeMidnight: 0 }), { flag: 'a' });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await halted;
    await until('it is noticed', () => notices.some(({ code }) => code === 'not-delivered'));
    await node.resume();
    await until('all are delivered', () => collector.figures().deliveredPosition >= collector.figures().position);
    await until('all are stored', async () => serialsOf(await storedOf('web-3')).length >= 1200);
    const stored = await storedOf('web-3');
    expect(serialsOf(stored)).toEqual(range(1, 1200));
    expect(execsOf(stored).every(({ _version }) => _version === 1)).toBe(true);
    expect(collector.figures()).toMatchObject({ rejected: 0, lostAtLeast: 0 });
    expect(notices.map(({ code }) => code)).toContain('delivered-again');
  });

  it('keeps everything while its key is refused, and takes up the one that replaces it', async () => {
    writeFileSync(join(folder, 'audit.log'), execs(1, 50, { day: Date.UTC(2026, 10, 21, 13), beforeMidnight: 0 }));
    const notices: Notice[] = [];
    const wrong = Buffer.from('nobody:nothing').toString('base64');
    const collector = await collect('web-4', notices, wrong);
    await until('it is told', () => notices.some(({ code }) => code === 'token-refused'));
    expect(collector.figures()).toMatchObject({ delivered: 0, rejected: 0 });
    expect(notices.map(({ text }) => text).join(' ')).not.toContain(wrong);
    writeFileSync(join(folder, 'key'), apiKey);
    await until('all delivered', async () => serialsOf(await storedOf('web-4')).length >= 50);
    expect(serialsOf(await storedOf('web-4'))).toEqual(range(1, 50));
  });
});
