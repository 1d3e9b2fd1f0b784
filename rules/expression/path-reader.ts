// Paths of the official tree: those that gather and filter are a `path`; whatever binds, sorts, groups or keeps arrays makes it a
// `pipeline`.
import { type Node, type OfficialStage, startOf } from './official-tree.ts';
import { type Reading, readPairs } from './reading.ts';
import type { Expression, PipelineStep, SortTerm, Stage } from './syntax.ts';

export function readPath(node: Node, reading: Reading, depth: number): Expression | undefined {
  const nodes = node.steps ?? [];
  const steps = nodes.map((step, index) => readStep(step, { isFirst: index === 0 }, reading, depth));
  const pairs = node.group === undefined ? undefined : readPairs(node.group.lhs, reading, depth);
  if (!steps.every((step) => step !== undefined) || (node.group !== undefined && pairs === undefined)) return undefined;
  const at = steps[0]?.of.at ?? startOf(node, reading.source);
  const isKept = node.keepSingletonArray === true;
  const isTuples = node.tuple === true;
  const plain = steps.map(plainStep);
  if (!isKept && !isTuples && pairs === undefined && plain.every((step) => step !== undefined)) {
    return { kind: 'path', at, steps: plain };
  }
  return { kind: 'pipeline', at, steps, isKept, isTuples, pairs };
}

function plainStep(
  step: PipelineStep,
): { readonly of: Expression; readonly filters: readonly Expression[] } | undefined {
  const { of, isWhole, isTuples, focus, index, ancestor } = step;
  const binds = isTuples || focus !== undefined || index !== undefined || ancestor !== undefined;
  if (of.kind === 'sort' || isWhole || binds) return undefined;
  return { of, filters: step.stages.flatMap((stage) => (stage.kind === 'filter' ? [stage.test] : [])) };
}

function readStep(
  node: Node,
  place: { readonly isFirst: boolean },
  reading: Reading,
  depth: number,
): PipelineStep | undefined {
  const of = node.type === 'sort' ? readSort(node, reading, depth) : reading.read(node, reading, depth + 1);
  const stages = readStages(node.stages ?? [], reading, depth);
  if (of === undefined || stages === undefined) return undefined;
  return {
    of,
    stages,
    isWhole: place.isFirst && node.consarray === true,
    isTuples: node.tuple === true,
    focus: node.focus,
    index: node.index,
    ancestor: node.ancestor?.label,
  };
}

function readSort(node: Node, reading: Reading, depth: number): PipelineStep['of'] | undefined {
  const terms = (node.terms ?? []).map((term) => ({
    of: reading.read(term.expression, reading, depth + 1),
    isDescending: term.descending,
  }));
  const isWhole = (term: (typeof terms)[number]): term is SortTerm => term.of !== undefined;
  return terms.every(isWhole) ? { kind: 'sort', at: startOf(node, reading.source), terms } : undefined;
}

function readStages(stages: readonly OfficialStage[], reading: Reading, depth: number): readonly Stage[] | undefined {
  const all = stages.map((stage): Stage | undefined => {
    if (stage.type === 'index') return { kind: 'index', name: String(stage.value) };
    const test = stage.expr === undefined ? undefined : reading.read(stage.expr, reading, depth + 1);
    return test === undefined ? undefined : { kind: 'filter', test };
  });
  return all.every((stage) => stage !== undefined) ? all : undefined;
}

/** The predicates behind an expression that is no path. */
export function readFilters(
  stages: readonly OfficialStage[],
  reading: Reading,
  depth: number,
): readonly Expression[] | undefined {
  const read = readStages(stages, reading, depth);
  return read?.flatMap((stage) => (stage.kind === 'filter' ? [stage.test] : []));
}
