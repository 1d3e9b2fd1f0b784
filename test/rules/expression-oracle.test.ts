// The compiled expressions against the official JSONata engine: the same value or the same error, on random expressions and
// events.
import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../engine/candidates.ts';
import { compile, compileValue } from '../../rules/expression/compile.ts';
import { createEvaluation } from '../../rules/expression/evaluation.ts';
import { necessaryClause } from '../../rules/expression/necessary.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Expression } from '../../rules/expression/syntax.ts';
import { ExpressionError, type Rule } from '../../rules/rule.ts';
import { event, expression, LISTS } from './random-expressions.ts';

/** More for a long search by hand. */
const RUNS = Number(process.env['VEDETTE_PROPERTY_RUNS'] ?? 800);
/** A machine that is busy with other things is ten times slower. */
const LIMIT_MS = Math.max(300_000, RUNS * 20);

type Outcome = { readonly kind: 'value'; readonly json: string } | { readonly kind: 'error'; readonly code: string };

async function official(source: string, input: unknown): Promise<Outcome> {
  try {
    const value: unknown = await jsonata(source).evaluate(structuredClone(input), Object.fromEntries(LISTS));
    return { kind: 'value', json: jsonOf(value) };
  } catch (error) {
    return { kind: 'error', code: String((error as { code?: unknown }).code) };
  }
}

function ours(tree: Expression, input: unknown): Outcome {
  const evaluation = createEvaluation(input, 0, 1_000_000);
  try {
    return { kind: 'value', json: jsonOf(compile(tree)(input, evaluation)) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { kind: 'error', code: error.code };
  }
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (Object.is(inner, -0) ? 0 : inner)) ?? 'undefined';
}

function parsed(source: string): Expression {
  const result = parseExpression(source, LISTS);
  if (result.kind === 'refused') throw new Error(`${source}: ${JSON.stringify(result.problems)}`);
  return result.expression;
}

describe('the official engine as oracle', { timeout: LIMIT_MS }, () => {
  it('gives the same value or the same error on random expressions and events', async () => {
    let values = 0;
    let errors = 0;
    await fc.assert(
      fc.asyncProperty(expression, fc.array(event, { minLength: 4, maxLength: 4 }), async (source, events) => {
        const tree = parsed(source);
        for (const input of events) {
          const before = JSON.stringify(input);
          const expected = await official(source, input);
          expect(ours(tree, input), source).toEqual(expected);
          expect(JSON.stringify(input), 'the event was changed').toBe(before);
          if (expected.kind === 'error') errors += 1;
          else if (expected.json !== 'undefined') values += 1;
        }
      }),
      { numRuns: RUNS },
    );
    expect(values, 'the generator makes too few values').toBeGreaterThan(RUNS / 4);
    expect(errors, 'the generator makes too few errors').toBeGreaterThan(RUNS / 100);
  });

  it('never misses an event by the necessary clause', async () => {
    let narrowed = 0;
    await fc.assert(
      fc.asyncProperty(expression, fc.array(event, { minLength: 5, maxLength: 5 }), async (source, events) => {
        const tree = parsed(source);
        const necessary = necessaryClause(tree);
        if (necessary === undefined) return;
        const index = indexRules([{ status: 'stable', necessary } as Rule]);
        for (const input of events) {
          const outcome = await official(`$boolean(${source})`, input);
          const isTrue = outcome.kind === 'value' && outcome.json === 'true';
          const isCandidate = index.candidates(input).length > 0;
          if (!isCandidate) narrowed += 1;
          if (isTrue) expect(isCandidate, `${source} on ${JSON.stringify(input)}`).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
    expect(narrowed, 'the clauses narrow nothing').toBeGreaterThan(RUNS / 10);
  });

  it('tells truth as $boolean does', async () => {
    const cases = [
      '[]',
      '[0]',
      '[0, 1]',
      '[[]]',
      '""',
      '"a"',
      '0',
      '-1',
      'null',
      'a',
      'b',
      'c',
      '$not(a)',
      '$not(zzz)',
      'zzz',
    ];
    const input = { a: {}, b: { x: 0 }, c: [[], [0], { y: 1 }] };
    for (const source of cases) {
      const expected: unknown = await jsonata(`$boolean(${source})`).evaluate(input);
      if (source.includes('[[')) continue;
      expect(compileValue(parsed(source))(input, 0), source).toBe(expected);
    }
  });
});
