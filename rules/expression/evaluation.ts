// What one evaluation carries along, and its bounds. Every closure takes (input, evaluation); nothing else is seen, nothing is
// kept from one event to the next. Fuel bounds the work and what is built, levels bound the depth: an expression that runs out of
// either fails on that event, the same on every machine, and is counted.
import { ExpressionError } from '../rule.ts';

/** About 20 ns each: one step of a path, one member of an array, 2 characters of a regular expression's text. */
export const FUEL_PER_EVALUATION = 4_000_000;
/** How deep calls within calls, and values within values, may go; each level is at most a few hundred bytes of stack. */
const LEVELS_MAX = 1_000;
/** What it costs to come back from there: some 0.2 ms. */
const TOO_DEEP_FUEL = 10_000;
/** The longest text that an expression may build, characters. */
const TEXT_LENGTH_MAX: number = 8 * 1024 * 1024;

/**
 * What `:=`, parameters, `@` and `#` have bound; a name bound to a missing value is bound. Few names, so that looking through them is
 * quicker than any table. `names` may be shared until the first one is added.
 */
export class Frame {
  readonly #parent: Frame | undefined;
  readonly #values: unknown[];
  #names: readonly string[];

  constructor(parent: Frame | undefined, names: readonly string[], values: unknown[]) {
    this.#parent = parent;
    this.#names = names;
    this.#values = values;
  }

  bind(name: string, value: unknown): void {
    const at = this.#names.lastIndexOf(name);
    if (at >= 0) this.#values[at] = value;
    else {
      this.#values[this.#names.length] = value;
      this.#names = [...this.#names, name];
    }
  }

  /** The value of the innermost binding of a name, else {@link UNBOUND}. */
  lookup(name: string): unknown {
    for (let frame: Frame | undefined = this; frame !== undefined; frame = frame.#parent) {
      const at = frame.#names.lastIndexOf(name);
      if (at >= 0) return frame.#values[at];
    }
    return UNBOUND;
  }
}

export const UNBOUND: unique symbol = Symbol('unbound');

const NO_NAMES: readonly string[] = [];

export interface Evaluation {
  /** What `$$` is. */
  readonly root: unknown;
  /** `event.created` of the event, epoch ms: what `$now()` and `$millis()` say. */
  readonly nowMs: number;
  fuel: number;
  levels: number;
  frame: Frame | undefined;
}

export type Evaluate = (input: unknown, evaluation: Evaluation) => unknown;

export function createEvaluation(root: unknown, nowMs: number, fuel: number): Evaluation {
  return { root, nowMs, fuel, levels: 0, frame: undefined };
}

/** Takes fuel before the work is done. Throws {@link ExpressionError} `fuel` when there is not enough. */
export function spend(evaluation: Evaluation, units: number): void {
  evaluation.fuel -= units;
  if (evaluation.fuel < 0) {
    throw new ExpressionError('fuel', 'fuel: the expression has too much to do on this event');
  }
}

/** Takes fuel for reading a text: searching and copying cost little, regular expressions more. */
export function spendOnText(evaluation: Evaluation, text: string, charactersPerUnit: number): void {
  spend(evaluation, 1 + Math.floor(text.length / charactersPerUnit));
}

/** Takes fuel for a text of that length before it is made. Throws {@link ExpressionError} `fuel` when it is too long. */
export function spendOnLength(evaluation: Evaluation, length: number): void {
  if (length > TEXT_LENGTH_MAX) {
    throw new ExpressionError('fuel', `fuel: a text of more than ${TEXT_LENGTH_MAX} characters`);
  }
  spend(evaluation, 4 + Math.floor(length / 32));
}

/** Goes so many levels deeper; {@link leave} comes back. Throws {@link ExpressionError} with `code` when that is too deep. */
export function enter(evaluation: Evaluation, levels: number, code: 'D1011' | 'depth'): void {
  evaluation.levels += levels;
  if (evaluation.levels <= LEVELS_MAX) return;
  evaluation.fuel -= TOO_DEEP_FUEL;
  throw new ExpressionError(
    code,
    code === 'D1011' ? 'D1011: functions call themselves without an end' : 'depth: a value is nested too deeply',
  );
}

export function leave(evaluation: Evaluation, levels: number): void {
  evaluation.levels -= levels;
}

/** A frame with nothing bound yet. */
export function createFrame(parent: Frame | undefined): Frame {
  return new Frame(parent, NO_NAMES, []);
}
