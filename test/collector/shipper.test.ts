import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SMALL_EVENT_BYTES } from '../../collector/ship/attempt.ts';
import { RETRY_MS_MAX, retryDelayMs, YOUNG_OUTAGE_MS, YOUNG_RETRY_MS_MAX } from '../../collector/ship/back-off.ts';
import { readBulkAnswer } from '../../collector/ship/bulk-answer.ts';
import { FAILURES_MAX, PROGRESS_EVERY_MS } from '../../collector/ship/shipper.ts';
import { parseProgress } from '../../event/progress.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import { BOOT, type RigOptions, shipperRig } from './shipper-rig.ts';

let server: BulkServer;

beforeEach(async () => {
  server = await startBulkServer();
});
afterEach(() => server.close());

const rig = (url = server.url, more: RigOptions = {}) => shipperRig(url, more);

const names = (): string[] => [...server.documents.values()].map((one) => one['name'] as string);

describe('shipper', () => {
  it('sends events in order with the token, and progress up to the last of them', async () => {
    const { shipper, append, idle, shared } = rig();
    for (const name of ['a', 'b', 'c']) append(name);
    const waited = idle();
    void shipper.run();
    await waited;
    expect(names()).toEqual(['a', 'b', 'c']);
    const [request] = server.requests;
    expect(request?.headers['authorization']).toBe('Bearer vdt_h_secret');
    expect(parseProgress(request?.headers['vedette-progress'] ?? '')).toEqual({
      bootId: BOOT,
      position: 3,
      createdMs: 5000,
    });
    expect(shared.acknowledged()).toBe(3);
    await shipper.stop();
  });

  it('compresses what is worth it', async () => {
    const { shipper, append, idle } = rig();
    append('big', 'y'.repeat(10_000));
    const waited = idle();
    void shipper.run();
    await waited;
    expect(server.requests[0]?.headers['content-encoding']).toBe('gzip');
    expect(Number(server.requests[0]?.headers['content-length'])).toBeLessThan(1000);
    expect(names()).toEqual(['big']);
    await shipper.stop();
  });

  it('compresses nothing for a server on the same host', async () => {
    const { shipper, append, idle } = rig(server.url, { compression: 'auto' });
    append('big', 'y'.repeat(10_000));
    const waited = idle();
    void shipper.run();
    await waited;
    expect(server.requests[0]?.headers['content-encoding']).toBeUndefined();
    expect(names()).toEqual(['big']);
    await shipper.stop();
  });

  it('has the token looked for again before the next try when it was refused', async () => {
    const seen: string[] = [];
    let refusals = 2;
    const { shipper, append, idle, pass } = rig(server.url, { onTokenRefused: () => seen.push('looked for') });
    server.answer = () => {
      seen.push('request');
      return refusals-- > 0 ? { status: 401 } : undefined;
    };
    append('a');
    let waited = idle();
    void shipper.run();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await waited;
      waited = idle();
      pass(0);
    }
    await waited;
    expect(seen).toEqual(['request', 'looked for', 'request', 'looked for', 'request']);
    expect(names()).toEqual(['a']);
    await shipper.stop();
  });

  it('repeats after 503 until the server takes it, and says so once', async () => {
    const { shipper, append, idle, pass, notices, delays } = rig();
    let refusals = 3;
    server.answer = () => (refusals-- > 0 ? { status: 503 } : undefined);
    append('a');
    let waited = idle();
    void shipper.run();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await waited;
      waited = idle();
      pass(0);
    }
    await waited;
    expect(names()).toEqual(['a']);
    expect(delays.slice(0, 3)).toEqual([150, 300, 600]);
    expect(notices.map(({ code }) => code)).toEqual(['not-delivered', 'delivered-again']);
    await shipper.stop();
  });

  it('honours each event’s own status: 409 is stored, 429 is sent again, 400 is set aside with its reason', async () => {
    const { shipper, append, idle, pass, aside, shared } = rig();
    for (const name of ['stored', 'known', 'late', 'bad']) append(name);
    let round = 0;
    server.answer = (request) => {
      round += 1;
      if (round > 1) return undefined;
      const statuses = [201, 409, 429, 400];
      const items = request.ids.map((id, index) => ({
        create: { _id: id, status: statuses[index], error: { type: 'mapping', reason: 'no such field' } },
      }));
      return { status: 200, body: JSON.stringify({ errors: true, items }) };
    };
    let waited = idle();
    void shipper.run();
    await waited;
    expect(shared.acknowledged()).toBe(0);
    waited = idle();
    pass(0);
    await waited;
    expect(server.requests[1]?.ids).toEqual(['h.b.late']);
    expect(aside).toMatchObject([{ position: 4, status: 400, reason: 'mapping: no such field' }]);
    expect(shared.acknowledged()).toBe(4);
    await shipper.stop();
  });

  it('halves what is too large until one event is left, which alone is set aside', async () => {
    const { shipper, append, idle, aside } = rig();
    for (const name of ['a', 'b', 'c', 'd']) append(name, 'y'.repeat(name === 'c' ? SMALL_EVENT_BYTES : 1));
    server.answer = (request) => (request.ids.length > 1 || request.ids[0] === 'h.b.c' ? { status: 413 } : undefined);
    const waited = idle();
    void shipper.run();
    await waited;
    expect(names()).toEqual(['a', 'b', 'd']);
    expect(aside.map(({ position }) => position)).toEqual([3]);
    // Only the last piece may promise completeness.
    const promises = server.requests
      .filter(({ ids }) => ids.length === 1)
      .map(({ headers }) => headers['vedette-progress']);
    expect(promises.map((promise) => promise !== undefined)).toEqual([false, false, false, true]);
    await shipper.stop();
  });

  it('keeps everything while its token is refused', async () => {
    const { shipper, append, idle, notices, shared } = rig();
    server.answer = () => ({ status: 401, body: '{"error":{"code":"unauthorized","message":"revoked"}}' });
    append('a');
    const waited = idle();
    void shipper.run();
    await waited;
    expect(notices[0]).toMatchObject({ code: 'token-refused', level: 'error' });
    expect(shared.acknowledged()).toBe(0);
    server.answer = () => undefined;
    await shipper.stop();
    expect(names()).toEqual(['a']);
  });

  it('tells its progress alone when idle, and not before everything was delivered', async () => {
    const { shipper, idle, pass, append } = rig();
    let waited = idle();
    void shipper.run();
    await waited;
    waited = idle();
    pass(PROGRESS_EVERY_MS);
    await waited;
    const alone = server.requests.at(-1);
    expect(alone?.body).toBe('');
    expect(parseProgress(alone?.headers['vedette-progress'] ?? '')?.position).toBe(0);
    server.answer = () => ({ status: 503 });
    waited = idle();
    append('a');
    await waited;
    expect(server.requests.at(-1)?.ids).toEqual(['h.b.a']);
    server.answer = () => undefined;
    await shipper.stop();
  });

  it('ships what is left when stopped, then signs off', async () => {
    const { shipper, append, idle } = rig();
    const waited = idle();
    void shipper.run();
    await waited;
    append('last');
    await shipper.stop();
    expect(names()).toEqual(['last']);
    expect(server.requests.at(-1)?.headers['vedette-sign-off']).toBe('1');
  });

  it('delivers a batch that stopping interrupted before anything that came later', async () => {
    const { shipper, append, idle, shared } = rig();
    server.answer = () => ({ status: 503 });
    append('first');
    const waited = idle();
    void shipper.run();
    await waited;
    append('second');
    server.answer = () => undefined;
    await shipper.stop();
    expect(names()).toEqual(['first', 'second']);
    expect(shared.acknowledged()).toBe(2);
  });

  it('sets an event aside that fails by itself again and again, and holds up nothing for it', async () => {
    const { shipper, append, idle, pass, aside, shared } = rig();
    for (const name of ['good', 'poison']) append(name);
    server.answer = (request) => {
      const items = request.ids.map((id) => ({ create: { _id: id, status: id === 'h.b.poison' ? 500 : 201 } }));
      return { status: 200, body: JSON.stringify({ errors: true, items }) };
    };
    let waited = idle();
    void shipper.run();
    for (let attempt = 1; attempt < FAILURES_MAX; attempt += 1) {
      await waited;
      expect(aside).toEqual([]);
      waited = idle();
      pass(0);
    }
    await waited;
    expect(aside).toMatchObject([{ position: 2, status: 500 }]);
    expect(shared.acknowledged()).toBe(2);
    expect(server.requests.length).toBe(FAILURES_MAX);
    await shipper.stop();
  });

  it('waits out a server that is dead for ten minutes with a few requests, and then delivers all', async () => {
    const { shipper, append, idle, pass, delays, shared } = rig();
    server.answer = () => ({ status: 503 });
    for (let number = 0; number < 200; number += 1) append(`event ${number}`, 'y'.repeat(10_000));
    let waited = idle();
    void shipper.run();
    for (let elapsedMs = 0; elapsedMs < 600_000; ) {
      await waited;
      const delayMs = delays.at(-1) as number;
      elapsedMs += delayMs;
      waited = idle();
      pass(delayMs);
    }
    expect(server.requests.length).toBeLessThan(130);
    await waited;
    server.answer = () => undefined;
    while (shared.acknowledged() < 200) {
      waited = idle();
      pass(30_000);
      await waited;
    }
    expect(server.documents.size).toBe(200);
    expect(server.duplicates).toBe(0);
    await shipper.stop();
  });

  it('writes straight into Elasticsearch’s index of the day, and tells it nothing that it does not know', async () => {
    const { shipper, append, idle, pass, aside, shared, notices } = rig(server.url, {
      destination: 'elasticsearch',
      authorization: async () => 'ApiKey a2V5',
    });
    const day = Date.UTC(2026, 10, 22);
    append('yesterday', 'x', day - 1);
    append('today', 'x', day);
    append('blocked', 'x', day + 1);
    append('bad', 'x', day + 2);
    let isBlocked = true;
    server.answer = (request) => {
      if (!request.ids.includes('h.b.blocked') || !isBlocked) return undefined;
      isBlocked = false;
      const error = { type: 'cluster_block_exception', reason: 'disk usage exceeded flood-stage watermark' };
      const items = request.ids.map((id) => {
        if (id === 'h.b.blocked') return { create: { status: 403, error } };
        return { create: { status: id === 'h.b.bad' ? 400 : 201, error: { type: 'document_parsing_exception' } } };
      });
      return { status: 200, body: JSON.stringify({ items }) };
    };
    let waited = idle();
    void shipper.run();
    for (let round = 0; round < 3 && shared.acknowledged() < 4; round += 1) {
      await waited;
      waited = idle();
      pass(PROGRESS_EVERY_MS);
    }
    await waited;
    expect(server.requests.map(({ path, ids }) => [path.split('?')[0], ids])).toEqual([
      ['/vedette-events-2026.11.21/_bulk', ['h.b.yesterday']],
      ['/vedette-events-2026.11.22/_bulk', ['h.b.today', 'h.b.blocked', 'h.b.bad']],
      ['/vedette-events-2026.11.22/_bulk', ['h.b.blocked']],
    ]);
    expect(aside).toMatchObject([{ position: 4, status: 400 }]);
    expect(notices[0]?.text).toContain('flood-stage');
    await shipper.stop();
    expect(server.requests.length).toBe(3);
    expect(server.requests.every(({ headers }) => headers['vedette-progress'] === undefined)).toBe(true);
    expect(server.requests[0]?.headers['authorization']).toBe('ApiKey a2V5');
  });

  it('survives a server that is not there', async () => {
    const gone = await startBulkServer();
    await gone.close();
    const { shipper, append, idle, notices } = rig(gone.url);
    append('a');
    const waited = idle();
    void shipper.run();
    await waited;
    expect(notices[0]?.text).toContain('ECONNREFUSED');
    await shipper.stop();
  });
});

describe('back-off', () => {
  it('stays short while the outage is young, then doubles up to its cap', () => {
    expect(retryDelayMs(1, 0, 1)).toBe(200);
    expect(retryDelayMs(10, 0, 1)).toBe(YOUNG_RETRY_MS_MAX);
    expect(retryDelayMs(100, YOUNG_OUTAGE_MS, 1)).toBe(RETRY_MS_MAX);
    expect(retryDelayMs(100, YOUNG_OUTAGE_MS, 0)).toBe(RETRY_MS_MAX / 2);
  });
});

describe('answer of _bulk', () => {
  it('is no verdict when it does not speak of every event', () => {
    expect(readBulkAnswer('{"items":[]}', { count: 1 })).toBeUndefined();
    expect(readBulkAnswer('<html>', { count: 1 })).toBeUndefined();
    expect(readBulkAnswer('{"items":[{"create":{"status":"201"}}]}', { count: 1 })).toBeUndefined();
    expect(readBulkAnswer('{"items":[{"create":{"status":201}}]}', { count: 1 })).toMatchObject({ stored: 1 });
  });
});
