// The count (or another figure) of the last `within` against that of the `within` before: `up` where it is at least `factor` times as
// much, `down` where it is at most the `factor`th part; where the greater of the two windows has at least `at_least` matches. Silent in the
// first two windows of a key. Up is judged at each match. Down is what time brings about: it is judged at each moment at which a
// match leaves the last `within`, and when the first two windows are over.
//
// An episode ends at the first match at which it does not hold. `up` is named after the match that began it, `down` after the
// last match before it. A key without a match for two windows is forgotten.
import type { OrderKey } from '../../event/order.ts';
import type { KindOf, Metric } from '../../rules/kind.ts';
import { type Folded, type Found, type KindFold, timeOrder } from './kind-fold.ts';
import { RECENT_MAX } from './limits.ts';
import { after, cutFacts, EMPTY_SERIES, measure, type Series, seriesWith } from './series.ts';
import { type Sight, sightOf } from './sights.ts';
import { spikeRestartFold } from './spike-restart.ts';

export interface SpikeState {
  readonly sinceMs: number;
  readonly series: Series;
  readonly recent: readonly Sight[];
  readonly last: OrderKey;
  /** Moments up to this were judged for `down`. */
  readonly judgedMs: number;
  readonly found: 'none' | 'up' | 'down';
}

const COUNT: Metric = { aggregate: 'count', field: undefined };

export function spikeFold(kind: KindOf<'spike'>): KindFold<unknown> {
  const { restart } = kind;
  return (restart === undefined ? episodeFold(kind) : spikeRestartFold({ ...kind, restart })) as KindFold<unknown>;
}

function episodeFold(kind: KindOf<'spike'>): KindFold<SpikeState> {
  const { withinMs, direction } = kind;
  const metric = kind.metric ?? COUNT;
  const endMs = ({ series }: SpikeState): number => (series.samples.at(-1)?.[0] ?? 0) + 2 * withinMs + 1;

  const pass = (state: SpikeState, nowMs: number): Folded<SpikeState> => {
    const found: Found[] = [];
    let { judgedMs } = state;
    let isDown = state.found === 'down';
    for (let moment = nextMoment(state, judgedMs); !isDown && moment < nowMs; moment = nextMoment(state, judgedMs)) {
      judgedMs = moment;
      const judged = judge(kind, state, moment);
      if (!judged.isDown) continue;
      isDown = true;
      found.push(foundOf(state, timeOrder(moment + 1, state.last), `down ${state.last.id}`, judged.facts));
    }
    if (nowMs >= endMs(state)) return { state: undefined, found };
    return {
      state: judgedMs === state.judgedMs ? state : { ...state, judgedMs, found: isDown ? 'down' : state.found },
      found,
    };
  };

  /** The next moment to be judged for `down`; Infinity when there is none. */
  function nextMoment({ series, sinceMs }: SpikeState, judgedMs: number): number {
    if (direction === 'up') return Number.POSITIVE_INFINITY;
    const filledMs = sinceMs + 2 * withinMs;
    if (filledMs > judgedMs) return filledMs;
    const leaving = series.samples.find(([ms]) => ms + withinMs > judgedMs);
    return leaving === undefined ? Number.POSITIVE_INFINITY : leaving[0] + withinMs;
  }

  return {
    fields: metric.field === undefined ? [] : [metric.field],
    memoryMs: 2 * withinMs + 1,
    pass,
    dueMs: (state) =>
      state.found === 'down' ? endMs(state) : Math.min(endMs(state), nextMoment(state, state.judgedMs) + 1),
    see(before, match) {
      const { order } = match;
      const { createdMs } = order;
      const passed = before === undefined ? { state: undefined, found: [] } : pass(before, createdMs);
      const { state } = passed;
      const series = seriesWith(metric, match, after(state?.series ?? EMPTY_SERIES, createdMs - 2 * withinMs));
      if (series === undefined) return passed;
      const recent = [...(state?.recent ?? []), sightOf(match)].slice(-RECENT_MAX);
      const sinceMs = state?.sinceMs ?? createdMs;
      // Of this very moment more may come.
      const judgedMs = createdMs - 1;
      const next: SpikeState = { sinceMs, series, recent, last: order, judgedMs, found: state?.found ?? 'none' };
      const judged = judge(kind, next, createdMs);
      if (judged.isUp && next.found !== 'up') {
        const found = foundOf(next, order, `up ${order.id}`, judged.facts);
        return { state: { ...next, found: 'up' }, found: [...passed.found, found] };
      }
      const isOver = (next.found === 'up' && !judged.isUp) || (next.found === 'down' && !judged.isDown);
      return { state: isOver ? { ...next, found: 'none' } : next, found: passed.found };
    },
  };
}

interface Judged {
  readonly isUp: boolean;
  readonly isDown: boolean;
  readonly facts: Found['facts'];
}

function judge(kind: KindOf<'spike'>, { sinceMs, series }: SpikeState, atMs: number): Judged {
  const { factor, withinMs, direction, atLeast, metric = COUNT } = kind;
  if (atMs - sinceMs < 2 * withinMs) return { isUp: false, isDown: false, facts: {} };
  const current = measure(metric, series, atMs - withinMs, atMs);
  const reference = measure(metric, series, atMs - 2 * withinMs, atMs - withinMs);
  const isEnough = Math.max(current.count, reference.count) >= atLeast;
  const facts = {
    value: current.value ?? null,
    reference: reference.value ?? null,
    ...cutFacts(series, atMs - 2 * withinMs),
  };
  if (!isEnough || current.value === undefined || reference.value === undefined)
    return { isUp: false, isDown: false, facts };
  const isUp = direction !== 'down' && current.value >= reference.value * factor;
  const isDown = direction !== 'up' && current.value <= reference.value / factor;
  return { isUp, isDown, facts };
}

function foundOf(state: SpikeState, at: OrderKey, identity: string, facts: Found['facts']): Found {
  return {
    at,
    identity,
    eventIds: state.recent.map(([, id]) => id),
    firstMs: state.recent[0]?.[0] ?? state.last.createdMs,
    facts,
  };
}
