// The official JSONata suite, read where it lies: it is other people's work, beside the checkout or where the variable says. Cases
// run through the product's own reading and compiling, with the three functions that rules may not use put in for the suite.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../rules/expression/compile.ts';
import { createEvaluation, createFrame } from '../../rules/expression/evaluation.ts';
import { type FunctionDefinition, functionNamed } from '../../rules/expression/functions.ts';
import { parsePlain } from '../../rules/expression/parse.ts';
import { type Procedure, procedureOf } from '../../rules/expression/procedure.ts';
import { readSignature } from '../../rules/expression/signature.ts';
import { asSequence, MARK, mark } from '../../rules/expression/value.ts';
import { ExpressionError } from '../../rules/rule.ts';

const SUITE =
  process.env['VEDETTE_JSONATA_SUITE'] ?? join(import.meta.dirname, '../../../shared/data/jsonata-test-suite');

export const isSuiteHere: boolean = existsSync(SUITE);

export interface SuiteCase {
  readonly name: string;
  readonly expr: string;
  readonly input: unknown;
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly expected: Outcome;
}

export type Outcome =
  | { readonly kind: 'value'; readonly json: string }
  | { readonly kind: 'error'; readonly code: string };

interface Written {
  readonly expr?: string;
  readonly 'expr-file'?: string;
  readonly data?: unknown;
  readonly dataset?: string | null;
  readonly bindings?: Record<string, unknown>;
  readonly result?: unknown;
  readonly undefinedResult?: boolean;
  readonly code?: string;
  readonly error?: { readonly code?: string };
}

export function suiteCases(): readonly SuiteCase[] {
  return readdirSync(`${SUITE}/groups`).flatMap((group) =>
    readdirSync(`${SUITE}/groups/${group}`)
      .filter((name) => name.endsWith('.json'))
      .flatMap((file) => {
        const content = JSON.parse(readFileSync(`${SUITE}/groups/${group}/${file}`, 'utf8')) as Written | Written[];
        return [content].flat().map((written, index) => caseOf(group, { file, index }, written));
      }),
  );
}

function caseOf(group: string, place: { readonly file: string; readonly index: number }, written: Written): SuiteCase {
  const { dataset, data, bindings = {} } = written;
  const code = written.code ?? written.error?.code;
  return {
    name: `${group}/${place.file}#${place.index}`,
    expr: written.expr ?? readFileSync(`${SUITE}/groups/${group}/${written['expr-file']}`, 'utf8'),
    input: typeof dataset === 'string' ? JSON.parse(readFileSync(`${SUITE}/datasets/${dataset}.json`, 'utf8')) : data,
    bindings,
    expected:
      code === undefined
        ? { kind: 'value', json: written.undefinedResult === true ? 'undefined' : jsonOf(written.result) }
        : { kind: 'error', code },
  };
}

/** What our engine makes of a case, in JSONata's plain form. */
export function outcomeOf(expr: string, input: unknown, bindings: Readonly<Record<string, unknown>>): Outcome {
  try {
    return { kind: 'value', json: jsonOf(evaluatePlain(expr, { input, bindings, fuel: 60_000_000 })) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { kind: 'error', code: error.code };
  }
}

function evaluatePlain(
  expr: string,
  of: { readonly input: unknown; readonly bindings: Readonly<Record<string, unknown>>; readonly fuel: number },
): unknown {
  const parsed = parsePlain(expr, new Set(Object.keys(of.bindings)), suiteFunction);
  if (parsed.kind === 'refused') throw refusalOf(parsed.problems[0]?.message ?? '');
  const evaluation = createEvaluation(of.input, 1_700_000_000_000, of.fuel);
  evaluation.frame = createFrame(undefined);
  for (const [name, value] of Object.entries(of.bindings)) evaluation.frame.bind(name, value);
  return compile(parsed.expression, suiteFunction)(asInput(of.input), evaluation);
}

/** An array as input is looked at as one value. */
function asInput(input: unknown): unknown {
  if (!Array.isArray(input)) return input;
  const wrapped = asSequence([input]);
  mark(wrapped, MARK.outer);
  return wrapped;
}

function refusalOf(message: string): ExpressionError {
  return new ExpressionError(/\(JSONata (\w+)\)$/.exec(message)?.[1] ?? 'refused', message);
}

const SUITE_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map([
  [
    'eval',
    suiteOnly('<sx?:x>', 2, ([expr, input], context, evaluation) => evaluateText(expr, input ?? context, evaluation)),
  ],
  ['random', suiteOnly('<:n>', 0, () => 0.5)],
  ['shuffle', suiteOnly('<a:a>', 1, ([array]) => (array as readonly unknown[] | undefined)?.toReversed())],
]);

function suiteFunction(name: string): FunctionDefinition | undefined {
  return SUITE_FUNCTIONS.get(name) ?? functionNamed(name);
}

function suiteOnly(signature: string, arity: number, run: Parameters<typeof procedureOf>[1]): FunctionDefinition {
  const procedure: Procedure = procedureOf({ arity, label: 'suite', signature: readSignature(signature) }, run);
  return {
    check: () => undefined,
    compile: (args, compileArgument) => {
      const compiled = args.map(compileArgument);
      return (input, evaluation) =>
        procedure(
          compiled.map((arg) => arg(input, evaluation)),
          input,
          evaluation,
        );
    },
    procedure,
  };
}

function evaluateText(expr: unknown, input: unknown, evaluation: Parameters<Procedure>[2]): unknown {
  if (expr === undefined) return undefined;
  const parsed = parsePlain(String(expr), new Set(), suiteFunction);
  if (parsed.kind === 'refused') throw new ExpressionError('D3120', 'D3120');
  try {
    return compile(parsed.expression, suiteFunction)(asInput(input), evaluation);
  } catch (error) {
    throw new ExpressionError('D3121', String(error));
  }
}

function jsonOf(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === 'function') return undefined;
      return Object.is(inner, -0) ? 0 : inner;
    }) ?? 'undefined'
  );
}
