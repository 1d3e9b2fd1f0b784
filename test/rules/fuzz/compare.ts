// Differential fuzzing: random expressions on random events, by the official engine and by ours. Used in a short form by the unit
// suite, for as long as wanted by `npm run fuzz:expressions`.
import { indexRules } from '../../../engine/candidates.ts';
import { necessaryClause } from '../../../rules/expression/necessary.ts';
import { parseExpression } from '../../../rules/expression/parse.ts';
import type { Rule } from '../../../rules/rule.ts';
import { randomFrom } from '../../harness/random.ts';
import { isKnownDifference, officialOutcomes, ourEngine } from '../official-oracle.ts';
import { LISTS } from '../random-expressions.ts';
import { randomEvent, randomExpression } from '../whole-language.ts';

const EVENTS = 4;

export interface Difference {
  /** Makes the expression and its events again. */
  readonly seed: number;
  readonly source: string;
  readonly event: string;
  readonly official: string;
  readonly ours: string;
}

export interface Tally {
  cases: number;
  values: number;
  errors: number;
  known: number;
  /** Official errors by code. */
  readonly codes: Map<string, number>;
  readonly differences: Difference[];
}

export function createTally(): Tally {
  return { cases: 0, values: 0, errors: 0, known: 0, codes: new Map(), differences: [] };
}

/** One expression on some events: what differs goes into the tally. */
export async function compareOne(seed: number, tally: Tally): Promise<void> {
  const random = randomFrom(seed);
  const source = randomExpression(random);
  const events = Array.from({ length: EVENTS }, () => randomEvent(random));
  const expected = await officialOutcomes(source, events, LISTS);
  const engine = ourEngine(source, LISTS);
  for (const [index, event] of events.entries()) {
    const before = JSON.stringify(event);
    const ours = engine.outcome(event);
    const official = expected[index];
    tally.cases += 1;
    if (official?.kind === 'error') {
      tally.errors += 1;
      tally.codes.set(official.code, (tally.codes.get(official.code) ?? 0) + 1);
    } else if (official !== undefined && official.json !== 'undefined') tally.values += 1;
    const isChanged = JSON.stringify(event) !== before;
    if (!isChanged && JSON.stringify(ours) === JSON.stringify(official)) continue;
    if (!isChanged && isKnownDifference(source, official, ours)) {
      tally.known += 1;
      continue;
    }
    const text = isChanged ? 'the event was changed' : JSON.stringify(ours);
    tally.differences.push({ seed, source, event: before, official: JSON.stringify(official) ?? '', ours: text });
    return;
  }
}

/** One expression as a rule: where the official engine says true, the index must have it for a candidate. */
export async function checkCandidates(seed: number, tally: Tally): Promise<void> {
  const random = randomFrom(seed);
  const source = randomExpression(random);
  const parsed = parseExpression(source, LISTS);
  const necessary = parsed.kind === 'parsed' ? necessaryClause(parsed.expression) : undefined;
  if (necessary === undefined) return;
  const index = indexRules([{ status: 'stable', necessary } as Rule]);
  const events = Array.from({ length: EVENTS }, () => randomEvent(random));
  // Only of events that the index keeps from it does it matter what the official engine says.
  const passedOver = events.filter((event) => index.candidates(event).length === 0);
  tally.cases += events.length;
  tally.values += passedOver.length;
  if (passedOver.length === 0) return;
  const outcomes = await officialOutcomes(`$boolean(${source})`, passedOver, LISTS);
  for (const [place, event] of passedOver.entries()) {
    const outcome = outcomes[place];
    if (outcome?.kind !== 'value' || outcome.json !== 'true') continue;
    tally.differences.push({ seed, source, event: JSON.stringify(event), official: 'true', ours: 'no candidate' });
  }
}
