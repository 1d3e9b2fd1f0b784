import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RetentionOptions, ServerNotice } from '../../server/options.ts';
import { createOwnEvents } from '../../server/own-events.ts';
import { createRetention } from '../../server/retention.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { type EventStore, StoreUnavailable } from '../../store/port.ts';
import type { HoldRecord } from '../../store/state/state-port.ts';
import { execEvent, START_MS, startTestServer } from './server-under-test.ts';

const DAY_MS = 86_400_000;
const ALL_TIME = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

function subject({
  fails = false,
  limits = { days: 30 },
  holds = [],
  freeBytes,
}: {
  readonly fails?: boolean;
  readonly limits?: RetentionOptions;
  readonly holds?: HoldRecord[];
  readonly freeBytes?: () => number;
} = {}) {
  const notices: ServerNotice[] = [];
  const pruned: number[] = [];
  const store = openMemoryStore();
  const refusals = { disk: false };
  /** How far the engine has read. */
  const cursor = { value: 'v1:1000' };
  const guarded: Pick<EventStore, 'append'> = {
    async append(batch) {
      if (refusals.disk) throw new StoreUnavailable('disk-full', 'no room');
      return store.append(batch);
    },
  };
  const fence = { begin: (hostId: string) => ({ hostId, begunMs: START_MS }), settle: () => undefined };
  const retention = createRetention({
    store,
    events: createOwnEvents({ store: guarded, fence, now: () => START_MS }),
    state: {
      holds: { list: () => holds },
      engine: { loadCursor: () => cursor.value },
      pruneBefore(ms) {
        if (fails) throw new Error('the disk is full');
        pruned.push(ms);
        return { detections: 2, alerts: 1, alertsNotClosed: 0, notifications: 1 };
      },
    },
    limits,
    ...(freeBytes === undefined ? {} : { freeBytes: async () => freeBytes() }),
    now: () => START_MS,
    onNotice: (notice) => notices.push(notice),
  });
  return { notices, pruned, store, retention, refusals, cursor };
}

const aged = (days: number, n: number) => execEvent('h', n, { createdMs: START_MS - days * DAY_MS });

function hold(fromDays: number, untilDays: number): HoldRecord {
  return {
    id: 'hold-1',
    fromMs: START_MS - fromDays * DAY_MS,
    untilMs: START_MS - untilDays * DAY_MS,
    hostId: undefined,
    reason: 'case 4711',
    addedBy: 'alice',
    addedMs: START_MS,
    released: undefined,
  };
}

describe('retention', () => {
  it('drops events, detections and alerts older than its days, and says how many', async () => {
    const { notices, pruned, store, retention } = subject();
    const [old, kept] = [execEvent('h', 1, { createdMs: START_MS - 30 * DAY_MS - 1 }), aged(30, 2)];
    await store.append([old, kept]);
    await retention.run();
    expect(pruned).toEqual([START_MS - 30 * DAY_MS]);
    expect(await store.get(old.id)).toBeUndefined();
    expect(await store.get(kept.id)).toBeDefined();
    expect(notices).toMatchObject([
      { kind: 'retention', message: expect.stringContaining('they are older than events are kept') },
      { kind: 'retention', message: 'dropped 1 events, 1 alerts and 2 detections older than 30 days' },
    ]);
  });

  it('keeps what the engine has not read, whatever its age and size, until it has', async () => {
    const { store, retention, cursor, notices } = subject({ limits: { days: 30, bytesMax: 1 } });
    await store.append([aged(50, 1), aged(40, 2), aged(1, 3)]);
    cursor.value = 'v1:1';
    await retention.run();
    expect(await store.get(aged(50, 1).id)).toBeUndefined();
    expect(await store.get(aged(40, 2).id)).toBeDefined();
    expect(await store.get(aged(1, 3).id)).toBeDefined();
    expect(notices.map(({ message }) => message)).toContainEqual(expect.stringContaining('has not read all of them'));
    cursor.value = 'v1:1000';
    await retention.run();
    expect(await store.get(aged(40, 2).id)).toBeUndefined();
    expect(await store.get(aged(1, 3).id)).toBeUndefined();
  });

  it('stores what it drops as an event, with range, count and reason', async () => {
    const { store, retention } = subject();
    await store.append([aged(40, 1), aged(1, 2)]);
    await retention.run();
    const { events } = await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 10 });
    const [told] = events.filter(({ document }) => JSON.stringify(document).includes('events-dropped'));
    expect(told?.document).toMatchObject({
      event: { dataset: 'vedette.retention', action: 'events-dropped' },
      vedette: { store: { events: '1', reason: 'age', from: new Date(START_MS - 40 * DAY_MS).toISOString() } },
    });
  });

  it('drops the oldest where the store is too large, and leaves what is held, loudly', async () => {
    const free = subject({ limits: { days: 365, bytesMax: 1 } });
    await free.store.append([aged(40, 1), aged(1, 2)]);
    await free.retention.look();
    expect(await free.store.get(aged(40, 1).id)).toBeUndefined();

    const held = subject({ limits: { days: 30, bytesMax: 1 }, holds: [hold(50, 0)] });
    await held.store.append([aged(40, 1), aged(1, 2)]);
    await held.retention.run();
    await held.retention.look();
    expect(await held.store.get(aged(40, 1).id)).toBeDefined();
    expect(held.pruned).toEqual([START_MS - 50 * DAY_MS]);
    expect(held.notices.filter(({ kind }) => kind === 'warning')).toMatchObject([
      { message: expect.stringContaining('2 partitions that would go are held: release a hold') },
    ]);
  });

  it('minds no hold that was released', async () => {
    const released = { ...hold(50, 0), released: { by: 'bob', atMs: START_MS, why: 'closed' } };
    const { store, retention } = subject({ holds: [released] });
    await store.append([aged(40, 1)]);
    await retention.run();
    expect(await store.get(aged(40, 1).id)).toBeUndefined();
  });

  it('says when the disk has little room, and drops nothing for it unless that is configured', async () => {
    const { store, retention, notices } = subject({ limits: { days: 365, lowDiskBytes: 1_000 }, freeBytes: () => 10 });
    await store.append([aged(40, 1)]);
    await retention.look();
    await retention.look();
    expect(await store.get(aged(40, 1).id)).toBeDefined();
    expect(notices).toMatchObject([{ kind: 'warning', message: expect.stringContaining('has 10 bytes left') }]);
  });

  it('drops the oldest for want of room, never what is younger than configured, also when the word cannot be stored first', async () => {
    const { store, retention, notices, refusals } = subject({
      limits: { days: 365, lowDiskBytes: 1_000_000, lowDiskKeepMs: 7 * DAY_MS },
      freeBytes: () => 10,
    });
    await store.append([aged(40, 1), aged(1, 2)]);
    refusals.disk = true;
    await retention.look();
    expect(await store.get(aged(40, 1).id)).toBeUndefined();
    expect(await store.get(aged(1, 2).id)).toBeDefined();
    expect(notices[0]?.message).toContain('the disk has too little room');
    refusals.disk = false;
    await retention.look();
    const { events } = await store.search({ query: { kind: 'all' }, range: ALL_TIME, limit: 10 });
    expect(events.some(({ document }) => JSON.stringify(document).includes('events-dropped'))).toBe(true);
  });

  it('says so when it cannot, and ends', async () => {
    const { notices, retention } = subject({ fails: true });
    await retention.run();
    expect(notices).toMatchObject([{ kind: 'error', message: expect.stringContaining('the disk is full') }]);
    retention.start();
    await retention.close();
  });
});

describe('legal holds', () => {
  it('are put, listed and released by admins, and told as events with who and why', async () => {
    const server = await startTestServer();
    const call = async (method: string, path: string, body?: object, role: 'admin' | 'reader' = 'admin') => {
      const response = await fetch(`${server.running.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${server.tokens[role]}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const wanted = { fromMs: 1, untilMs: 2, reason: 'case 4711', by: 'alice' };
    expect((await call('POST', '/holds', wanted, 'reader')).status).toBe(403);
    expect((await call('POST', '/holds', { ...wanted, reason: ' ' })).status).toBe(400);
    expect((await call('POST', '/holds', { ...wanted, untilMs: 1 })).status).toBe(400);
    const added = await call('POST', '/holds', wanted);
    expect(added).toMatchObject({ status: 201, body: { id: 'hold-1', addedBy: 'alice (role:admin)' } });
    expect((await call('GET', '/status', undefined, 'reader')).body).toMatchObject({ holds: 1 });
    expect((await call('POST', '/holds/hold-1/release', { reason: 'closed' })).body).toMatchObject({
      released: { by: 'role:admin', why: 'closed' },
    });
    expect((await call('POST', '/holds/hold-1/release', {})).status).toBe(404);
    const listed = await call('GET', '/holds', undefined, 'reader');
    expect(listed.body).toMatchObject({ holds: [{ id: 'hold-1', reason: 'case 4711', released: { why: 'closed' } }] });
    const found = await call('POST', '/search', { query: 'event.dataset:vedette.hold', sinceMs: 0 }, 'reader');
    expect(found.body).toMatchObject({ total: 2 });
    await server.end();
  });
});

describe('a rules folder that cannot be read any more', () => {
  it('leaves the rules in force', async () => {
    const server = await startTestServer();
    rmSync(server.rulesFolder, { recursive: true });
    const { loaded, diagnostics } = await server.running.reloadRules();
    expect(loaded).toBe(1);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(server.notices.at(-1)).toMatchObject({ kind: 'warning', message: expect.stringContaining('stay') });
    await server.end();
  });
});
