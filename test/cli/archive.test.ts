// Archives: what is exported comes back the same and once, however often it was interrupted; a damaged or hostile archive is named.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partName, readArchive } from '../../cli/archive/archive.ts';
import type { Invocation, Output } from '../../cli/command.ts';
import { exportInParts } from '../../cli/commands/export.ts';
import { orderKeyOf } from '../../event/order.ts';
import type { RunningServer } from '../../server/options.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { HOSTILE_DOCUMENTS, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { openApiServer } from './api-server.ts';
import { serveStore } from './served-store.ts';
import { makeFolder, runHere, type Said, type TestFolder } from './terminal.ts';

const AFTER_MS = START_MS + 3_600_000;
const EVENTS = [
  ...Array.from({ length: 200 }, (_, n) => sampleEvent(n)),
  ...HOSTILE_DOCUMENTS.map((document, n) => ({
    id: `h1.x.${n}`,
    document: { '@timestamp': new Date(START_MS + n).toISOString(), ...document },
  })),
];

let folder: TestFolder;
const servers: RunningServer[] = [];

beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  folder.remove();
});

async function serve(store: EventStore, name = 'data'): Promise<RunningServer> {
  const server = await serveStore(store, join(folder.path, name), () => AFTER_MS);
  servers.push(server);
  return server;
}

async function filled(): Promise<EventStore> {
  const store = openMemoryStore();
  await store.append(EVENTS);
  return store;
}

async function everything(store: EventStore): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>();
  for await (const batch of store.scan({ fromMs: 0, untilMs: Number.POSITIVE_INFINITY }))
    for (const { id, document } of batch) {
      expect(all.has(id)).toBe(false);
      all.set(id, document);
    }
  return all;
}

/** The export with small parts; what it says is kept. */
async function exported(options: Readonly<Record<string, string>>, partBytes = 20_000) {
  let said = '';
  const output: Output = {
    stream: new PassThrough(),
    write: (text) => {
      said += text;
    },
    isTTY: false,
    columns: 0,
  };
  const context = { env: {}, cwd: folder.path, stdout: output, stderr: output, now: () => AFTER_MS };
  const invocation: Invocation = {
    context,
    positionals: [],
    options: new Map(Object.entries({ data: join(folder.path, 'data'), ...options })),
    isJson: false,
  };
  return { result: await exportInParts(invocation, partBytes), said };
}

const out = (): string => join(folder.path, 'archive');
const dataOf = (name: string): readonly string[] => ['--data', join(folder.path, name)];

function importInto(server: RunningServer, name: string, ...words: readonly string[]): Promise<Said> {
  return runHere(['import', ...words, '--server', server.url, ...dataOf(name)], { cwd: folder.path });
}

function linesIn(path: string): readonly { readonly _id: string; readonly _source: Record<string, unknown> }[] {
  return zstdDecompressSync(readFileSync(path))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('export and import', () => {
  it('give back each event once, under its id, with its content', async () => {
    const store = await filled();
    const first = await serve(store);
    const { result } = await exported({ since: '1970-01-01', out: out(), server: first.url });
    expect(result).toBe(0);
    const archive = await readArchive(out());
    expect(archive?.isComplete).toBe(true);
    expect(archive?.parts.length).toBeGreaterThan(3);
    expect(archive?.parts.reduce((sum, { events }) => sum + events, 0)).toBe(EVENTS.length);
    const written = (archive?.parts ?? []).flatMap(({ name }) => linesIn(join(out(), name)));
    expect(new Map(written.map(({ _id, _source }) => [_id, _source]))).toEqual(await everything(store));
    const times = written.map(({ _id, _source }) => orderKeyOf(_id, _source).createdMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));

    const second = openMemoryStore();
    const server = await serve(second, 'other');
    const said = await importInto(server, 'other', out());
    // Documents that name no host, or are out of bounds, were put into the first store past its ingest.
    const rejected = Number(/(\d+) rejected/.exec(said.stdout)?.[1]);
    const all = await everything(second);
    expect([all.size + rejected, said.code]).toEqual([EVENTS.length, rejected > 0 ? 1 : 0]);
    for (const { id, document } of EVENTS.slice(0, 200)) {
      const { event, ...rest } = document as { event: Record<string, unknown> };
      const wanted = { ...rest, vedette: { ...(rest as { vedette: object }).vedette, imported: true } };
      expect(all.get(id)).toEqual({ ...wanted, event: { ...event, ingested: expect.any(String) } });
    }
    const again = await importInto(server, 'other', out());
    expect(again.stdout).toContain(`0 stored, ${all.size} duplicates`);
  });

  it('goes on after an interruption: nothing twice, nothing missing', async () => {
    const store = await filled();
    const server = await serve(store);
    const all = [...(await everything(store))].map(([id, document]) => ({ id, document }));
    const lines = all.map((event) => `${JSON.stringify({ event })}\n`);
    // An interrupted server: cut off in the middle of the events, twice; then nobody is there.
    const cuts = [90, 150];
    const torn = await openApiServer(({ body }) => {
      const { sinceMs } = JSON.parse(body) as { sinceMs: number };
      const from = all.findIndex(
        ({ id, document }) => orderKeyOf(id, document as Record<string, unknown>).createdMs >= sinceMs,
      );
      const cut = cuts.shift();
      if (cut === undefined)
        return { status: 400, body: { error: { code: 'enough', message: 'enough', remedy: 'x' } } };
      return { headers: { 'content-type': 'application/x-ndjson' }, body: lines.slice(from, cut).join('') };
    });
    const options = { since: '1970-01-01', until: '2026-12-31', out: out() };
    const broken = await exported({ ...options, server: torn.url });
    await torn.close();
    expect(broken.result).toMatchObject({ code: 'enough', remedy: expect.stringContaining('goes on where it was') });
    const half = await readArchive(out());
    expect([half?.isComplete, (half?.parts.length ?? 0) > 1]).toEqual([false, true]);
    expect(readdirSync(out()).filter((name) => name.endsWith('.new'))).toEqual([]);
    writeFileSync(join(out(), `${partName(99)}.new`), 'left behind by a kill');

    const { result, said } = await exported({ ...options, server: server.url });
    expect([result, said]).toEqual([0, expect.stringContaining('goes on after')]);
    const whole = await readArchive(out());
    const ids = (whole?.parts ?? []).flatMap(({ name }) => linesIn(join(out(), name)).map(({ _id }) => _id));
    expect([whole?.isComplete, ids.toSorted()]).toEqual([true, all.map(({ id }) => id).toSorted()]);
    expect(whole?.parts.slice(0, half?.parts.length)).toEqual(half?.parts);
  });

  it('keeps to the query, and refuses to go on with another', async () => {
    const server = await serve(await filled());
    const options = { since: '1970-01-01', out: out(), server: server.url };
    await exported({ ...options, query: 'process.name:curl' });
    expect((await readArchive(out()))?.parts.reduce((sum, { events }) => sum + events, 0)).toBe(100);
    expect((await exported(options)).result).toMatchObject({ code: 'export/other' });
  });

  it('does not write into a folder that holds something else', async () => {
    const server = await serve(await filled());
    mkdirSync(out());
    writeFileSync(join(out(), 'thesis.txt'), 'x');
    const { result } = await exported({ since: '1970-01-01', out: out(), server: server.url });
    expect(result).toMatchObject({ code: 'export/folder', message: expect.stringContaining('not empty') });
  });

  it('imports the rest of what was interrupted, and looks whether the server still has the first part', async () => {
    const server = await serve(await filled());
    await exported({ since: '1970-01-01', out: out(), query: 'process.name:(curl or bash)', server: server.url });
    const parts = (await readArchive(out()))?.parts ?? [];
    const third = parts[2];
    if (third === undefined) throw new Error('there are three parts');
    const path = join(out(), third.name);
    const kept = readFileSync(path);
    truncateSync(path, 100);
    const target = openMemoryStore();
    const other = await serve(target, 'other');
    const stopped = await importInto(other, 'other', out());
    expect([stopped.code, stopped.stderr]).toEqual([2, expect.stringContaining(`${third.name} has 100 bytes`)]);
    writeFileSync(path, kept);
    expect((await importInto(other, 'other', out())).code).toBe(0);
    expect((await everything(target)).size).toBe(200);
    expect(readdirSync(out()).includes('import.json')).toBe(false);

    // The notes of an import say that the first parts are there; a server that has lost them gets them all the same.
    truncateSync(path, 100);
    await importInto(other, 'other', out());
    expect(readdirSync(out()).includes('import.json')).toBe(true);
    await other.close();
    servers.splice(servers.indexOf(other), 1);
    rmSync(join(folder.path, 'other'), { recursive: true });
    const empty = openMemoryStore();
    const fresh = await serve(empty, 'other');
    writeFileSync(
      join(out(), 'import.json'),
      readFileSync(join(out(), 'import.json'), 'utf8').replace(other.url, fresh.url),
    );
    writeFileSync(path, kept);
    expect((await importInto(fresh, 'other', out())).code).toBe(0);
    expect((await everything(empty)).size).toBe(200);
  });
});

describe('a backtest over an archive', () => {
  const RULE = [
    'id: curl-started',
    'name: curl was started',
    'description: For a test.',
    'severity: low',
    'match: |',
    '  process.name = "curl"',
    'alert:',
    '  title: "{{process.name}} ran"',
    '  suppress: { for: 10s, by: [host.id] }',
    'tests:',
    '  - name: it runs',
    '    events: [{ event.action: executed, process.name: curl }]',
    '    alerts: 1',
  ].join('\n');

  it('finds what one over the store finds', async () => {
    const server = await serve(await filled());
    await exported({ since: '1970-01-01', out: out(), server: server.url });
    writeFileSync(join(folder.path, 'curl.yaml'), RULE);
    const words = ['backtest', 'curl.yaml', '--json', ...dataOf('data')];
    const cwd = { cwd: folder.path };
    const stored = await runHere(
      [...words, '--since', '1970-01-01', '--until', '2027-01-01', '--server', server.url],
      cwd,
    );
    const archived = await runHere([...words, '--archive', out()], cwd);
    const figures = ({ stdout }: Said): unknown => ({
      ...JSON.parse(stdout),
      durationMs: 0,
      eventsRead: 0,
      isNarrowed: false,
    });
    expect(figures(archived)).toEqual(figures(stored));
    expect(JSON.parse(archived.stdout)).toMatchObject({ eventsRead: EVENTS.length, detections: 100, isComplete: true });
  });

  it('names a damaged part', async () => {
    const server = await serve(await filled());
    await exported({ since: '1970-01-01', out: out(), server: server.url });
    truncateSync(join(out(), partName(2)), 50);
    writeFileSync(join(folder.path, 'curl.yaml'), RULE);
    const said = await runHere(['backtest', 'curl.yaml', '--archive', out(), ...dataOf('data')], { cwd: folder.path });
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining(`${partName(2)} has 50 bytes`)]);
  });
});

describe('an archive that lies', () => {
  const event = `{"_id":"h1.a.1","_source":{"@timestamp":"2026-11-21T12:00:00.000Z","host":{"id":"h1"}}}\n`;
  const list = (part: Readonly<Record<string, unknown>>, over: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({
      vedette: 'archive',
      version: 1,
      query: '*',
      since: '2026-11-21T00:00:00.000Z',
      until: '2026-11-22T00:00:00.000Z',
      complete: true,
      parts: [
        {
          name: partName(1),
          from: '2026-11-21T00:00:00.000Z',
          until: '2026-11-22T00:00:00.000Z',
          events: 1,
          bytes: 1_000,
          ...part,
        },
      ],
      ...over,
    });

  /** Lays an archive of one part down. */
  function lay(text: string, over: Readonly<Record<string, unknown>>): void {
    mkdirSync(out());
    const packed = zstdCompressSync(text);
    writeFileSync(join(out(), partName(1)), packed);
    const digest = createHash('sha256').update(packed).digest('hex');
    const { parts, version, ...part } = over;
    const outer = { ...(parts === undefined ? {} : { parts }), ...(version === undefined ? {} : { version }) };
    writeFileSync(join(out(), 'archive.json'), list({ packed_bytes: packed.length, sha256: digest, ...part }, outer));
  }

  async function importOf(text: string, over: Readonly<Record<string, unknown>> = {}, ...words: readonly string[]) {
    const store = openMemoryStore();
    const server = await serve(store);
    lay(text, over);
    const said = await importInto(server, 'data', out(), ...words);
    return { said, stored: (await everything(store)).size };
  }

  it('is none when it tells the truth', async () => {
    expect(await importOf(event)).toMatchObject({ said: { code: 0 }, stored: 1 });
  });

  it.each<[string, string, Readonly<Record<string, unknown>>, string]>([
    ['a name that leads out of the folder', event, { name: '../../etc/passwd' }, 'part 1 is none'],
    ['an absolute name', event, { name: '/etc/passwd' }, 'part 1 is none'],
    ['a digest that is none', event, { sha256: '__proto__' }, 'part 1 is none'],
    ['another digest', event, { sha256: '0'.repeat(64) }, 'its digest is another'],
    ['another size', event, { packed_bytes: 7 }, 'bytes instead of 7'],
    ['too few events', event + event, {}, 'more than the list says'],
    ['too many events', event, { events: 2 }, '1 events instead of 2'],
    ['a count that is none', event, { events: -1 }, 'no count'],
    ['a count beyond all bounds', event, { events: 1e300 }, 'no count'],
    ['no parts', event, { parts: {} }, 'lists no parts'],
    ['parts that are null', event, { parts: [null] }, '`name` is no text'],
    ['another format', event, { version: 2 }, 'format 2'],
    ['a gap in time', event, { from: '2026-11-21T01:00:00.000Z' }, 'gap'],
    ['a time that is none', event, { from: 'yesterday' }, 'no time'],
    ['a part that unpacks without end', `${' '.repeat(40_000_000)}\n`, {}, 'more than the list says'],
    ['a torn stream', '', { events: 1 }, '0 events instead of 1'],
  ])('by %s is refused', async (_, text, over, words) => {
    lay(text, over);
    const token = join(folder.path, 'token');
    writeFileSync(token, 'x');
    const nobody = await openApiServer(() => ({ status: 500, body: {} }));
    const said = await runHere(['import', out(), '--server', nobody.url, '--token-file', token], { cwd: folder.path });
    await nobody.close();
    // Nothing of it was sent.
    expect([said.code, said.stderr, nobody.asked]).toEqual([2, expect.stringContaining(words), []]);
  });

  it('by lines that are no events has those rejected, with their places', async () => {
    const lines = [
      event.trim(),
      'no json',
      '[]',
      '{"_id":1,"_source":{}}',
      '{"_id":"h1.b.1"}',
      '{"__proto__":{"_id":"h1.c.1","_source":{}}}',
      `{"_id":"h1.d.1","_source":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
      '{"_id":"h2.e.1","_source":{"@timestamp":"2026-11-21T12:00:00.000Z","host":{"id":"h1"}}}',
      '{"_id":"h1.f.1","_source":{"@timestamp":"2026-11-21T12:00:00.000Z","host":{"id":"h1"},"__proto__":{"polluted":true}}}',
    ];
    const { said, stored } = await importOf(`${lines.join('\n')}\n`, { events: lines.length, bytes: 1_000_000 });
    expect([said.code, stored]).toEqual([1, 2]);
    expect(said.stderr).toContain(`${partName(1)}:2: is no JSON`);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('by one part is imported without it where that is asked for', async () => {
    const { said, stored } = await importOf(event, { sha256: '0'.repeat(64) }, '--skip-damaged');
    expect([said.code, said.stderr, stored]).toEqual([1, expect.stringContaining('left out'), 0]);
  });

  it('by a link in the place of a part is refused', async () => {
    const server = await serve(openMemoryStore());
    mkdirSync(out());
    symlinkSync('/etc/passwd', join(out(), partName(1)));
    writeFileSync(join(out(), 'archive.json'), list({ packed_bytes: 1, sha256: '0'.repeat(64) }));
    expect((await importInto(server, 'data', out())).stderr).toContain('is no file');
  });
});
