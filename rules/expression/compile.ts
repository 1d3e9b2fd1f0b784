// Checked tree → closures. What JSONata's evaluator does with promises and frames is done here synchronously, with the same
// results; only the constructs of syntax.ts exist. A path of plain names over plain objects, by far the most, takes a short way.
import type { EventDocument } from '../../event/document.ts';
import { ExpressionError, type FuelMeter, type Predicate } from '../rule.ts';
import { type Evaluate, type Evaluation, FUEL_PER_EVALUATION, spend } from './evaluation.ts';
import { functionNamed } from './functions.ts';
import { compileArithmetic, compileCompare, compileConcatenation, compileIn, compileNegation } from './operators.ts';
import { applyFilter, type CompiledFilter, type CompiledStep, runSteps, type StaticIndex } from './path.ts';
import type { Expression } from './syntax.ts';
import { collapse, lookup, truthOf } from './value.ts';

/** The expression as a predicate over events. `fuel` is for tests. */
export function compilePredicate(expression: Expression, fuel: number = FUEL_PER_EVALUATION): Predicate {
  const evaluate = compileValue(expression, fuel);
  return (event, nowMs, meter) => evaluate(event, nowMs, meter) === true;
}

/** As {@link compilePredicate}, but keeps the difference between false and undefined. */
export function compileValue(
  expression: Expression,
  fuel: number = FUEL_PER_EVALUATION,
): (event: EventDocument, nowMs: number, meter?: FuelMeter) => boolean | undefined {
  const evaluate = compile(expression);
  return (event, nowMs, meter) => {
    const evaluation: Evaluation = { root: event, nowMs, fuel };
    try {
      return truthOf(evaluate(event, evaluation), evaluation);
    } catch (error) {
      if (error instanceof RangeError) throw new ExpressionError('depth', 'depth: the event is nested too deeply');
      throw error;
    } finally {
      if (meter !== undefined) meter.spent += fuel - evaluation.fuel;
    }
  };
}

/** The closure of an expression. */
export function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'list': {
      const { values } = expression;
      return () => values;
    }
    case 'macro':
      return compile(expression.of);
    case 'array':
      return compileArray(expression.items);
    case 'path':
      return compilePath(expression);
    case 'name':
      return compileName(expression.name);
    case 'context':
      return (input) => input;
    case 'root':
      return (_input, evaluation) => evaluation.root;
    case 'filter':
      return compileFiltered(expression);
    case 'compare':
      return compileCompare(expression.operator, compile(expression.left), compile(expression.right));
    case 'in':
      return compileIn(expression, compile);
    case 'logic':
      return compileLogic(expression.operator, compile(expression.left), compile(expression.right));
    case 'arithmetic':
      return compileArithmetic(expression.operator, compile(expression.left), compile(expression.right));
    case 'concatenation':
      return compileConcatenation(compile(expression.left), compile(expression.right));
    case 'negation':
      return compileNegation(compile(expression.of));
    case 'condition':
      return compileCondition(expression);
    case 'block':
      return compileBlock(expression.body);
    case 'call': {
      const definition = functionNamed(expression.name);
      if (definition === undefined) throw new Error(`unknown function ${expression.name}`);
      return definition.compile(expression.args, compile);
    }
    case 'regex':
      throw new Error('a regular expression is compiled by the function that takes it');
  }
}

function compileName(name: string): Evaluate {
  return (input, evaluation) => {
    spend(evaluation, 1);
    return collapse(lookup(input, name, evaluation));
  };
}

function compilePath(path: Expression & { readonly kind: 'path' }): Evaluate {
  const steps = path.steps.map(
    (step): CompiledStep => ({ run: compile(step.of), filters: step.filters.map(compileFilter) }),
  );
  const first = path.steps[0]?.of;
  const isAbsolute = ['list', 'macro', 'context', 'root'].includes(
    (first?.kind === 'filter' ? first.of : first)?.kind ?? '',
  );
  const general: Evaluate = (input, evaluation) => collapse(runSteps(steps, { input, isAbsolute }, evaluation));
  const names = path.steps.map((step) =>
    step.of.kind === 'name' && step.filters.length === 0 ? step.of.name : undefined,
  );
  if (!names.every((name) => name !== undefined)) return general;
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

function compileFilter(filter: Expression): CompiledFilter {
  const index: StaticIndex = filter.kind === 'literal' && typeof filter.value === 'number' ? filter.value : undefined;
  return { index, test: compile(filter) };
}

function compileFiltered(expression: Expression & { readonly kind: 'filter' }): Evaluate {
  const of = compile(expression.of);
  const filters = expression.filters.map(compileFilter);
  return (input, evaluation) => {
    let value = of(input, evaluation);
    for (const filter of filters) value = applyFilter(filter, value, evaluation);
    return collapse(value);
  };
}

function compileArray(items: readonly Expression[]): Evaluate {
  const compiled = items.map(compile);
  if (items.every((item) => item.kind === 'literal')) {
    const constant = items.map((item) => (item as Expression & { kind: 'literal' }).value);
    return () => constant;
  }
  return (input, evaluation) => {
    let all: unknown[] = [];
    for (const item of compiled) {
      const value = item(input, evaluation);
      if (value === undefined) continue;
      spend(evaluation, 1 + (Array.isArray(value) ? value.length : 0));
      all = all.concat(value);
    }
    return all;
  };
}

function compileLogic(operator: 'and' | 'or', left: Evaluate, right: Evaluate): Evaluate {
  const isTrue = (side: Evaluate, input: unknown, evaluation: Evaluation): boolean =>
    truthOf(side(input, evaluation), evaluation) === true;
  if (operator === 'and')
    return (input, evaluation) => isTrue(left, input, evaluation) && isTrue(right, input, evaluation);
  return (input, evaluation) => isTrue(left, input, evaluation) || isTrue(right, input, evaluation);
}

function compileCondition(expression: Expression & { readonly kind: 'condition' }): Evaluate {
  const test = compile(expression.test);
  const then = compile(expression.then);
  const otherwise: Evaluate = expression.otherwise === undefined ? () => undefined : compile(expression.otherwise);
  return (input, evaluation) =>
    truthOf(test(input, evaluation), evaluation) === true ? then(input, evaluation) : otherwise(input, evaluation);
}

function compileBlock(body: readonly Expression[]): Evaluate {
  const compiled = body.map(compile);
  const [only] = compiled;
  if (only !== undefined && compiled.length === 1) return only;
  return (input, evaluation) => {
    let value: unknown;
    for (const part of compiled) value = part(input, evaluation);
    return value;
  };
}
