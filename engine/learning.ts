// What the candidate index learns from the events that come: first which rules are evaluated often, then which of their tests would let
// fewer events through. Nothing of an event is kept.
import type { EventDocument } from '../event/document.ts';
import type { NecessaryTest } from '../rules/necessary.ts';
import type { Rule } from '../rules/rule.ts';
import { type FieldTests, fieldTests, placeTests } from './field-tests.ts';
import { recordedShare, type ShareOf, testsOf } from './selectivity.ts';

export interface Learning {
  /** Of each event that was parsed, the places of the rules that are to be evaluated on it. */
  see(found: Int32Array, foundCount: number): void;
  /** Whether event number `event`, from 1, is one to look at, whatever rules it meets. */
  samples(event: number): boolean;
  sample(document: EventDocument): void;
  /** How common their tests are, for each busy rule by its place. */
  finish(): ReadonlyMap<number, ShareOf>;
}

/** Events that are looked at, spread evenly over the second half. */
const SAMPLE_EVENTS = 256;
/** Only rules that met more than this share of the events are looked at, the busiest ones. */
const BUSY_SHARE = 0.01;
const BUSY_MAX = 500;
/** What is known beforehand counts as so many events. */
const PRIOR_EVENTS = 4;

/** For so many events. */
export function learningOf(rules: readonly Rule[], events: number): Learning {
  const half = Math.floor(events / 2);
  const every = Math.max(1, Math.floor(half / SAMPLE_EVENTS));
  const met = new Uint32Array(rules.length);
  let counting: Counting | undefined;
  return {
    see(found, foundCount) {
      if (counting !== undefined) return;
      for (let index = 0; index < foundCount; index += 1) {
        const place = found[index] as number;
        met[place] = (met[place] as number) + 1;
      }
    },
    samples: (event) => event >= half && (event - half) % every === 0,
    sample(document) {
      counting ??= countingOf(rules, busyOf(rules, met, half));
      counting.see(document);
    },
    finish: () => counting?.shares() ?? new Map(),
  };
}

/** Of those that have a choice, the places of the ones that met most. */
function busyOf(rules: readonly Rule[], met: Uint32Array, events: number): readonly number[] {
  const hasChoice = (place: number): boolean => {
    const kind = rules[place]?.necessary?.kind;
    return kind === 'all' || kind === 'any';
  };
  return [...met.keys()]
    .filter((place) => (met[place] ?? 0) > events * BUSY_SHARE && hasChoice(place))
    .toSorted((a, b) => (met[b] ?? 0) - (met[a] ?? 0))
    .slice(0, BUSY_MAX);
}

interface Counting {
  see(document: EventDocument): void;
  shares(): ReadonlyMap<number, ShareOf>;
}

function countingOf(rules: readonly Rule[], busy: readonly number[]): Counting {
  const tests = busy.flatMap((place): readonly NecessaryTest[] => {
    const necessary = rules[place]?.necessary;
    return necessary === undefined ? [] : testsOf(necessary);
  });
  const hits = new Uint32Array(tests.length);
  const last = new Int32Array(tests.length);
  const found: FieldTests = fieldTests(placeTests(tests.map((test, rule) => ({ test, rule }))));
  let events = 0;
  return {
    see(document) {
      events += 1;
      found.search(document, (numbers) => {
        for (const number of numbers) {
          if (last[number] === events) continue;
          last[number] = events;
          hits[number] = (hits[number] ?? 0) + 1;
        }
      });
    },
    shares() {
      const shares = new Map(
        tests.map((test, number) => [
          test,
          ((hits[number] ?? 0) + PRIOR_EVENTS * recordedShare(test)) / (events + PRIOR_EVENTS),
        ]),
      );
      return new Map(busy.map((place) => [place, (test) => shares.get(test) ?? recordedShare(test)]));
    },
  };
}
