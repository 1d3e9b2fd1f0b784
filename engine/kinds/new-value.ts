// A combination of values that the key has not had for `remember`; nothing is found of a key in its first `learn`. A value is
// remembered for `remember` and up to a 64th of it longer: its last sight is kept as the number of a slot, so that a value seen
// all the time changes the state 64 times in `remember`, not each time.
//
// Named after the value (and the span of `remember` it falls into), so that an earlier first sight is the same finding.
import type { KindOf } from '../../rules/kind.ts';
import type { Folded, KindFold, Match } from './kind-fold.ts';
import { KNOWN_VALUES_MAX } from './limits.ts';

const SLOTS = 64;

export interface NewValueState {
  readonly sinceMs: number;
  /** By canonical JSON of the values (which begins with `[`): the slot in which they were last seen. */
  readonly known: Readonly<Record<string, number>>;
  readonly lastSlot: number;
}

/** `knownMax` is for tests. */
export function newValueFold(kind: KindOf<'new_value'>, knownMax: number = KNOWN_VALUES_MAX): KindFold<NewValueState> {
  const { fields, learnMs, rememberMs, missing } = kind;
  const slotMs = Math.max(1, rememberMs / SLOTS);
  const slotOf = (ms: number): number => Math.floor(ms / slotMs);
  const endMs = ({ lastSlot }: NewValueState): number => Math.ceil((lastSlot + SLOTS + 1) * slotMs);
  const pass = (state: NewValueState, nowMs: number): Folded<NewValueState> => ({
    state: nowMs >= endMs(state) ? undefined : state,
    found: [],
  });

  return {
    fields,
    memoryMs: rememberMs + Math.ceil(slotMs),
    pass,
    dueMs: endMs,
    see(before, match) {
      const { createdMs } = match.order;
      const state = before === undefined ? undefined : pass(before, createdMs).state;
      if (missing === 'skip' && match.values.some((value) => value === null)) return { state, found: [] };
      const values = JSON.stringify(match.values);
      const slot = slotOf(createdMs);
      const seen = state?.known[values];
      if (state !== undefined && seen === slot) return { state, found: [] };
      const sinceMs = state?.sinceMs ?? createdMs;
      const known = withValue(state?.known ?? {}, values, slot, knownMax);
      const next = { sinceMs, known: known.values, lastSlot: slot };
      const isNew = seen === undefined || slot - seen > SLOTS;
      if (!isNew || createdMs - sinceMs < learnMs) return { state: next, found: [] };
      return { state: next, found: [foundOf(match, values, Math.floor(createdMs / rememberMs), known.forgotten)] };
    },
  };

  function foundOf(
    { order, values }: Match,
    text: string,
    period: number,
    forgotten: boolean,
  ): Folded<never>['found'][0] {
    return {
      at: order,
      identity: `${text}@${period}`,
      eventIds: [order.id],
      firstMs: order.createdMs,
      facts: {
        value: values.length === 1 ? (values[0] ?? null) : text,
        ...(forgotten ? { values_forgotten_beyond: knownMax } : {}),
      },
    };
  }
}

function withValue(
  known: Readonly<Record<string, number>>,
  value: string,
  slot: number,
  knownMax: number,
): { readonly values: Readonly<Record<string, number>>; readonly forgotten: boolean } {
  const values = { ...known, [value]: slot };
  const entries = Object.entries(values);
  if (entries.length <= knownMax) return { values, forgotten: false };
  let [oldest] = entries as [[string, number]];
  for (const entry of entries) if (entry[1] < oldest[1]) oldest = entry;
  delete values[oldest[0]];
  return { values, forgotten: true };
}
