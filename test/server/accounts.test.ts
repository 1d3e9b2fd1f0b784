import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ATTEMPTS_PER_SENDER_MAX, createAttempts, SENDERS_MAX } from '../../server/attempts.ts';
import { bulkOf, execEvent, START_MS, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.end());

describe('the server’s own tokens', () => {
  it('are made at the first start, for the owner only, and kept', async () => {
    const { secretFiles } = server.running;
    for (const file of Object.values(secretFiles)) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${server.options.dataFolder}/server`).mode & 0o777).toBe(0o700);
    const before = server.tokens;
    server = await server.restart();
    expect(server.tokens).toEqual(before);
    expect((await server.call('GET', '/api/v1/status', { token: before.reader })).status).toBe(200);
  });

  it('are replaced when their file is emptied, and the old one no longer works', async () => {
    const old = server.tokens.admin;
    writeFileSync(server.running.secretFiles.adminToken, '');
    server = await server.restart();
    expect(server.tokens.admin).not.toBe(old);
    expect((await server.call('GET', '/api/v1/status', { token: old })).status).toBe(401);
    expect((await server.call('GET', '/api/v1/status', { token: server.tokens.admin })).status).toBe(200);
  });

  it('are nowhere in the database as they are', async () => {
    const token = await server.enrol('web-1');
    await server.running.close();
    const folder = `${server.options.dataFolder}/server`;
    const database = readFileSync(`${folder}/state.sqlite`, 'latin1');
    for (const secret of [token, ...Object.values(server.tokens)]) expect(database).not.toContain(secret.slice(6));
  });
});

describe('roles', () => {
  const routes = [
    ['GET', '/api/v1/status', undefined, { reader: 200, importer: 403, host: 403, admin: 200 }],
    ['GET', '/api/v1/hosts', undefined, { reader: 200, importer: 403, host: 403, admin: 200 }],
    ['GET', '/api/v1/alerts', undefined, { reader: 200, importer: 403, host: 403, admin: 200 }],
    ['GET', '/api/v1/alerts/none', undefined, { reader: 404, importer: 403, host: 403, admin: 404 }],
    ['POST', '/api/v1/alerts/none/status', { status: 'closed' }, { reader: 403, importer: 403, host: 403, admin: 404 }],
    ['POST', '/api/v1/search', { query: '', sinceMs: 0 }, { reader: 200, importer: 403, host: 403, admin: 200 }],
    ['GET', '/api/v1/events/none', undefined, { reader: 404, importer: 403, host: 403, admin: 404 }],
    ['POST', '/api/v1/backtest', { asItWas: true, sinceMs: 0 }, { reader: 200, importer: 403, host: 403, admin: 200 }],
    ['POST', '/api/v1/hosts/none/revoke', {}, { reader: 403, importer: 403, host: 403, admin: 404 }],
  ] as const;
  it.each(routes)('%s %s', async (method, path, body, expected) => {
    const tokens = { ...server.tokens, host: await server.enrol('web-1') };
    for (const role of ['reader', 'importer', 'host', 'admin'] as const) {
      const answer = await server.call(method, path, { token: tokens[role], body });
      expect([role, answer.status]).toEqual([role, expected[role]]);
      if (answer.status >= 400)
        expect(answer.body.error).toMatchObject({ code: expect.any(String), remedy: expect.any(String) });
    }
    expect((await server.call(method, path, { body })).status).toBe(401);
  });

  it('a reader writes no events', async () => {
    const raw = bulkOf([execEvent('web-1', 1)]);
    expect((await server.call('POST', '/_bulk', { token: server.tokens.reader, raw })).status).toBe(403);
  });
});

describe('enrolment', () => {
  const enroll = (secret: string, id: unknown, token?: string) =>
    server.call('POST', '/api/v1/enroll', { token, body: { enrollment_secret: secret, host: { id, name: 'n' } } });

  it('gives a token for the right secret only', async () => {
    expect((await enroll('vdt_e_wrong', 'web-1')).status).toBe(401);
    const answer = await enroll(server.tokens.enrollment, 'web-1');
    expect(answer).toMatchObject({ status: 201, body: { host_id: 'web-1', token: expect.stringMatching(/^vdt_h_/) } });
  });

  it('of a known host, revoked or not, needs an admin, and ends the old token', async () => {
    const old = await server.enrol('web-1');
    expect((await enroll(server.tokens.enrollment, 'web-1')).status).toBe(403);
    expect((await enroll(server.tokens.enrollment, 'web-1', server.tokens.reader)).status).toBe(403);
    await server.call('POST', '/api/v1/hosts/web-1/revoke', { token: server.tokens.admin, body: {} });
    expect((await enroll(server.tokens.enrollment, 'web-1')).status).toBe(403);
    const answer = await enroll(server.tokens.enrollment, 'web-1', server.tokens.admin);
    expect(answer.status).toBe(201);
    const raw = bulkOf([execEvent('web-1', 1)]);
    expect((await server.call('POST', '/_bulk', { token: old, raw })).status).toBe(401);
    expect(statusesOf(await server.call('POST', '/_bulk', { token: answer.body.token, raw }))).toEqual([201]);
  });

  it('gives a host that names its token the same again, since the answer may have been lost; and nobody else', async () => {
    const named = (id: string, token: unknown) =>
      server.call('POST', '/api/v1/enroll', {
        body: { enrollment_secret: server.tokens.enrollment, host: { id, name: 'n' }, token },
      });
    const [mine, other] = ['m', 'o'].map((letter) => `vdt_h_${letter.repeat(43)}`);
    const first = await named('web-1', mine);
    expect([first.status, first.body]).toEqual([201, { host_id: 'web-1', token: mine }]);
    const again = await named('web-1', mine);
    expect([again.status, again.body]).toEqual([201, { host_id: 'web-1', token: mine }]);
    expect((await named('web-1', other)).status).toBe(403);
    const neighbour = await named('web-2', mine);
    expect(neighbour.status).toBe(201);
    expect(neighbour.body.token).not.toBe(mine);
    const raw = bulkOf([execEvent('web-1', 1)]);
    expect(statusesOf(await server.call('POST', '/_bulk', { token: mine, raw }))).toEqual([201]);
    await server.call('POST', '/api/v1/hosts/web-1/revoke', { token: server.tokens.admin, body: {} });
    expect((await named('web-1', mine)).status).toBe(403);
    for (const bad of ['', 'secret', 'vdt_h_short', `${other}x`, 7])
      expect((await named('web-3', bad)).status).toBe(400);
  });

  it.each([['a/b'], ['../x'], [''], ['x'.repeat(65)], ['role:admin'], ['a b'], [7], [null]])(
    'refuses the host id %j',
    async (id) => {
      expect((await enroll(server.tokens.enrollment, id)).status).toBe(400);
    },
  );

  it('stops answering who guesses', async () => {
    for (let at = 0; at < ATTEMPTS_PER_SENDER_MAX; at++) expect((await enroll('wrong', 'web-1')).status).toBe(401);
    const answer = await enroll(server.tokens.enrollment, 'web-1');
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('60');
    server.clock.ms += 60_000;
    expect((await enroll(server.tokens.enrollment, 'web-1')).status).toBe(201);
  });

  it('remembers a bounded number of guessers', () => {
    const attempts = createAttempts();
    for (let at = 0; at < ATTEMPTS_PER_SENDER_MAX; at++) attempts.fail('first', START_MS);
    expect(attempts.isAllowed('first', START_MS)).toBe(false);
    for (let at = 0; at < SENDERS_MAX; at++) attempts.fail(`other-${at}`, START_MS);
    // Forgotten as one of too many; the total stops everyone instead.
    expect(attempts.isAllowed('new', START_MS)).toBe(false);
  });
});
