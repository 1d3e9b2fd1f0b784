// A rule on many events that comes into force on a running server, or while it was down, knows what was before.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuleEpoch } from '../../engine/engine.ts';
import { createDeliveryFence, type DeliveryFence } from '../../server/delivery-fence.ts';
import { createEngineRunner, type EngineRunner } from '../../server/engine-runner.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import { ruleWith } from '../engine/making.ts';
import { BOOT_ID, eventually, execEvent, START_MS } from './server-under-test.ts';

const FROM_MS = START_MS - 5_000;
const threeOnHost = ruleWith({
  by: ['host.id'],
  kind: { kind: 'threshold', count: 3, withinMs: 60_000, mode: 'episode' },
  alert: { title: '{{count}} on {{host.name}}' },
});
const threeOfUser = ruleWith({
  ...threeOnHost,
  id: 'across',
  version: 'across-v1',
  by: ['user.name'],
  alert: { title: '{{count}} of {{user.name}}' },
});
const BEFORE: readonly RuleEpoch[] = [{ fromMs: 0, rules: [] }];
const AFTER: readonly RuleEpoch[] = [...BEFORE, { fromMs: FROM_MS, rules: [threeOnHost, threeOfUser] }];

let folder: string;
let store: EventStore;
let state: SqliteState;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-filling-'));
  store = openMemoryStore();
  state = openSqliteState(join(folder, 'state.sqlite'));
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function live(epochs: readonly RuleEpoch[], from: EventStore = store): { runner: EngineRunner; fence: DeliveryFence } {
  let runner: EngineRunner | undefined;
  const fence = createDeliveryFence({ latenessMs: 10_000, staleAfterMs: 90_000, onAdvance: () => runner?.advance() });
  fence.restore('h', { bootId: BOOT_ID, position: 0, createdMs: 0 }, { nowMs: START_MS, isAbsent: false });
  fence.holdAll(START_MS);
  runner = createEngineRunner({
    store: from,
    fence,
    state: state.engine,
    epochs,
    quarantines: { holding: () => [], enter: () => undefined },
    alertOnImports: false,
    now: () => START_MS,
    notificationsOf: () => [],
    onOutbox: () => undefined,
    onNotice: () => undefined,
    retryMs: 1,
  });
  runner.start();
  return { runner, fence };
}

async function deliver(fence: DeliveryFence, numbers: readonly number[], createdMs: number): Promise<void> {
  const events = numbers.map((number) => execEvent('h', number, { user: 'root', createdMs }));
  const ids = events.map(({ id }) => id);
  const delivery = fence.begin('h', ids, { nowMs: START_MS });
  await store.append(events);
  const position = numbers.at(-1) ?? 0;
  fence.settle(delivery, [], { kind: 'progress', progress: { bootId: BOOT_ID, position, createdMs: createdMs + 1 } });
}

const detections = () => [...state.alerts.detections(0, START_MS * 2)];
const both = () => eventually(() => (detections().length === 2 ? detections() : undefined));

describe('a rule that comes into force', () => {
  it('on a running server counts what was before', async () => {
    const { runner, fence } = live(BEFORE);
    await deliver(fence, [1, 2], START_MS - 10_000);
    await eventually(() => (runner.statistics().eventsFolded === 2 ? true : undefined));
    runner.useRules(AFTER);
    await deliver(fence, [3], START_MS - 1_000);
    const found = await both();
    expect(found.map(({ found: ground }) => ground?.facts)).toEqual([{ count: 3 }, { count: 3 }]);
    const titles = state.alerts.list({ limit: 10 }).map(({ title }) => title);
    expect(titles.some((title) => title === '3 of root')).toBe(true);
    await runner.close();
  });

  it('while the server was down, too; and is not filled twice', async () => {
    const first = live(BEFORE);
    await deliver(first.fence, [1, 2], START_MS - 10_000);
    await eventually(() => (first.runner.statistics().eventsFolded === 2 ? true : undefined));
    await first.runner.close();
    const second = live(AFTER);
    await deliver(second.fence, [3], START_MS - 1_000);
    await both();
    await second.runner.close();
    let scans = 0;
    const counting: EventStore = {
      ...store,
      scan(...asked) {
        scans += 1;
        return store.scan(...asked);
      },
    };
    const third = live(AFTER, counting);
    await deliver(third.fence, [4], START_MS - 900);
    await eventually(() => (third.runner.statistics().eventsFolded === 1 ? true : undefined));
    expect(scans).toBe(0);
    expect(detections()).toHaveLength(2);
    await third.runner.close();
  });

  it('begins anew where the store failed half way', async () => {
    const { runner, fence } = live(BEFORE);
    await deliver(fence, [1, 2], START_MS - 10_000);
    await eventually(() => (runner.statistics().eventsFolded === 2 ? true : undefined));
    await runner.close();
    let failures = 1;
    const failing: EventStore = {
      ...store,
      async *scan(...asked) {
        if (failures-- > 0) throw new Error('unreachable');
        yield* store.scan(...asked);
      },
    };
    const after = live(AFTER, failing);
    await deliver(after.fence, [3], START_MS - 1_000);
    await both();
    await after.runner.close();
  });
});
