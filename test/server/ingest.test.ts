import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bulkOf,
  eventually,
  execEvent,
  START_MS,
  ship,
  startTestServer,
  statusesOf,
  type TestServer,
} from './server-under-test.ts';

describe('_bulk', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer();
    token = await server.enrol('web-1', 'web one');
  });
  afterEach(() => server.end());

  const stored = (id: string) =>
    server.call('GET', `/api/v1/events/${encodeURIComponent(id)}`, { token: server.tokens.reader });
  const counters = async () =>
    (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body.hosts[0].counters;
  const send = (raw: string | Buffer, headers: Record<string, string> = {}) =>
    server.call('POST', '/_bulk', { token, raw, headers: { 'content-type': 'application/x-ndjson', ...headers } });

  it('answers as Elasticsearch does, and stores what it answered', async () => {
    const event = execEvent('web-1', 1);
    const answer = await ship(server, token, [event]);
    expect(answer.status).toBe(200);
    expect(answer.headers['x-elastic-product']).toBe('Elasticsearch');
    expect(answer.body).toEqual({
      took: expect.any(Number),
      errors: false,
      items: [{ create: { _index: 'vedette-events', _id: event.id, status: 201, result: 'created' } }],
    });
    const { document } = (await stored(event.id)).body;
    expect(document.event.ingested).toBe(new Date(START_MS).toISOString());
    expect(document.process.parent.name).toBe('apache2');
  });

  it('answers 409 for what is stored already, within and across requests', async () => {
    const event = execEvent('web-1', 1);
    const first = await ship(server, token, [event, event]);
    expect(statusesOf(first)).toEqual([201, 409]);
    expect(first.body.errors).toBe(true);
    const second = await ship(server, token, [event]);
    expect(second.body.items[0].create).toMatchObject({
      status: 409,
      error: { type: 'version_conflict_engine_exception' },
    });
    expect(await counters()).toMatchObject({ events: 1, duplicates: 2, requests: 2 });
  });

  it('refuses bad lines alone and stores the others', async () => {
    const [first, second, third] = [1, 2, 3].map((number) => execEvent('web-1', number));
    const body = [
      bulkOf([first!]),
      `{"create":{"_id":"web-1.x.1"}}\n{"@timestamp": broken\n`,
      'no action at all\n{"event":{}}\n',
      bulkOf([second!]),
      `{"update":{"_id":"web-1.x.2"}}\n{}\n`,
      `{"delete":{"_id":"web-1.x.3"}}\n`,
      `{"create":{"_id":"web-1.x.4"}}\n[1]\n`,
      `{"create":{"_id":"web-1.x.5"}}\n{"@timestamp":"yesterday"}\n`,
      `{"create":{"_id":"web-1.x.6"}}\n${'{"a":'.repeat(30)}1${'}'.repeat(30)}\n`,
      `{"create":{"_id":"web-1.x.7"}}\n{"host":"web-1"}\n`,
      bulkOf([third!]),
    ].join('\n');
    const answer = await send(body);
    expect(statusesOf(answer)).toEqual([201, 400, 400, 201, 400, 400, 400, 400, 400, 400, 201]);
    expect(Object.keys(answer.body.items[4])).toEqual(['update']);
    expect(await counters()).toMatchObject({ events: 3, rejected: 8 });
  });

  it('refuses and counts events that name another host, by document or by id', async () => {
    const stranger = execEvent('db-1', 1);
    const mixed = { id: 'web-1.0.2', document: { ...stranger.document } };
    const answer = await ship(server, token, [stranger, mixed, execEvent('web-1', 3)]);
    expect(statusesOf(answer)).toEqual([403, 403, 201]);
    expect((await stored(stranger.id)).status).toBe(404);
    expect(await counters()).toMatchObject({ foreign_host: 2, events: 1 });
  });

  it('lets no host write what only the server writes', async () => {
    const own = { id: 'web-1.server.silence-1', document: execEvent('web-1', 1).document };
    const boot = execEvent('web-1', 2);
    const forged = { ...boot, document: { ...boot.document, host: { id: 'web-1', boot: { id: 'server' } } } };
    const answer = await ship(server, token, [own, forged]);
    expect(statusesOf(answer)).toEqual([403, 403]);
  });

  it('takes documents of other shippers: dotted names, no id, no host, no times', async () => {
    const line = '{"process.name":"bash","message":"hello","host.os.type":"linux"}';
    const answer = await send(`{"create":{"_index":"filebeat-9"}}\n${line}\n`);
    const { _id, _index, status } = answer.body.items[0].create;
    expect({ _index, status }).toEqual({ _index: 'filebeat-9', status: 201 });
    expect(_id).toMatch(/^web-1\.d\.[A-Za-z0-9_-]{26}$/);
    const { document } = (await stored(_id)).body;
    const now = new Date(START_MS).toISOString();
    expect(document).toMatchObject({
      '@timestamp': now,
      event: { created: now, ingested: now },
      host: { id: 'web-1', name: 'web one', os: { type: 'linux' } },
      process: { name: 'bash' },
    });
    expect((await send(`{"create":{}}\n${line}\n`)).body.items[0].create.status).toBe(409);
  });

  it('sets an event.created that lies ahead of its clock back to it, and keeps what the host said', async () => {
    const event = execEvent('web-1', 1, { createdMs: START_MS + 3_600_000 });
    await ship(server, token, [event]);
    const { document } = (await stored(event.id)).body;
    expect(document.event.created).toBe(new Date(START_MS).toISOString());
    expect(document.vedette.created_at_host).toBe(new Date(START_MS + 3_600_000).toISOString());
    expect(document['@timestamp']).toBe(new Date(START_MS + 3_600_000).toISOString());
    expect(await counters()).toMatchObject({ clock_ahead: 1 });
  });

  it('never lets the stamp it sets itself decrease for a host', async () => {
    const created = async (name: string) => {
      const answer = await send(`{"create":{"_id":"web-1.f.${name}"}}\n{"message":"${name}"}\n`);
      return (await stored(answer.body.items[0].create._id)).body.document.event.created;
    };
    const first = await created('a');
    server.clock.ms -= 60_000;
    expect(await created('b')).toBe(first);
  });

  it('keeps hostile field names as data', async () => {
    const answer = await send(
      '{"create":{"_id":"web-1.h.1"}}\n{"__proto__":{"polluted":1},"constructor.prototype.polluted":1,"a.__proto__.polluted":1}\n',
    );
    expect(answer.body.items[0].create.status).toBe(201);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('answers 401 to a wrong, a missing and a revoked token, and reads nothing', async () => {
    const raw = bulkOf([execEvent('web-1', 1)]);
    for (const headers of [
      {},
      { authorization: 'Bearer vdt_h_wrong' },
      { authorization: 'Basic eDp5' },
      { authorization: 'Bearer' },
    ]) {
      expect((await server.call('POST', '/_bulk', { raw, headers })).status).toBe(401);
    }
    await server.call('POST', '/api/v1/hosts/web-1/revoke', { token: server.tokens.admin, body: {} });
    const answer = await server.call('POST', '/_bulk', { raw, token });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ status: 401, error: { type: 'security_exception', code: 'unauthorized' } });
    expect((await stored(execEvent('web-1', 1).id)).status).toBe(404);
  });

  it('takes the token as other shippers can send it', async () => {
    const basic = Buffer.from(`vedette:${token}`).toString('base64');
    const apiKey = Buffer.from(`id:${token}`).toString('base64');
    for (const [at, authorization] of [`ApiKey ${token}`, `ApiKey ${apiKey}`, `Basic ${basic}`].entries()) {
      const raw = bulkOf([execEvent('web-1', at)]);
      const answer = await server.call('PUT', '/logs/_bulk', { raw, headers: { authorization } });
      expect(answer.body.items[0].create).toMatchObject({ _index: 'logs', status: 201 });
    }
  });

  it.each([
    ['one endless line', 0x61, 'gzip'],
    ['endless blank lines', 10, 'gzip'],
    ['one endless line', 0x61, 'zstd'],
  ] as const)(
    'stops at a body that unpacks to too much (%s), and stores nothing of it',
    async (_what, byte, encoding) => {
      const first = execEvent('web-1', 1);
      const body = Buffer.concat([Buffer.from(bulkOf([first])), Buffer.alloc(80 * 1024 * 1024, byte)]);
      const bomb = encoding === 'gzip' ? gzipSync(body, { level: 1 }) : zstdCompressSync(body);
      expect(bomb.length).toBeLessThan(500_000);
      const answer = await send(bomb, { 'content-encoding': encoding });
      expect(answer.status).toBe(413);
      expect((await stored(first.id)).status).toBe(404);
      expect(statusesOf(await ship(server, token, [first]))).toEqual([201]);
    },
  );

  it('takes zstd, and says so with each answer', async () => {
    const answer = await send(zstdCompressSync(bulkOf([execEvent('web-1', 1)])), { 'content-encoding': 'zstd' });
    expect(answer.body.items[0].create.status).toBe(201);
    expect(answer.headers['accept-encoding']).toContain('zstd');
  });

  it('refuses a torn zstd stream, what is none, and one that asks for a window of a gigabyte', async () => {
    const text = bulkOf([execEvent('web-1', 1)]);
    const whole = zstdCompressSync(text);
    const wide = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, `${text}`), {
      params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 },
    });
    for (const body of [whole.subarray(0, -4), Buffer.from('no zstd at all'), wide]) {
      expect((await send(body, { 'content-encoding': 'zstd' })).status).toBe(400);
    }
    expect((await stored(execEvent('web-1', 1).id)).status).toBe(404);
  });

  it('refuses a torn gzip stream, an unknown encoding and an empty body as a whole', async () => {
    const whole = gzipSync(bulkOf([execEvent('web-1', 1)]));
    expect((await send(whole.subarray(0, whole.length - 12), { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await send('x', { 'content-encoding': 'br' })).status).toBe(415);
    expect((await send('')).status).toBe(400);
    expect((await stored(execEvent('web-1', 1).id)).status).toBe(404);
  });

  it('takes a progress without events', async () => {
    const answer = await ship(server, token, [], { position: 7, createdMs: START_MS + 99_999 });
    expect(answer).toMatchObject({ status: 200, body: { errors: false, items: [] } });
    const { hosts } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body;
    // Capped by the server's clock.
    expect(hosts[0].progress).toMatchObject({ position: 7, createdMs: START_MS });
  });

  it('lets an importer write for any host, without alerts', async () => {
    const answer = await server.call('POST', '/_bulk', {
      token: server.tokens.importer,
      raw: bulkOf([execEvent('old-1', 1), execEvent('old-2', 2), { id: 'x', document: {} }]),
    });
    expect(statusesOf(answer)).toEqual([201, 201, 400]);
    expect((await stored(execEvent('old-1', 1).id)).body.document.vedette.imported).toBe(true);
    await eventually(async () => {
      const { engine } = (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body;
      return engine.eventsFolded === 2 ? true : undefined;
    });
    expect((await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body.alerts).toEqual([]);
  });

  it('lets no host pass its events off as imported', async () => {
    const { id, document } = execEvent('web-1', 1);
    await ship(server, token, [{ id, document: { ...document, vedette: { imported: true } } }]);
    expect((await stored(id)).body.document.vedette?.imported).toBeUndefined();
  });

  it('says hello as Elasticsearch does', async () => {
    const info = await server.call('GET', '/', { token });
    expect(info.body).toMatchObject({
      version: { number: expect.stringMatching(/^9\./) },
      tagline: 'You Know, for Search',
    });
    expect((await server.call('GET', '/_cluster/health', { token })).body.status).toBe('green');
    expect((await server.call('GET', '/_license', { token })).body.license.status).toBe('active');
    expect((await server.call('GET', '/')).status).toBe(401);
  });
});
