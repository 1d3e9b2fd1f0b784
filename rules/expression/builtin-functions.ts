// JSONata's own functions as data, and what makes definitions of them: argument checks by their signatures, a closure for a call
// by name, a procedure where the function is a value. How many arguments a call has is known when it is read, so a wrong number is
// refused then.
import { COLLECTION_FUNCTIONS } from './collection-functions.ts';
import type { Evaluate, Evaluation } from './evaluation.ts';
import type { ArgumentProblem, FunctionDefinition } from './functions.ts';
import { NUMBER_FUNCTIONS } from './number-functions.ts';
import { OFFICIAL_FUNCTIONS } from './official-functions.ts';
import { asArgument, procedureOf } from './procedure.ts';
import { regexOf } from './regex.ts';
import { readSignature, type Signature, validate } from './signature.ts';
import type { Expression } from './syntax.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';

export interface Builtin {
  readonly signature: string;
  /** How many arguments the official implementation declares, which `$map` and its like go by. */
  readonly arity: number;
  run(args: readonly unknown[], input: unknown, evaluation: Evaluation): unknown;
}

export const BUILTIN_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  Object.entries({
    ...NUMBER_FUNCTIONS,
    ...TEXT_FUNCTIONS,
    ...COLLECTION_FUNCTIONS,
    ...OFFICIAL_FUNCTIONS,
  }).map(([name, builtin]) => [name, definitionOf(name, builtin)]),
);

/** A function of JSONata as rules know functions. */
function definitionOf(name: string, builtin: Builtin): FunctionDefinition {
  const signature = readSignature(builtin.signature);
  return {
    check: (args) => checkCount(name, signature, args),
    compile: (args, compileArgument) => compileCall({ name, builtin, signature }, args, compileArgument),
    procedure: procedureOf({ arity: builtin.arity, label: name, signature }, (args, input, evaluation) =>
      builtin.run(args, input, evaluation),
    ),
  };
}

function compileCall(
  of: { readonly name: string; readonly builtin: Builtin; readonly signature: Signature },
  args: readonly Expression[],
  compileArgument: (argument: Expression) => Evaluate,
): Evaluate {
  const { name, builtin, signature } = of;
  const special = name === 'contains' || name === 'exists' ? compileQuickly(name, args, compileArgument) : undefined;
  if (special !== undefined) return special;
  const compiled = args.map(compileArgument);
  const [only] = compiled;
  if (only !== undefined && compiled.length === 1) {
    return (input, evaluation) => {
      const given = { name, args: [asArgument(only(input, evaluation))], context: input };
      return builtin.run(validate(signature, given, evaluation), input, evaluation);
    };
  }
  return (input, evaluation) => {
    const values: unknown[] = [];
    for (const argument of compiled) values.push(asArgument(argument(input, evaluation)));
    const given = { name, args: values, context: input };
    return builtin.run(validate(signature, given, evaluation), input, evaluation);
  };
}

/** What rules ask most, without the detour: a field that is there, a text that contains what is written out. */
function compileQuickly(
  name: 'contains' | 'exists',
  args: readonly Expression[],
  compileArgument: (argument: Expression) => Evaluate,
): Evaluate | undefined {
  const [first, second] = args;
  if (first === undefined) return undefined;
  const subject = compileArgument(first);
  if (name === 'exists') {
    return args.length === 1 ? (input, evaluation) => subject(input, evaluation) !== undefined : undefined;
  }
  if (args.length !== 2) return undefined;
  if (second?.kind === 'literal' && typeof second.value === 'string') {
    const part = second.value;
    return (input, evaluation) => {
      const text = subject(input, evaluation);
      if (typeof text !== 'string') return failContains([text, part], input, evaluation);
      evaluation.fuel -= 1 + (text.length >>> 6);
      return text.includes(part);
    };
  }
  if (second?.kind !== 'regex') return undefined;
  const regex = regexOf(second);
  if (regex.kind === 'refused') return undefined;
  return (input, evaluation) => {
    const text = subject(input, evaluation);
    if (typeof text !== 'string') return failContains([text, ''], input, evaluation);
    return regex.test(text, evaluation);
  };
}

const CONTAINS_SIGNATURE = readSignature('<s-(sf):b>');

/** Of anything but text: missing gives nothing, the rest the official error. */
function failContains(args: readonly unknown[], input: unknown, evaluation: Evaluation): undefined {
  validate(CONTAINS_SIGNATURE, { name: 'contains', args: args.map(asArgument), context: input }, evaluation);
  return undefined;
}

function checkCount(name: string, signature: Signature, args: readonly Expression[]): ArgumentProblem | undefined {
  const { parameters } = signature;
  const least = parameters.filter((parameter) => !parameter.isOptional).length;
  const most = signature.isPlain ? parameters.length : Number.POSITIVE_INFINITY;
  if (args.length >= least && args.length <= most) return undefined;
  const wanted =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
  return {
    message: `$${name} takes ${wanted} arguments, not ${args.length}`,
    remedy: 'See “Functions” in docs/rules.md.',
  };
}
