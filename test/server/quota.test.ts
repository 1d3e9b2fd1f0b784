import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createQuotas } from '../../server/quota.ts';
import type { Quota } from '../../store/state/state-port.ts';
import { selfSigned } from '../harness/self-signed.ts';
import {
  bulkOf,
  execEvent,
  START_MS,
  ship,
  startTestServer,
  statusesOf,
  type TestServer,
} from './server-under-test.ts';

describe('a quota', () => {
  it('property: lets through its rate over any time, and one request more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.record({ afterMs: fc.nat(2_000), events: fc.integer({ min: 1, max: 5_000 }) }), { maxLength: 60 }),
        (eventsPerSecond, burstS, requests) => {
          const quotas = createQuotas(() => ({ eventsPerSecond, burstS }));
          let nowMs = START_MS;
          let sent = 0;
          let last = 0;
          for (const { afterMs, events } of requests) {
            nowMs += afterMs;
            if (quotas.waitS('h', nowMs) !== undefined) continue;
            quotas.charge('h', { events, bytes: 0 }, nowMs);
            sent += events;
            last = events;
            const earned = eventsPerSecond * (burstS + (nowMs - START_MS) / 1_000);
            expect(sent - last).toBeLessThanOrEqual(earned);
          }
        },
      ),
    );
  });

  it('says how long to wait, in events and in bytes, and keeps its word', () => {
    let quota: Quota | undefined = { eventsPerSecond: 10, bytesPerSecond: 1_000, burstS: 2 };
    const quotas = createQuotas(() => quota);
    quotas.charge('h', { events: 70, bytes: 10 }, 0);
    expect(quotas.waitS('h', 0)).toBe(5);
    expect(quotas.waitS('h', 4_999)).toBe(1);
    expect(quotas.waitS('h', 5_001)).toBeUndefined();
    quotas.charge('h', { events: 0, bytes: 9_000 }, 5_001);
    expect(quotas.waitS('h', 5_001)).toBe(7);
    // A clock that is set back gives nothing away, and holds nobody up for longer.
    expect(quotas.waitS('h', 0)).toBe(7);
    expect(quotas.waitS('other', 0)).toBeUndefined();
    quotas.charge('h', { events: 1e12, bytes: 0 }, 6_000);
    expect(quotas.waitS('h', 6_000)).toBe(300);
    quota = undefined;
    expect(quotas.waitS('h', 6_000)).toBeUndefined();
  });
});

describe('a host that sends more than it may', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer({ quota: { eventsPerSecond: 2, burstS: 2 } });
    token = await server.enrol('web-1');
  });
  afterEach(() => server.end());
  const events = (host: string, from: number, count: number) =>
    Array.from({ length: count }, (_, number) => execEvent(host, from + number));
  const host = async (id: string) =>
    (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body.hosts.find(
      (each: { id: string }) => each.id === id,
    );

  it('is put off and told when to come again, is counted, and holds nobody else up', async () => {
    const other = await server.enrol('web-2');
    expect(statusesOf(await ship(server, token, events('web-1', 0, 10)))).toHaveLength(10);
    const late = await ship(server, token, events('web-1', 10, 1));
    expect(late).toMatchObject({
      status: 429,
      headers: { 'retry-after': '3' },
      body: { error: { code: 'over-quota' } },
    });
    expect(statusesOf(await ship(server, other, events('web-2', 0, 1)))).toEqual([201]);
    // How far it is complete it may always say.
    expect((await ship(server, token, [], { position: 10, createdMs: START_MS })).status).toBe(200);
    expect((await host('web-1')).counters).toMatchObject({ over_quota: 1, events: 10 });
    server.clock.ms += 3_001;
    expect(statusesOf(await ship(server, token, events('web-1', 10, 1)))).toEqual([201]);
  });

  it('may have a quota of its own, which survives a restart and can be taken away', async () => {
    const set = (body: object, as = server.tokens.admin) =>
      server.call('POST', '/api/v1/hosts/web-1/quota', { token: as, body });
    expect((await set({ events_per_second: 1 }, server.tokens.reader)).status).toBe(403);
    expect((await set({ events_per_second: 0 })).status).toBe(400);
    expect((await set({ events_per_second: 1_000, burst_s: 60 })).body.quota).toEqual({
      eventsPerSecond: 1_000,
      burstS: 60,
    });
    await ship(server, token, events('web-1', 0, 100));
    expect((await ship(server, token, events('web-1', 100, 1))).status).toBe(200);
    server = await server.restart();
    expect((await host('web-1')).quota).toEqual({ eventsPerSecond: 1_000, burstS: 60 });
    expect((await set({})).body.quota).toBeNull();
    expect((await host('web-1')).quota).toBeUndefined();
    await ship(server, token, events('web-1', 200, 100));
    expect((await ship(server, token, events('web-1', 300, 1))).status).toBe(429);
  });

  it('and reads no status gets no answer, so that it waits', async () => {
    await ship(server, token, events('web-1', 0, 10));
    const raw = '{"index":{}}\n{"message":"x"}\n';
    // As rsyslog asks: no user agent, and this type.
    const asked = server.call('POST', '/_bulk', {
      token,
      raw,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    await expect(asked).rejects.toMatchObject({ code: 'ECONNRESET' });
    const polite = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'x' };
    expect((await server.call('POST', '/_bulk', { token, raw, headers: polite })).status).toBe(429);
    expect((await host('web-1')).counters).toMatchObject({ over_quota: 2 });
  });

  it('gets its token from an admin, who alone may replace it', async () => {
    const add = (body: object, as = server.tokens.admin) => server.call('POST', '/api/v1/hosts', { token: as, body });
    const made = await add({ name: 'Büro 7.example.com' });
    expect(made).toMatchObject({
      status: 201,
      body: { host_id: 'B-ro-7-example-com', token: expect.stringMatching(/^vdt_h_/) },
    });
    expect((await add({ name: 'x', id: 'B-ro-7-example-com' })).status).toBe(409);
    const again = await add({ name: 'x', id: 'B-ro-7-example-com', replace_token: true });
    expect((await server.call('GET', '/', { token: made.body.token })).status).toBe(401);
    expect((await server.call('GET', '/', { token: again.body.token })).status).toBe(200);
    for (const body of [{ name: '' }, { name: 'a\u0007' }, { name: 'x', id: 'a/b' }, { id: 'x' }])
      expect((await add(body)).status).toBe(400);
    for (const as of [server.tokens.reader, token]) expect((await add({ name: 'y' }, as)).status).toBe(403);
  });
});

describe('a sender over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-tls-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes to the same server, and a renewed certificate is taken without a restart', async () => {
    const files = selfSigned(folder, 'first');
    const server = await startTestServer({ tls: { host: '127.0.0.1', port: 0, ...files } });
    const token = await server.enrol('web-1');
    const send = (body: string) =>
      new Promise<{ status: number | undefined; name: unknown }>((resolve, reject) => {
        const outgoing = request(`https://127.0.0.1:${server.running.tlsPort}/_bulk`, {
          method: 'POST',
          agent: false,
          ca: readFileSync(files.certFile),
          headers: { authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(body) },
        });
        outgoing.on('error', reject);
        outgoing.on('response', (incoming) => {
          const { socket } = incoming as unknown as { socket: import('node:tls').TLSSocket };
          const name = socket.getPeerCertificate().subject.CN;
          incoming.resume().on('end', () => resolve({ status: incoming.statusCode, name }));
        });
        outgoing.end(body);
      });
    try {
      expect(await send(bulkOf([execEvent('web-1', 1)]))).toEqual({ status: 200, name: 'first' });
      selfSigned(folder, 'second');
      await server.running.reloadRules();
      expect(await send(bulkOf([execEvent('web-1', 2)]))).toEqual({ status: 200, name: 'second' });
      writeFileSync(files.certFile, 'no certificate');
      await server.running.reloadRules();
      expect(server.notices.some(({ message }) => message.startsWith('the certificate was not taken'))).toBe(true);
    } finally {
      await server.end();
    }
    await expect(startTestServer({ tls: { host: '127.0.0.1', port: 0, ...files } })).rejects.toMatchObject({
      code: 'tls-unusable',
    });
  });
});
