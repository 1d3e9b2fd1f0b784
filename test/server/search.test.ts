// The routes that read events for people: searches in one piece and in lines, counts, what is around, process trees, followers.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../event/document.ts';
import { pagedSearch } from '../../server/paged-search.ts';
import { FOLLOWERS_MAX } from '../../server/routes-follow.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { eventually, START_MS, startTestServer, type TestServer } from './server-under-test.ts';

let store: EventStore;
let server: TestServer;
let token: string;

beforeAll(async () => {
  store = openMemoryStore();
  server = await startTestServer({ store: { kind: 'given', store } });
  token = server.tokens.reader;
});
afterAll(() => server.end());

const RANGE = { sinceMs: START_MS - 3_600_000, untilMs: START_MS + 1 };

/** An event `s` seconds before the server's now. */
function event(id: string, s: number, document: Record<string, unknown>): NewEvent {
  return {
    id,
    document: {
      '@timestamp': new Date(START_MS - s * 1_000).toISOString(),
      host: { id: 'h1', name: 'web-1' },
      ...document,
    },
  };
}

const ask = (path: string, body: unknown) => server.call('POST', `/api/v1/${path}`, { token, body });

interface LineStream {
  readonly lines: AsyncIterator<Record<string, unknown>>;
  readonly status: number;
  end(): void;
}

function askInLines(path: string, body: unknown): Promise<LineStream> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson',
    };
    const outgoing = request(
      `${server.running.url}/api/v1/${path}`,
      { method: 'POST', headers, agent: false },
      (answer) => {
        const parsed = (async function* () {
          let rest = '';
          for await (const chunk of answer) {
            const whole = (rest + String(chunk)).split('\n');
            rest = whole.pop() ?? '';
            for (const line of whole) yield JSON.parse(line) as Record<string, unknown>;
          }
        })();
        resolve({ lines: parsed, status: answer.statusCode ?? 0, end: () => outgoing.destroy() });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

async function all(stream: LineStream): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  for (let next = await stream.lines.next(); next.done !== true; next = await stream.lines.next())
    lines.push(next.value);
  return lines;
}

describe('search', () => {
  beforeAll(() =>
    store.append([
      event('s1', 50, { process: { name: 'bash' }, auditd: { paths: [{ name: '/a' }, { name: '/b' }] }, s: 1 }),
      event('s2', 40, { process: { name: 'bash' }, s: 1 }),
      event('s3', 30, { process: { name: 'curl' }, s: 1 }),
    ]),
  );

  it('gives the oldest first where asked, and only the fields asked for', async () => {
    const fields = ['process.name', 'auditd.paths.name', 'absent'];
    const { body } = await ask('search', { ...RANGE, query: 's:1', oldestFirst: true, limit: 2, fields });
    expect(body).toMatchObject({
      events: [
        { id: 's1', document: { 'process.name': 'bash', 'auditd.paths.name': ['/a', '/b'] } },
        { id: 's2', document: { 'process.name': 'bash' } },
      ],
      total: 3,
    });
    expect(Object.keys(body.events[1].document)).toEqual(['process.name']);
  });

  it('warns of fields that no event has, and says where a query is wrong', async () => {
    const { body } = await ask('search', { ...RANGE, query: 's:1 and process.nmae:bash' });
    expect(body.warnings).toMatchObject([
      { code: 'query/unknown-field', column: 1 },
      { code: 'query/unknown-field', column: 9, remedy: 'Did you mean `process.name`?' },
    ]);
    const refused = await ask('search', { ...RANGE, query: 'process.name:/a(/' });
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { code: 'query/regex', diagnostics: [{ column: 15, sourceLine: 'process.name:/a(/' }] } },
    });
  });

  it.each([
    { fields: 'process.name' },
    { fields: [''] },
    { fields: Array.from({ length: 41 }, () => 'a') },
    { limit: 10_001 },
    { limit: 0 },
  ])('refuses %j', async (more) => {
    expect((await ask('search', { ...RANGE, query: '*', ...more })).status).toBe(400);
  });

  it('answers in lines, the result last', async () => {
    const lines = await all(await askInLines('search', { ...RANGE, query: 's:1', limit: 1_000_000 }));
    expect(lines.filter((line) => 'event' in line).map((line) => (line['event'] as NewEvent).id)).toEqual([
      's3',
      's2',
      's1',
    ]);
    expect(lines.at(-1)).toMatchObject({ result: { total: 3, isTotalExact: true } });
    const refused = await all(await askInLines('search', { ...RANGE, query: 's:1', limit: -1 }));
    expect(refused).toMatchObject([{ error: { code: 'bad-request' } }]);
    expect((await askInLines('search', { ...RANGE, query: '(' })).status).toBe(400);
  });

  it('calls the store off when the client goes', async () => {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const slow: EventStore = {
      ...store,
      close: async () => undefined,
      search: ({ signal }) =>
        new Promise((_, reject) => {
          asked.resolve();
          signal?.addEventListener('abort', () => {
            gone.resolve();
            reject(signal.reason);
          });
        }),
    };
    const other = await startTestServer({ store: { kind: 'given', store: slow } });
    const headers = { authorization: `Bearer ${other.tokens.reader}`, 'content-type': 'application/json' };
    const outgoing = request(`${other.running.url}/api/v1/search`, { method: 'POST', headers, agent: false });
    outgoing.on('error', () => undefined);
    outgoing.end(JSON.stringify({ ...RANGE, query: '*' }));
    await asked.promise;
    outgoing.destroy();
    await gone.promise;
    await other.end();
  });
});

describe('paging', () => {
  it('gives every event once, in order, however many share a millisecond', async () => {
    const own = openMemoryStore();
    const times = [0, 0, 1, 2, 2, 2, 2, 2, 2, 3, 4, 4, 5, 5, 5, 5];
    await own.append(
      times.map((ms, n) => ({ id: `p${n}`, document: { '@timestamp': new Date(START_MS + ms).toISOString() } })),
    );
    for (const [oldestFirst, limit] of [
      [true, 100],
      [false, 100],
      [true, 7],
      [false, 11],
      [false, 16],
    ] as const) {
      const ids: string[] = [];
      const asked = {
        query: { kind: 'all' },
        range: { fromMs: 0, untilMs: START_MS + 100 },
        limit,
        oldestFirst,
      } as const;
      for await (const page of pagedSearch(own, asked, 4)) ids.push(...page.events.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toHaveLength(Math.min(limit, times.length));
      const found = ids.map((id) => times[Number(id.slice(1))] ?? 0);
      expect(found).toEqual([...found].sort((a, b) => (oldestFirst ? a - b : b - a)));
    }
  });
});

describe('aggregate', () => {
  it('counts by values, by time and by distinct values', async () => {
    await store.append([
      event('c1', 70, { c: 1, user: { name: 'ann' }, destination: { ip: '10.0.0.1' } }),
      event('c2', 10, { c: 1, user: { name: 'ann' }, destination: { ip: '10.0.0.1' } }),
      event('c3', 10, { c: 1, user: { name: 'bob' }, destination: { ip: '10.0.0.2' } }),
    ]);
    const { body } = await ask('aggregate', {
      ...RANGE,
      query: 'c:1',
      groupBy: ['user.name'],
      distinct: ['destination.ip'],
      bucketMs: 60_000,
    });
    expect(body).toMatchObject({
      groups: [
        { keys: ['ann'], count: 1, distinct: 1, bucketMs: START_MS - 120_000 },
        { keys: ['ann'], count: 1, distinct: 1, bucketMs: START_MS - 60_000 },
        { keys: ['bob'], count: 1, distinct: 1, bucketMs: START_MS - 60_000 },
      ],
      combinations: 2,
      events: 3,
      distinct: 2,
      isExact: true,
      warnings: [{ code: 'query/unknown-field' }],
    });
    const lines = await all(await askInLines('aggregate', { ...RANGE, query: 'c:1' }));
    expect(lines.at(-1)).toMatchObject({ result: { events: 3, groups: [{ keys: [], count: 3 }] } });
  });

  it.each([{ groupBy: Array.from({ length: 9 }, () => 'a') }, { bucketMs: 0 }, { limit: 10_001 }, { distinct: 'a' }])(
    'refuses %j',
    async (more) => {
      expect((await ask('aggregate', { ...RANGE, query: '*', ...more })).status).toBe(400);
    },
  );
});

describe('around', () => {
  beforeAll(() =>
    store.append([
      ...Array.from({ length: 9 }, (_, n) => event(`a${n}`, 1_000 - n, { a: n })),
      event('elsewhere', 996, { host: { id: 'h2' } }),
    ]),
  );

  it('gives the nearest events of the same host, the event itself among them', async () => {
    const { body } = await ask('around', { id: 'a4', withinMs: 3_000 });
    expect(body.events.map(({ id }: NewEvent) => id)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
    expect(body).toMatchObject({ id: 'a4', isComplete: true, untilMs: START_MS - 996_000 + 3_001 });
    const few = await ask('around', { id: 'a4', limit: 4 });
    expect(few.body).toMatchObject({ isComplete: false });
    expect(few.body.events.map(({ id }: NewEvent) => id)).toEqual(['a3', 'a4', 'a5', 'a6']);
    const edge = await ask('around', { id: 'a8', limit: 3, withinMs: 5_000, query: 'a:<7' });
    expect(edge.body.events.map(({ id }: NewEvent) => id)).toEqual(['a5', 'a6', 'a8']);
  });

  it('says that there is no such event', async () => {
    expect((await ask('around', { id: "x' OR 1=1" })).status).toBe(404);
  });
});

describe('tree', () => {
  const chain = (...names: readonly string[]) =>
    names.map((name) => ({ pid: Number(name.replace(/\D/g, '')) || 1, entity_id: name, name: `n-${name}` }));
  const act = (
    id: string,
    s: number,
    names: readonly string[],
    more: Record<string, unknown> = {},
    action = 'executed',
  ): NewEvent => {
    const [self, ...ancestors] = chain(...names);
    const { entity_id, pid, name } = self ?? { entity_id: '', pid: 0, name: '' };
    return event(id, s, {
      event: { action },
      user: { name: `u-${entity_id}` },
      process: {
        entity_id,
        pid,
        name,
        ...(action === 'executed' ? { command_line: `${name} --run`, args: [name] } : {}),
        parent: { entity_id: ancestors[0]?.entity_id, pid: ancestors[0]?.pid, name: ancestors[0]?.name },
        ancestors,
        ancestors_complete: true,
        ...more,
      },
    });
  };

  beforeAll(() =>
    store.append([
      act('t-init', 3_000, ['T1']),
      act('t-sshd', 2_000, ['T20', 'T1']),
      act('t-bash', 500, ['T30', 'T20', 'T1']),
      act('t-curl', 400, ['T40', 'T30', 'T20', 'T1']),
      act('t-curl-ends', 395, ['T40', 'T30', 'T20', 'T1'], { exit_code: 6 }, 'ended'),
      // A fork that never execs, and one that does nothing but fork.
      act('t-fork', 390, ['T41', 'T30', 'T20', 'T1'], {}, 'opened-file'),
      act('t-deep', 380, ['T60', 'T50', 'T30', 'T20', 'T1']),
      // Of another host, which claims to descend from here.
      {
        ...act('t-liar', 370, ['T99', 'T30', 'T20', 'T1']),
        document: { ...act('x', 370, ['T99', 'T30']).document, host: { id: 'h2' } },
      },
      // It says that it is its own ancestor.
      act('t-odd', 360, ['T70', 'T70', 'T30', 'T20', 'T1']),
    ]),
  );

  const tree = async (id: string, more: Record<string, unknown> = {}) => (await ask('tree', { id, ...more })).body;
  const shown = (body: { processes: { entityId: string; role: string; parent?: string }[] }) =>
    body.processes.map(({ entityId, role, parent }) => `${role[0]} ${entityId} < ${parent ?? '-'}`);

  const OF_BASH = [
    'a T1 < -',
    'a T20 < T1',
    's T30 < T20',
    'd T40 < T30',
    'd T50 < T30',
    'd T60 < T50',
    'd T70 < T30',
    'd T41 < T30',
  ];

  it('goes up to the root and down to every descendant, from an entity id or an event id', async () => {
    const body = await tree('T30');
    expect([...shown(body)].sort()).toEqual([...OF_BASH].sort());
    expect(body).toMatchObject({ subject: 'T30', host: { id: 'h1', name: 'web-1' }, isRooted: true, isComplete: true });
    const curl = body.processes.find(({ entityId }: { entityId: string }) => entityId === 'T40');
    expect(curl).toMatchObject({
      pid: 40,
      commandLine: 'n-T40 --run',
      user: 'u-T40',
      startMs: START_MS - 400_000,
      endMs: START_MS - 395_000,
      exitCode: 6,
      events: 2,
    });
    expect(shown(await tree('t-bash'))).toEqual(shown(body));
  });

  it('knows a process of whose own nothing is stored, by what its descendants say', async () => {
    const body = await tree('T50');
    expect(shown(body)).toEqual(['a T1 < -', 'a T20 < T1', 'a T30 < T20', 's T50 < T30', 'd T60 < T50']);
    expect(body.processes.find(({ role }: { role: string }) => role === 'subject')).toMatchObject({
      pid: 50,
      name: 'n-T50',
    });
  });

  it('finds the ancestors of a process that began before the range', async () => {
    const body = await tree('T30', { sinceMs: START_MS - 392_000 });
    expect(shown(body).slice(0, 3)).toEqual(OF_BASH.slice(0, 3));
    expect(shown(body)).not.toContain('d T40 < T30');
    expect(body.processes[2]).toMatchObject({ commandLine: 'n-T30 --run', startMs: START_MS - 500_000 });
  });

  it('is bounded, and says so', async () => {
    const body = await tree('T30', { limit: 5 });
    expect(body.processes).toHaveLength(5);
    expect(body.isComplete).toBe(false);
    expect((await ask('tree', { id: 'nobody' })).body).toMatchObject({ error: { code: 'no-process' } });
    expect((await ask('tree', { id: 's1' })).body).toMatchObject({ error: { code: 'no-lineage' } });
  });
});

describe('follow', () => {
  it('gives each new match once, from now on, and goes on from a cursor', async () => {
    await store.append([event('f0', 5, { f: 1 })]);
    const stream = await askInLines('follow', { query: 'f:1', fields: ['f'] });
    const first = await stream.lines.next();
    expect(first.value).toEqual({ cursor: expect.any(String) });
    await store.append([event('f1', 4, { f: 1 }), event('f2', 3, { f: 2 }), event('f3', 2, { f: 1 })]);
    const got: unknown[] = [];
    let cursor: unknown;
    while (cursor === undefined) {
      const { value } = await stream.lines.next();
      if (value['event'] !== undefined) got.push(value['event']);
      else cursor = value['cursor'];
    }
    expect(got).toEqual([
      { id: 'f1', document: { f: 1 } },
      { id: 'f3', document: { f: 1 } },
    ]);
    stream.end();
    await store.append([event('f4', 1, { f: 1 })]);
    const again = await askInLines('follow', { query: 'f:1', cursor });
    expect((await again.lines.next()).value).toEqual({ cursor });
    expect((await again.lines.next()).value).toMatchObject({ event: { id: 'f4' } });
    again.end();
  });

  it('serves so many at once, and no more', async () => {
    const streams: LineStream[] = [];
    for (let n = 0; n < FOLLOWERS_MAX; n++) streams.push(await askInLines('follow', { query: 'f:9' }));
    expect(streams.every(({ status }) => status === 200)).toBe(true);
    expect((await askInLines('follow', { query: 'f:9' })).status).toBe(429);
    for (const stream of streams) stream.end();
    await eventually(async () => (await askInLines('follow', { query: 'f:9' })).status === 200);
  });

  it('answers in lines only, and takes no foreign cursor', async () => {
    expect((await ask('follow', { query: '*' })).status).toBe(406);
    expect((await askInLines('follow', { query: '*', cursor: 'nonsense' })).status).toBe(400);
  });
});
