// Signatures of functions (`<s-(sf)n?:s>`): which arguments a function takes, which come from the context, and the official errors
// where they are wrong: T0410 (argument), T0411 (context), T0412 (members of an array).
import { ExpressionError } from '../rule.ts';
import { type Evaluation, spend } from './evaluation.ts';
import { kindOf } from './value.ts';

interface Parameter {
  /** The letters of the types it takes; `m` is a missing value. */
  readonly types: string;
  readonly isArray: boolean;
  /** `a<s>`: what the members are. */
  readonly members: string | undefined;
  readonly isContext: boolean;
  /** `?` and, for one from the context, too. */
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  /** Over the letters of the arguments' types; a group for each parameter. */
  readonly pattern: RegExp;
  /** None is repeated, so that as many arguments as parameters belong to each other. */
  readonly isPlain: boolean;
}

const ANY = 'asnblfom';

const TYPES: Readonly<Record<string, string>> = {
  s: 'sm',
  n: 'nm',
  b: 'bm',
  l: 'lm',
  o: 'om',
  a: ANY,
  f: 'f',
  j: 'asnblom',
  x: ANY,
};

/** Reads a signature that the official parser has taken. */
export function readSignature(text: string): Signature {
  const parameters: Parameter[] = [];
  let at = 1;
  while (at < text.length && text[at] !== ':') {
    const letter = text[at] ?? '';
    const last = parameters.at(-1);
    const types = TYPES[letter];
    if (types !== undefined) {
      parameters.push(parameterOf(types, letter === 'a'));
    } else if (letter === '(') {
      const end = closing(text, at, '(', ')');
      parameters.push(parameterOf(`${text.slice(at + 1, end)}m`, false));
      at = end;
    } else if (letter === '<' && last !== undefined) {
      const end = closing(text, at, '<', '>');
      parameters[parameters.length - 1] = { ...last, members: text.slice(at + 1, end) };
      at = end;
    } else if (last !== undefined && (letter === '-' || letter === '?' || letter === '+')) {
      parameters[parameters.length - 1] = {
        ...last,
        isContext: last.isContext || letter === '-',
        isOptional: last.isOptional || letter !== '+',
        isRepeated: last.isRepeated || letter === '+',
      };
    }
    at += 1;
  }
  const groups = parameters.map(
    ({ types, isOptional, isRepeated }) => `([${types}]${isRepeated ? '+' : isOptional ? '?' : ''})`,
  );
  return {
    parameters,
    pattern: new RegExp(`^${groups.join('')}$`),
    isPlain: !parameters.some((parameter) => parameter.isRepeated),
  };
}

function parameterOf(types: string, isArray: boolean): Parameter {
  return { types, isArray, members: undefined, isContext: false, isOptional: false, isRepeated: false };
}

function closing(text: string, start: number, open: string, close: string): number {
  let depth = 1;
  let at = start;
  while (at < text.length && depth > 0) {
    at += 1;
    if (text[at] === close) depth -= 1;
    else if (text[at] === open) depth += 1;
  }
  return at;
}

/** One letter for a value's type. */
function letterOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 's';
    case 'number':
      return 'n';
    case 'boolean':
      return 'b';
    case 'function':
      return 'f';
    case 'object':
      return value === null ? 'l' : Array.isArray(value) ? 'a' : 'o';
    default:
      return 'm';
  }
}

export interface Given {
  /** For messages. */
  readonly name: string;
  readonly args: readonly unknown[];
  readonly context: unknown;
}

/** The arguments as the function takes them: the context where it stands in, lone values as arrays where arrays are wanted. */
export function validate(signature: Signature, given: Given, evaluation: Evaluation): readonly unknown[] {
  const { parameters } = signature;
  const { args } = given;
  if (signature.isPlain && args.length === parameters.length) {
    return validatePlain(parameters, given, evaluation);
  }
  spend(evaluation, 8 + args.length);
  const match = signature.pattern.exec(args.map(letterOf).join(''));
  if (match === null) throw wrongArgument(signature, given);
  const all: unknown[] = [];
  let next = 0;
  for (const [index, parameter] of parameters.entries()) {
    const letters = match[index + 1] ?? '';
    if (letters === '' && parameter.isContext) {
      if (!parameter.types.includes(letterOf(given.context))) {
        throw new ExpressionError('T0411', `T0411: the context of $${given.name}() is ${kindOf(given.context)}`);
      }
      all.push(given.context);
      continue;
    }
    if (letters === '') {
      all.push(args[next]);
      next += 1;
      continue;
    }
    for (const letter of letters) {
      all.push(
        parameter.isArray ? asArray({ parameter, letter, letters, index: next }, given, evaluation) : args[next],
      );
      next += 1;
    }
  }
  return all;
}

function validatePlain(parameters: readonly Parameter[], given: Given, evaluation: Evaluation): readonly unknown[] {
  const { args } = given;
  let hasArrays = false;
  for (let index = 0; index < parameters.length; index += 1) {
    const parameter = parameters[index] as Parameter;
    if (!parameter.types.includes(letterOf(args[index]))) {
      throw new ExpressionError('T0410', `T0410: argument ${index + 1} of $${given.name} is ${kindOf(args[index])}`);
    }
    hasArrays ||= parameter.isArray;
  }
  if (!hasArrays) return args;
  let changed: unknown[] | undefined;
  for (let index = 0; index < parameters.length; index += 1) {
    const parameter = parameters[index] as Parameter;
    const letter = letterOf(args[index]);
    if (!parameter.isArray || letter === 'm' || (letter === 'a' && parameter.members === undefined)) continue;
    changed ??= [...args];
    changed[index] = asArray({ parameter, letter, letters: letter, index }, given, evaluation);
  }
  return changed ?? args;
}

function asArray(
  place: { readonly parameter: Parameter; readonly letter: string; readonly letters: string; readonly index: number },
  given: Given,
  evaluation: Evaluation,
): unknown {
  const { parameter, letter, letters, index } = place;
  const value = given.args[index];
  if (letter === 'm') return undefined;
  const { members } = parameter;
  if (members !== undefined && !(letter === 'a' ? areAll(members, value, evaluation) : letters === members)) {
    throw new ExpressionError('T0412', `T0412: argument ${index + 1} of $${given.name} has members of another type`);
  }
  return letter === 'a' ? value : [value];
}

function areAll(members: string, value: unknown, evaluation: Evaluation): boolean {
  const array = value as readonly unknown[];
  spend(evaluation, 1 + array.length);
  const wanted = members.charAt(0);
  return array.every((member) => letterOf(member) === wanted);
}

function wrongArgument(signature: Signature, given: Given): ExpressionError {
  const { args, name } = given;
  const { parameters } = signature;
  const wrong = args.findIndex((arg, index) => parameters[index]?.types.includes(letterOf(arg)) !== true);
  const what =
    wrong < 0 || wrong >= parameters.length
      ? `$${name} was given ${args.length} arguments`
      : `argument ${wrong + 1} of $${name} is ${kindOf(args[wrong])}`;
  return new ExpressionError('T0410', `T0410: ${what}`);
}
