// Lets the engine follow the store: read, step, commit, wake the sender. Cursor, fold, detections, alerts and outbox go in one
// transaction, so a kill at any moment repeats at most what had no effect, and a power cut what nobody was sent. Nothing is polled: the
// store's append ends the wait, and a watermark that moves without events steps by itself.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Quarantine } from '../engine/containment.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { Engine, RuleEpoch, StepResult } from '../engine/engine.ts';
import type { Alert, Notification } from '../event/detection.ts';
import type { StoredEvent } from '../event/document.ts';
import { timeOf } from '../event/document.ts';
import type { EventStore } from '../store/port.ts';
import type { EngineStatePort } from '../store/state/state-port.ts';
import { createCostWatch } from './cost-watch.ts';
import type { FollowerFence } from './delivery-fence.ts';
import { failureText } from './failure-text.ts';
import { createHealthLedger, type LedgerRow } from './health-ledger.ts';
import type { ServerNotice } from './options.ts';
import type { JudgeAgain } from './rule-catch-up.ts';
import { createRuleFilling } from './rule-filling.ts';
import type { SeenFields } from './seen-fields.ts';
import { isImported } from './silence.ts';

/** Events of one step: few enough that requests are served between two, so many that a commit costs little. */
const STEP_EVENTS_MAX = 4_000;
const STEP_EVENTS_LEAST = 32;
/** While senders wait: what they wait for is done by this thread in many short parts between which it waits for others. */
const STEP_EVENTS_PRESSED = 500;
/** Where events cost much, steps are of fewer, so that one takes about so long. What is found does not depend on it. */
const STEP_MS = 100;
/** How often the rules' figures are saved. */
const HEALTH_EVERY_MS = 10_000;
/** How long one look at the store waits for an event. */
const WAIT_MS = 1_000;
/** How often detections that wait for the lateness are looked at, and a cursor that moved without effect is saved. */
const TICK_MS = 500;
/**
 * Under pressure a step gives way for so many times its length at most, of this thread's CPU: a half is always left for it. With less it falls
 * behind what memory holds, and what it then reads from the log or partitions costs senders more than they were given.
 */
const WAY_PER_STEP = 1;
/** And so long by the clock. */
const WAY_MS_MAX = 500;
/** A turn of the loop that takes less CPU had nothing to do for senders; by the clock it may be long where others want the core. */
const IDLE_TURN_MS = 0.3;
/** The first pause after a failure; each further one doubles it. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 30_000;

/** Entries of the state under this prefix are the runner's own; the engine never sees them. */
const OWN_PREFIX = 'runner:';
const GREATEST_CREATED = `${OWN_PREFIX}greatest-created`;
const JUDGED_AGAIN = `${OWN_PREFIX}judged-again:`;

export interface EngineRunner {
  /** Begins to follow. */
  start(): void;
  /** The rules in force from now on; the fold goes on where it is. */
  useRules(epochs: readonly RuleEpoch[]): void;
  /** Quarantines were released: what is in force is read again. */
  useQuarantines(): void;
  /** Gives a released rule events that it missed (rule-catch-up.ts). Throws when what it found cannot be committed. */
  readonly judgeAgain: JudgeAgain;
  /** How far that is, of a quarantine. */
  judgedAgainMs(seq: number): number | undefined;
  /** Watermarks may have moved. */
  advance(): void;
  /** The live windows of a rule; absent where other processes evaluate the rules. */
  readonly liveKeys?: Engine['liveKeys'];
  /** The greatest `event.created` that was read, epoch ms. */
  greatestCreatedMs(): number;
  statistics(): {
    readonly pending: number;
    readonly eventsFolded: number;
    readonly health: readonly LedgerRow[];
    /** The rule that costs most of late, and how much of one core. */
    readonly costliest: { readonly ruleId: string; readonly share: number } | undefined;
    /** Messages that gather alerts; absent: none does. `nextMs`: the event time at which the next leaves. */
    readonly gathering?: { readonly messages: number; readonly alerts: number; readonly nextMs: number };
  };
  /** Finishes the step under way and saves the cursor. */
  close(): Promise<void>;
}

export interface EngineRunnerOptions {
  readonly store: Pick<EventStore, 'next' | 'scan'>;
  readonly state: EngineStatePort;
  readonly fence: FollowerFence;
  readonly epochs: readonly RuleEpoch[];
  /** The control log's part about what is too costly. `enter` is durable when it returns, and throws when it cannot be. */
  readonly quarantines: {
    readonly holding: () => readonly Quarantine[];
    readonly enter: (decided: readonly Quarantine[]) => void;
  };
  /** Looks at some of what is read; what it keeps goes into the state. */
  readonly fields?: Pick<SeenFields, 'look' | 'entries'>;
  readonly alertOnImports: boolean;
  readonly now: () => number;
  /** What to send for a new alert. */
  readonly notificationsOf: (alert: Alert) => readonly Notification[];
  /** What else to send of a step, before it is committed (step-messages.ts). */
  readonly messagesOf?: (result: StepResult) => readonly Notification[];
  /** Called after a commit that put something into the outbox. */
  readonly onOutbox: () => void;
  readonly onNotice: (notice: ServerNotice) => void;
  /** True while this thread is needed to acknowledge events: steps then give way to that, and what waits is in the store. */
  readonly isPressed?: () => boolean;
  readonly retryMs?: number;
}

/** The greatest `event.created` that the engine had read when it last committed, epoch ms. */
export function savedGreatestCreatedMs(state: EngineStatePort): number {
  return Number(state.loadState().get(GREATEST_CREATED) ?? 0);
}

/** Throws when the stored state is not of this version (engine/state-text.ts). */
export function createEngineRunner(options: EngineRunnerOptions): EngineRunner {
  const { store, state, fence, now, onNotice, retryMs = RETRY_MS } = options;
  const abort = new AbortController();
  let epochs = options.epochs;
  let greatestCreatedMs = savedGreatestCreatedMs(state);
  const makeEngine = (): Engine =>
    createEngine({
      epochs,
      state: new Map([...state.loadState()].filter(([key]) => !key.startsWith(OWN_PREFIX))),
      quarantines: options.quarantines.holding(),
      judgedMs: greatestCreatedMs,
      stopwatch: () => performance.now(),
      asksForPast: true,
    });
  let engine = makeEngine();
  const filling = createRuleFilling({
    store,
    unfilled: () => engine.unfilled(),
    fill({ id: ruleId, version: ruleVersion }) {
      const of = engine;
      const { see, finish } = of.fill({ ruleId, ruleVersion });
      return {
        see,
        isCurrent: () => of === engine,
        finish() {
          finish();
          step([], cursor);
        },
      };
    },
    isEvaluated: (event) => options.alertOnImports || !isImported(event.document),
    settledMs: () => fence.settledMs(now()),
    onNotice,
    retryMs: 10 * retryMs,
  });
  const ledger = createHealthLedger(state.loadState(), now);
  let healthSavedMs = now();
  let stepEventsMax = STEP_EVENTS_MAX;
  const costs = createCostWatch(() => performance.now());
  let cursor = state.loadCursor();
  let isCursorSaved = true;
  let eventsFolded = 0;
  /** Counts returns to the committed state: what was read before one of them is read again. */
  let generation = 0;
  let failures = 0;
  let isAdvanceDue = false;
  let following: Promise<void> | undefined;
  let ticking: NodeJS.Timeout | undefined;
  /** Runs after a failure; until it ends nothing is committed. */
  let pausing: NodeJS.Timeout | undefined;

  /** Back to what is durable: the engine's memory is ahead of it. */
  const returnToCommitted = (error: unknown): void => {
    generation += 1;
    failures += 1;
    if (failures === 1)
      onNotice({ kind: 'error', message: `the engine cannot commit and tries again: ${failureText(error)}` });
    fence.holdAll(now());
    ledger.absorb(engine.health());
    engine = makeEngine();
    filling.wake();
    cursor = state.loadCursor();
    isCursorSaved = true;
    clearTimeout(pausing);
    pausing = setTimeout(() => {
      pausing = undefined;
      stepWithoutEvents();
    }, pauseMs()).unref();
  };

  const commit = (result: StepResult, savesHealth = now() - healthSavedMs >= HEALTH_EVERY_MS): void => {
    if (cursor === undefined) return;
    const outbox = [
      ...result.notified.flatMap((alert) => options.notificationsOf(alert)),
      ...(options.messagesOf?.(result) ?? []),
    ];
    const changes = new Map(result.state).set(GREATEST_CREATED, String(greatestCreatedMs));
    if (savesHealth) {
      for (const [key, text] of ledger.entries(engine.health())) changes.set(key, text);
      for (const [key, text] of options.fields?.entries() ?? []) changes.set(key, text);
      healthSavedMs = now();
    }
    const { detections, alerts, amended, gaps, grouped } = result;
    // Where nothing is sent, a power cut may take the step: it is made again, to the same end. No sender waits for this disk then.
    const isRepeatable = outbox.length === 0;
    state.commit({ cursor, state: changes, detections, alerts, amended, gaps, grouped, outbox, isRepeatable });
    isCursorSaved = true;
    if (failures > 0) onNotice({ kind: 'store', message: 'the engine commits again' });
    failures = 0;
    if (outbox.length > 0) options.onOutbox();
  };

  /** One step and its commit, without a pause between: nothing else can happen in the meantime. */
  const step = (events: readonly StoredEvent[], nextCursor: string | undefined): void => {
    try {
      fence.read(
        events.map(({ id }) => id),
        nextCursor,
      );
      for (const event of events) {
        const createdMs = event.unparsed?.createdMs ?? timeOf(event.document, 'event.created') ?? 0;
        greatestCreatedMs = Math.max(greatestCreatedMs, createdMs);
      }
      const judged = options.alertOnImports
        ? events
        : events.filter((event) => event.unparsed !== undefined || !isImported(event.document));
      const result = engine.step(judged, fence.watermarks(now()));
      if (result.quarantined.length > 0) {
        options.quarantines.enter(result.quarantined);
        engine.useQuarantines(options.quarantines.holding());
      }
      if (nextCursor !== cursor) isCursorSaved = false;
      cursor = nextCursor;
      eventsFolded += events.length;
      options.fields?.look(judged);
      if (hasEffect(result)) commit(result);
    } catch (error) {
      returnToCommitted(error);
    }
  };

  const saveCursor = (savesHealth?: boolean): void => {
    if (isCursorSaved && savesHealth !== true) return;
    try {
      commit(NO_RESULT, savesHealth);
    } catch (error) {
      returnToCommitted(error);
    }
  };

  const pauseMs = (): number => Math.min(RETRY_MS_MAX, retryMs * 2 ** Math.min(failures, 10));

  const follow = async (): Promise<void> => {
    let isReachable = true;
    while (!abort.signal.aborted) {
      const mark = fence.mark();
      const before = generation;
      try {
        const waitMs = fence.needsCatchUp() ? 0 : WAIT_MS;
        const limit = options.isPressed?.() === true ? Math.min(stepEventsMax, STEP_EVENTS_PRESSED) : stepEventsMax;
        const asked = { limit, waitMs, signal: abort.signal, isReadAtOnce: true };
        const batch = await store.next(cursor, asked);
        if (abort.signal.aborted) return;
        if (!isReachable) onNotice({ kind: 'store', message: 'the engine reads the store again' });
        isReachable = true;
        const beganMs = performance.now();
        const beganCpuMs = threadCpuMs();
        if (before === generation) {
          if (batch.events.length > 0) {
            step(batch.events, batch.cursor);
            stepEventsMax = nextStepMax(batch.events.length, performance.now() - beganMs, stepEventsMax);
          } else fence.caughtUp(mark);
        }
        if (batch.events.length > 0 && options.isPressed?.() === true) await giveWay(threadCpuMs() - beganCpuMs);
        if (pausing === undefined) await nextTurn();
        else await sleep(pauseMs(), undefined, { signal: abort.signal });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (isReachable)
          onNotice({ kind: 'error', message: `the engine cannot read the store: ${failureText(error)}` });
        isReachable = false;
        await sleep(retryMs * 10, undefined, { signal: abort.signal }).catch(() => undefined);
      }
    }
  };

  function stepWithoutEvents(): void {
    isAdvanceDue = false;
    if (!abort.signal.aborted && pausing === undefined && !engine.isIdle()) step([], cursor);
  }

  return {
    start() {
      following = follow();
      filling.wake();
      ticking = setInterval(() => {
        stepWithoutEvents();
        saveCursor();
        if (costs.isDue()) costs.look(ledger.totals(engine.health()));
      }, TICK_MS);
      ticking.unref();
    },
    useRules(next) {
      ledger.absorb(engine.health());
      epochs = next;
      engine = makeEngine();
      filling.wake();
    },
    useQuarantines: () => engine.useQuarantines(options.quarantines.holding()),
    advance() {
      if (isAdvanceDue) return;
      isAdvanceDue = true;
      setImmediate(stepWithoutEvents);
    },
    judgeAgain(events, rule, { seq, doneMs }) {
      const result = engine.step(events, fence.watermarks(now()), rule);
      try {
        if (result.quarantined.length === 0) {
          commit({ ...result, state: new Map(result.state).set(`${JUDGED_AGAIN}${seq}`, String(doneMs)) });
          return true;
        }
        options.quarantines.enter(result.quarantined);
      } catch (error) {
        returnToCommitted(error);
        throw error;
      }
      // What it found before it became too costly again is found once more, another time.
      ledger.absorb(engine.health());
      engine = makeEngine();
      filling.wake();
      return false;
    },
    judgedAgainMs(seq) {
      const text = state.loadState().get(`${JUDGED_AGAIN}${seq}`);
      return text === undefined ? undefined : Number(text);
    },
    liveKeys: (question) => engine.liveKeys(question),
    greatestCreatedMs: () => greatestCreatedMs,
    statistics() {
      const health = ledger.totals(engine.health());
      const groups = engine.openGroups();
      const gathering =
        groups.length === 0
          ? {}
          : {
              gathering: {
                messages: groups.length,
                alerts: groups.reduce((sum, { count }) => sum + count, 0),
                nextMs: groups.reduce((least, { untilMs }) => Math.min(least, untilMs), Number.POSITIVE_INFINITY),
              },
            };
      return { pending: engine.pending(), eventsFolded, health, costliest: costs.costliest(health), ...gathering };
    },
    async close() {
      clearInterval(ticking);
      clearTimeout(pausing);
      abort.abort();
      await filling.close();
      await following;
      saveCursor(true);
    },
  };
}

const NO_RESULT: StepResult = {
  detections: [],
  alerts: [],
  opened: [],
  notified: [],
  grouped: [],
  groups: [],
  amended: [],
  gaps: [],
  state: new Map(),
  quarantined: [],
};

/**
 * Turns of the loop in which senders are served, one at least, until one has nothing for them. Idle time is never slept away: the engine
 * may have it.
 */
async function giveWay(stepMs: number): Promise<void> {
  const untilMs = performance.now() + WAY_MS_MAX;
  const untilCpuMs = threadCpuMs() + WAY_PER_STEP * stepMs;
  let cpuMs = threadCpuMs();
  do {
    await nextTurn();
    const afterMs = threadCpuMs();
    if (afterMs - cpuMs < IDLE_TURN_MS || afterMs >= untilCpuMs) return;
    cpuMs = afterMs;
  } while (performance.now() < untilMs);
}

/** What this thread has used so far. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function hasEffect(result: StepResult): boolean {
  const { detections, alerts, amended, gaps, groups, state } = result;
  return detections.length + alerts.length + amended.length + gaps.length + groups.length + state.size > 0;
}

/** So many events as take {@link STEP_MS}, going by the last step; only full steps say that more could. */
function nextStepMax(events: number, tookMs: number, max: number): number {
  if (tookMs <= STEP_MS && events < max) return max;
  const fitting = Math.floor((events * STEP_MS) / Math.max(1, tookMs));
  return Math.min(STEP_EVENTS_MAX, Math.max(STEP_EVENTS_LEAST, fitting));
}
