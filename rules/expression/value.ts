// Values as JSONata sees them: sequences, truth, equality, text. Ported from what the official engine does, corner cases
// included; the differential test holds the two together. Own properties only; nothing here changes its arguments.
import { ExpressionError } from '../rule.ts';
import { type Evaluation, spend } from './evaluation.ts';

const SEQUENCE = Symbol('sequence');

/** A result sequence: an array that JSONata unwraps when it has one member and drops when it has none. */
export type Sequence = unknown[] & { [SEQUENCE]?: true };

export function createSequence(...members: readonly unknown[]): Sequence {
  const sequence: Sequence = [...members];
  sequence[SEQUENCE] = true;
  return sequence;
}

/** True of result sequences; an array of the event itself is none. */
export function isSequence(value: unknown): value is Sequence {
  return Array.isArray(value) && (value as Sequence)[SEQUENCE] === true;
}

/** What an expression's result is to its reader: a sequence of none is undefined, of one its member. */
export function collapse(value: unknown): unknown {
  if (!isSequence(value)) return value;
  return value.length === 0 ? undefined : value.length === 1 ? value[0] : value;
}

/** True of numbers but NaN; infinite ones are JSONata's error D1001. */
export function isNumeric(value: unknown): value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) return false;
  if (!Number.isFinite(value)) throw new ExpressionError('D1001', 'D1001: a number is out of range');
  return true;
}

/** The effective truth of a value; undefined of undefined. */
export function truthOf(value: unknown, evaluation: Evaluation): boolean | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.length > 0;
  if (Array.isArray(value)) return truthOfArray(value, evaluation);
  if (typeof value === 'number') return isNumeric(value) && value !== 0;
  return value !== null && typeof value === 'object' && hasOwnKeys(value);
}

function truthOfArray(array: readonly unknown[], evaluation: Evaluation): boolean | undefined {
  spend(evaluation, 1 + array.length);
  if (array.length === 1) return truthOf(array[0], evaluation);
  let isTrue = false;
  for (const member of array) if (truthOf(member, evaluation) === true) isTrue = true;
  return isTrue;
}

function hasOwnKeys(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return true;
  return false;
}

/** Deep equality: arrays in order, objects by their own names in any order. */
export function isDeepEqual(left: unknown, right: unknown, evaluation: Evaluation): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length) return false;
    spend(evaluation, 1 + left.length);
    return left.every((member, index) => isDeepEqual(member, right[index], evaluation));
  }
  const leftKeys = Object.getOwnPropertyNames(left);
  const rightKeys = new Set(Object.getOwnPropertyNames(right));
  spend(evaluation, 1 + leftKeys.length + rightKeys.size);
  if (leftKeys.length !== rightKeys.size || !leftKeys.every((key) => rightKeys.has(key))) return false;
  return leftKeys.every((key) => isDeepEqual(Reflect.get(left, key), Reflect.get(right, key), evaluation));
}

/** The value of a name in an object, or in every object of an array (flattened), own properties only. */
export function lookup(input: unknown, name: string, evaluation: Evaluation): unknown {
  if (Array.isArray(input)) {
    spend(evaluation, 1 + input.length);
    const found = createSequence();
    for (const member of input) {
      const value = lookup(member, name, evaluation);
      if (value === undefined) continue;
      if (Array.isArray(value)) appendAll(found, value, evaluation);
      else found.push(value);
    }
    return found;
  }
  if (typeof input === 'object' && input !== null && Object.hasOwn(input, name)) return Reflect.get(input, name);
  return undefined;
}

/** Pushes every member, paying for each. */
export function appendAll(target: unknown[], members: readonly unknown[], evaluation: Evaluation): void {
  spend(evaluation, 1 + members.length);
  for (const member of members) target.push(member);
}

/** `$string`: text as it is, everything else as JSON with 15 significant digits. */
export function stringOf(value: unknown, evaluation: Evaluation): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ExpressionError('D3001', 'D3001: a number is out of range');
  }
  return JSON.stringify(value, (_key, inner: unknown) => {
    spend(evaluation, typeof inner === 'string' ? 1 + Math.floor(inner.length / 64) : 1);
    if (!isNumeric(inner)) return inner;
    return Number.isInteger(inner) ? inner : Number(inner.toPrecision(15));
  });
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
