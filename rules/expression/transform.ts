// `| pattern | update, remove |`: a function that copies what it is given and changes the copy. Whatever the pattern reaches, only
// objects of the copy are changed: not the event (`$$`), nor what a variable holds.
import { ExpressionError } from '../rule.ts';
import { clone } from './collection-functions.ts';
import { type Evaluate, type Evaluation, enter, leave, spend } from './evaluation.ts';
import { apply, type Procedure, procedureOf } from './procedure.ts';
import { readSignature } from './signature.ts';
import { keysOf } from './value.ts';

export interface CompiledTransform {
  readonly pattern: Evaluate;
  readonly update: Evaluate;
  readonly remove: Evaluate | undefined;
  /** The expression's own `$clone`, where it has one. */
  readonly clone: Evaluate | undefined;
}

const SIGNATURE = readSignature('<(oa):o>');

export function transformer(transform: CompiledTransform, input: unknown, evaluation: Evaluation): Procedure {
  const { frame } = evaluation;
  return procedureOf({ arity: 1, label: 'transform', signature: SIGNATURE }, ([value], _input, inner) => {
    if (value === undefined) return undefined;
    const outer = inner.frame;
    inner.frame = frame;
    enter(inner, 4, 'D1011');
    const copy = copyOf(transform, { value, input }, inner);
    const found = transform.pattern(copy, inner);
    const own = objectsOf(copy, inner);
    const matches: readonly unknown[] = found === undefined ? [] : Array.isArray(found) ? found : [found];
    for (const match of matches) change(transform, { match, own }, inner);
    leave(inner, 4);
    inner.frame = outer;
    return copy;
  });
}

function copyOf(
  transform: CompiledTransform,
  of: { readonly value: unknown; readonly input: unknown },
  evaluation: Evaluation,
): unknown {
  if (transform.clone === undefined) return clone(of.value, evaluation);
  const procedure = transform.clone(of.input, evaluation);
  if (typeof procedure !== 'function') {
    throw new ExpressionError('T2013', 'T2013: $clone is bound to something that is no function');
  }
  return clone(apply(procedure, [of.value], null, evaluation), evaluation);
}

/** Every object and array of the copy. */
function objectsOf(copy: unknown, evaluation: Evaluation, found: Set<unknown> = new Set()): ReadonlySet<unknown> {
  if (typeof copy !== 'object' || copy === null) return found;
  spend(evaluation, 1);
  enter(evaluation, 2, 'depth');
  found.add(copy);
  for (const key of keysOf(copy)) objectsOf(Reflect.get(copy, key), evaluation, found);
  leave(evaluation, 2);
  return found;
}

function change(
  transform: CompiledTransform,
  of: { readonly match: unknown; readonly own: ReadonlySet<unknown> },
  evaluation: Evaluation,
): void {
  const { match, own } = of;
  const isOwn = own.has(match) && !Array.isArray(match);
  const update = transform.update(match, evaluation);
  if (update !== undefined) {
    if (typeof update !== 'object' || update === null || Array.isArray(update)) {
      throw new ExpressionError('T2011', 'T2011: the update of a transform is no object');
    }
    const names = keysOf(update);
    spend(evaluation, names.length);
    if (isOwn) for (const name of names) put(match as object, name, Reflect.get(update, name));
  }
  const removed = transform.remove?.(match, evaluation);
  if (removed === undefined) return;
  const names: readonly unknown[] = Array.isArray(removed) ? removed : [removed];
  if (!names.every((name) => typeof name === 'string')) {
    throw new ExpressionError('T2012', 'T2012: what a transform removes is no text');
  }
  if (isOwn) for (const name of names) Reflect.deleteProperty(match as object, name);
}

function put(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
