// The functions that an expression may call: JSONata's own but those that are not functions of the event, and Vedette's. All are
// pure and synchronous.
import { BUILTIN_FUNCTIONS } from './builtin-functions.ts';
import { COLLECTION_FUNCTIONS } from './collection-functions.ts';
import type { Evaluate } from './evaluation.ts';
import { OWN_FUNCTIONS } from './own-functions.ts';
import type { Procedure } from './procedure.ts';
import type { Expression } from './syntax.ts';

export interface ArgumentProblem {
  /** Where, when it is one argument's fault. */
  readonly at?: number;
  readonly message: string;
  readonly remedy: string;
}

export interface FunctionDefinition {
  /** What is wrong with the arguments as they are written, or undefined. */
  check(args: readonly Expression[]): ArgumentProblem | undefined;
  /** The closure of a call by name; only after `check` found nothing wrong. */
  compile(args: readonly Expression[], compileArgument: (argument: Expression) => Evaluate): Evaluate;
  /** The function as a value. */
  readonly procedure: Procedure;
}

const DEFINITIONS: ReadonlyMap<string, FunctionDefinition> = new Map([...BUILTIN_FUNCTIONS, ...OWN_FUNCTIONS]);

/** The names without their `$`. */
export const FUNCTION_NAMES: readonly string[] = [...DEFINITIONS.keys()];

/** Functions of JSONata that a rule may not use, and why. */
export const REFUSED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['random', 'gives something else each time: alerts are a function of the events, so that a backtest finds the same'],
  ['shuffle', 'gives something else each time: alerts are a function of the events, so that a backtest finds the same'],
  ['eval', 'makes an expression of what an event says: nothing of an event is ever run'],
]);

/** Functions that may give a sequence, which is unwrapped where it has one member. */
export const SEQUENCE_FUNCTIONS: ReadonlySet<string> = new Set([...Object.keys(COLLECTION_FUNCTIONS), 'match']);

export function functionNamed(name: string): FunctionDefinition | undefined {
  return DEFINITIONS.get(name);
}
