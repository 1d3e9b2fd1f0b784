// The functions that an expression may call: JSONata's own that need no waiting, and Vedette's. All are pure and synchronous.
import { BUILTIN_FUNCTIONS } from './builtin-functions.ts';
import type { Evaluate } from './evaluation.ts';
import { OWN_FUNCTIONS } from './own-functions.ts';
import type { Expression } from './syntax.ts';

export interface ArgumentProblem {
  /** Where, when it is one argument's fault. */
  readonly at?: number;
  readonly message: string;
  readonly remedy: string;
}

/** What loading needs to know about a function. */
export interface FunctionCheck {
  readonly takesRegex: boolean;
  /** What is wrong with the arguments as they are written, or undefined. */
  check(args: readonly Expression[]): ArgumentProblem | undefined;
}

export interface FunctionDefinition extends FunctionCheck {
  /** Only after `check` found nothing wrong. */
  compile(args: readonly Expression[], compileArgument: (argument: Expression) => Evaluate): Evaluate;
}

const DEFINITIONS: ReadonlyMap<string, FunctionDefinition> = new Map([...BUILTIN_FUNCTIONS, ...OWN_FUNCTIONS]);

/** The names without their `$`. */
export const FUNCTION_NAMES: readonly string[] = [...DEFINITIONS.keys()];

export function functionNamed(name: string): FunctionDefinition | undefined {
  return DEFINITIONS.get(name);
}
