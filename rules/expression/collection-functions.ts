// JSONata's functions on arrays and objects, with and without functions of the rule's own. Nothing here changes what it is given;
// objects that are made have no prototype, so that any name is data.
import { ExpressionError } from '../rule.ts';
import type { Builtin } from './builtin-functions.ts';
import { type Evaluation, enter, leave, spend } from './evaluation.ts';
import { apply, isProcedure } from './procedure.ts';
import { sorted } from './sort.ts';
import {
  append,
  asSequence,
  isDeepEqual,
  isNumeric,
  isObject,
  isSequence,
  keysOf,
  lookup,
  shortNumber,
  truthOf,
} from './value.ts';

export const COLLECTION_FUNCTIONS: Readonly<Record<string, Builtin>> = {
  count: { signature: '<a:n>', arity: 1, run: ([array]) => (array === undefined ? 0 : (array as unknown[]).length) },
  append: {
    signature: '<xx:a>',
    arity: 2,
    run: ([left, right], _input, evaluation) => append(left, right, evaluation),
  },
  reverse: { signature: '<a:a>', arity: 1, run: onArray((array) => (array.length <= 1 ? array : array.toReversed())) },
  distinct: { signature: '<x:x>', arity: 1, run: ([value], _input, evaluation) => distinct(value, evaluation) },
  zip: { signature: '<a+>', arity: 0, run: (args, _input, evaluation) => zip(args, evaluation) },
  keys: { signature: '<x-:a<s>>', arity: 1, run: ([value], _input, evaluation) => keys(value, evaluation) },
  lookup: {
    signature: '<x-s:x>',
    arity: 2,
    run: ([value, name], _input, evaluation) => lookup(value, String(name), evaluation),
  },
  spread: { signature: '<x-:a<o>>', arity: 1, run: ([value], _input, evaluation) => spread(value, evaluation) },
  merge: { signature: '<a<o>:o>', arity: 1, run: onArray((array, evaluation) => merge(array, evaluation)) },
  clone: { signature: '<(oa)-:o>', arity: 1, run: ([value], _input, evaluation) => clone(value, evaluation) },
  type: { signature: '<x:s>', arity: 1, run: ([value]) => typeOf(value) },
  error: {
    signature: '<s?:x>',
    arity: 1,
    run: ([message]) => {
      throw new ExpressionError(
        'D3137',
        `D3137: ${typeof message === 'string' && message !== '' ? message : '$error()'}`,
      );
    },
  },
  assert: {
    signature: '<bs?:x>',
    arity: 2,
    run: ([isTrue, message]) => {
      if (isTrue === true) return undefined;
      const text = typeof message === 'string' && message !== '' ? message : '$assert() failed';
      throw new ExpressionError('D3141', `D3141: ${text}`);
    },
  },
  map: {
    signature: '<af>',
    arity: 2,
    run: onArray((array, evaluation, [, procedure]) => map(array, procedure, evaluation)),
  },
  filter: {
    signature: '<af>',
    arity: 2,
    run: onArray((array, evaluation, [, procedure]) => filter(array, procedure, evaluation)),
  },
  single: {
    signature: '<af?>',
    arity: 2,
    run: onArray((array, evaluation, [, procedure]) => single(array, procedure, evaluation)),
  },
  reduce: { signature: '<afj?:j>', arity: 3, run: onArray((_array, evaluation, args) => reduce(args, evaluation)) },
  sift: {
    signature: '<o-f?:o>',
    arity: 2,
    run: ([object, procedure], _input, evaluation) => sift(object, procedure, evaluation),
  },
  each: {
    signature: '<o-f:a>',
    arity: 2,
    run: ([object, procedure], _input, evaluation) => each(object, procedure, evaluation),
  },
  sort: {
    signature: '<af?:a>',
    arity: 2,
    run: onArray((array, evaluation, [, procedure]) => sort(array, procedure, evaluation)),
  },
};

function onArray(
  run: (array: readonly unknown[], evaluation: Evaluation, args: readonly unknown[]) => unknown,
): Builtin['run'] {
  return (args, _input, evaluation) => {
    const [array] = args;
    if (array === undefined) return undefined;
    spend(evaluation, 1 + (array as readonly unknown[]).length);
    return run(array as readonly unknown[], evaluation, args);
  };
}

function distinct(value: unknown, evaluation: Evaluation): unknown {
  if (!Array.isArray(value) || value.length <= 1) return value;
  const found: unknown[] = isSequence(value) ? asSequence([]) : [];
  const scalars = new Set<unknown>();
  const others: unknown[] = [];
  for (const member of value) {
    spend(evaluation, 1);
    if (typeof member === 'object' && member !== null) {
      spend(evaluation, others.length);
      if (others.some((other) => isDeepEqual(member, other, evaluation))) continue;
      others.push(member);
    } else if (Number.isNaN(member) || !scalars.has(member)) scalars.add(member);
    else continue;
    found.push(member);
  }
  return found;
}

function zip(args: readonly unknown[], evaluation: Evaluation): unknown {
  const length = Math.min(...args.map((arg) => (Array.isArray(arg) ? arg.length : 0)));
  spend(evaluation, 1 + length * args.length);
  return Array.from({ length }, (_, index) => args.map((arg) => (arg as readonly unknown[])[index]));
}

function keys(value: unknown, evaluation: Evaluation): unknown {
  if (!Array.isArray(value)) {
    const own = isObject(value) ? Object.keys(value) : [];
    spend(evaluation, 1 + own.length);
    return asSequence(own);
  }
  enter(evaluation, 2, 'depth');
  const all: Record<string, true> = Object.create(null) as Record<string, true>;
  for (const member of value) for (const key of keys(member, evaluation) as readonly string[]) all[key] = true;
  leave(evaluation, 2);
  return asSequence(Object.keys(all));
}

function spread(value: unknown, evaluation: Evaluation): unknown {
  if (Array.isArray(value)) {
    enter(evaluation, 2, 'depth');
    let all: unknown = asSequence([]);
    for (const member of value) all = append(all, spread(member, evaluation), evaluation);
    leave(evaluation, 2);
    return all;
  }
  if (!isObject(value)) return value;
  const own = Object.keys(value);
  spend(evaluation, 1 + own.length * 2);
  return asSequence(own.map((key) => objectOf([[key, value[key]]])));
}

function objectOf(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries) object[key] = value;
  return object;
}

function merge(array: readonly unknown[], evaluation: Evaluation): unknown {
  const all = objectOf([]);
  for (const member of array) {
    const own = keysOf(member);
    spend(evaluation, 1 + own.length);
    for (const key of own) all[key] = Reflect.get(member as object, key);
  }
  return all;
}

/** A copy that shares nothing with the original: as through JSON, numbers to 15 digits, functions as empty text. */
export function clone(value: unknown, evaluation: Evaluation): unknown {
  spend(evaluation, 1);
  if (typeof value === 'function') return '';
  if (typeof value === 'number') return isNumeric(value) ? shortNumber(value) : null;
  if (typeof value !== 'object' || value === null) return value;
  enter(evaluation, 2, 'depth');
  const copy = Array.isArray(value)
    ? value.map((member: unknown) => clone(member, evaluation) ?? null)
    : objectOf(
        Object.keys(value).flatMap((key) => {
          const inner = clone(Reflect.get(value, key), evaluation);
          return inner === undefined ? [] : [[key, inner] as const];
        }),
      );
  leave(evaluation, 2);
  return copy;
}

function typeOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === null) return 'null';
  if (isNumeric(value)) return 'number';
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'function') return typeof value;
  return Array.isArray(value) ? 'array' : 'object';
}

/** Value, place and whole, as many of them as the function takes. */
function callWith(
  procedure: unknown,
  args: readonly [value: unknown, place: unknown, whole: unknown],
  evaluation: Evaluation,
): unknown {
  const arity = isProcedure(procedure) ? procedure.arity : 1;
  const [value, place, whole] = args;
  const given = arity < 2 ? [value] : arity === 2 ? [value, place] : [value, place, whole];
  return apply(procedure, given, null, evaluation);
}

function map(array: readonly unknown[], procedure: unknown, evaluation: Evaluation): unknown {
  const results = asSequence([]);
  for (const [index, member] of array.entries()) {
    const result = callWith(procedure, [member, index, array], evaluation);
    if (result !== undefined) results.push(result);
  }
  return results;
}

function filter(array: readonly unknown[], procedure: unknown, evaluation: Evaluation): unknown {
  const results = asSequence([]);
  for (const [index, member] of array.entries()) {
    if (truthOf(callWith(procedure, [member, index, array], evaluation), evaluation) === true) results.push(member);
  }
  return results;
}

function single(array: readonly unknown[], procedure: unknown, evaluation: Evaluation): unknown {
  let found: { readonly member: unknown } | undefined;
  for (const [index, member] of array.entries()) {
    const isWanted =
      procedure === undefined || truthOf(callWith(procedure, [member, index, array], evaluation), evaluation) === true;
    if (!isWanted) continue;
    if (found !== undefined) throw new ExpressionError('D3138', 'D3138: $single found more than one');
    found = { member };
  }
  if (found === undefined) throw new ExpressionError('D3139', 'D3139: $single found none');
  return found.member;
}

function reduce([given, procedure, initial]: readonly unknown[], evaluation: Evaluation): unknown {
  const array = given as readonly unknown[];
  const arity = isProcedure(procedure) ? procedure.arity : 0;
  if (arity < 2) throw new ExpressionError('D3050', 'D3050: the function of $reduce takes fewer than two arguments');
  const isFromFirst = initial === undefined && array.length > 0;
  let result = isFromFirst ? array[0] : initial;
  for (let index = isFromFirst ? 1 : 0; index < array.length; index += 1) {
    const args = [result, array[index], index, array].slice(0, Math.min(4, arity));
    result = apply(procedure, args, null, evaluation);
  }
  return result;
}

function sift(object: unknown, procedure: unknown, evaluation: Evaluation): unknown {
  const kept = objectOf([]);
  let isAny = false;
  for (const key of keysOf(object)) {
    const value: unknown = Reflect.get(object as object, key);
    if (truthOf(callWith(procedure, [value, key, object], evaluation), evaluation) !== true) continue;
    kept[key] = value;
    isAny = true;
  }
  return isAny ? kept : undefined;
}

function each(object: unknown, procedure: unknown, evaluation: Evaluation): unknown {
  const results = asSequence([]);
  for (const key of keysOf(object)) {
    const result = callWith(procedure, [Reflect.get(object as object, key), key, object], evaluation);
    if (result !== undefined) results.push(result);
  }
  return results;
}

function sort(array: readonly unknown[], procedure: unknown, evaluation: Evaluation): unknown {
  if (array.length <= 1) return array;
  if (procedure !== undefined) {
    return sorted(array, evaluation, (left, right) => Boolean(apply(procedure, [left, right], null, evaluation)));
  }
  const isSortable = array.every(isNumeric) || array.every((member) => typeof member === 'string');
  if (!isSortable) {
    throw new ExpressionError('D3070', 'D3070: $sort without a function takes numbers alone, or texts alone');
  }
  return sorted(array, evaluation, (left, right) => (left as number) > (right as number));
}
