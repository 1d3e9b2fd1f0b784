// JSONata's functions on numbers and truth, as the official engine has them.
import { ExpressionError } from '../rule.ts';
import type { Builtin } from './builtin-functions.ts';
import { spend } from './evaluation.ts';
import { kindOf, truthOf } from './value.ts';

export const NUMBER_FUNCTIONS: Readonly<Record<string, Builtin>> = {
  number: { signature: '<(nsb)-:n>', arity: 1, run: ([value]) => numberOf(value) },
  abs: { signature: '<n-:n>', arity: 1, run: onNumber(Math.abs) },
  floor: { signature: '<n-:n>', arity: 1, run: onNumber(Math.floor) },
  ceil: { signature: '<n-:n>', arity: 1, run: onNumber(Math.ceil) },
  round: { signature: '<n-n?:n>', arity: 2, run: ([value, places]) => round(value, places) },
  sqrt: { signature: '<n-:n>', arity: 1, run: onNumber(squareRoot) },
  power: { signature: '<n-n:n>', arity: 2, run: ([base, exponent]) => power(base, exponent) },
  formatBase: { signature: '<n-n?:s>', arity: 2, run: ([value, radix]) => formatBase(value, radix) },
  sum: { signature: '<a<n>:n>', arity: 1, run: onNumbers((numbers) => sumOf(numbers), 0) },
  average: { signature: '<a<n>:n>', arity: 1, run: onNumbers((numbers) => sumOf(numbers) / numbers.length, undefined) },
  max: { signature: '<a<n>:n>', arity: 1, run: onNumbers((numbers) => extreme(numbers, Math.max), undefined) },
  min: { signature: '<a<n>:n>', arity: 1, run: onNumbers((numbers) => extreme(numbers, Math.min), undefined) },
  boolean: { signature: '<x-:b>', arity: 1, run: ([value], _input, evaluation) => truthOf(value, evaluation) },
  not: {
    signature: '<x-:b>',
    arity: 1,
    run: ([value], _input, evaluation) => (value === undefined ? undefined : truthOf(value, evaluation) !== true),
  },
  exists: { signature: '<x:b>', arity: 1, run: ([value]) => value !== undefined },
};

function onNumber(run: (value: number) => number): Builtin['run'] {
  return ([value]) => (typeof value === 'number' ? run(value) : undefined);
}

function onNumbers(run: (numbers: readonly number[]) => number, ofNone: number | undefined): Builtin['run'] {
  return ([value], _input, evaluation) => {
    if (value === undefined) return undefined;
    const numbers = value as readonly number[];
    spend(evaluation, 1 + numbers.length);
    return numbers.length === 0 ? ofNone : run(numbers);
  };
}

function sumOf(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function extreme(numbers: readonly number[], better: (a: number, b: number) => number): number {
  return numbers.reduce((a, b) => better(a, b));
}

function numberOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    if (/^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$/.test(value) && Number.isFinite(Number(value)))
      return Number.parseFloat(value);
    // The official pattern's alternatives are not grouped; so are ours, or the two would differ on such text.
    if (/^(0[xX][0-9A-Fa-f]+)|(0[oO][0-7]+)|(0[bB][0-1]+)$/.test(value)) return Number(value);
  }
  throw new ExpressionError('D3030', `D3030: $number cannot read ${kindOf(value)}`);
}

/** Half to even; `places` may be negative. The point is moved in the number's text, where nothing is lost. */
function round(value: unknown, places: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  const by = typeof places === 'number' ? places : 0;
  const moved = by === 0 ? value : movePoint(value, by);
  let result = Math.round(moved);
  if (Math.abs(result - moved) === 0.5 && Math.abs(result % 2) === 1) result -= 1;
  if (by !== 0) result = movePoint(result, -by);
  return Object.is(result, -0) ? 0 : result;
}

function movePoint(value: number, by: number): number {
  const [digits = '', exponent] = value.toString().split('e');
  return Number(`${digits}e${exponent === undefined ? by : Number(exponent) + by}`);
}

function squareRoot(value: number): number {
  if (value < 0) throw new ExpressionError('D3060', 'D3060: $sqrt of a negative number');
  return Math.sqrt(value);
}

function power(base: unknown, exponent: unknown): number | undefined {
  if (typeof base !== 'number') return undefined;
  const result = base ** Number(exponent);
  if (!Number.isFinite(result)) throw new ExpressionError('D3061', 'D3061: $power gives no number that can be written');
  return result;
}

function formatBase(value: unknown, given: unknown): string | undefined {
  const rounded = round(value, undefined);
  if (rounded === undefined) return undefined;
  const radix = given === undefined ? 10 : round(given, undefined);
  if (radix === undefined || radix < 2 || radix > 36) {
    throw new ExpressionError('D3100', 'D3100: the base of $formatBase is not between 2 and 36');
  }
  return rounded.toString(radix);
}
