// A combination of values that differs from the key's last one, which is at most `within` old (without `within`: of any age).
// Each change is a finding, named after the match that brought it. A key's first match changes nothing.
import type { KindOf } from '../../rules/kind.ts';
import type { Folded, KindFold } from './kind-fold.ts';
import { type Sight, sightOf } from './sights.ts';

export interface ChangeState {
  /** Canonical JSON. */
  readonly values: string;
  readonly last: Sight;
}

export function changeFold({ fields, withinMs, missing }: KindOf<'change'>): KindFold<ChangeState> {
  const endMs = ({ last: [ms] }: ChangeState): number => ms + (withinMs ?? Number.POSITIVE_INFINITY) + 1;
  const pass = (state: ChangeState, nowMs: number): Folded<ChangeState> => ({
    state: nowMs >= endMs(state) ? undefined : state,
    found: [],
  });
  return {
    fields,
    memoryMs: (withinMs ?? Number.POSITIVE_INFINITY) + 1,
    pass,
    dueMs: endMs,
    see(before, match) {
      const { order } = match;
      const state = before === undefined ? undefined : pass(before, order.createdMs).state;
      if (missing === 'skip' && match.values.some((value) => value === null)) return { state, found: [] };
      const values = JSON.stringify(match.values);
      const next = { values, last: sightOf(match) };
      if (state === undefined || state.values === values) return { state: next, found: [] };
      const found = {
        at: order,
        identity: order.id,
        eventIds: [state.last[1], order.id],
        firstMs: state.last[0],
        facts: { before: readable(state.values), after: readable(values) },
      };
      return { state: next, found: [found] };
    },
  };
}

/** A lone text without brackets and quotes. */
function readable(values: string): string {
  const list = JSON.parse(values) as readonly unknown[];
  return list.length === 1 && typeof list[0] === 'string' ? list[0] : values;
}
