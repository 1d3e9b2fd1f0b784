import { statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createLanes, LANE_WAITING_MAX } from '../../server/lane.ts';
import { ServerStartError } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { type AppendResult, type EventStore, StoreUnavailable } from '../../store/port.ts';
import { bulkOf, eventually, execEvent, START_MS, ship, startTestServer, statusesOf } from './server-under-test.ts';

/** A memory store whose faults a test turns on. */
function faultyStore() {
  const store = openMemoryStore();
  const faults: { append?: StoreUnavailable['reason']; next?: boolean; hold?: Promise<void> } = {};
  const faulty: EventStore = {
    ...store,
    async append(batch): Promise<readonly AppendResult[]> {
      await faults.hold;
      if (faults.append !== undefined) throw new StoreUnavailable(faults.append, 'a fault');
      return store.append(batch);
    },
    async next(cursor, options) {
      if (faults.next === true) throw new StoreUnavailable('unreachable', 'a fault');
      return store.next(cursor, options);
    },
  };
  return { faults, store: faulty };
}

describe('a store that cannot take events', () => {
  it.each([
    ['disk-full', 503],
    ['unreachable', 503],
    ['closed', 503],
    ['overloaded', 429],
  ] as const)(
    '(%s) puts off the whole request with %i, acknowledges nothing, and loses nothing',
    async (reason, status) => {
      const { faults, store } = faultyStore();
      const server = await startTestServer({ store: { kind: 'given', store } });
      const token = await server.enrol('web-1');
      faults.append = reason;
      const events = [execEvent('web-1', 1)];
      const answer = await ship(server, token, events, { position: 1, createdMs: START_MS });
      expect(answer.status).toBe(status);
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.body.error.code).toBe(`store-${reason}`);
      expect(answer.body.items).toBeUndefined();
      const { hosts } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body;
      expect(hosts[0]).toMatchObject({ counters: { unavailable: 1 } });
      // A progress that came with what was not stored promises nothing.
      expect(hosts[0].progress).toBeUndefined();
      delete faults.append;
      expect(statusesOf(await ship(server, token, events, { position: 1, createdMs: START_MS }))).toEqual([201]);
      await eventually(async () => {
        const { alerts } = (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body;
        return alerts.length === 1 ? true : undefined;
      });
      await server.end();
    },
  );

  it('that cannot be read is read again when it can', async () => {
    const { faults, store } = faultyStore();
    faults.next = true;
    const server = await startTestServer({ store: { kind: 'given', store } });
    const token = await server.enrol('web-1');
    expect(
      statusesOf(await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS })),
    ).toEqual([201]);
    await eventually(() => server.notices.some(({ message }) => message.includes('cannot read the store')));
    faults.next = false;
    await eventually(async () => {
      const { alerts } = (await server.call('GET', '/api/v1/alerts', { token: server.tokens.reader })).body;
      return alerts.length === 1 ? true : undefined;
    });
    await server.end();
  });
});

describe('a request', () => {
  it('that breaks off stores nothing and harms nobody', async () => {
    const store = openMemoryStore();
    const server = await startTestServer({ store: { kind: 'given', store } });
    const token = await server.enrol('web-1');
    const body = bulkOf([execEvent('web-1', 1)]);
    const socket = connect(server.running.port, '127.0.0.1');
    const head = `POST /_bulk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length + 5}\r\n\r\n`;
    await new Promise<void>((resolve) => {
      socket.write(head + body, () => resolve());
    });
    socket.destroy();
    await ship(server, token, [execEvent('web-1', 2)]);
    expect((await store.statistics()).events).toBe(1);
    await server.end();
  });

  it('of a sender whose earlier ones still wait is put off', async () => {
    const lanes = createLanes(2);
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const order: number[] = [];
    const runs = [1, 2, 3, 4].map((number) =>
      lanes
        .run('h', async () => {
          await gate;
          order.push(number);
          if (number === 2) throw new Error('one that fails lets the next go on');
        })
        ?.catch(() => undefined),
    );
    expect(runs[3]).toBeUndefined();
    expect(lanes.run('other', async () => 'free')).toBeDefined();
    open();
    await Promise.all(runs);
    await lanes.idle();
    expect(order).toEqual([1, 2, 3]);
    expect(lanes.run('h', async () => 1)).toBeDefined();
    expect(LANE_WAITING_MAX).toBeGreaterThan(0);
  });

  it('gets an answer without a stack trace, whatever it holds', async () => {
    const server = await startTestServer();
    const token = server.tokens.admin;
    const bodies: readonly [string, string, string][] = [
      ['POST', '/api/v1/search', '{"query":'],
      ['POST', '/api/v1/search', '[]'],
      ['POST', '/api/v1/search', '{"query":"a:","sinceMs":0}'],
      ['POST', '/api/v1/search', '{"query":"","sinceMs":"soon"}'],
      ['POST', '/api/v1/search', '{"query":"","sinceMs":0,"limit":10001}'],
      ['POST', '/api/v1/search', '{"__proto__":{"query":""},"sinceMs":0}'],
      ['POST', '/api/v1/backtest', '{"sinceMs":0}'],
      ['POST', '/api/v1/enroll', '{"enrollment_secret":1}'],
      ['GET', '/api/v1/alerts?limit=0', ''],
      ['GET', '/api/v1/alerts?status=odd', ''],
      ['GET', '/api/v1/nothing', ''],
      ['DELETE', '/_bulk', ''],
      ['GET', '/%zz', ''],
    ];
    for (const [method, path, raw] of bodies) {
      const headers = raw === '' ? {} : { 'content-type': 'application/json' };
      const answer = await server.call(method, path, { token, headers, ...(raw === '' ? {} : { raw }) });
      expect([path, raw, answer.status >= 400 && answer.status < 500]).toEqual([path, raw, true]);
      const text = JSON.stringify(answer.body);
      expect(text).toContain('"remedy"');
      expect(text).not.toMatch(/node_modules|at .*\.ts:|"stack"/);
    }
    await server.end();
  });
});

describe('starting and stopping', () => {
  it('a second server on the same folder is refused, by name; after the first has stopped it starts', async () => {
    const server = await startTestServer();
    const error = await startServer({ ...server.options, port: 0 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServerStartError);
    expect(error).toMatchObject({ code: 'folder-taken', message: expect.stringContaining(String(process.pid)) });
    const again = await server.restart();
    await again.end();
  });

  it('a lock whose holder is gone is taken over, also where its pid is another process now', async () => {
    const server = await startTestServer();
    await server.running.close();
    for (const stale of ['999999999 1\n', `${process.pid} 1\n`, 'torn']) {
      writeFileSync(`${server.options.dataFolder}/server/lock`, stale);
      const again = await startServer({ ...server.options, port: 0 });
      await again.close();
    }
    await server.end();
  });

  it('a taken port is told as such, and leaves the folder free', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(0, '127.0.0.1', resolve);
    });
    const { port } = blocker.address() as AddressInfo;
    const server = await startTestServer();
    await server.running.close();
    const error = await startServer({ ...server.options, port }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'port-taken', remedy: expect.any(String) });
    const again = await startServer({ ...server.options, port: 0 });
    await again.close();
    blocker.close();
    await server.end();
  });

  it.each([
    ['of a node that does not answer', { node: 'http://127.0.0.1:9', apiKey: 'c2VjcmV0LWtleQ==' }],
    ['with half a login', { node: 'http://127.0.0.1:9', password: 'c2VjcmV0LWtleQ==' }],
  ])(
    'an Elasticsearch %s is told as such, without its secret, and leaves the folder free',
    async (_what, connection) => {
      const server = await startTestServer();
      await server.running.close();
      const store = { kind: 'elasticsearch', ...connection } as const;
      const error = await startServer({ ...server.options, store }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ServerStartError', code: 'store-unusable', remedy: expect.any(String) });
      expect(String(error)).not.toContain('c2VjcmV0');
      const again = await startServer({ ...server.options, port: 0 });
      await again.close();
      await server.end();
    },
  );

  it('listens on loopback only unless told otherwise', async () => {
    const server = await startTestServer();
    expect(server.running.url).toBe(`http://127.0.0.1:${server.running.port}`);
    await server.end();
  });

  it('stops with a request that never ends, and twice is as good as once', async () => {
    const server = await startTestServer();
    const token = await server.enrol('web-1');
    const socket = connect(server.running.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `POST /_bulk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n{`;
    await new Promise<void>((resolve) => {
      socket.write(head, () => resolve());
    });
    await eventually(async () => {
      const { hosts } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body;
      return hosts[0].counters.requests === 1 ? true : undefined;
    });
    // It would wait for five minutes.
    await Promise.all([server.running.close(), server.running.close()]);
    await server.end();
  });

  it('finishes a request that is being stored before it stops', async () => {
    const { faults, store } = faultyStore();
    const server = await startTestServer({ store: { kind: 'given', store } });
    const token = await server.enrol('web-1');
    let go = (): void => undefined;
    faults.hold = new Promise((resolve) => {
      go = resolve;
    });
    const answer = ship(server, token, [execEvent('web-1', 1)]);
    await eventually(async () => {
      const { hosts } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body;
      return hosts[0].counters.requests === 1 ? true : undefined;
    });
    const closed = server.running.close();
    go();
    expect(statusesOf(await answer)).toEqual([201]);
    await closed;
    await server.end();
  });

  it('writes everything for the owner only', async () => {
    const server = await startTestServer();
    for (const name of ['state.sqlite', 'lock']) {
      expect(statSync(`${server.options.dataFolder}/server/${name}`).mode & 0o077).toBe(0);
    }
    await server.end();
  });
});
