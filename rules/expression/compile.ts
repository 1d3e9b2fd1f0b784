// Checked tree → closures. What JSONata's evaluator does with promises and frames is done here synchronously, with the same
// results. A path of plain names over plain objects, by far the most, takes a short way. One file, because it is one switch over all
// kinds of the tree; what the closures do is beside it.
import type { EventDocument } from '../../event/document.ts';
import { ExpressionError, type FuelMeter, type Predicate } from '../rule.ts';
import { createEvaluation, type Evaluate, FUEL_PER_EVALUATION, spend } from './evaluation.ts';
import { type FunctionDefinition, functionNamed } from './functions.ts';
import { groupBy } from './group.ts';
import { regexProcedure } from './matching.ts';
import {
  compileArithmetic,
  compileCompare,
  compileConcatenation,
  compileIn,
  compileLogic,
  compileNegation,
  compileRange,
} from './operators.ts';
import { applyFilter, type CompiledFilter, type CompiledStep, compileName, readNames, runSteps } from './path.ts';
import { type CompiledPipelineStep, runPipeline } from './pipeline.ts';
import { apply, asArgument, compileApply, compileLambda, compileTail, isProcedure, partially } from './procedure.ts';
import { regexOf } from './regex.ts';
import { bindsHere, compileBind, inScope, readFrame } from './scope.ts';
import { isEverSequence, levelsOf, startsAtVariable } from './shape.ts';
import { bareOf, type Expression, type Pair, type PipelineStep } from './syntax.ts';
import { transformer } from './transform.ts';
import { collapse, isSequence, MARK, mark, marksOf, truthOf } from './value.ts';
import { descendantsOf, membersOfObject } from './wildcard.ts';

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
    const evaluation = createEvaluation(event, nowMs, fuel);
    try {
      return truthOf(evaluate(event, evaluation), evaluation);
    } catch (error) {
      if (error instanceof RangeError) throw new ExpressionError('depth', 'depth: the expression goes too deep');
      throw error;
    } finally {
      if (meter !== undefined) meter.spent += fuel - evaluation.fuel;
    }
  };
}

/** The functions that calls by name go to; the tests of the official suite have more of them. */
export type FunctionsByName = (name: string) => FunctionDefinition | undefined;

/** The closure of an expression. */
export function compile(expression: Expression, functions: FunctionsByName = functionNamed): Evaluate {
  const evaluate = new Compiler(functions).compile(expression);
  return bindsHere(expression) ? inScope(evaluate) : evaluate;
}

type Of<Kind extends Expression['kind']> = Expression & { readonly kind: Kind };

class Compiler {
  readonly #functions: FunctionsByName;

  constructor(functions: FunctionsByName) {
    this.#functions = functions;
  }

  /** The closure of an expression's value. */
  compile = (expression: Expression): Evaluate => {
    const raw = this.#compileRaw(expression);
    return isEverSequence(expression) ? (input, evaluation) => collapse(raw(input, evaluation)) : raw;
  };

  /** As {@link compile}, but a sequence stays one, for what looks at its members next. */
  #compileRaw(expression: Expression): Evaluate {
    const { compile } = this;
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression;
        return () => value;
      }
      case 'list': {
        const { values } = expression;
        return () => values;
      }
      case 'macro': {
        const of = this.#compileRaw(expression.of);
        return bindsHere(expression.of) ? inScope(of) : of;
      }
      case 'array':
        return this.#compileArray(expression);
      case 'path':
        return this.#compilePath(expression);
      case 'pipeline':
        return this.#compilePipeline(expression);
      case 'name':
        return compileName(expression.name);
      case 'context':
        return (input) => ((marksOf(input) & MARK.outer) === 0 ? input : (input as readonly unknown[])[0]);
      case 'root':
        return (_input, evaluation) => evaluation.root;
      case 'wildcard':
        return membersOfObject;
      case 'descendants':
        return descendantsOf;
      case 'filter':
        return this.#compileFiltered(expression);
      case 'keep':
        return compileKept(this.#compileRaw(expression.of));
      case 'group':
        return this.#compileGroup(expression);
      case 'object': {
        const pairs = this.#compilePairs(expression.pairs);
        return (input, evaluation) => groupBy(pairs, input, evaluation);
      }
      case 'compare':
        return compileCompare(expression.operator, compile(expression.left), compile(expression.right));
      case 'in':
        return compileIn(expression, compile);
      case 'logic':
        return compileLogic(expression.operator, expression.operands.map(compile));
      case 'arithmetic':
        return compileArithmetic(expression.operator, compile(expression.left), compile(expression.right));
      case 'concatenation':
        return compileConcatenation(expression.operands.map(compile));
      case 'negation':
        return compileNegation(compile(expression.of));
      case 'range':
        return compileRange(compile(expression.left), compile(expression.right));
      case 'condition':
        return this.#compileCondition(expression);
      case 'block':
        return this.#compileBlock(expression.body);
      case 'call':
        return this.#definition(expression.name).compile(expression.args, compile);
      case 'regex':
        return compileRegexValue(expression);
      case 'function': {
        const { procedure } = this.#definition(expression.name);
        return () => procedure;
      }
      case 'parent':
        return readFrame(expression.label, () => undefined);
      case 'variable':
        return readFrame(
          expression.name,
          expression.otherwise === undefined ? () => undefined : compile(expression.otherwise),
        );
      case 'bind':
        return compileBind(expression.name, compile(expression.value));
      case 'lambda': {
        const { parameters, signature, body } = expression;
        return compileLambda({ parameters, signature, body: compile(body), levels: levelsOf(body) });
      }
      case 'tail':
        return compileTail(compile(expression.procedure), expression.args.map(compile));
      case 'invoke':
        return this.#compileInvoke(expression);
      case 'partial':
        return this.#compilePartial(expression);
      case 'apply':
        return compileApply(compile(expression.left), compile(expression.right));
      case 'transform':
        return this.#compileTransform(expression);
    }
  }

  #definition(name: string): FunctionDefinition {
    const definition = this.#functions(name);
    if (definition === undefined) throw new Error(`unknown function ${name}`);
    return definition;
  }

  #compileArray({ items, isWhole }: Of<'array'>): Evaluate {
    const compiled = items.map((item) => ({ of: this.compile(item), isNested: bareOf(item).kind === 'array' }));
    if (items.every((item) => item.kind === 'literal')) {
      const constant = items.map((item) => (item as Of<'literal'>).value);
      if (isWhole === true) mark(constant, MARK.whole);
      return () => constant;
    }
    return (input, evaluation) => {
      const all: unknown[] = [];
      for (const { of, isNested } of compiled) {
        const value = of(input, evaluation);
        if (value === undefined) continue;
        spend(evaluation, 1 + (Array.isArray(value) ? value.length : 0));
        if (isNested || !Array.isArray(value)) all.push(value);
        else for (const member of value) all.push(member);
      }
      if (isWhole === true) mark(all, MARK.whole);
      return all;
    };
  }

  #compilePath(path: Of<'path'>): Evaluate {
    const steps = path.steps.map(
      (step): CompiledStep => ({ run: this.compile(step.of), filters: step.filters.map(this.#compileFilter) }),
    );
    const isAbsolute = startsAtVariable(path.steps[0]?.of);
    const general: Evaluate = (input, evaluation) => runSteps(steps, { input, isAbsolute }, evaluation);
    const names = path.steps.map((step) =>
      step.of.kind === 'name' && step.filters.length === 0 ? step.of.name : undefined,
    );
    if (!names.every((name) => name !== undefined)) return general;
    return readNames(names, (input, evaluation) => collapse(general(input, evaluation)));
  }

  #compilePipeline(pipeline: Of<'pipeline'>): Evaluate {
    const first = pipeline.steps[0]?.of;
    const compiled = {
      steps: pipeline.steps.map((step) => this.#compileStep(step)),
      isAbsolute: first !== undefined && first.kind !== 'sort' && startsAtVariable(first),
      isKept: pipeline.isKept,
      isTuples: pipeline.isTuples,
      pairs: pipeline.pairs === undefined ? undefined : this.#compilePairs(pipeline.pairs),
    };
    return (input, evaluation) => runPipeline(compiled, input, evaluation);
  }

  #compileStep(step: PipelineStep): CompiledPipelineStep {
    const { of, isWhole, isTuples, focus, index, ancestor } = step;
    const run =
      of.kind === 'sort'
        ? { terms: of.terms.map((term) => ({ of: this.compile(term.of), isDescending: term.isDescending })) }
        : this.compile(of);
    const stages = step.stages.map((stage) =>
      stage.kind === 'filter' ? { kind: stage.kind, filter: this.#compileFilter(stage.test) } : stage,
    );
    return { run, stages, isWhole, isTuples, focus, index, ancestor };
  }

  #compilePairs(pairs: readonly Pair[]): readonly { readonly key: Evaluate; readonly value: Evaluate }[] {
    return pairs.map(({ key, value }) => ({ key: this.compile(key), value: this.compile(value) }));
  }

  #compileFilter = (filter: Expression): CompiledFilter => {
    const index = filter.kind === 'literal' && typeof filter.value === 'number' ? filter.value : undefined;
    return { index, test: this.compile(filter) };
  };

  #compileFiltered(expression: Of<'filter'>): Evaluate {
    const of = this.#compileRaw(expression.of);
    const filters = expression.filters.map(this.#compileFilter);
    return (input, evaluation) => {
      let value = of(input, evaluation);
      for (const filter of filters) value = applyFilter(filter, value, evaluation);
      return value;
    };
  }

  #compileGroup(expression: Of<'group'>): Evaluate {
    const of = this.#compileRaw(expression.of);
    const pairs = this.#compilePairs(expression.pairs);
    return (input, evaluation) => groupBy(pairs, of(input, evaluation), evaluation);
  }

  #compileCondition(expression: Of<'condition'>): Evaluate {
    const test = this.compile(expression.test);
    const then = this.compile(expression.then);
    const otherwise: Evaluate =
      expression.otherwise === undefined ? () => undefined : this.compile(expression.otherwise);
    return (input, evaluation) =>
      truthOf(test(input, evaluation), evaluation) === true ? then(input, evaluation) : otherwise(input, evaluation);
  }

  #compileBlock(body: readonly Expression[]): Evaluate {
    const compiled = body.map(this.compile);
    const [only] = compiled;
    const isScope = body.some(bindsHere);
    if (only !== undefined && compiled.length === 1 && !isScope) return only;
    const run: Evaluate = (input, evaluation) => {
      let value: unknown;
      for (const part of compiled) value = part(input, evaluation);
      return value;
    };
    return isScope ? inScope(run) : run;
  }

  #compileInvoke({ procedure, args, missing }: Of<'invoke'>): Evaluate {
    const callee = this.compile(procedure);
    const compiled = args.map(this.compile);
    return (input, evaluation) => {
      const called = callee(input, evaluation);
      if (called === undefined && missing === 'T1005') {
        throw new ExpressionError(missing, `${missing}: what is called is no function; did you forget its $?`);
      }
      const given: unknown[] = [];
      for (const argument of compiled) given.push(asArgument(argument(input, evaluation)));
      return apply(called, given, input, evaluation);
    };
  }

  #compilePartial({ procedure, args, missing }: Of<'partial'>): Evaluate {
    const callee = this.compile(procedure);
    const compiled = args.map((argument) => (argument === undefined ? undefined : this.compile(argument)));
    return (input, evaluation) => {
      const given = compiled.map((argument) =>
        argument === undefined ? undefined : { value: argument(input, evaluation) },
      );
      const called = callee(input, evaluation);
      if (!isProcedure(called)) {
        const code = called === undefined ? missing : 'T1008';
        throw new ExpressionError(code, `${code}: what \`?\` is to fill in is no function`);
      }
      return partially(called, given);
    };
  }

  #compileTransform(expression: Of<'transform'>): Evaluate {
    const compiled = {
      pattern: this.compile(expression.pattern),
      update: this.compile(expression.update),
      remove: expression.remove === undefined ? undefined : this.compile(expression.remove),
      clone: expression.clone === undefined ? undefined : this.compile(expression.clone),
    };
    return (input, evaluation) => transformer(compiled, input, evaluation);
  }
}

function compileKept(of: Evaluate): Evaluate {
  return (input, evaluation) => {
    const value = of(input, evaluation);
    if (isSequence(value) && (marksOf(value) & MARK.tuples) === 0) mark(value, MARK.kept);
    return value;
  };
}

/** Each evaluation's own, because a regular expression as a value remembers how far it has come. */
function compileRegexValue(regex: Of<'regex'>): Evaluate {
  const compiled = regexOf(regex);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return () => regexProcedure(compiled);
}
