// What the collector gives up, and when, so that it stays within its share of the CPU and its memory where no service manager holds
// it there. A fold over samples of the process's own cost: (state, sample) → (state, change). Promises that the order is the stated
// one, a step at a time, that every step is told, and that a load which comes and goes does not make the level flap: after a
// relapse it waits twice as long before it tries again.
import type { Budget, CostlyFeature } from './budget.ts';

/**
 * In this order. `no-bulk`: events of the spool class bulk are dropped, counted and told as loss. `pauses`: reading itself stops for
 * a while after each drain; what then does not fit the kernel's queue is missing from the serials, so it is counted and told too.
 */
export const LEVELS = ['full', 'no-hashes', 'no-containers', 'no-proc', 'long-drains', 'no-bulk', 'pauses'] as const;
export type Level = (typeof LEVELS)[number];

/** The lowest level at which a feature is given up. */
const GIVEN_UP_AT: Readonly<Record<CostlyFeature | 'shortDrains' | 'bulk' | 'reading', number>> = {
  hash: 1,
  container: 2,
  proc: 3,
  shortDrains: 4,
  bulk: 5,
  reading: 6,
};

export interface LimitOptions {
  /** Share of one core, 0.2 for a fifth; undefined: no limit. */
  readonly cpuShareMax: number | undefined;
  /** Resident memory, bytes; undefined: no limit. */
  readonly memoryBytesMax: number | undefined;
}

/** The process's own cost so far. */
export interface CostSample {
  readonly nowMs: number;
  /** CPU time of all threads since the start, user and system, µs. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export interface LimitState {
  readonly level: number;
  /** Samples since the level changed, the oldest first; at most a window's. */
  readonly samples: readonly CostSample[];
  /** When a step back was taken last, epoch ms. */
  readonly loweredMs: number | undefined;
  /** So long must it have been calm before a step back. */
  readonly calmMs: number;
  /** Since when it has been calm at this level. */
  readonly calmSinceMs: number | undefined;
  /** Since when the memory is over its limit, and whether the heap was compacted for it. */
  readonly overMemorySinceMs: number | undefined;
  readonly hasRelieved: boolean;
}

export type LimitChange =
  | {
      readonly kind: 'level';
      readonly from: Level;
      readonly to: Level;
      readonly cpuShare: number;
      readonly reason: string;
    }
  /** Collect all garbage now. */
  | { readonly kind: 'relieve'; readonly rssBytes: number; readonly reason: string }
  /** That did not help: end in good order, to be started anew with a small memory. */
  | { readonly kind: 'restart'; readonly rssBytes: number; readonly reason: string };

/** The share of the CPU is measured over so long; no step is taken on less than `LEAST_MS`. */
const WINDOW_MS = 5_000;
const LEAST_MS = 2_000;
/** Twice over the limit: the next step is taken after a second. */
const URGENT_FACTOR = 2;
const URGENT_MS = 900;
/** Below this part of the limit it is calm; between the two nothing changes. */
const CALM_PART = 0.7;
const CALM_MS = 15_000;
const CALM_MS_MAX = 240_000;
/** A step up so soon after a step back is a relapse. */
const RELAPSE_MS = 30_000;
const SAMPLES_MAX = 16;
/** Over the memory's limit for so long before the heap is compacted, and then for so long before the end. */
const RELIEVE_AFTER_MS = 3_000;
const RESTART_AFTER_MS = 30_000;

export const INITIAL_LIMITS: LimitState = {
  level: 0,
  samples: [],
  loweredMs: undefined,
  calmMs: CALM_MS,
  calmSinceMs: undefined,
  overMemorySinceMs: undefined,
  hasRelieved: false,
};

/** Takes a sample, about once a second. At most one change of the level, and one for the memory. */
export function observe(
  state: LimitState,
  sample: CostSample,
  options: LimitOptions,
): { readonly state: LimitState; readonly changes: readonly LimitChange[] } {
  const afterCpu = observeCpu(state, sample, options.cpuShareMax);
  const afterMemory = observeMemory(afterCpu.state, sample, options.memoryBytesMax);
  return { state: afterMemory.state, changes: [...afterCpu.changes, ...afterMemory.changes] };
}

/** What the level allows. */
export function isGivenUp(level: number, feature: keyof typeof GIVEN_UP_AT): boolean {
  return level >= GIVEN_UP_AT[feature];
}

/** The budget of a level that may change; asked on the way of each event. */
export function budgetOf(level: () => number): Budget {
  return { allows: (feature) => level() < GIVEN_UP_AT[feature] };
}

type Observed = ReturnType<typeof observe>;

function observeCpu(state: LimitState, sample: CostSample, shareMax: number | undefined): Observed {
  const last = state.samples.at(-1);
  // A clock that was set, or a machine that slept, says nothing about our share.
  const isUsable = last === undefined || (sample.nowMs > last.nowMs && sample.nowMs - last.nowMs < WINDOW_MS * 2);
  if (shareMax === undefined) return { state, changes: [] };
  if (!isUsable) return { state: { ...state, samples: [sample], calmSinceMs: undefined }, changes: [] };
  const samples = [...state.samples.filter(({ nowMs }) => sample.nowMs - nowMs <= WINDOW_MS), sample].slice(
    -SAMPLES_MAX,
  );
  const first = samples[0] ?? sample;
  const spanMs = sample.nowMs - first.nowMs;
  const next: LimitState = { ...state, samples };
  if (spanMs <= 0) return { state: next, changes: [] };
  const share = (sample.cpuUs - first.cpuUs) / (spanMs * 1000);
  if (share > shareMax) {
    const neededMs = share > shareMax * URGENT_FACTOR ? URGENT_MS : LEAST_MS;
    const calm: LimitState = { ...next, calmSinceMs: undefined };
    if (spanMs < neededMs || state.level >= LEVELS.length - 1) return { state: calm, changes: [] };
    return step(calm, sample, { share, shareMax, by: 1 });
  }
  if (state.level === 0 || share > shareMax * CALM_PART) {
    return { state: { ...next, calmSinceMs: undefined }, changes: [] };
  }
  const calmSinceMs = state.calmSinceMs ?? first.nowMs;
  if (sample.nowMs - calmSinceMs < state.calmMs) return { state: { ...next, calmSinceMs }, changes: [] };
  return step(next, sample, { share, shareMax, by: -1 });
}

function step(
  state: LimitState,
  sample: CostSample,
  { share, shareMax, by }: { readonly share: number; readonly shareMax: number; readonly by: 1 | -1 },
): Observed {
  const { nowMs } = sample;
  const level = state.level + by;
  const hasRelapsed = by === 1 && state.loweredMs !== undefined && nowMs - state.loweredMs <= RELAPSE_MS;
  const from = LEVELS[state.level] ?? 'full';
  const to = LEVELS[level] ?? 'full';
  const measured = `${percent(share)} of a core used, ${percent(shareMax)} allowed`;
  return {
    state: {
      ...state,
      level,
      // What the new level costs is measured from here on.
      samples: [sample],
      loweredMs: by === -1 ? nowMs : state.loweredMs,
      calmMs: by === -1 ? state.calmMs : hasRelapsed ? Math.min(state.calmMs * 2, CALM_MS_MAX) : CALM_MS,
      calmSinceMs: undefined,
    },
    changes: [
      {
        kind: 'level',
        from,
        to,
        cpuShare: share,
        reason: by === 1 ? `The CPU budget is short (${measured}).` : `There is CPU to spare (${measured}).`,
      },
    ],
  };
}

function observeMemory(state: LimitState, sample: CostSample, bytesMax: number | undefined): Observed {
  const { nowMs, rssBytes } = sample;
  if (bytesMax === undefined || rssBytes <= bytesMax) {
    return { state: { ...state, overMemorySinceMs: undefined, hasRelieved: false }, changes: [] };
  }
  // The clock was set back: begin anew.
  const kept = state.overMemorySinceMs ?? nowMs;
  const sinceMs = kept > nowMs ? nowMs : kept;
  const over: LimitState = { ...state, overMemorySinceMs: sinceMs };
  const measured = `${mebibytes(rssBytes)} resident, ${mebibytes(bytesMax)} allowed`;
  if (!state.hasRelieved && nowMs - sinceMs >= RELIEVE_AFTER_MS) {
    const reason = `The memory is over its limit (${measured}): the heap is compacted.`;
    return { state: { ...over, hasRelieved: true }, changes: [{ kind: 'relieve', rssBytes, reason }] };
  }
  if (state.hasRelieved && nowMs - sinceMs >= RESTART_AFTER_MS) {
    const reason = `The memory stays over its limit (${measured}): the collector ends, to be started anew.`;
    return { state: over, changes: [{ kind: 'restart', rssBytes, reason }] };
  }
  return { state: over, changes: [] };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
