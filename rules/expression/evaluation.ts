// What one evaluation carries along, and its fuel. Every closure takes (input, evaluation); nothing else is seen, nothing is
// kept from one event to the next. Fuel bounds the work: an expression that runs out fails on that event, and is counted.
import type { EventDocument } from '../../event/document.ts';
import { ExpressionError } from '../rule.ts';

/** About 20 ns each: one step of a path, one member of an array, 8 characters of a regular expression's text. */
export const FUEL_PER_EVALUATION = 4_000_000;

export interface Evaluation {
  readonly root: EventDocument;
  /** `event.created` of the event, epoch ms: what `$now()` and `$millis()` say. */
  readonly nowMs: number;
  fuel: number;
}

export type Evaluate = (input: unknown, evaluation: Evaluation) => unknown;

/** Takes fuel before the work is done. Throws {@link ExpressionError} `fuel` when there is not enough. */
export function spend(evaluation: Evaluation, units: number): void {
  evaluation.fuel -= units;
  if (evaluation.fuel < 0) throw new ExpressionError('fuel', 'fuel: the event is too large for this expression');
}

/** Takes fuel for reading a text: searching and copying cost little, regular expressions more. */
export function spendOnText(evaluation: Evaluation, text: string, charactersPerUnit: number): void {
  spend(evaluation, 1 + Math.floor(text.length / charactersPerUnit));
}
