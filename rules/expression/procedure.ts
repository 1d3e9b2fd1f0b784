// Functions as values: JSONata's own, Vedette's, lambdas, regular expressions and what partial application makes of them. A
// procedure is a JavaScript function, so that it is never mistaken for an object of the event, whatever fields that has.
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, enter, Frame, leave, spend } from './evaluation.ts';
import type { CompiledRegex } from './regex.ts';
import { readSignature, type Signature, validate } from './signature.ts';
import { collapse } from './value.ts';

export interface Procedure {
  (args: readonly unknown[], input: unknown, evaluation: Evaluation): unknown;
  /** How many arguments it can take: what `$map` and its like decide by what to hand over. */
  readonly arity: number;
  readonly label: string;
  readonly signature: Signature | undefined;
  readonly isLambda: boolean;
  /** It was an argument, and sees no context. */
  readonly isArgument: boolean;
  /** Of a regular expression: the functions that take one have no need of calls. */
  readonly regex?: CompiledRegex & { readonly kind: 'regex' };
}

interface Shape {
  readonly arity: number;
  readonly label: string;
  readonly signature: Signature | undefined;
  readonly isLambda?: true;
  readonly isArgument?: true;
  readonly regex?: CompiledRegex & { readonly kind: 'regex' };
}

export type Run = (args: readonly unknown[], input: unknown, evaluation: Evaluation) => unknown;

/** What a call costs, beside what is done in it; and how deep it goes, beside the body of a lambda. */
const CALL_FUEL = 30;
const CALL_LEVELS = 4;

/** Makes a procedure of what it does. */
export function procedureOf(shape: Shape, run: Run): Procedure {
  const procedure = ((args, input, evaluation) => run(args, input, evaluation)) as {
    -readonly [Key in keyof Procedure]: Procedure[Key];
  } & Run;
  // One by one and always in this order: half the time of Object.assign, and lambdas are made for each event.
  procedure.arity = shape.arity;
  procedure.label = shape.label;
  procedure.signature = shape.signature;
  procedure.isLambda = shape.isLambda === true;
  procedure.isArgument = shape.isArgument === true;
  if (shape.regex !== undefined) procedure.regex = shape.regex;
  return procedure;
}

export function isProcedure(value: unknown): value is Procedure {
  return typeof value === 'function';
}

/** What is left to do of a function whose last step is a call: done by {@link apply}, so that it takes no depth. */
class Tail {
  readonly procedure: unknown;
  readonly args: readonly unknown[];
  constructor(procedure: unknown, args: readonly unknown[]) {
    this.procedure = procedure;
    this.args = args;
  }
}

/** What a procedure gives when all that is left to do is this call. */
function tailCall(procedure: unknown, args: readonly unknown[]): unknown {
  return new Tail(procedure, args);
}

/** The closure of a call in tail position. */
export function compileTail(procedure: Evaluate, args: readonly Evaluate[]): Evaluate {
  return (input, evaluation) => {
    const next = procedure(input, evaluation);
    return tailCall(
      next,
      args.map((arg) => arg(input, evaluation)),
    );
  };
}

/** Calls a value. `input` stands in for arguments that come from the context. Throws T1006 when it is no function. */
export function apply(procedure: unknown, args: readonly unknown[], input: unknown, evaluation: Evaluation): unknown {
  let result = applyOnce(procedure, args, input, evaluation);
  while (result instanceof Tail) result = applyOnce(result.procedure, result.args, input, evaluation);
  return result;
}

function applyOnce(procedure: unknown, args: readonly unknown[], input: unknown, evaluation: Evaluation): unknown {
  if (!isProcedure(procedure)) throw new ExpressionError('T1006', 'T1006: what is called is no function');
  const { signature, label } = procedure;
  if (signature === undefined) return call(procedure, args, input, evaluation);
  return call(procedure, validate(signature, { name: label, args, context: input }, evaluation), input, evaluation);
}

function call(procedure: Procedure, args: readonly unknown[], input: unknown, evaluation: Evaluation): unknown {
  spend(evaluation, CALL_FUEL + args.length);
  enter(evaluation, CALL_LEVELS, 'D1011');
  const result = procedure(args, input, evaluation);
  leave(evaluation, CALL_LEVELS);
  return result;
}

/** As an argument a function loses its sight of the context: what it is given is all it gets. */
export function asArgument(value: unknown): unknown {
  if (!isProcedure(value) || value.isArgument) return value;
  const { arity, label, regex } = value;
  return procedureOf(
    { arity, label, signature: undefined, isArgument: true, ...(regex === undefined ? {} : { regex }) },
    (args, _input, evaluation) => apply(value, args, null, evaluation),
  );
}

export interface LambdaParts {
  readonly parameters: readonly string[];
  readonly signature: string | undefined;
  readonly body: Evaluate;
  /** The levels of its body. */
  readonly levels: number;
}

/** The closure that makes the function, over the bindings of where it stands. */
export function compileLambda(parts: LambdaParts): Evaluate {
  const { parameters, body, levels } = parts;
  const signature = parts.signature === undefined ? undefined : readSignature(parts.signature);
  return (input, evaluation) => {
    const { frame } = evaluation;
    return procedureOf(
      { arity: parameters.length, label: 'function', signature, isLambda: true },
      (args, _context, inner) => runLambda({ parameters, args, body, levels, input, frame }, inner),
    );
  };
}

function runLambda(
  lambda: {
    readonly parameters: readonly string[];
    readonly args: readonly unknown[];
    readonly body: Evaluate;
    readonly levels: number;
    readonly input: unknown;
    readonly frame: Frame | undefined;
  },
  evaluation: Evaluation,
): unknown {
  const { parameters, args, body, levels, input } = lambda;
  const values: unknown[] = [];
  for (let index = 0; index < parameters.length; index += 1) values.push(args[index]);
  const frame = new Frame(lambda.frame, parameters, values);
  const outer = evaluation.frame;
  evaluation.frame = frame;
  enter(evaluation, levels, 'D1011');
  const result = body(input, evaluation);
  leave(evaluation, levels);
  evaluation.frame = outer;
  return result;
}

/**
 * The function that takes what `args` leaves open (undefined there), in order. A lambda's signature holds no more, as in the
 * official engine; a built-in function's does, where that would run into a fault of its own.
 */
export function partially(procedure: Procedure, args: readonly ({ readonly value: unknown } | undefined)[]): Procedure {
  const { signature, arity, label, isLambda } = procedure;
  // Functions without a signature take any number of arguments.
  const places = isLambda ? arity : Math.max(arity, signature?.parameters.length ?? args.length);
  const open = args.filter((arg, index) => arg === undefined && index < places).length;
  return procedureOf({ arity: open, label, signature: undefined, isLambda: true }, (given, input, evaluation) => {
    let next = 0;
    const all = Array.from({ length: places }, (_, index) => {
      const arg = args[index];
      if (index >= args.length || arg !== undefined) return arg?.value;
      next += 1;
      return given[next - 1];
    });
    return isLambda ? call(procedure, all, input, evaluation) : applyOnce(procedure, all, null, evaluation);
  });
}

/** `left ~> right`: two functions make one, else right is called with left. */
export function compileApply(left: Evaluate, right: Evaluate): Evaluate {
  return (input, evaluation) => {
    const value = left(input, evaluation);
    const procedure = right(input, evaluation);
    if (!isProcedure(procedure)) throw new ExpressionError('T2006', 'T2006: right of `~>` is no function');
    if (!isProcedure(value)) return apply(procedure, [value], null, evaluation);
    return procedureOf({ arity: 1, label: 'chain', signature: undefined, isLambda: true }, ([given], _input, inner) =>
      tailCall(procedure, [collapse(apply(value, [asArgument(given)], null, inner))]),
    );
  };
}
