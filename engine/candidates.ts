// The candidate index: which rules an event could match, by what each rule needs (rules/necessary.ts). It may name too many rules,
// never too few. For each rule it looks for the tests that let the fewest events through: first by recorded events, then by those
// that came. What it learns changes what is evaluated, never what is found.
import type { EventDocument } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';
import { buildFieldTests, type FieldTests, type NumberedTest } from './field-tests.ts';
import { chooseTests, recordedShare, type ShareOf, testsOf } from './selectivity.ts';

export interface CandidateIndex {
  /** The rules to evaluate on this event, each once, in the order of the rule set. */
  candidates(document: EventDocument): readonly Rule[];
}

/** After so many events it is looked which rules meet many; then after eight times as many, and so on. */
const LEARN_EVENTS = 8_192;
const LEARN_FACTOR = 8;
/** Events that are looked at for it, spread evenly. */
const LEARN_SAMPLE = 256;
/** Only rules that met more than this share of the events are learned about, the busiest ones. */
const BUSY_SHARE = 0.01;
const BUSY_MAX = 500;
/** What is known beforehand counts as so many events. */
const PRIOR_EVENTS = 4;

const NONE: readonly Rule[] = [];

/** Rules that are off are left out. `learnEvents` is for tests. */
export function indexRules(rules: readonly Rule[], learnEvents: number = LEARN_EVENTS): CandidateIndex {
  const live = rules.filter((rule) => rule.status !== 'off');
  const learning = learningOf(live);
  let { tests, always } = built(live, () => recordedShare);
  let learnAt = learnEvents;
  let events = 0;
  const found = new Int32Array(live.length);
  let foundCount = 0;
  let turn = 0;
  const lastTurn = new Int32Array(live.length);

  const take = (places: Int32Array): void => {
    for (let index = 0; index < places.length; index += 1) {
      const place = places[index] as number;
      if (lastTurn[place] === turn) continue;
      lastTurn[place] = turn;
      found[foundCount] = place;
      foundCount += 1;
    }
  };

  const learn = (): void => {
    const shares = learning.shares();
    if (shares.size > 0) ({ tests, always } = built(live, (place) => shares.get(place) ?? recordedShare));
    learnAt *= LEARN_FACTOR;
  };

  return {
    candidates(document) {
      turn = turn === 0x7fffffff ? restarted(lastTurn) : turn + 1;
      foundCount = 0;
      take(always);
      tests.search(document, take);
      events += 1;
      learning.see(document, { events, learnAt, found, foundCount });
      if (events === learnAt) learn();
      if (foundCount === 0) return NONE;
      if (foundCount > 1) found.subarray(0, foundCount).sort();
      const candidates = new Array<Rule>(foundCount);
      for (let index = 0; index < foundCount; index += 1) candidates[index] = live[found[index] as number] as Rule;
      return candidates;
    },
  };
}

function restarted(lastTurn: Int32Array): number {
  lastTurn.fill(0);
  return 1;
}

function built(
  rules: readonly Rule[],
  shareOf: (place: number) => ShareOf,
): { readonly tests: FieldTests; readonly always: Int32Array } {
  const always: number[] = [];
  const numbered: NumberedTest[] = [];
  for (const [place, { necessary }] of rules.entries()) {
    const choice = necessary === undefined ? undefined : chooseTests(necessary, shareOf(place));
    if (choice === undefined) always.push(place);
    else for (const test of choice.tests) numbered.push({ test, rule: place });
  }
  return { tests: buildFieldTests(numbered), always: Int32Array.from(always) };
}

interface Seen {
  readonly events: number;
  readonly learnAt: number;
  readonly found: Int32Array;
  readonly foundCount: number;
}

interface Learning {
  see(document: EventDocument, seen: Seen): void;
  /** For each busy rule what share of the sampled events its tests let through; begins anew. */
  shares(): ReadonlyMap<number, ShareOf>;
}

function learningOf(rules: readonly Rule[]): Learning {
  const met = new Uint32Array(rules.length);
  let documents: EventDocument[] = [];
  let events = 0;
  return {
    see(document, { events: so, learnAt, found, foundCount }) {
      events += 1;
      for (let index = 0; index < foundCount; index += 1) {
        const place = found[index] as number;
        met[place] = (met[place] as number) + 1;
      }
      if (so % Math.max(1, Math.floor(learnAt / LEARN_SAMPLE)) === 0 && documents.length < LEARN_SAMPLE) {
        documents.push(document);
      }
    },
    shares() {
      const busy = [...met.keys()]
        .filter((place) => (met[place] ?? 0) > events * BUSY_SHARE && rules[place]?.necessary?.kind === 'all')
        .toSorted((a, b) => (met[b] ?? 0) - (met[a] ?? 0))
        .slice(0, BUSY_MAX);
      const sampled = documents;
      met.fill(0);
      events = 0;
      documents = [];
      return sharesOf(rules, busy, sampled);
    },
  };
}

function sharesOf(
  rules: readonly Rule[],
  busy: readonly number[],
  documents: readonly EventDocument[],
): ReadonlyMap<number, ShareOf> {
  const all = busy.flatMap((place) => {
    const necessary = rules[place]?.necessary;
    return necessary === undefined ? [] : testsOf(necessary);
  });
  const hits = new Uint32Array(all.length);
  const last = new Int32Array(all.length).fill(-1);
  const tests = buildFieldTests(all.map((test, rule) => ({ test, rule })));
  for (const [turn, document] of documents.entries()) {
    tests.search(document, (numbers) => {
      for (const number of numbers) {
        if (last[number] === turn) continue;
        last[number] = turn;
        hits[number] = (hits[number] ?? 0) + 1;
      }
    });
  }
  const shares = new Map(
    all.map((test, number) => [
      test,
      ((hits[number] ?? 0) + PRIOR_EVENTS * recordedShare(test)) / (documents.length + PRIOR_EVENTS),
    ]),
  );
  return new Map(busy.map((place) => [place, (test) => shares.get(test) ?? recordedShare(test)]));
}
