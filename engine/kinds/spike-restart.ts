// A spike as ElastAlert's `spike` judges it (`mode: restart`): at each match and at each full `every` of the clock, which stands for its runs.
// The current window is the last `within`. The reference window is the `within` before the newest that left the current one: a match, or the last
// full `every`. Nothing is found in the first two windows of a key; a finding clears the reference, and two windows are silent again.
//
// Windows without anything in either are no spike and no fall, whatever the factor. A key of them is forgotten; the only key of a rule without
// `by` is kept, so that it need not be learned again.
import type { KindOf, SpikeRestart } from '../../rules/kind.ts';
import { type Folded, type Found, type KindFold, type Match, timeOrder } from './kind-fold.ts';
import { RECENT_MAX } from './limits.ts';
import { after, cutFacts, EMPTY_SERIES, measure, seriesWith } from './series.ts';
import { sightOf } from './sights.ts';
import type { SpikeState } from './spike.ts';

/** What `restart` keeps besides the matches; `judgedMs` is the last full `every` that was judged. */
export interface RestartState extends SpikeState {
  /** The key's first match: no full `every` before it counts. */
  readonly bornMs: number;
  /** What is as old or older was in the reference when that was cleared. */
  readonly clearedMs: number;
}

type RestartKind = KindOf<'spike'> & { readonly restart: SpikeRestart };

export function spikeRestartFold(kind: RestartKind): KindFold<RestartState> {
  const { withinMs, metric = { aggregate: 'count', field: undefined } as const, restart } = kind;
  const { everyMs } = restart;
  const tickAt = (ms: number): number => Math.ceil(ms / everyMs) * everyMs;

  /** The next full `every` at which anything can differ from the last one; Infinity when there is none. */
  const nextMs = ({ series, sinceMs, judgedMs }: RestartState): number => {
    if (series.samples.length === 0) return Number.POSITIVE_INFINITY;
    const filledMs = tickAt(sinceMs + 2 * withinMs);
    let next = filledMs > judgedMs ? filledMs : Number.POSITIVE_INFINITY;
    for (const [ms] of series.samples) {
      const leavesMs = tickAt(ms + withinMs);
      if (leavesMs > judgedMs) next = Math.min(next, leavesMs);
      const droppedMs = tickAt(leavesMs + withinMs);
      if (droppedMs > judgedMs) next = Math.min(next, droppedMs);
    }
    return next;
  };

  const pass = (state: RestartState, nowMs: number): Folded<RestartState> => {
    const found: Found[] = [];
    let next = state;
    for (let tick = nextMs(next); tick < nowMs; tick = nextMs(next)) {
      const judged = judge(kind, { ...next, judgedMs: tick }, tick);
      next = judged.state;
      if (judged.found !== undefined) found.push(judged.found);
      const { samples } = next.series;
      const isGone = samples.length === 0 || judged.isEmpty;
      if (isGone && !restart.isKept) return { state: undefined, found };
      if (isGone) next = { ...next, series: EMPTY_SERIES, recent: [] };
    }
    return { state: next, found };
  };

  return {
    fields: metric.field === undefined ? [] : [metric.field],
    memoryMs: 2 * withinMs + everyMs + 1,
    pass,
    dueMs: (state) => nextMs(state) + 1,
    see(before, match) {
      const { createdMs } = match.order;
      const passed: Folded<RestartState> =
        before === undefined ? { state: undefined, found: [] } : pass(before, createdMs);
      const kept = after(passed.state?.series ?? EMPTY_SERIES, createdMs - 2 * withinMs - everyMs);
      const series = seriesWith(metric, match, kept);
      if (series === undefined) return passed;
      const { state } = passed;
      const next: RestartState = {
        sinceMs: Math.min(state?.sinceMs ?? createdMs, createdMs),
        bornMs: state?.bornMs ?? createdMs,
        clearedMs: state?.clearedMs ?? createdMs - 1 - withinMs,
        series,
        recent: [...(state?.recent ?? []), sightOf(match)].slice(-RECENT_MAX),
        last: match.order,
        // Of this very moment more may come: the full `every` at it is judged after all of it.
        judgedMs: Math.max(state?.judgedMs ?? 0, tickAt(createdMs) - everyMs),
        found: 'none',
      };
      const judged = judge(kind, next, createdMs, match);
      return {
        state: judged.state,
        found: judged.found === undefined ? passed.found : [...passed.found, judged.found],
      };
    },
  };
}

interface Judged {
  readonly state: RestartState;
  readonly found: Found | undefined;
  /** Neither window has a match now: a finding clears the reference. */
  readonly isEmpty: boolean;
}

/** `match` completed it, or time did. */
function judge(kind: RestartKind, state: RestartState, atMs: number, match?: Match): Judged {
  const { factor, withinMs, direction, metric = { aggregate: 'count', field: undefined } as const, restart } = kind;
  const { series, last, recent, clearedMs } = state;
  const fromMs = referenceFromMs(kind, state, atMs);
  const current = measure(metric, series, atMs - withinMs, atMs);
  const reference = measure(metric, series, fromMs, Math.max(fromMs, atMs - withinMs));
  const isEmpty = current.count === 0 && reference.count === 0;
  const nothing = { state, found: undefined, isEmpty };
  if (isEmpty || atMs - state.sinceMs < 2 * withinMs) return nothing;
  const [now, before] = [current.value, reference.value];
  if (now === undefined || before === undefined) return nothing;
  if (now < restart.nowAtLeast || before < restart.beforeAtLeast) return nothing;
  const isUp = direction !== 'down' && now >= before * factor;
  const isDown = direction !== 'up' && now <= before / factor;
  if (!isUp && !isDown) return nothing;
  const inWindow = recent.filter(([ms]) => ms > atMs - withinMs);
  const [first] = inWindow;
  const found: Found = {
    at: match?.order ?? timeOrder(atMs + 1, last),
    // An empty window is named after what left it, which may have begun the one that was found before.
    identity: `${isUp ? 'up' : 'down'} ${first?.[1] ?? `after ${last.id}`}`,
    eventIds: first === undefined ? [last.id] : inWindow.map(([, id]) => id),
    firstMs: first?.[0] ?? last.createdMs,
    facts: { value: now, reference: before, ...cutFacts(series, fromMs) },
  };
  const { everyMs } = restart;
  // The silence begins with what comes next: the next match, or the next full `every`.
  const tick = Math.ceil(atMs / everyMs) * everyMs;
  const sinceMs = match === undefined ? tick + everyMs : tick;
  const cleared = { ...state, sinceMs, clearedMs: Math.max(clearedMs, atMs - withinMs) };
  return { state: cleared, found, isEmpty: current.count === 0 };
}

/** The reference window lies behind this. */
function referenceFromMs({ withinMs, restart }: RestartKind, state: RestartState, atMs: number): number {
  const { everyMs } = restart;
  const { series, bornMs, clearedMs } = state;
  const leftMs = atMs - withinMs;
  const tick = Math.floor(leftMs / everyMs) * everyMs;
  let newest = tick >= bornMs && tick > clearedMs ? tick : Number.NEGATIVE_INFINITY;
  for (const [ms] of series.samples) if (ms <= leftMs && ms > clearedMs) newest = Math.max(newest, ms);
  return Math.max(newest - withinMs, clearedMs);
}
