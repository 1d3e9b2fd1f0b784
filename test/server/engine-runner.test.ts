import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../../engine/watermark.ts';
import type { Alert } from '../../event/detection.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { createDeliveryFence, type DeliveryFence } from '../../server/delivery-fence.ts';
import { createEngineRunner, type EngineRunner } from '../../server/engine-runner.ts';
import type { ServerNotice } from '../../server/options.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import { BOOT_ID, eventually, execEvent, SPAWN_RULE, START_MS } from './server-under-test.ts';

const EPOCHS = [{ fromMs: 0, rules: readRuleText('web-server-spawns-shell.yaml', SPAWN_RULE, new Map()).rules }];
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Life {
  readonly runner: EngineRunner;
  readonly fence: DeliveryFence;
  readonly notices: ServerNotice[];
}

function stateInFolder(): SqliteState {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-runner-'));
  folders.push(folder);
  return openSqliteState(join(folder, 'state.sqlite'));
}

/** One life of the server's following part. `mayCommit` says whether a commit goes through. */
function live(
  store: EventStore,
  state: SqliteState,
  mayCommit: () => boolean = () => true,
  isPressed: () => boolean = () => false,
): Life {
  const notices: ServerNotice[] = [];
  let runner: EngineRunner | undefined;
  const fence = createDeliveryFence({ latenessMs: 10_000, staleAfterMs: 90_000, onAdvance: () => runner?.advance() });
  fence.restore('h', { bootId: BOOT_ID, position: 0, createdMs: 0 }, { nowMs: START_MS, isAbsent: false });
  fence.holdAll(START_MS);
  runner = createEngineRunner({
    store,
    fence,
    state: {
      ...state.engine,
      commit(commit) {
        if (!mayCommit()) throw new Error('disk full');
        state.engine.commit(commit);
      },
    },
    epochs: EPOCHS,
    quarantines: { holding: () => [], enter: () => undefined },
    alertOnImports: false,
    now: () => START_MS,
    notificationsOf: (alert) => [{ id: alert.id, alertId: alert.id, channel: 'terminal', reason: 'test', alert }],
    onOutbox: () => undefined,
    onNotice: (notice) => notices.push(notice),
    isPressed,
    retryMs: 1,
  });
  runner.start();
  return { runner, fence, notices };
}

async function deliver(
  { fence }: Life,
  store: EventStore,
  numbers: readonly number[],
  position: number,
): Promise<void> {
  const events = numbers.map((number) => execEvent('h', number, userOf(number)));
  const delivery = fence.begin(
    'h',
    events.map(({ id }) => id),
    { nowMs: START_MS },
  );
  const results = await store.append(events);
  const notStored = events.flatMap(({ id }, at) => (results[at]?.kind === 'created' ? [] : [id]));
  fence.settle(delivery, notStored, { kind: 'progress', progress: { bootId: BOOT_ID, position, createdMs: 0 } });
}

const userOf = (number: number) => ({ user: `u${number % 3}`, createdMs: START_MS - 1_000 });
const shapeOf = (alerts: readonly Alert[]) =>
  alerts.map(({ id, count, lastEventId, isLate }) => [id, count, lastEventId, isLate].join(' ')).sort();

/** What the rules mean: one fold over everything, in order. */
function oracle(count: number): readonly string[] {
  const events = Array.from({ length: count }, (_, at) => execEvent('h', at + 1, userOf(at + 1)));
  return shapeOf(createEngine({ epochs: EPOCHS, state: new Map() }).step(events, EVERYTHING_PASSED).alerts);
}

const settled = (state: SqliteState, count: number) =>
  eventually(() => ([...state.alerts.detections(0, START_MS * 2)].length === count ? true : undefined));

describe('following the store', () => {
  it('property: cuts, kills and commits that fail change neither the alerts nor how often they are sent', async () => {
    const plan = fc.array(
      fc.record({ size: fc.integer({ min: 1, max: 4 }), isProgressLate: fc.boolean(), isKilled: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(plan, fc.integer({ min: 0, max: 3 }), async (requests, failures) => {
        const store = openMemoryStore();
        const state = stateInFolder();
        let failuresLeft = failures;
        const mayCommit = () => failuresLeft-- <= 0;
        let life = live(store, state, mayCommit);
        let position = 0;
        for (const { size, isProgressLate, isKilled } of requests) {
          const numbers = Array.from({ length: size }, () => ++position);
          await deliver(life, store, numbers, isProgressLate ? position - size : position);
          if (!isKilled) continue;
          await life.runner.close();
          life = live(store, state, mayCommit);
        }
        await deliver(life, store, [], position);
        await settled(state, position);
        await life.runner.close();
        expect(shapeOf(state.alerts.list({ limit: 1_000 }))).toEqual(oracle(position));
        expect(state.outbox.counts().pending).toBe(Math.min(3, position));
        state.close();
      }),
      { numRuns: 15, interruptAfterTimeLimit: 15_000 },
    );
  });

  it('reads what was stored before its start, and trusts saved progress only then', async () => {
    const store = openMemoryStore();
    await store.append([1, 2, 3].map((number) => execEvent('h', number, userOf(number))));
    const state = stateInFolder();
    const life = live(store, state);
    await deliver(life, store, [], 3);
    await settled(state, 3);
    expect(shapeOf(state.alerts.list({ limit: 10 }))).toEqual(oracle(3));
    await life.runner.close();
    state.close();
  });

  it('gives way to a thread that never rests, and reads on all the same', async () => {
    const store = openMemoryStore();
    const state = stateInFolder();
    let turns = 0;
    let turning: NodeJS.Immediate | undefined;
    const busy = (): void => {
      turns++;
      for (const untilMs = performance.now() + 1; performance.now() < untilMs; );
      turning = setImmediate(busy);
    };
    busy();
    /** Turns so far, whenever a step begins or has ended. */
    const turnsAt: number[] = [];
    const isPressed = (): boolean => {
      turnsAt.push(turns);
      return true;
    };
    await store.append(Array.from({ length: 16_000 }, (_, at) => execEvent('h', at + 1, { parent: 'sshd' })));
    const life = live(store, state, undefined, isPressed);
    await eventually(() => (life.runner.statistics().eventsFolded === 16_000 ? true : undefined));
    clearImmediate(turning);
    // Steps are short, and after each there are more turns than the one that it ends with.
    const turnsAfter = Array.from({ length: 30 }, (_, at) => (turnsAt[2 * at + 4] ?? 0) - (turnsAt[2 * at + 3] ?? 0));
    expect(Math.min(...turnsAfter)).toBeGreaterThan(1);
    await life.runner.close();
    state.close();
  });

  it('does not trust a progress while it reads again what a failed commit undid', async () => {
    const store = openMemoryStore();
    const state = stateInFolder();
    let mayCommit = false;
    const life = live(store, state, () => mayCommit);
    // Read without effect, so not committed: what comes next is cut otherwise when it is read again, in the middle of what
    // came in one step and against the order of positions. Who folds too early opens with the wrong event.
    const quiet = Array.from({ length: 100 }, (_, at) => execEvent('h', 2_000 + at, { parent: 'sshd' }));
    await store.append(quiet);
    await eventually(() => life.runner.statistics().eventsFolded === quiet.length);
    const numbers = Array.from({ length: 500 }, (_, at) => 500 - at);
    await deliver(life, store, numbers, numbers.length);
    await eventually(() => life.notices.length > 0);
    mayCommit = true;
    await settled(state, numbers.length);
    await life.runner.close();
    expect(shapeOf(state.alerts.list({ limit: 10 }))).toEqual(oracle(numbers.length));
    state.close();
  });

  it('goes on by itself after a commit that failed, though no event comes', async () => {
    const numbers = Array.from({ length: 1_300 }, (_, at) => 1_300 - at);
    for (const failing of [1, 2, 3, 4]) {
      const store = openMemoryStore();
      const state = stateInFolder();
      let commits = 0;
      const life = live(store, state, () => ++commits !== failing);
      await deliver(life, store, numbers, numbers.length);
      await settled(state, numbers.length);
      await life.runner.close();
      expect([failing, shapeOf(state.alerts.list({ limit: 10 }))]).toEqual([failing, oracle(numbers.length)]);
      state.close();
    }
  });

  it('saves a cursor that moved without effect when it stops', async () => {
    const store = openMemoryStore();
    await store.append([execEvent('h', 1, { parent: 'sshd' })]);
    const state = stateInFolder();
    const life = live(store, state);
    await eventually(() => (life.runner.statistics().eventsFolded === 1 ? true : undefined));
    await life.runner.close();
    const { events } = await store.next(state.engine.loadCursor(), { limit: 10, waitMs: 0 });
    expect(events).toEqual([]);
    expect(life.runner.greatestCreatedMs()).toBe(START_MS - 999);
    state.close();
  });

  it('says once that it cannot commit, and that it can again', async () => {
    const store = openMemoryStore();
    const state = stateInFolder();
    let failuresLeft = 3;
    const life = live(store, state, () => failuresLeft-- <= 0);
    await deliver(life, store, [1], 1);
    await settled(state, 1);
    expect(life.notices.map(({ kind }) => kind)).toEqual(['error', 'store']);
    await life.runner.close();
    state.close();
  });
});
