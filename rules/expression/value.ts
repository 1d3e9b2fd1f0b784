// Values as JSONata sees them: sequences, truth, equality, text. Ported from what the official engine does, corner cases
// included; the differential test holds the two together. Own properties only; nothing here changes its arguments.
import { ExpressionError } from '../rule.ts';
import { type Evaluation, enter, leave, spend, spendOnLength } from './evaluation.ts';

const MARKS = Symbol('marks');

/** What is remembered of an array that an evaluation made; arrays of the event have no marks. */
export const MARK = {
  /** A result sequence: unwrapped when it has one member, dropped when it has none. */
  sequence: 1,
  /** A sequence that stays an array with one member (`[]`). */
  kept: 2,
  /** A stream of bindings. */
  tuples: 4,
  /** An array written out at an end of a path, which the path does not flatten. */
  whole: 8,
  /** Around an input that is an array itself, so that it is looked at as one. */
  outer: 16,
} as const;

type Marked = readonly unknown[] & { [MARKS]?: number };

export function marksOf(value: unknown): number {
  return Array.isArray(value) ? ((value as Marked)[MARKS] ?? 0) : 0;
}

/** Marks an array that this evaluation made. */
export function mark(array: readonly unknown[], marks: number): void {
  (array as Marked)[MARKS] = ((array as Marked)[MARKS] ?? 0) | marks;
}

/** A result sequence of these members, the same array. */
export function asSequence(members: unknown[]): unknown[] {
  (members as Marked)[MARKS] = MARK.sequence;
  return members;
}

/** True of result sequences; an array of the event itself is none. */
export function isSequence(value: unknown): value is unknown[] {
  return (marksOf(value) & MARK.sequence) !== 0;
}

/** What an expression's result is to its reader: a sequence of none is undefined, of one its member. */
export function collapse(value: unknown): unknown {
  if (!Array.isArray(value) || value.length > 1) return value;
  const marks = (value as Marked)[MARKS] ?? 0;
  if ((marks & MARK.sequence) === 0 || (marks & MARK.tuples) !== 0) return value;
  if (value.length === 0) return undefined;
  return (marks & MARK.kept) === 0 ? value[0] : value;
}

/** Functions are values too, and no objects. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The names of an object, and the places of an array. */
export function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
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
  enter(evaluation, 2, 'depth');
  let isTrue: boolean | undefined = false;
  if (array.length === 1) isTrue = truthOf(array[0], evaluation);
  else for (const member of array) if (truthOf(member, evaluation) === true) isTrue = true;
  leave(evaluation, 2);
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
  enter(evaluation, 2, 'depth');
  const isEqual =
    Array.isArray(left) && Array.isArray(right)
      ? isEqualArray(left, right, evaluation)
      : isEqualObject(left, right, evaluation);
  leave(evaluation, 2);
  return isEqual;
}

function isEqualArray(left: readonly unknown[], right: readonly unknown[], evaluation: Evaluation): boolean {
  if (left.length !== right.length) return false;
  spend(evaluation, 1 + left.length);
  return left.every((member, index) => isDeepEqual(member, right[index], evaluation));
}

function isEqualObject(left: object, right: object, evaluation: Evaluation): boolean {
  const leftKeys = Object.getOwnPropertyNames(left);
  const rightKeys = new Set(Object.getOwnPropertyNames(right));
  spend(evaluation, 16 + 4 * (leftKeys.length + rightKeys.size));
  if (leftKeys.length !== rightKeys.size || !leftKeys.every((key) => rightKeys.has(key))) return false;
  return leftKeys.every((key) => isDeepEqual(Reflect.get(left, key), Reflect.get(right, key), evaluation));
}

/** The value of a name in an object, or in every object of an array (flattened), own properties only. */
export function lookup(input: unknown, name: string, evaluation: Evaluation): unknown {
  if (Array.isArray(input)) {
    spend(evaluation, 1 + input.length);
    enter(evaluation, 2, 'depth');
    const found = asSequence([]);
    for (const member of input) {
      const value = lookup(member, name, evaluation);
      if (value === undefined) continue;
      if (Array.isArray(value)) appendAll(found, value, evaluation);
      else found.push(value);
    }
    leave(evaluation, 2);
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

/** Both together, as `$append` does: an array that is no sequence any more, but where one is missing the other as it is. */
export function append(left: unknown, right: unknown, evaluation: Evaluation): unknown {
  if (left === undefined) return right;
  if (right === undefined) return left;
  const all: unknown[] = [];
  if (Array.isArray(left)) appendAll(all, left, evaluation);
  else all.push(left);
  if (Array.isArray(right)) appendAll(all, right, evaluation);
  else all.push(right);
  return all;
}

/** `$string`: text as it is, functions as none, everything else as JSON with 15 significant digits. */
export function stringOf(value: unknown, evaluation: Evaluation, isPretty = false): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return '';
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ExpressionError('D3001', 'D3001: a number is out of range');
  }
  const written = (marksOf(value) & MARK.outer) === 0 ? value : (value as readonly unknown[])[0];
  checkLevels(written, evaluation);
  const text: string | undefined = JSON.stringify(
    written,
    (_key, inner: unknown) => {
      spend(evaluation, typeof inner === 'string' ? 1 + Math.floor(inner.length / 64) : 1);
      if (typeof inner === 'function') return '';
      return isNumeric(inner) ? shortNumber(inner) : inner;
    },
    isPretty ? 2 : 0,
  );
  if (text !== undefined) spendOnLength(evaluation, text.length);
  return text;
}

/** 15 significant digits, as the official engine writes numbers. */
export function shortNumber(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(15));
}

/** Fails where a value is nested too deeply for what goes through it by itself. */
function checkLevels(value: unknown, evaluation: Evaluation): void {
  if (typeof value !== 'object' || value === null) return;
  enter(evaluation, 2, 'depth');
  if (Array.isArray(value)) for (const member of value) checkLevels(member, evaluation);
  else for (const key in value) checkLevels(Reflect.get(value, key), evaluation);
  leave(evaluation, 2);
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
