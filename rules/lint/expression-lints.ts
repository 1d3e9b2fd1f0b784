// All that is allowed in an expression and seldom means what its author thinks: every check on every part of it, and what no event
// reaches.
import { type Expression, type ExpressionProblem, partsOf } from '../expression/syntax.ts';
import { arrayAsText, arrayCompared, arrayInList } from './array-values.ts';
import type { Check, Prefix } from './check.ts';
import { findUnreachable } from './contradictions.ts';
import { neverHasValue } from './known-values.ts';
import { missingUnequal, notOfMissing, notOfUndefined } from './missing-fields.ts';
import { constantOperand, mixedLogic } from './plain-logic.ts';
import { unknownField } from './unknown-field.ts';
import { comparedWithArray, inOneValue, wrongType } from './wrong-type.ts';

const CHECKS: readonly Check[] = [
  arrayCompared,
  arrayInList,
  arrayAsText,
  wrongType,
  comparedWithArray,
  inOneValue,
  notOfMissing,
  notOfUndefined,
  missingUnequal,
  mixedLogic,
  constantOperand,
  neverHasValue,
];

/** The traps of an expression, in the order of its text. */
export function lintExpression(expression: Expression): readonly ExpressionProblem[] {
  const problems: ExpressionProblem[] = [];
  visit(expression, '', problems);
  problems.push(...findUnreachable(expression));
  return problems.toSorted((a, b) => a.at - b.at);
}

function visit(expression: Expression, prefix: Prefix, problems: ExpressionProblem[]): void {
  for (const check of CHECKS) {
    const found = check(expression, prefix);
    if (found !== undefined) for (const finding of [found].flat()) problems.push({ at: expression.at, ...finding });
  }
  if (expression.kind === 'path') visitPath(expression, prefix, problems);
  else
    for (const part of partsOf(expression))
      visit(part, OTHER_CONTEXT.has(expression.kind) ? undefined : prefix, problems);
}

/** What stands in these is asked about something else than the expression around them. */
const OTHER_CONTEXT: ReadonlySet<Expression['kind']> = new Set([
  'pipeline',
  'filter',
  'lambda',
  'group',
  'apply',
  'transform',
]);

function visitPath(path: Expression & { readonly kind: 'path' }, prefix: Prefix, problems: ExpressionProblem[]): void {
  let inside: Prefix = prefix;
  for (const step of path.steps) {
    if (step.of.kind === 'name') inside = inside === undefined ? undefined : `${inside}${step.of.name}.`;
    else if (step.of.kind === 'root') inside = '';
    else if (step.of.kind !== 'context') {
      visit(step.of, inside, problems);
      inside = undefined;
    }
    for (const filter of step.filters) visit(filter, inside, problems);
  }
  const name = inside?.slice(0, -1) ?? '';
  const unknown = name === '' ? undefined : unknownField(name);
  if (unknown !== undefined) problems.push({ code: 'expression/unknown-field', at: path.at, ...unknown });
}
