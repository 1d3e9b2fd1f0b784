// `*` and `**`: what an object holds, and everything below a value.
import { type Evaluation, enter, leave, spend } from './evaluation.ts';
import { append, asSequence, isObject, MARK, marksOf } from './value.ts';

/** `*`: the values of an object's fields, arrays flattened through and through. */
export function membersOfObject(input: unknown, evaluation: Evaluation): unknown {
  const of = (marksOf(input) & MARK.outer) !== 0 ? (input as readonly unknown[])[0] : input;
  let found: unknown = asSequence([]);
  if (typeof of !== 'object' || of === null) return found;
  const keys = Object.keys(of);
  spend(evaluation, 1 + keys.length);
  for (const key of keys) {
    const value: unknown = Reflect.get(of, key);
    if (Array.isArray(value)) found = append(found, flat(value, evaluation), evaluation);
    else (found as unknown[]).push(value);
  }
  return found;
}

function flat(array: readonly unknown[], evaluation: Evaluation, found: unknown[] = []): readonly unknown[] {
  spend(evaluation, 1 + array.length);
  enter(evaluation, 2, 'depth');
  for (const member of array) {
    if (Array.isArray(member)) flat(member, evaluation, found);
    else found.push(member);
  }
  leave(evaluation, 2);
  return found;
}

/** `**`: the value itself and everything in it, arrays only by their members. */
export function descendantsOf(input: unknown, evaluation: Evaluation): unknown {
  if (input === undefined) return undefined;
  const found = asSequence([]);
  gather(input, found, evaluation);
  return found.length === 1 ? found[0] : found;
}

function gather(value: unknown, found: unknown[], evaluation: Evaluation): void {
  spend(evaluation, 2);
  if (!Array.isArray(value)) found.push(value);
  if (typeof value !== 'object' || value === null) return;
  enter(evaluation, 2, 'depth');
  if (Array.isArray(value)) for (const member of value) gather(member, found, evaluation);
  else if (isObject(value)) for (const key of Object.keys(value)) gather(value[key], found, evaluation);
  leave(evaluation, 2);
}
