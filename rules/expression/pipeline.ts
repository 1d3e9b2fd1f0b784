// Paths that do more than gather and filter: they bind (`@$v`, `#$i`, `%`), sort, group, keep arrays. As soon as a step binds,
// members travel as tuples, each with what was bound on its way; followed step by step as the official engine does it.
import { type Evaluate, type Evaluation, spend } from './evaluation.ts';
import { type CompiledPair, groupBy } from './group.ts';
import { applyFilter, type CompiledFilter, membersOf, onTuple, runStep } from './path.ts';
import { type CompiledTerm, sortByTerms } from './sort.ts';
import { type Tuple, tupleOf } from './tuple.ts';
import { asSequence, isSequence, MARK, mark, marksOf } from './value.ts';

type CompiledStage =
  | { readonly kind: 'filter'; readonly filter: CompiledFilter }
  | { readonly kind: 'index'; readonly name: string };

export interface CompiledPipelineStep {
  readonly run: Evaluate | { readonly terms: readonly CompiledTerm[] };
  readonly stages: readonly CompiledStage[];
  readonly isWhole: boolean;
  readonly isTuples: boolean;
  readonly focus: string | undefined;
  readonly index: string | undefined;
  readonly ancestor: string | undefined;
}

export interface CompiledPipeline {
  readonly steps: readonly CompiledPipelineStep[];
  readonly isAbsolute: boolean;
  readonly isKept: boolean;
  readonly isTuples: boolean;
  readonly pairs: readonly CompiledPair[] | undefined;
}

/** The pipeline's result, not yet collapsed. */
export function runPipeline(pipeline: CompiledPipeline, input: unknown, evaluation: Evaluation): unknown {
  const { steps, isKept, pairs } = pipeline;
  let members = membersOf({ input, isAbsolute: pipeline.isAbsolute });
  let result: unknown;
  let tuples: readonly Tuple[] | undefined;
  let isTuples = false;
  for (const [index, step] of steps.entries()) {
    if (step.isTuples) isTuples = true;
    if (index === 0 && step.isWhole && typeof step.run === 'function') {
      result = step.run(members, evaluation);
    } else if (isTuples) {
      tuples = runTupleStep(step, { members, tuples }, evaluation);
    } else {
      result = runPlainStep(step, { members, isLast: index === steps.length - 1 }, evaluation);
    }
    if (!isTuples && (result === undefined || (Array.isArray(result) && result.length === 0))) break;
    if (step.focus === undefined) members = asMembers(result);
  }
  if (isTuples) result = pipeline.isTuples ? tuples : asSequence((tuples ?? []).map((tuple) => tuple['@']));
  if (isKept) result = kept(result);
  return pairs === undefined ? result : groupBy(pairs, isTuples ? tuples : result, evaluation);
}

/** An array written out first, and then a predicate that leaves one member of it: of a text the path goes on with its letters. */
function asMembers(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result;
  return typeof result === 'string' ? result.split('') : asSequence([]);
}

/** `[]` on the path: a lone member stays in its array. An array of the event is none of ours to mark, and needs no mark. */
function kept(result: unknown): unknown {
  const marks = marksOf(result);
  const sequence = (marks & MARK.whole) !== 0 && (marks & MARK.sequence) === 0 ? asSequence([result]) : result;
  if (isSequence(sequence)) mark(sequence, MARK.kept);
  return sequence;
}

function runPlainStep(
  step: CompiledPipelineStep,
  from: { readonly members: readonly unknown[]; readonly isLast: boolean },
  evaluation: Evaluation,
): unknown {
  if (typeof step.run !== 'function') {
    return runStages(step.stages, sortByTerms(step.run.terms, from.members, evaluation), evaluation);
  }
  const filters = step.stages.flatMap((stage) => (stage.kind === 'filter' ? [stage.filter] : []));
  return runStep({ run: step.run, filters }, from, evaluation);
}

function runTupleStep(
  step: CompiledPipelineStep,
  from: { readonly members: readonly unknown[]; readonly tuples: readonly Tuple[] | undefined },
  evaluation: Evaluation,
): readonly Tuple[] {
  const { members, tuples } = from;
  const { run, stages } = step;
  if (typeof run !== 'function') {
    const found =
      tuples === undefined
        ? sortMembers(step, run.terms, members, evaluation)
        : sortByTerms(run.terms, tuples, evaluation);
    return runStages(stages, found, evaluation) as readonly Tuple[];
  }
  const found = asSequence([]) as Tuple[];
  mark(found, MARK.tuples);
  const before = tuples ?? members.map((member) => tupleOf({ '@': member }));
  spend(evaluation, 1 + before.length * 4);
  for (const tuple of before) {
    const result = onTuple(run, tuple, evaluation);
    if (result === undefined) continue;
    const results: readonly unknown[] = Array.isArray(result) ? result : [result];
    const hasTuples = (marksOf(result) & MARK.tuples) !== 0;
    spend(evaluation, results.length * 4);
    for (const [position, member] of results.entries()) {
      found.push(hasTuples ? tupleOf(tuple, member as Tuple) : bound(step, { tuple, member, position }));
    }
  }
  return runStages(stages, found, evaluation) as readonly Tuple[];
}

function bound(
  step: CompiledPipelineStep,
  of: { readonly tuple: Tuple; readonly member: unknown; readonly position: number },
): Tuple {
  const next = tupleOf(of.tuple);
  if (step.focus === undefined) next['@'] = of.member;
  else next[step.focus] = of.member;
  if (step.index !== undefined) next[step.index] = of.position;
  if (step.ancestor !== undefined) next[step.ancestor] = of.tuple['@'];
  return next;
}

function sortMembers(
  step: CompiledPipelineStep,
  terms: readonly CompiledTerm[],
  members: readonly unknown[],
  evaluation: Evaluation,
): readonly unknown[] {
  const found = asSequence(
    sortByTerms(terms, members, evaluation).map((member, position) =>
      tupleOf({ '@': member, [step.index ?? 'undefined']: position }),
    ),
  );
  mark(found, MARK.tuples);
  return found;
}

function runStages(stages: readonly CompiledStage[], found: unknown, evaluation: Evaluation): unknown {
  let result = found;
  for (const stage of stages) {
    if (stage.kind === 'filter') {
      result = applyFilter(stage.filter, result, evaluation);
    } else if (Array.isArray(result)) {
      for (const [position, tuple] of result.entries()) if (isTuple(tuple)) tuple[stage.name] = position;
    }
  }
  return result;
}

/** Bindings are without prototype and have an `@`: nothing of an event is ever changed. */
function isTuple(value: unknown): value is Tuple {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null && '@' in value;
}
