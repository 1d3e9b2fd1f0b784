// Sorting as the official engine does it: merging halves, asking only whether two change places, so that whatever the question
// answers the order is the same. `^(…)` asks by its terms.
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, spend } from './evaluation.ts';
import { frameOfTuple, type Tuple } from './tuple.ts';
import { MARK, marksOf } from './value.ts';

/** The members in order; `isSwapped` says whether the right one comes before the left one. */
export function sorted(
  members: readonly unknown[],
  evaluation: Evaluation,
  isSwapped: (left: unknown, right: unknown) => boolean,
): readonly unknown[] {
  if (members.length <= 1) return members;
  const middle = Math.floor(members.length / 2);
  const left = sorted(members.slice(0, middle), evaluation, isSwapped);
  const right = sorted(members.slice(middle), evaluation, isSwapped);
  spend(evaluation, members.length);
  const merged: unknown[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    if (isSwapped(left[l], right[r])) {
      merged.push(right[r]);
      r += 1;
    } else {
      merged.push(left[l]);
      l += 1;
    }
  }
  while (l < left.length) merged.push(left[l++]);
  while (r < right.length) merged.push(right[r++]);
  return merged;
}

export interface CompiledTerm {
  readonly of: Evaluate;
  readonly isDescending: boolean;
}

/** `^(…)` over members or bindings. */
export function sortByTerms(
  terms: readonly CompiledTerm[],
  members: readonly unknown[],
  evaluation: Evaluation,
): readonly unknown[] {
  const isTuples = (marksOf(members) & MARK.tuples) !== 0;
  return sorted(members, evaluation, (left, right) => {
    for (const { of, isDescending } of terms) {
      const a = termOf(of, left, isTuples, evaluation);
      const b = termOf(of, right, isTuples, evaluation);
      const order = compare(a, b);
      if (order === 0) continue;
      return (isDescending && a !== undefined && b !== undefined ? -order : order) === 1;
    }
    return false;
  });
}

function termOf(of: Evaluate, member: unknown, isTuples: boolean, evaluation: Evaluation): unknown {
  if (!isTuples) return of(member, evaluation);
  const outer = evaluation.frame;
  evaluation.frame = frameOfTuple(member as Tuple, outer);
  const value = of((member as Tuple)['@'], evaluation);
  evaluation.frame = outer;
  return value;
}

/** What is missing comes last, whichever way. */
function compare(a: unknown, b: unknown): -1 | 0 | 1 {
  if (a === undefined) return b === undefined ? 0 : 1;
  if (b === undefined) return -1;
  if (!isOrdered(a) || !isOrdered(b)) {
    throw new ExpressionError('T2008', 'T2008: `^(…)` orders by something that is neither number nor text');
  }
  if (typeof a !== typeof b) throw new ExpressionError('T2007', 'T2007: `^(…)` compares numbers with text');
  return a === b ? 0 : a < b ? -1 : 1;
}

function isOrdered(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
