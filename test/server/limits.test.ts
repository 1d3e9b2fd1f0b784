import type { IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { HOST_ID_PATTERN } from '../../event/id.ts';
import {
  type Admission,
  admit,
  DOCUMENT_DEPTH_MAX,
  DOCUMENT_FIELDS_MAX,
  FIELD_NAME_LENGTH_MAX,
} from '../../server/admission.ts';
import { ProblemError } from '../../server/api-error.ts';
import { ATTEMPTS_TOTAL_MAX, createAttempts } from '../../server/attempts.ts';
import { BULK_ITEMS_MAX, BULK_LIMITS, type BulkLimits, NoRoom, readBulk } from '../../server/bulk-reader.ts';
import { bulkStream } from '../../server/bulk-stream.ts';
import { createDeliveryFence } from '../../server/delivery-fence.ts';
import { enroll, HOST_NAME_LENGTH_MAX } from '../../server/enrollment.ts';
import { createHostBook } from '../../server/host-book.ts';
import { createIngest } from '../../server/ingest.ts';
import { createLanes } from '../../server/lane.ts';
import { ALERTS_LIMIT_MAX } from '../../server/routes-alerts.ts';
import { SEARCH_LIMIT_MAX } from '../../server/routes-search.ts';
import { SEARCHES_MAX } from '../../server/search-desk.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { Account, HostRecord } from '../../store/state/state-port.ts';
import { bulkOf, eventually, execEvent, START_MS, startTestServer } from './server-under-test.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = (text: string, limits: Partial<BulkLimits> = {}, size = 7) =>
  readBulk(inPieces(text, size), { ...BULK_LIMITS, ...limits });
const kindsOf = (body: Awaited<ReturnType<typeof read>>) =>
  body.kind === 'read' ? body.items.map((item) => (item.kind === 'refused' ? item.status : item.id)) : body.kind;

describe('a _bulk body', () => {
  const lines = (number: number, padding = '') => `{"create":{"_id":"h.${number}"}}\n{"a":"${padding}"}\n`;

  it('with a line that is too long loses that event alone', async () => {
    const body = await read(lines(1) + lines(2, 'x'.repeat(100)) + lines(3), { lineBytesMax: 60 });
    expect(kindsOf(body)).toEqual(['h.1', 413, 'h.3']);
  });

  it('may hold so many bytes and events, and no more', async () => {
    const text = lines(1) + lines(2);
    expect(kindsOf(await read(text, { bodyBytesMax: text.length }))).toEqual(['h.1', 'h.2']);
    expect(kindsOf(await read(text, { bodyBytesMax: text.length - 1 }))).toBe('too-large');
    expect(kindsOf(await read(text, { itemsMax: 2 }))).toEqual(['h.1', 'h.2']);
    expect(kindsOf(await read(text, { itemsMax: 1 }))).toBe('too-large');
    expect(kindsOf(await read('\n'.repeat(10), { itemsMax: 3 }))).toBe('too-large');
    expect(BULK_ITEMS_MAX).toBe(BULK_LIMITS.itemsMax);
  });

  it('is given up when there is no room for it', async () => {
    await expect(read(lines(1), { reserve: () => false })).rejects.toBeInstanceOf(NoRoom);
  });

  it('may end without a newline, and with carriage returns and blank lines between', async () => {
    expect(kindsOf(await read('{"create":{"_id":"h.1"}}\r\n{"a":1}\r\n\r\n\n{"create":{"_id":"h.2"}}\n{}'))).toEqual([
      'h.1',
      'h.2',
    ]);
    expect(kindsOf(await read('{"create":{"_id":"h.1"}}\n'))).toEqual([400]);
  });

  it.each([
    ['{"create":{"_id":""}}'],
    ['{"create":{"_id":"a\\u0000b"}}'],
    ['{"create":{"_id":"\\ud800"}}'],
    ['{"create":{"_id":{}}}'],
    [`{"create":{"_id":"${'x'.repeat(513)}"}}`],
    ['{"create":1}'],
    ['{"create":{},"index":{}}'],
    ['{"__proto__":{}}'],
    ['[]'],
  ])('refuses the action %s', async (action) => {
    expect(kindsOf(await read(`${action}\n{}\n${lines(2)}`))).toEqual([400, 'h.2']);
  });

  it('that unpacks to nothing for ever is ended by what came over the wire', async () => {
    // A gzip header whose file name has no end.
    const head = Buffer.from([0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 0xff]);
    const request = new PassThrough();
    const unpacked = (async () => {
      for await (const _chunk of bulkStream(
        Object.assign(request, { headers: { 'content-encoding': 'gzip' } }) as never,
        10_000,
      ));
    })();
    request.write(head);
    for (let at = 0; at < 20; at++) request.write(Buffer.alloc(1_000, 0x61));
    await expect(unpacked).rejects.toMatchObject({ problem: { status: 413 } });
  });

  it('refuses a document that is not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"create":{"_id":"h.1"}}\n{"a":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n'),
    ]);
    expect(kindsOf(await readBulk(Readable.from([bytes])))).toEqual([400]);
  });

  it('property: is read the same however it is cut', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        '{"create":{}}',
        '{"create":{"_id":"x"}}',
        '{"delete":{}}',
        '{"index":{}}',
        '',
        '{',
        'null',
        '{"a":"é€𝄞"}',
      ),
      fc.json(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), async (all, size) => {
        const text = all.join('\n');
        expect(await read(text, {}, size)).toEqual(await read(text, {}, 1_000_000));
      }),
    );
  });
});

describe('a document', () => {
  const admission: Admission = { hostId: 'h', hostName: 'n', nowMs: START_MS, stampMs: START_MS };
  const outcome = (document: EventDocument, change: Partial<Admission> = {}) =>
    admit(
      {
        kind: 'document',
        action: 'create',
        index: undefined,
        id: 'h.1',
        document: document as Record<string, unknown>,
        source: undefined,
      },
      { ...admission, ...change },
    );
  const nested = (depth: number): EventDocument => (depth === 1 ? { a: 1 } : { a: nested(depth - 1) });

  it('nests so deep and no deeper, by objects, arrays or dots', () => {
    expect(outcome(nested(DOCUMENT_DEPTH_MAX)).kind).toBe('admitted');
    expect(outcome(nested(DOCUMENT_DEPTH_MAX + 1)).kind).toBe('refused');
    expect(outcome({ [`a${'.a'.repeat(DOCUMENT_DEPTH_MAX - 1)}`]: 1 }).kind).toBe('admitted');
    expect(outcome({ [`a${'.a'.repeat(DOCUMENT_DEPTH_MAX)}`]: 1 }).kind).toBe('refused');
    expect(outcome(JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).kind).toBe('refused');
  });

  it('has so many fields, with names so long', () => {
    const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, at]));
    expect(outcome(wide(DOCUMENT_FIELDS_MAX)).kind).toBe('admitted');
    expect(outcome(wide(DOCUMENT_FIELDS_MAX + 1)).kind).toBe('refused');
    expect(outcome({ ['n'.repeat(FIELD_NAME_LENGTH_MAX + 1)]: 1 }).kind).toBe('refused');
    expect(outcome({ args: Array.from({ length: 200_000 }, () => 'x') }).kind).toBe('admitted');
  });

  it.each([
    ['2026-03-01T11:00:00.123456789Z', '2026-03-01T11:00:00.123456789Z'],
    ['2026-03-01T13:00:00+02:00', '2026-03-01T13:00:00+02:00'],
    ['2026-03-01T11:00:00', '2026-03-01T11:00:00Z'],
    ['2026-03-01', '2026-03-01'],
    [1_772_362_800_000, '2026-03-01T11:00:00.000Z'],
    ['March 1, 2026', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2100-01-01T00:00:00Z', undefined],
    [-1, undefined],
    [1e300, undefined],
    [true, undefined],
  ])('has an @timestamp that everybody reads alike: %j', (given, kept) => {
    const admitted = outcome({ '@timestamp': given });
    expect(admitted.kind === 'admitted' ? admitted.event.document['@timestamp'] : undefined).toBe(kept);
  });

  it('of an importer needs a host, and its windows go by when it happened', () => {
    const importer = { hostId: undefined, hostName: undefined };
    expect(outcome({}, importer).kind).toBe('refused');
    const admitted = outcome({ '@timestamp': '2020-01-01T00:00:00Z', host: { id: 'h' } }, importer);
    expect(admitted).toMatchObject({
      event: { document: { event: { created: '2020-01-01T00:00:00.000Z' }, vedette: { imported: true } } },
    });
  });

  it('property: whatever JSON it is, it is admitted or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (document) => {
        const admitted = outcome(document as EventDocument);
        if (admitted.kind === 'admitted') expect((admitted.event.document['host'] as { id: string }).id).toBe('h');
      }),
    );
  });
});

describe('the server takes no more than it can hold', () => {
  const host: Account = { id: 'h', role: 'host', isRevoked: false, createdMs: 0 };
  const emptyBook = () => {
    const records = new Map<string, HostRecord>();
    return createHostBook({
      list: () => [...records.values()],
      get: (id) => records.get(id),
      put: (record) => void records.set(record.id, record),
      putAll: () => undefined,
    });
  };

  it('of bodies under way at once, and makes room when one is done', async () => {
    const text = bulkOf([execEvent('h', 1)]);
    const ingest = createIngest({
      store: openMemoryStore(),
      hosts: emptyBook(),
      fence: createDeliveryFence({ latenessMs: 1, staleAfterMs: 1, onAdvance: () => undefined }),
      lanes: createLanes(),
      now: () => START_MS,
      hostCameBack: async () => undefined,
      inflightBytesMax: text.length,
    });
    const bulk = (body: string) =>
      ingest.bulk({
        account: host,
        body: Object.assign(Readable.from([Buffer.from(body)]), { headers: {} }) as unknown as IncomingMessage,
        index: undefined,
        progress: undefined,
        isSignOff: false,
      });
    const refused = await bulk(`${text}\n`).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProblemError);
    expect(refused).toMatchObject({ problem: { status: 429, code: 'overloaded', retryAfterS: 1 } });
    expect((await bulk(text)).errors).toBe(false);
    expect((await bulk(text)).items[0]?.['create']?.status).toBe(409);
  });

  it('of one sender’s bodies that never end: the others keep their room', async () => {
    const text = bulkOf([execEvent('h', 1)]);
    const ingest = createIngest({
      store: openMemoryStore(),
      hosts: emptyBook(),
      fence: createDeliveryFence({ latenessMs: 1, staleAfterMs: 1, onAdvance: () => undefined }),
      lanes: createLanes(),
      now: () => START_MS,
      hostCameBack: async () => undefined,
      inflightBytesMax: text.length * 4,
      senderBytesMax: text.length * 2,
    });
    const bulk = (account: Account, body: Readable) =>
      ingest.bulk({
        account,
        body: Object.assign(body, { headers: {} }) as unknown as IncomingMessage,
        index: undefined,
        progress: undefined,
        isSignOff: false,
      });
    const whole = () => Readable.from([Buffer.from(text)]);
    const endless = new PassThrough();
    const waiting = bulk(host, endless);
    endless.write(text + text);
    await eventually(() => endless.readableLength === 0 || undefined);
    await expect(bulk(host, whole())).rejects.toMatchObject({ problem: { status: 429, code: 'overloaded' } });
    const other = { ...host, id: 'other' };
    expect((await bulk(other, Readable.from([Buffer.from(bulkOf([execEvent('other', 1)]).slice(0, -1))]))).errors).toBe(
      false,
    );
    endless.end();
    await waiting;
    expect((await bulk(host, whole())).items[0]?.['create']?.status).toBe(409);
  });

  it('of hosts, of names, and of guesses from everywhere together', () => {
    const accounts = {
      byTokenHash: () => undefined,
      byId: () => undefined,
      put: () => undefined,
      revoke: () => true,
      list: () => [],
    };
    const attempts = createAttempts();
    const context = { accounts, hosts: emptyBook(), attempts, enrollmentSecret: 's', hostsMax: 1 };
    const attempt = {
      secret: 's',
      hostId: 'h',
      hostName: 'h',
      token: undefined,
      account: undefined,
      sender: 'x',
      nowMs: 0,
    };
    const long = 'n'.repeat(HOST_NAME_LENGTH_MAX + 1);
    expect(() => enroll(context, { ...attempt, hostName: long })).toThrow(/host.name/);
    expect(enroll(context, attempt).host_id).toMatch(HOST_ID_PATTERN);
    expect(() => enroll(context, { ...attempt, hostId: 'h2' })).toThrow(/1 hosts already/);
    for (let at = 0; at < ATTEMPTS_TOTAL_MAX; at++) attempts.fail(`s${at % 200}`, 0);
    expect(attempts.isAllowed('never seen', 0)).toBe(false);
    expect(attempts.isAllowed('never seen', 60_000)).toBe(true);
  });

  it('of searches and backtests at once', async () => {
    const store = openMemoryStore();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let waiting = 0;
    const slow = {
      ...store,
      search: async (...args: Parameters<typeof store.search>) => {
        waiting += 1;
        await gate;
        return store.search(...args);
      },
      async *scan(...args: Parameters<typeof store.scan>) {
        waiting += 1;
        await gate;
        yield* store.scan(...args);
      },
    };
    const server = await startTestServer({ store: { kind: 'given', store: slow } });
    const token = server.tokens.reader;
    const search = () =>
      server.call('POST', '/api/v1/search', { token, body: { query: '', sinceMs: 0, limit: SEARCH_LIMIT_MAX } });
    const backtest = () => server.call('POST', '/api/v1/backtest', { token, body: { asItWas: true, sinceMs: 0 } });
    const first = [backtest(), ...Array.from({ length: SEARCHES_MAX }, search)];
    await eventually(() => waiting === SEARCHES_MAX + 1);
    expect([(await search()).status, (await backtest()).status]).toEqual([429, 429]);
    open();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual(first.map(() => 200));
    expect([(await search()).status, (await backtest()).status]).toEqual([200, 200]);
    expect((await server.call('GET', `/api/v1/alerts?limit=${ALERTS_LIMIT_MAX + 1}`, { token })).status).toBe(400);
    await server.end();
  });
});
