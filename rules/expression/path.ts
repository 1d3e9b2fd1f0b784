// Paths: each step runs over the members of what the step before found, results are flattened by one level, predicates choose
// among them. Follows the official engine to the letter, including which arrays keep their shape (the last step's lone array).
import { type Evaluate, type Evaluation, spend } from './evaluation.ts';
import { appendAll, createSequence, isNumeric, isSequence, truthOf } from './value.ts';

/** The number that a predicate is when it is written as one: `args[0]`. */
export type StaticIndex = number | undefined;

export interface CompiledFilter {
  readonly index: StaticIndex;
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

export function runSteps(steps: readonly CompiledStep[], start: PathStart, evaluation: Evaluation): unknown {
  let members: readonly unknown[] =
    Array.isArray(start.input) && !start.isAbsolute ? start.input : createSequence(start.input);
  for (const [index, step] of steps.entries()) {
    members = runStep(step, { members, isLast: index === steps.length - 1 }, evaluation);
    if (members.length === 0) break;
  }
  return members;
}

function runStep(
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
  const flat = createSequence();
  for (const value of found) {
    if (Array.isArray(value)) appendAll(flat, value, evaluation);
    else flat.push(value);
  }
  return flat;
}

/** The members of `value` that the predicate chooses: by position where it is a number, else by truth. */
export function applyFilter(filter: CompiledFilter, value: unknown, evaluation: Evaluation): unknown {
  const members: readonly unknown[] = Array.isArray(value) ? value : createSequence(value);
  spend(evaluation, 1 + members.length);
  const chosen = createSequence();
  if (filter.index !== undefined) {
    const floor = Math.floor(filter.index);
    const item = members[floor < 0 ? members.length + floor : floor];
    if (Array.isArray(item)) return item;
    if (item !== undefined) chosen.push(item);
    return chosen;
  }
  for (const [position, member] of members.entries()) {
    const result = filter.test(member, evaluation);
    const positions = positionsOf(result);
    if (positions === undefined) {
      if (truthOf(result, evaluation) === true) chosen.push(member);
      continue;
    }
    for (const wanted of positions) {
      const floor = Math.floor(wanted);
      if ((floor < 0 ? members.length + floor : floor) === position) chosen.push(member);
    }
  }
  return chosen;
}

/** Numbers choose by position; an empty array does too, and so chooses nothing. */
function positionsOf(result: unknown): readonly number[] | undefined {
  if (isNumeric(result)) return [result];
  return Array.isArray(result) && result.every(isNumeric) ? result : undefined;
}
