// Functions that the official engine itself carries out, because what they mean is a page of rules each: dates and numbers by
// pictures. They are synchronous and pure; what they are given is bounded here, and the event's time is their clock.
import jsonata from 'jsonata';
import { ExpressionError } from '../rule.ts';
import type { Builtin } from './builtin-functions.ts';
import { type Evaluation, spend } from './evaluation.ts';

/** The longest picture, and the longest text that is read by one, characters. */
const PICTURE_LENGTH_MAX = 256;

type Implementation = (this: unknown, ...args: readonly unknown[]) => unknown;

async function official(name: string): Promise<Implementation> {
  const definition = (await jsonata(`$${name}`).evaluate(null)) as { readonly implementation: Implementation };
  return definition.implementation;
}

const [formatNumber, formatInteger, parseInteger, toMillis, fromMillis] = await Promise.all([
  official('formatNumber'),
  official('formatInteger'),
  official('parseInteger'),
  official('toMillis'),
  official('fromMillis'),
]);

export const OFFICIAL_FUNCTIONS: Readonly<Record<string, Builtin>> = {
  formatNumber: {
    signature: '<n-so?:s>',
    arity: 3,
    run: (args, _input, evaluation) => run(formatNumber, args, evaluation),
  },
  formatInteger: {
    signature: '<n-s:s>',
    arity: 2,
    run: (args, _input, evaluation) => run(formatInteger, args, evaluation),
  },
  parseInteger: {
    signature: '<s-s:n>',
    arity: 2,
    run: (args, _input, evaluation) => run(parseInteger, args, evaluation),
  },
  toMillis: { signature: '<s-s?:n>', arity: 2, run: (args, _input, evaluation) => run(toMillis, args, evaluation) },
  fromMillis: {
    signature: '<n-s?s?:s>',
    arity: 3,
    run: (args, _input, evaluation) => run(fromMillis, args, evaluation),
  },
  now: {
    signature: '<s?s?:s>',
    arity: 2,
    run: (args, _input, evaluation) =>
      args.length === 0 || args[0] === undefined
        ? isoTime(evaluation.nowMs)
        : run(fromMillis, [evaluation.nowMs, ...args], evaluation),
  },
  millis: { signature: '<:n>', arity: 0, run: (_args, _input, evaluation) => evaluation.nowMs },
};

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Roman numerals are written by a function that calls itself for each thousand. */
const ROMAN_MAX = 1_000_000;

/** What the official functions would do without end: pad to any width, count thousands one by one. */
function checkBounds(args: readonly unknown[]): void {
  const [value, picture] = args;
  for (const arg of args) {
    if (typeof arg === 'string' && arg.length > PICTURE_LENGTH_MAX) {
      throw new ExpressionError('fuel', `fuel: a picture or a date of more than ${PICTURE_LENGTH_MAX} characters`);
    }
  }
  if (typeof picture !== 'string') return;
  const isWide = /\[[^\]]*,[^\]]*[0-9]{4,}/.test(picture);
  const isRoman = typeof value === 'number' && Math.abs(value) > ROMAN_MAX && /^[iI]/.test(picture);
  if (isWide || isRoman) throw new ExpressionError('fuel', 'fuel: a picture that makes a text without end');
}

function run(implementation: Implementation, args: readonly unknown[], evaluation: Evaluation): unknown {
  spend(evaluation, 500);
  checkBounds(args);
  const focus = { environment: { timestamp: new Date(evaluation.nowMs) } };
  try {
    return implementation.apply(focus, [...args]);
  } catch (error) {
    const { code } = (error ?? {}) as { readonly code?: unknown };
    if (typeof code === 'string') throw new ExpressionError(code, `${code}: the picture or the value is wrong`);
    throw new ExpressionError('picture', `picture: ${error instanceof Error ? error.message : 'the picture is wrong'}`);
  }
}
