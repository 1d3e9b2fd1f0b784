// Matches of the steps in their order, under one key, the last at most `within` after the first. No event is two steps of one sequence.
//
// Found where a chain is complete: one finding for each beginning, at the first event that completes a chain from there, and a chain
// begins as late as it can (so the figures are those of the shortest way); named after the event that begins it. For that one chain per
// step is enough: the one that begins last, for whatever follows, follows it too, and what comes in between hits both.
//
// A step that is `absent` must not come between its neighbours. Behind the last step it must not come until `within` has passed since the
// first; that is found by time, and while it is waited for, further beginnings belong to the same wait. `until` ends
// whatever is under way; an event that is both `until` and a step ends first and then begins.
import { compareOrder, type OrderKey } from '../../event/order.ts';
import { type Folded, type Found, type KindFold, type Match, timeOrder, UNTIL } from './kind-fold.ts';
import { eventIdsOf, type Sight, sightOf } from './sights.ts';

interface Chain {
  readonly start: OrderKey;
  readonly sights: readonly Sight[];
}

export interface SequenceState {
  /** By place among the steps that are not absent: the chain that has come so far, without the last place. */
  readonly chains: readonly (Chain | null)[];
  /** Complete but for what must not come. */
  readonly waiting: Chain | null;
  /** The beginning that was found last. */
  readonly told: OrderKey | null;
}

export interface SequenceOptions {
  /** Whether each step is one that must not come. The first is not. */
  readonly absent: readonly boolean[];
  readonly withinMs: number;
}

export function sequenceFold({ absent, withinMs }: SequenceOptions): KindFold<SequenceState> {
  /** Of each step: how many that are not absent stand before it. */
  const placeOf = absent.map((_, role) => absent.slice(0, role).filter((isAbsent) => !isAbsent).length);
  const lastPlace = absent.filter((isAbsent) => !isAbsent).length - 1;
  const isWaitedFor = absent.at(-1) === true;
  const empty: SequenceState = { chains: [], waiting: null, told: null };

  const pass = (state: SequenceState, nowMs: number): Folded<SequenceState> => {
    const { waiting } = state;
    const isOver = waiting !== null && waiting.start.createdMs + withinMs < nowMs;
    const chains = state.chains.map((chain) =>
      chain !== null && chain.start.createdMs + withinMs < nowMs ? null : chain,
    );
    const found = isOver ? [foundOf(waiting, timeOrder(waiting.start.createdMs + withinMs + 1, waiting.start))] : [];
    return {
      state: settled({ chains, waiting: isOver ? null : waiting, told: isOver ? waiting.start : state.told }),
      found,
    };
  };

  return {
    fields: [],
    memoryMs: withinMs + 1,
    pass,
    dueMs: ({ chains, waiting }) => {
      if (waiting !== null) return waiting.start.createdMs + withinMs + 1;
      return Math.max(...chains.map((chain) => chain?.start.createdMs ?? Number.NEGATIVE_INFINITY)) + withinMs + 1;
    },
    see(before, match) {
      const passed = before === undefined ? { state: undefined, found: [] } : pass(before, match.order.createdMs);
      const seen = next(passed.state ?? empty, match);
      return { state: settled(seen.state ?? empty), found: [...passed.found, ...seen.found] };
    },
  };

  function next(state: SequenceState, match: Match): Folded<SequenceState> {
    const { role, order } = match;
    if (role === UNTIL) return { state: empty, found: [] };
    const place = placeOf[role] ?? 0;
    if (absent[role] === true) return { state: withoutPlace(state, place - 1, order.id), found: [] };
    const chain = place === 0 ? { start: order, sights: [sightOf(match)] } : extended(state.chains[place - 1], match);
    if (chain === undefined) return { state, found: [] };
    if (place < lastPlace) return { state: withChain(state, place, chain), found: [] };
    const isNew = state.told === null || compareOrder(chain.start, state.told) > 0;
    if (!isNew) return { state, found: [] };
    if (isWaitedFor) return { state: { ...state, waiting: state.waiting ?? chain }, found: [] };
    return { state: { ...state, told: chain.start }, found: [foundOf(chain, order)] };
  }

  function withoutPlace(state: SequenceState, place: number, id: string): SequenceState {
    if (place === lastPlace) return endsWith(state.waiting, id) ? state : { ...state, waiting: null };
    return { ...state, chains: state.chains.map((chain, at) => (at === place && !endsWith(chain, id) ? null : chain)) };
  }
}

/** Undefined where nothing is left that matters. */
function settled(state: SequenceState): SequenceState | undefined {
  return state.waiting === null && state.chains.every((chain) => chain === null) ? undefined : state;
}

function extended(chain: Chain | null | undefined, match: Match): Chain | undefined {
  if (chain === null || chain === undefined || endsWith(chain, match.order.id)) return undefined;
  return { start: chain.start, sights: [...chain.sights, sightOf(match)] };
}

/** The chain that begins later stays; of two with one beginning the newer, which less can come in between of. */
function withChain(state: SequenceState, place: number, chain: Chain): SequenceState {
  const old = state.chains[place];
  if (old !== null && old !== undefined && compareOrder(old.start, chain.start) > 0) return state;
  const chains = Array.from({ length: Math.max(state.chains.length, place + 1) }, (_, at) => state.chains[at] ?? null);
  chains[place] = chain;
  return { ...state, chains };
}

function endsWith(chain: Chain | null, id: string): boolean {
  return chain?.sights.at(-1)?.[1] === id;
}

function foundOf({ start, sights }: Chain, at: OrderKey): Found {
  return {
    at,
    identity: start.id,
    eventIds: eventIdsOf(sights),
    firstMs: start.createdMs,
    facts: { steps: sights.length, took_ms: (sights.at(-1)?.[0] ?? start.createdMs) - start.createdMs },
  };
}
