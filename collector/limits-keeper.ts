// The limits at work in the reading thread: samples the process's cost, answers what is allowed, counts what is dropped at the door,
// and says how long to wait between drains. Decides nothing itself: limits.ts does.
import type { Budget } from './budget.ts';
import {
  budgetOf,
  INITIAL_LIMITS,
  isGivenUp,
  LEVELS,
  type Level,
  type LimitChange,
  type LimitOptions,
  observe,
} from './limits.ts';
import type { Loss } from './loss-ledger.ts';
import type { OwnDocument } from './own-document.ts';

/** Between drains, ms, once latency is given up for bigger batches: the kernel's queue holds the records meanwhile. */
export const LONG_DRAIN_MS = 250;
/** The longest pause, ms. */
export const PAUSE_MS_MAX = 2_000;
/** More is not remembered: a machine that slept owes nobody a minute. */
const OWED_MS_MAX = 10_000;
/** Dropped events that are remembered, by the lowest bits of their serials: as many as the reassembler knows the late records of. */
const DROPPED_REMEMBERED = 8_192;
/** Pauses aim this far below the limit, so that it is held and not met. */
const PAUSE_AIM = 0.85;

export interface Limits {
  readonly budget: Budget;
  level(): Level;
  /** True when events of the class bulk are dropped before they cost more. */
  dropsBulk(): boolean;
  /** One was. */
  dropped(serial: number, timeMs: number): void;
  /** True of one of the last that were: what comes late of it belongs to what is told as lost. */
  wasDropped(serial: number): boolean;
  /** What was dropped since the last call. */
  takeDropped(counter: number, nowMs: number): Loss | undefined;
  /** Takes a sample; at most once a second. */
  tick(nowMs: number): readonly LimitChange[];
  /** How long to wait before the next drain, ms, where `wantedMs` would do. */
  waitMs(wantedMs: number): number;
}

export interface LimitsParts {
  readonly options: LimitOptions;
  /** CPU time of all threads, µs, and resident memory, bytes. */
  readonly cost: () => { readonly cpuUs: number; readonly rssBytes: number };
  /** Epoch ms. */
  readonly now: () => number;
}

export function createLimits({ options, cost, now }: LimitsParts): Limits {
  let state = INITIAL_LIMITS;
  let droppedCount = 0;
  let droppedFromMs = 0;
  let droppedToMs = 0;
  const droppedSerials = new Uint32Array(DROPPED_REMEMBERED);
  let owedMs = 0;
  let turn: { readonly atMs: number; readonly cpuUs: number } | undefined;
  return {
    budget: budgetOf(() => state.level),
    level: () => LEVELS[state.level] ?? 'full',
    dropsBulk: () => isGivenUp(state.level, 'bulk'),
    dropped(serial, timeMs) {
      droppedSerials[serial % DROPPED_REMEMBERED] = serial;
      if (droppedCount === 0) droppedFromMs = timeMs;
      droppedToMs = timeMs;
      droppedCount += 1;
    },
    wasDropped: (serial) => serial !== 0 && droppedSerials[serial % DROPPED_REMEMBERED] === serial,
    takeDropped(counter, nowMs) {
      if (droppedCount === 0) return undefined;
      const loss = lossOfLimits({ counter, count: droppedCount, fromMs: droppedFromMs, toMs: droppedToMs });
      droppedCount = 0;
      return loss.toMs === undefined || loss.toMs > nowMs ? { ...loss, toMs: nowMs } : loss;
    },
    tick(nowMs) {
      if (options.cpuShareMax === undefined && options.memoryBytesMax === undefined) return [];
      const observed = observe(state, { nowMs, ...cost() }, options);
      state = observed.state;
      return observed.changes;
    },
    waitMs(wantedMs) {
      if (!isGivenUp(state.level, 'shortDrains')) return wantedMs;
      const { cpuShareMax } = options;
      if (cpuShareMax === undefined || !isGivenUp(state.level, 'reading')) {
        // More is waiting already: a longer wait would make no bigger batch, only an overflow.
        return wantedMs === 0 ? 0 : Math.max(wantedMs, LONG_DRAIN_MS);
      }
      const atMs = now();
      const { cpuUs } = cost();
      const last = turn ?? { atMs, cpuUs };
      turn = { atMs, cpuUs };
      // What was used must have taken so long, were the limit held; time that went by pays for it, pauses too.
      const costMs = (cpuUs - last.cpuUs) / 1000 / (cpuShareMax * PAUSE_AIM);
      owedMs = Math.min(OWED_MS_MAX, Math.max(0, owedMs + costMs - Math.max(0, atMs - last.atMs)));
      return Math.min(PAUSE_MS_MAX, Math.max(wantedMs, LONG_DRAIN_MS, Math.round(owedMs)));
    },
  };
}

function lossOfLimits(dropped: {
  readonly counter: number;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
}): Loss {
  const { counter, count, fromMs, toMs } = dropped;
  return {
    source: 'limits',
    kind: 'limits',
    counter,
    atLeast: count,
    atMost: count,
    fromMs,
    toMs,
    reason: `${count} event(s) of files, sockets or signals were dropped: the collector is at its CPU limit.`,
    isPlanned: false,
  };
}

/** The document of a change that the limits made. */
export function limitsDocument(counter: number, nowMs: number, change: LimitChange): OwnDocument {
  const facts =
    change.kind === 'level'
      ? { from: change.from, to: change.to, cpu_share: Number(change.cpuShare.toFixed(4)) }
      : { rss_bytes: change.rssBytes };
  return {
    kind: 'limits',
    counter,
    timeMs: nowMs,
    event: {
      kind: 'event',
      dataset: 'vedette.limits',
      category: ['host'],
      type: ['change'],
      action: ACTIONS[change.kind],
      reason: change.reason,
    },
    message: change.reason,
    vedette: { limits: facts },
  };
}

const ACTIONS = {
  level: 'changed-limits-level',
  relieve: 'compacted-memory',
  restart: 'restarted-for-memory',
} as const satisfies Record<LimitChange['kind'], string>;
