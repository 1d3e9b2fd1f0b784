// The candidate index: which rules an event could match, by what each rule needs (rules/necessary.ts). It may name too many rules,
// never too few. For each rule it looks for the tests that let the fewest events through: first by recorded events, then by those
// that came. What it learns changes what is evaluated, never what is found.
import type { EventDocument, UnparsedDocument } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';
import { type ByteTests, byteTests } from './byte-tests.ts';
import { type FieldTests, fieldTests, type NumberedTest, placeTests } from './field-tests.ts';
import { learningOf } from './learning.ts';
import { chooseTests, recordedShare, type ShareOf } from './selectivity.ts';

export interface CandidateIndex {
  /** The rules to evaluate on this event, each once, in the order of the rule set. */
  candidates(document: EventDocument): readonly Rule[];
  /** False only where no rule is to be evaluated on the document. */
  hasCandidates(document: UnparsedDocument): boolean;
}

/** So many events are learned from; then eight times as many, and so on. */
const LEARN_EVENTS = 8_192;
const LEARN_FACTOR = 8;

/** Looks through bytes that are judged together; when more of them than this share were for nothing, so many times as many are left out. */
const LOOKS = 512;
const READ_SHARE_MAX = 0.65;
const REST_PER_LOOK = 15;

const NONE: readonly Rule[] = [];

/** Rules that are off are left out. `learnEvents` is for tests. */
export function indexRules(rules: readonly Rule[], learnEvents: number = LEARN_EVENTS): CandidateIndex {
  const live = rules.filter((rule) => rule.status !== 'off');
  let { tests, byBytes, always } = built(live, () => recordedShare);
  /** Of the rules that were ever busy, how common their tests are. */
  const shares = new Map<number, ShareOf>();
  let learnFrom = 0;
  let learnAt = learnEvents;
  let learning = learningOf(live, learnEvents);
  let events = 0;
  const found = new Int32Array(live.length);
  let foundCount = 0;
  let turn = 0;
  const lastTurn = new Int32Array(live.length);

  const worth = worthOfLooking();

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
    for (const [place, shareOf] of learning.finish()) shares.set(place, shareOf);
    if (shares.size > 0) ({ tests, byBytes, always } = built(live, (place) => shares.get(place) ?? recordedShare));
    learnFrom = events;
    learnAt *= LEARN_FACTOR;
    learning = learningOf(live, learnAt - learnFrom);
  };

  return {
    candidates(document) {
      turn = turn === 0x7fffffff ? restarted(lastTurn) : turn + 1;
      foundCount = 0;
      take(always);
      tests.search(document, take);
      events += 1;
      learning.see(found, foundCount);
      if (learning.samples(events - learnFrom)) learning.sample(document);
      if (events >= learnAt) learn();
      if (foundCount === 0) return NONE;
      if (foundCount > 1) found.subarray(0, foundCount).sort();
      const candidates = new Array<Rule>(foundCount);
      for (let index = 0; index < foundCount; index += 1) candidates[index] = live[found[index] as number] as Rule;
      return candidates;
    },
    hasCandidates({ bytes, from, to }) {
      if (byBytes === undefined || learning.samples(events + 1 - learnFrom) || !worth.isAsked()) return true;
      const isRead = byBytes(bytes, from, to);
      worth.answered(isRead);
      if (!isRead) events += 1;
      return isRead;
    },
  };
}

/** A look through the bytes costs a third of parsing: where most documents are parsed after it, it is left out for a while. */
function worthOfLooking(): { isAsked(): boolean; answered(isRead: boolean): void } {
  let rest = 0;
  let looks = 0;
  let reads = 0;
  return {
    isAsked() {
      if (rest === 0) return true;
      rest -= 1;
      return false;
    },
    answered(isRead) {
      looks += 1;
      if (isRead) reads += 1;
      if (looks < LOOKS) return;
      if (reads > looks * READ_SHARE_MAX) rest = LOOKS * REST_PER_LOOK;
      looks = 0;
      reads = 0;
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
): { readonly tests: FieldTests; readonly byBytes: ByteTests | undefined; readonly always: Int32Array } {
  const always: number[] = [];
  const numbered: NumberedTest[] = [];
  for (const [place, { necessary }] of rules.entries()) {
    const choice = necessary === undefined ? undefined : chooseTests(necessary, shareOf(place));
    if (choice === undefined) always.push(place);
    else for (const test of choice.tests) numbered.push({ test, rule: place });
  }
  const root = placeTests(numbered);
  const byBytes = always.length === 0 ? byteTests(root) : undefined;
  return { tests: fieldTests(root), byBytes, always: Int32Array.from(always) };
}
