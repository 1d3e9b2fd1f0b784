// Chooses which of the tests that a rule needs the engine looks for: those that let the fewest events through. What is common is
// known from recorded events; any choice is sound, so a bad one costs time and never a detection.
import { fieldNamed } from '../event/catalogue.ts';
import type { Necessary, NecessaryTest } from '../rules/necessary.ts';
import { FIELD_SAMPLES, type FieldSample } from './field-samples.ts';

/** The share of events of which a test holds, as far as is known: 0 to 1. */
export type ShareOf = (test: NecessaryTest) => number;

export interface Choice {
  /** One of them holds whenever the rule matches. */
  readonly tests: readonly NecessaryTest[];
  readonly share: number;
}

/** The tests of the least share; undefined where the tree says nothing. */
export function chooseTests(necessary: Necessary, shareOf: ShareOf): Choice | undefined {
  if (necessary.kind !== 'all' && necessary.kind !== 'any') return { tests: [necessary], share: shareOf(necessary) };
  const choices = necessary.of.map((one) => chooseTests(one, shareOf));
  if (necessary.kind === 'any') {
    if (!choices.every((choice) => choice !== undefined)) return undefined;
    return {
      tests: choices.flatMap(({ tests }) => tests),
      share: choices.reduce((sum, { share }) => sum + share, 0),
    };
  }
  let best: Choice | undefined;
  for (const choice of choices)
    if (choice !== undefined && (best === undefined || choice.share < best.share)) best = choice;
  return best;
}

/** Every test of the tree. */
export function testsOf(necessary: Necessary): readonly NecessaryTest[] {
  return necessary.kind === 'all' || necessary.kind === 'any' ? necessary.of.flatMap(testsOf) : [necessary];
}

/** Of a field that was recorded, a value that was not. */
const SHARE_OF_UNSEEN = 0.0005;
/** A field that was never recorded: rare when it is one of ours, else not known. */
const OURS_UNSEEN: FieldSample = { there: 0.05, values: {} };
const OTHERS_UNSEEN: FieldSample = { there: 0.5, values: {} };
/** A part that was not seen: the shorter, the more likely. */
const SHARE_OF_PART = 0.5;
/** What looking for a part costs beside a look-up, as a share of events. */
const COST_OF_PART = 0.002;

/** Fields that no sample has because only a running collector knows them, and those whose values they share or that are there as often. */
const ALIKE: Readonly<Record<string, string>> = {
  'host.id': '@timestamp',
  'host.name': '@timestamp',
  'host.boot.id': '@timestamp',
  'agent.id': '@timestamp',
  'process.entity_id': 'process.pid',
  'process.parent.entity_id': 'process.pid',
  'process.parent.pid': 'process.pid',
  'process.parent.name': 'process.name',
  'process.ancestors.name': 'process.name',
  'process.previous.name': 'process.name',
  'process.parent.executable': 'process.executable',
  'process.ancestors.executable': 'process.executable',
  'process.parent.command_line': 'process.command_line',
  'process.parent.args': 'process.args',
};

/** What a running collector writes into every event. */
const EVERYWHERE: Readonly<Record<string, FieldSample>> = {
  'host.os.type': { there: 1, values: { linux: 1 } },
  'agent.type': { there: 1, values: { vedette: 1 } },
};

/** By the events that come recorded with the product. */
export function recordedShare(test: NecessaryTest): number {
  const { there, values } = sampleOf(test.field);
  switch (test.kind) {
    case 'exists':
      return there;
    case 'equals': {
      let share = 0;
      for (const value of test.values) {
        if (share >= there) break;
        share += (Object.hasOwn(values, String(value)) ? values[String(value)] : undefined) ?? SHARE_OF_UNSEEN;
      }
      return Math.min(share, there);
    }
    case 'is': {
      let share = 0;
      for (const [value, of] of Object.entries(values)) if (test.texts.has(value.toLowerCase())) share += of;
      return Math.min(there, share + test.texts.size * SHARE_OF_UNSEEN);
    }
    case 'part': {
      let share = there * SHARE_OF_PART ** Math.min(test.part.length, 10);
      const part = test.isFolded ? test.part.toLowerCase() : test.part;
      for (const [value, of] of Object.entries(values)) {
        const text = test.isFolded ? value.toLowerCase() : value;
        if (text.includes(part)) share += of;
      }
      return Math.min(there, share) + COST_OF_PART;
    }
  }
}

function sampleOf(field: string): FieldSample {
  if (Object.hasOwn(EVERYWHERE, field)) return EVERYWHERE[field] ?? OURS_UNSEEN;
  const name = (Object.hasOwn(ALIKE, field) ? ALIKE[field] : undefined) ?? field;
  const sample = Object.hasOwn(FIELD_SAMPLES, name) ? FIELD_SAMPLES[name] : undefined;
  return sample ?? (fieldNamed(field) === undefined ? OTHERS_UNSEEN : OURS_UNSEEN);
}
