import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../event/document.ts';
import { createDeliveryFence } from '../../server/delivery-fence.ts';
import { createHostBook, type HostBook } from '../../server/host-book.ts';
import { createLanes } from '../../server/lane.ts';
import { newlySilent } from '../../server/silence.ts';
import { createSilenceWatch, type SilenceWatch } from '../../server/silence-watch.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { type EventStore, StoreUnavailable } from '../../store/port.ts';
import type { HostRecord } from '../../store/state/state-port.ts';
import { eventually, execEvent, START_MS, ship, startTestServer } from './server-under-test.ts';

const SILENCE_MS = 90_000;

describe('which hosts are silent', () => {
  const host: HostRecord = {
    id: 'h',
    name: 'h',
    firstSeenMs: 0,
    lastSeenMs: 1_000,
    progress: { bootId: '', position: 1, createdMs: 1 },
    silentSinceMs: undefined,
    isSignedOff: false,
    counters: {},
  };
  const cases: readonly [string, Partial<HostRecord>, { nowMs: number; graceMs?: number }, boolean][] = [
    ['one that said nothing for long enough', {}, { nowMs: 91_000 }, true],
    ['not one that spoke a moment ago', {}, { nowMs: 90_999 }, false],
    ['not one whose silence is known', { silentSinceMs: 1_000 }, { nowMs: 500_000 }, false],
    ['not one that signed off', { isSignedOff: true }, { nowMs: 500_000 }, false],
    [
      'not one that never sent progress: it speaks only when it has something to say',
      { progress: undefined },
      { nowMs: 500_000 },
      false,
    ],
    ['none while the server itself listens for less than that', {}, { nowMs: 500_000, graceMs: 450_000 }, false],
    ['one that is silent ever since the server listens', {}, { nowMs: 540_000, graceMs: 450_000 }, true],
  ];
  it.each(cases)('%s', (_claim, change, { nowMs, graceMs = 0 }, isSilent) => {
    expect(newlySilent([{ ...host, ...change }], { nowMs, graceMs, silenceAfterMs: SILENCE_MS }).length === 1).toBe(
      isSilent,
    );
  });
});

interface Watched {
  readonly watch: SilenceWatch;
  readonly hosts: HostBook;
  readonly clock: { ms: number };
  /** Lets time pass in the steps in which the server looks, and looks. */
  pass(ms: number): Promise<void>;
  said(): Promise<readonly (readonly [string, string])[]>;
  /** As after a restart: what is saved, and nothing else. */
  again(): Watched;
}

function watched(
  store: EventStore = openMemoryStore(),
  records = new Map<string, HostRecord>(),
  clock = { ms: START_MS },
): Watched {
  const port = {
    list: () => [...records.values()],
    get: (id: string) => records.get(id),
    put: (host: HostRecord) => void records.set(host.id, host),
    putAll: (all: readonly HostRecord[]) => {
      for (const host of all) records.set(host.id, host);
    },
  };
  const hosts = createHostBook(port);
  const fence = createDeliveryFence({ latenessMs: 10_000, staleAfterMs: SILENCE_MS, onAdvance: () => undefined });
  const watch = createSilenceWatch({
    store,
    hosts,
    fence,
    lanes: createLanes(),
    isRevoked: (id) => id === 'revoked',
    silenceAfterMs: SILENCE_MS,
    now: () => clock.ms,
    onNotice: () => undefined,
  });
  return {
    watch,
    hosts,
    clock,
    async pass(ms) {
      for (let gone = 0; gone < ms; gone += 5_000) {
        clock.ms += 5_000;
        await watch.check();
      }
    },
    async said() {
      const { events } = await store.next(undefined, { limit: 100, waitMs: 0 });
      return events.map(({ document }) => [textOf(document, 'host.id') ?? '', textOf(document, 'event.action') ?? '']);
    },
    again: () => watched(store, records, clock),
  };
}

function live(id: string, { hosts, clock }: Watched): void {
  hosts.enter(id, `${id}-name`, clock.ms);
  hosts.setProgress(id, { bootId: 'b', position: 1, createdMs: clock.ms });
}

describe('the watch', () => {
  it('says once that a host went silent, and once that it is back', async () => {
    const watch = watched();
    live('web-1', watch);
    await watch.pass(SILENCE_MS - 5_000);
    expect(await watch.said()).toEqual([]);
    await watch.pass(SILENCE_MS * 3);
    expect(await watch.said()).toEqual([['web-1', 'host-went-silent']]);
    expect(watch.hosts.get('web-1')?.silentSinceMs).toBe(START_MS);
    for (let request = 0; request < 2; request++) await watch.watch.hostCameBack('web-1');
    expect((await watch.said()).map(([, action]) => action)).toEqual(['host-went-silent', 'host-came-back']);
    watch.hosts.touch('web-1', watch.clock.ms);
    await watch.pass(SILENCE_MS * 2);
    expect((await watch.said()).map(([, action]) => action)).toEqual([
      'host-went-silent',
      'host-came-back',
      'host-went-silent',
    ]);
  });

  it('after a restart neither forgets a silence, nor says it again, nor blames hosts for the server’s absence', async () => {
    const before = watched();
    live('web-1', before);
    await before.pass(SILENCE_MS);
    live('web-2', before);
    await before.watch.close();
    before.clock.ms += 3_600_000;
    const after = before.again();
    await after.pass(SILENCE_MS - 5_000);
    expect(await after.said()).toEqual([['web-1', 'host-went-silent']]);
    await after.pass(5_000);
    expect(await after.said()).toEqual([
      ['web-1', 'host-went-silent'],
      ['web-2', 'host-went-silent'],
    ]);
  });

  it('says a silence again under the same id when it was killed before it could note it', async () => {
    const store = openMemoryStore();
    const before = watched(store);
    live('web-1', before);
    await before.pass(SILENCE_MS);
    // The host book as it was saved before the event: the silence is not in it.
    const replay = watched(
      store,
      new Map([['web-1', { ...(before.hosts.get('web-1') as HostRecord), silentSinceMs: undefined }]]),
      before.clock,
    );
    await replay.pass(SILENCE_MS);
    expect(await replay.said()).toEqual([['web-1', 'host-went-silent']]);
    expect(replay.hosts.get('web-1')?.silentSinceMs).toBe(START_MS);
  });

  it('takes a pause of the server itself, or a clock that was set, for no silence', async () => {
    const watch = watched();
    live('web-1', watch);
    watch.clock.ms += 3_600_000;
    await watch.watch.check();
    watch.clock.ms -= 1_800_000;
    await watch.watch.check();
    expect(await watch.said()).toEqual([]);
  });

  it('says nothing of hosts that signed off or whose token was revoked', async () => {
    const watch = watched();
    live('gone', watch);
    watch.hosts.setSignedOff('gone', true);
    live('revoked', watch);
    await watch.pass(SILENCE_MS * 2);
    expect(await watch.said()).toEqual([]);
  });

  it('tries again when the store could not take the event', async () => {
    const store = openMemoryStore();
    let isFull = true;
    const full: EventStore = {
      ...store,
      append: (batch) => {
        if (isFull) return Promise.reject(new StoreUnavailable('disk-full', 'no space'));
        return store.append(batch);
      },
    };
    const watch = watched(full);
    live('web-1', watch);
    await watch.pass(SILENCE_MS);
    expect(watch.hosts.get('web-1')?.silentSinceMs).toBeUndefined();
    isFull = false;
    await watch.pass(5_000);
    expect(await watch.said()).toEqual([['web-1', 'host-went-silent']]);
  });
});

describe('silence in a running server', () => {
  it('is stored, listed and alerted on, and ends with the host’s next request', async () => {
    const rules = `id: host-went-silent
name: Host went silent
description: A host says nothing.
severity: medium
match: event.dataset = "vedette.silence" and event.action = "host-went-silent"
by: [host.id]
alert: { title: "{{host.name}} went silent", suppress: { for: 1h } }
`;
    const server = await startTestServer({ silenceAfterMs: 160 });
    try {
      writeFileSync(`${server.rulesFolder}/host-went-silent.yaml`, rules);
      await server.running.reloadRules();
      const token = await server.enrol('web-1', 'web one');
      const reader = { token: server.tokens.reader };
      const state = async () => (await server.call('GET', '/api/v1/hosts', reader)).body.hosts[0].state;
      await ship(server, token, [execEvent('web-1', 1)], { position: 1, createdMs: START_MS });
      await eventually(async () => {
        server.clock.ms += 10;
        return (await state()) === 'silent' ? true : undefined;
      });
      const titles = await eventually(async () => {
        const { alerts } = (await server.call('GET', '/api/v1/alerts', reader)).body;
        return alerts.length === 2 ? alerts.map(({ title }: { title: string }) => title) : undefined;
      });
      expect(titles).toContain('web one went silent');
      await ship(server, token, [execEvent('web-1', 2)], { position: 2, createdMs: server.clock.ms });
      expect(await state()).toBe('live');
      await server.call('POST', '/_bulk', { token, raw: '', headers: { 'vedette-sign-off': '1' } });
      expect(await state()).toBe('signed-off');
    } finally {
      await server.end();
    }
  });
});
