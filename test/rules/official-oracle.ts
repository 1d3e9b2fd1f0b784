// The official engine as the oracle, and ours beside it: what each makes of an expression and an event, in a form that compares.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FunctionsByName } from '../../rules/expression/compile.ts';
import { compile } from '../../rules/expression/compile.ts';
import { createEvaluation, createFrame, type Evaluate } from '../../rules/expression/evaluation.ts';
import { functionNamed } from '../../rules/expression/functions.ts';
import { parseExpression, parsePlain } from '../../rules/expression/parse.ts';
import type { ListValues } from '../../rules/expression/syntax.ts';
import { ExpressionError } from '../../rules/rule.ts';

export type Outcome =
  | { readonly kind: 'value'; readonly json: string }
  | { readonly kind: 'error'; readonly code: string };

interface Official {
  evaluate(input: unknown, bindings: Record<string, unknown>): Promise<unknown>;
}

/**
 * The official engine, but for three faults that would hide what follows from them: of an array's parts the one that fails after
 * the fewest promises tells its error, not the first one; grouping pushes into empty arrays, of the event too; a regular expression
 * over a function reads that function's JavaScript.
 */
const official = loadOfficial();

function loadOfficial(): (source: string) => Official {
  const file = createRequire(import.meta.url).resolve('jsonata');
  const loaded: { exports: unknown } = { exports: {} };
  const ordered = {
    all: async (all: readonly Promise<unknown>[]): Promise<unknown[]> => {
      const settled = await Promise.allSettled(all);
      for (const one of settled) if (one.status === 'rejected') throw one.reason;
      return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value);
    },
  };
  const text = patched(readFileSync(file, 'utf8'), [
    ['input.push(undefined);', 'input = [undefined];'],
    ['var match = re.exec(str);', "var match = re.exec(typeof str === 'function' ? '[object Object]' : str);"],
  ]);
  new Function('module', 'exports', 'Promise', text)(loaded, loaded.exports, ordered);
  return loaded.exports as (source: string) => Official;
}

function patched(text: string, changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    if (before.split(from).length !== 2) throw new Error(`the official engine has no \`${from}\` any more`);
    return before.replace(from, to);
  }, text);
}

/**
 * The official outcome for each input. `undefined`: a fault of the engine itself, which has no code, or an input that it changed:
 * it pushes into empty arrays that are grouped (as it is known to).
 */
export async function officialOutcomes(
  source: string,
  inputs: readonly unknown[],
  lists: ReadonlyMap<string, ListValues>,
): Promise<readonly (Outcome | undefined)[]> {
  let engine: Official;
  try {
    engine = official(source);
  } catch (error) {
    const outcome = failure(error);
    return inputs.map(() => outcome);
  }
  const outcomes: (Outcome | undefined)[] = [];
  for (const input of inputs) {
    try {
      const given = structuredClone(input);
      const before = JSON.stringify(given);
      const value = await engine.evaluate(given, Object.fromEntries(lists));
      outcomes.push(JSON.stringify(given) === before ? { kind: 'value', json: jsonOf(value) } : undefined);
    } catch (error) {
      outcomes.push(failure(error));
    }
  }
  return outcomes;
}

function failure(error: unknown): Outcome | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? { kind: 'error', code } : undefined;
}

/** Where the two are known to differ, and ours is meant so. */
export function isKnownDifference(source: string, official: Outcome | undefined, ours: Outcome): boolean {
  return (
    // A fault of the official engine, or an event that it has changed.
    official === undefined ||
    // It loses regular expressions left of `?:` and `??`; ours refuses them.
    (ours.kind === 'error' && ours.code === 'expression/regex') ||
    // A built-in function that is filled in by `?` checks its arguments; the official one runs into whatever happens.
    (ours.kind === 'error' && /^T041/.test(ours.code) && source.includes('(?')) ||
    // Ours has bounds where the official engine has none.
    (ours.kind === 'error' && ['fuel', 'depth', 'D1011', 'circular'].includes(ours.code))
  );
}

export interface OurEngine {
  /** True when it is read as rules are; else only as JSONata is anywhere, where wrong calls fail when they are made. */
  readonly isRule: boolean;
  outcome(input: unknown): Outcome;
}

/** Ours: as a rule has it if a rule may have it, else in the plain form. */
export function ourEngine(source: string, lists: ReadonlyMap<string, ListValues>): OurEngine {
  const asRule = parseExpression(source, lists);
  const isRule = asRule.kind === 'parsed';
  const parsed = isRule ? asRule : parsePlain(source, new Set(lists.keys()), functionNamed as FunctionsByName);
  if (parsed.kind === 'refused') {
    const { message = '', code: ours = '' } = parsed.problems[0] ?? {};
    const code = /\(JSONata (\w+)\)$/.exec(message)?.[1] ?? ours;
    return { isRule, outcome: () => ({ kind: 'error', code }) };
  }
  const evaluate = compile(parsed.expression);
  return { isRule, outcome: (input) => outcomeOf(evaluate, input, isRule ? new Map() : lists) };
}

function outcomeOf(evaluate: Evaluate, input: unknown, bound: ReadonlyMap<string, ListValues>): Outcome {
  const evaluation = createEvaluation(input, 0, 4_000_000);
  evaluation.frame = createFrame(undefined);
  for (const [name, values] of bound) evaluation.frame.bind(name, values);
  try {
    return { kind: 'value', json: jsonOf(evaluate(input, evaluation)) };
  } catch (error) {
    if (error instanceof TypeError && error.message.includes('circular')) return { kind: 'error', code: 'circular' };
    if (!(error instanceof ExpressionError)) throw error;
    return { kind: 'error', code: error.code };
  }
}

/** A value as text: functions look alike, and there is one zero. */
function jsonOf(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === 'function') return 'ƒ';
      if (typeof inner === 'object' && inner !== null && ('_jsonata_lambda' in inner || '_jsonata_function' in inner))
        return 'ƒ';
      return Object.is(inner, -0) ? 0 : inner;
    }) ?? 'undefined'
  );
}
