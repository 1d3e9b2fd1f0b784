// Paths: each step runs over the members of what the step before found, results are flattened by one level, predicates choose
// among them. Follows the official engine to the letter, including which arrays keep their shape (the last step's lone array).
import { type Evaluate, type Evaluation, spend } from './evaluation.ts';
import { frameOfTuple, type Tuple } from './tuple.ts';
import { appendAll, asSequence, isNumeric, isSequence, lookup, MARK, mark, marksOf, truthOf } from './value.ts';

export interface CompiledFilter {
  /** The number that a predicate is when it is written as one: `args[0]`. */
  readonly index: number | undefined;
  readonly test: Evaluate;
}

export interface CompiledStep {
  readonly run: Evaluate;
  readonly filters: readonly CompiledFilter[];
}

/** `isAbsolute`: the path starts at a variable, so an array as input is one value, not many. */
export interface PathStart {
  readonly input: unknown;
  readonly isAbsolute: boolean;
}

export function membersOf(start: PathStart): readonly unknown[] {
  return Array.isArray(start.input) && !start.isAbsolute ? start.input : asSequence([start.input]);
}

export function runSteps(steps: readonly CompiledStep[], start: PathStart, evaluation: Evaluation): unknown {
  let members = membersOf(start);
  for (let index = 0; index < steps.length; index += 1) {
    members = runStep(steps[index] as CompiledStep, { members, isLast: index === steps.length - 1 }, evaluation);
    if (members.length === 0) break;
  }
  return members;
}

export function runStep(
  step: CompiledStep,
  from: { readonly members: readonly unknown[]; readonly isLast: boolean },
  evaluation: Evaluation,
): readonly unknown[] {
  spend(evaluation, 1 + from.members.length);
  const found: unknown[] = [];
  for (const member of from.members) {
    let value = step.run(member, evaluation);
    for (const filter of step.filters) value = applyFilter(filter, value, evaluation);
    if (value !== undefined) found.push(value);
  }
  const [lone] = found;
  if (from.isLast && found.length === 1 && Array.isArray(lone) && !isSequence(lone)) return lone;
  const flat = asSequence([]);
  for (const value of found) {
    if (Array.isArray(value) && (marksOf(value) & MARK.whole) === 0) appendAll(flat, value, evaluation);
    else flat.push(value);
  }
  return flat;
}

/** The members of `value` that the predicate chooses: by position where it is a number, else by truth. */
export function applyFilter(filter: CompiledFilter, value: unknown, evaluation: Evaluation): unknown {
  const members: readonly unknown[] = Array.isArray(value) ? value : [value];
  spend(evaluation, 1 + members.length);
  const chosen = asSequence([]);
  const isTuples = (marksOf(value) & MARK.tuples) !== 0;
  if (isTuples) mark(chosen, MARK.tuples);
  if (filter.index !== undefined) {
    const floor = Math.floor(filter.index);
    const item = members[floor < 0 ? members.length + floor : floor];
    if (Array.isArray(item)) return item;
    if (item !== undefined) chosen.push(item);
    return chosen;
  }
  for (let position = 0; position < members.length; position += 1) {
    const member = members[position];
    const result = isTuples ? onTuple(filter.test, member as Tuple, evaluation) : filter.test(member, evaluation);
    const positions = positionsOf(result);
    if (positions === undefined) {
      if (truthOf(result, evaluation) === true) chosen.push(member);
      continue;
    }
    spend(evaluation, positions.length);
    for (const wanted of positions) {
      const floor = Math.floor(wanted);
      if ((floor < 0 ? members.length + floor : floor) === position) chosen.push(member);
    }
  }
  return chosen;
}

/** Evaluates about a tuple's member, with its bindings in sight. */
export function onTuple(evaluate: Evaluate, tuple: Tuple, evaluation: Evaluation): unknown {
  const outer = evaluation.frame;
  evaluation.frame = frameOfTuple(tuple, outer);
  const value = evaluate(tuple['@'], evaluation);
  evaluation.frame = outer;
  return value;
}

/** Numbers choose by position; an empty array does too, and so chooses nothing. */
function positionsOf(result: unknown): readonly number[] | undefined {
  if (isNumeric(result)) return [result];
  return Array.isArray(result) && result.every(isNumeric) ? result : undefined;
}

/** A field of the input, or of each of its members; not yet collapsed. */
export function compileName(name: string): Evaluate {
  return (input, evaluation) => {
    spend(evaluation, 1);
    return lookup(input, name, evaluation);
  };
}

/** A path of plain names: straight down as long as there are only objects on the way, else by `general`. */
export function readNames(names: readonly string[], general: Evaluate): Evaluate {
  return (input, evaluation) => {
    spend(evaluation, names.length);
    let current: unknown = input;
    for (const name of names) {
      if (typeof current !== 'object' || current === null) return undefined;
      if (Array.isArray(current)) return general(input, evaluation);
      if (!Object.hasOwn(current, name)) return undefined;
      current = (current as Readonly<Record<string, unknown>>)[name];
    }
    return current;
  };
}
