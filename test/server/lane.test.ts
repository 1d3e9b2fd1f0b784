// What may overlap of one host's requests, and what must not: the next is admitted while the former waits for the store, and everything
// that is told of them is told in their order.
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../event/progress.ts';
import { createDeliveryFence, type DeliveryFence } from '../../server/delivery-fence.ts';
import { createHostBook } from '../../server/host-book.ts';
import { createIngest } from '../../server/ingest.ts';
import { createLanes } from '../../server/lane.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { StoreUnavailable } from '../../store/port.ts';
import type { Account, HostRecord } from '../../store/state/state-port.ts';
import { bulkOf, execEvent, START_MS } from './server-under-test.ts';

/** Lets all that can go on go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a lane', () => {
  const stage = () => {
    const lanes = createLanes();
    const said: string[] = [];
    const gates = new Map<string, { readonly open: () => void; readonly break: (error: Error) => void }>();
    const gate = (name: string): Promise<void> =>
      new Promise((resolve, reject) => gates.set(name, { open: resolve, break: reject }));
    const passing = (name: string): Promise<void> | undefined =>
      lanes.runPassing('h', async ({ pass, earlier }) => {
        said.push(`${name} begins`);
        await gate(name);
        pass();
        await gate(`${name} stored`);
        await earlier;
        said.push(`${name} ends`);
      });
    const alone = (name: string): Promise<void> | undefined =>
      lanes.run('h', async () => {
        said.push(`${name} begins`);
        await gate(name);
        said.push(`${name} ends`);
      });
    const open = async (name: string): Promise<void> => {
      gates.get(name)?.open();
      await settled();
    };
    return { lanes, said, gates, passing, alone, open };
  };

  it('lets the next begin once the turn is passed on, and ends them in their order', async () => {
    const { lanes, said, passing, open } = stage();
    const runs = [passing('a'), passing('b')];
    await settled();
    expect(said).toEqual(['a begins']);
    await open('a');
    expect(said).toEqual(['a begins', 'b begins']);
    await open('b');
    await open('b stored');
    expect(said).toEqual(['a begins', 'b begins']);
    await open('a stored');
    expect(said).toEqual(['a begins', 'b begins', 'a ends', 'b ends']);
    await Promise.all(runs);
    await lanes.idle();
  });

  it('has nothing beside what runs alone, before it or after it', async () => {
    const { lanes, said, passing, alone, open } = stage();
    const runs = [passing('a'), alone('x'), passing('b')];
    await settled();
    await open('a');
    expect(said).toEqual(['a begins']);
    await open('a stored');
    expect(said).toEqual(['a begins', 'a ends', 'x begins']);
    await open('x');
    expect(said).toEqual(['a begins', 'a ends', 'x begins', 'x ends', 'b begins']);
    await open('b');
    await open('b stored');
    await Promise.all(runs);
    await lanes.idle();
  });

  it('goes on after one that failed, before it passed its turn on or after', async () => {
    const { lanes, said, gates, passing, open } = stage();
    const failed = [passing('a'), passing('b')].map((run) => run?.catch((error: Error) => error.message));
    const last = passing('c');
    await settled();
    gates.get('a')?.break(new Error('one'));
    await settled();
    await open('b');
    gates.get('b stored')?.break(new Error('two'));
    await open('c');
    await open('c stored');
    expect(await Promise.all(failed)).toEqual(['one', 'two']);
    await last;
    expect(said).toEqual(['a begins', 'b begins', 'c begins', 'c ends']);
    await lanes.idle();
  });

  it('counts as waiting what has passed its turn on and has not ended', async () => {
    const lanes = createLanes(1);
    const gate = Promise.withResolvers<void>();
    const run = () =>
      lanes.runPassing('h', async ({ pass }) => {
        pass();
        await gate.promise;
      });
    expect([run(), run(), run()].map((result) => result === undefined)).toEqual([false, false, true]);
    gate.resolve();
    await lanes.idle();
    expect(run()).toBeDefined();
  });
});

describe('requests of one host', () => {
  const host: Account = { id: 'h', role: 'host', isRevoked: false, createdMs: 0 };

  /** An ingest on a store whose appends wait until they are let through, in their order. */
  const stage = () => {
    const memory = openMemoryStore();
    const appends: { readonly ids: readonly string[]; readonly let: (failure?: Error) => void }[] = [];
    let before: Promise<unknown> = Promise.resolve();
    const store: typeof memory = {
      ...memory,
      append(batch) {
        const gate = Promise.withResolvers<Error | undefined>();
        appends.push({ ids: batch.map(({ id }) => id), let: gate.resolve });
        const result = before.then(async () => {
          const failure = await gate.promise;
          if (failure !== undefined) throw failure;
          return memory.append(batch);
        });
        before = result.catch(() => undefined);
        return result;
      },
    };
    const records = new Map<string, HostRecord>();
    const hosts = createHostBook({
      list: () => [...records.values()],
      get: (id) => records.get(id),
      put: (record) => void records.set(record.id, record),
      putAll: () => undefined,
    });
    hosts.enter('h', 'h', START_MS);
    const fence: DeliveryFence = createDeliveryFence({
      latenessMs: 1e6,
      staleAfterMs: 1e9,
      onAdvance: () => undefined,
    });
    fence.restore('h', { bootId: 'b', position: 0, createdMs: START_MS }, { nowMs: START_MS, isAbsent: false });
    fence.caughtUp(fence.mark());
    const lanes = createLanes();
    const now = (): number => START_MS;
    const ingest = createIngest({ store, hosts, fence, lanes, now, hostCameBack: async () => undefined });
    const answered: string[] = [];
    const send = (numbers: readonly number[], { isSignOff = false, position = 0 } = {}): Promise<unknown> => {
      const text = bulkOf(numbers.map((number) => execEvent('h', number)));
      const progress: Progress = { bootId: 'b', position, createdMs: START_MS };
      const body = Object.assign(Readable.from([Buffer.from(text)]), { headers: {} }) as unknown as IncomingMessage;
      const request = { account: host, body, index: undefined, progress, isSignOff };
      return ingest.bulk(request).then(
        ({ items }) => answered.push(items.map((item) => item['create']?.status).join(' ')),
        (error: unknown) => answered.push(error instanceof Error ? 'failed' : 'failed otherwise'),
      );
    };
    const passed = (position: number): boolean => fence.watermarks(START_MS).hostPassed(orderOf(position));
    return { appends, answered, send, fence, hosts, passed };
  };
  const orderOf = (position: number) => ({ createdMs: START_MS, hostId: 'h', bootId: 'b', position, id: '' });
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await settled();
  };

  it('are with the store together, and answered in their order', async () => {
    const { appends, answered, send, hosts } = stage();
    const first = send([1], { position: 1 });
    await until(() => appends.length === 1);
    const second = send([2, 3], { position: 3 });
    await until(() => appends.length === 2);
    expect(answered).toEqual([]);
    appends[1]?.let();
    appends[0]?.let();
    await Promise.all([first, second]);
    expect(answered).toEqual(['201', '201 201']);
    expect(hosts.get('h')).toMatchObject({ progress: { position: 3 }, counters: { events: 3, requests: 2 } });
  });

  it('hold their progress until all events are read that came before it, in whichever order that is', async () => {
    const { appends, send, fence, passed } = stage();
    const first = send([1], { position: 1 });
    await until(() => appends.length === 1);
    const second = send([2], { position: 2 });
    await until(() => appends.length === 2);
    for (const append of appends) append.let();
    await Promise.all([first, second]);
    fence.read(appends[1]?.ids ?? []);
    expect(passed(2)).toBe(false);
    fence.read(appends[0]?.ids ?? []);
    expect(passed(2)).toBe(true);
  });

  it('may bring the same event: whichever stores it, its progress waits until that is read', async () => {
    const { appends, answered, send, fence, passed } = stage();
    const first = send([1], { position: 1 });
    await until(() => appends.length === 1);
    const second = send([1], { position: 1 });
    await until(() => appends.length === 2);
    appends[0]?.let(new StoreUnavailable('disk-full', 'full'));
    appends[1]?.let();
    await Promise.all([first, second]);
    expect(answered).toEqual(['failed', '201']);
    fence.read([]);
    expect(passed(1)).toBe(false);
    fence.caughtUp(fence.mark());
    expect(passed(1)).toBe(true);
  });

  it('name an event twice: its progress waits until that is read', async () => {
    const { appends, answered, send, fence, passed } = stage();
    const sent = send([1, 1], { position: 1 });
    await until(() => appends.length === 1);
    appends[0]?.let();
    await sent;
    expect(answered).toEqual(['201 409']);
    expect(passed(1)).toBe(false);
    fence.read(appends[0]?.ids ?? []);
    expect(passed(1)).toBe(true);
  });

  it('wait for one with which the host signs off', async () => {
    const { appends, answered, send } = stage();
    const last = send([1], { isSignOff: true });
    await until(() => appends.length === 1);
    const again = send([2]);
    for (let turn = 0; turn < 5; turn++) await settled();
    expect(appends.length).toBe(1);
    appends[0]?.let();
    await until(() => appends.length === 2);
    expect(answered).toEqual(['201']);
    appends[1]?.let();
    await Promise.all([last, again]);
  });
});
