// A combination of values that the key has not had for `remember`; nothing is found of a key in its first `learn`. A value is
// remembered for `remember` and up to a 64th of it longer: its last sight is kept as the number of a slot, so that a value seen
// all the time changes the state 64 times in `remember`, not each time.
//
// Named after the value (and the span of `remember` it falls into), so that an earlier first sight is the same finding.
import type { KindOf } from '../../rules/kind.ts';
import type { Folded, KindFold, Match } from './kind-fold.ts';
import { KNOWN_GROUPS, KNOWN_PER_GROUP_MAX } from './limits.ts';

const SLOTS = 64;
const NOTHING: readonly Group[] = Array.from({ length: KNOWN_GROUPS }, () => []);

type Group = readonly (readonly [values: string, slot: number])[];

export interface NewValueState {
  readonly sinceMs: number;
  /** By group: the values as canonical JSON, with the slot in which they were last seen. */
  readonly known: readonly Group[];
  readonly lastSlot: number;
}

export function newValueFold(kind: KindOf<'new_value'>): KindFold<NewValueState> {
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
      const place = groupOf(values);
      const group = state?.known[place] ?? [];
      const at = group.findIndex(([known]) => known === values);
      const seen = group[at]?.[1];
      if (state !== undefined && seen === slot) return { state, found: [] };
      const sinceMs = state?.sinceMs ?? createdMs;
      const grown = withValue(group, at, [values, slot]);
      const next = { sinceMs, known: (state?.known ?? NOTHING).with(place, grown), lastSlot: slot };
      const hasForgotten = at < 0 && grown.length === group.length;
      const isNew = seen === undefined || slot - seen > SLOTS;
      if (!isNew || createdMs - sinceMs < learnMs) return { state: next, found: [] };
      return { state: next, found: [foundOf(match, values, Math.floor(createdMs / rememberMs), hasForgotten)] };
    },
  };

  function foundOf(
    { order, values }: Match,
    text: string,
    period: number,
    hasForgotten: boolean,
  ): Folded<never>['found'][0] {
    return {
      at: order,
      identity: `${text}@${period}`,
      eventIds: [order.id],
      firstMs: order.createdMs,
      facts: {
        value: values.length === 1 ? (values[0] ?? null) : text,
        ...(hasForgotten ? { values_forgotten: true } : {}),
      },
    };
  }
}

/** Where the group is full, the new one takes the place of the one that was longest not seen. */
function withValue(group: Group, at: number, entry: Group[0]): Group {
  if (at >= 0) return group.with(at, entry);
  if (group.length < KNOWN_PER_GROUP_MAX) return [...group, entry];
  let oldest = 0;
  for (const [place, [, slot]] of group.entries()) if (slot < (group[oldest]?.[1] ?? 0)) oldest = place;
  return group.with(oldest, entry);
}

/** FNV-1a: spreads values that nobody chose; who chooses them can fill one group, and no other. */
function groupOf(value: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < value.length; at += 1) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % KNOWN_GROUPS;
}
