// Clauses that cannot hold together, alternatives that add nothing: parts of an expression that no event reaches. Told only where it
// is certain, whatever an event holds: equality of one field, its ranges, its being there.
import { type Field, fieldNamed } from '../../event/catalogue.ts';
import { expressionText } from '../explain/expression-text.ts';
import { type Expression, type ExpressionProblem, partsOf, plainField } from '../expression/syntax.ts';
import { writtenValues } from './check.ts';

/** More operands are not compared with one another. */
const OPERANDS_MAX = 64;

type Fact =
  /** The field is one of these, as JSON. */
  | { readonly kind: 'among'; readonly field: string; readonly values: ReadonlySet<string> }
  /** The field, one text or number, is one of these in lower case. */
  | { readonly kind: 'is'; readonly field: string; readonly texts: ReadonlySet<string> }
  | { readonly kind: 'not'; readonly field: string; readonly values: ReadonlySet<string> }
  | { readonly kind: 'above' | 'below'; readonly field: string; readonly bound: number; readonly isOpen: boolean }
  | { readonly kind: 'there' | 'missing'; readonly field: string };

interface Clause {
  readonly expression: Expression;
  readonly facts: readonly Fact[];
}

/** Contradictions and repetitions of an expression, in the order of its text. */
export function findUnreachable(expression: Expression): readonly ExpressionProblem[] {
  const told: Told = { problems: [], texts: new Map() };
  visit(expression, [], told);
  return told.problems;
}

interface Told {
  readonly problems: ExpressionProblem[];
  /** Expressions as text that says the same of the same, made once each. */
  readonly texts: Map<Expression, string>;
}

/** `given`: what holds wherever this expression is asked. */
function visit(expression: Expression, given: readonly Clause[], told: Told): void {
  const bare = unwrapped(expression);
  if (bare.kind === 'logic' && bare.operator === 'and') visitAll(operandsOf(bare, 'and'), given, told);
  else if (bare.kind === 'logic') visitAny(operandsOf(bare, 'or'), given, told);
  else for (const part of partsOf(bare)) visit(part, [], told);
}

function visitAll(operands: readonly Expression[], given: readonly Clause[], told: Told): void {
  if (operands.length > OPERANDS_MAX) {
    visitEach(operands, given, told);
    return;
  }
  const clauses: Clause[] = [];
  for (const operand of operands) {
    const clause = { expression: operand, facts: factsOf(operand, false) };
    const twin = clauses.find((other) => isSame(other.expression, operand, told));
    if (twin !== undefined) told.problems.push(repeated(operand, 'and'));
    const against = [...given, ...clauses].find((other) => areContrary(other.facts, clause.facts));
    if (against !== undefined) told.problems.push(contradiction(operand, against.expression));
    clauses.push(clause);
  }
  for (const [at, operand] of operands.entries())
    visit(operand, [...given, ...clauses.filter((_, other) => other !== at)], told);
}

function visitAny(operands: readonly Expression[], given: readonly Clause[], told: Told): void {
  if (operands.length > OPERANDS_MAX) {
    visitEach(operands, given, told);
    return;
  }
  for (const [at, operand] of operands.entries()) {
    const before = operands.slice(0, at);
    if (before.some((other) => isSame(other, operand, told))) told.problems.push(repeated(operand, 'or'));
    else {
      const wider = operands.find(
        (other) =>
          other !== operand &&
          operandsOf(operand, 'and').length > 1 &&
          operandsOf(operand, 'and').some((part) => isSame(part, other, told)),
      );
      if (wider !== undefined) told.problems.push(covered(operand, wider));
    }
    const facts = factsOf(operand, false);
    const against = given.find((other) => areContrary(other.facts, facts));
    if (against !== undefined) told.problems.push(contradiction(operand, against.expression));
    visit(operand, given, told);
  }
}

/** Of so many that they are not compared with one another. */
function visitEach(operands: readonly Expression[], given: readonly Clause[], told: Told): void {
  for (const operand of operands) visit(operand, given, told);
}

function contradiction(expression: Expression, other: Expression): ExpressionProblem {
  return {
    code: 'expression/contradiction',
    at: expression.at,
    message: `\`${expressionText(expression)}\` cannot hold together with \`${expressionText(other)}\``,
    remedy: 'No event passes both: write `or`, `in [a, b]`, or remove one.',
  };
}

function repeated(expression: Expression, operator: 'and' | 'or'): ExpressionProblem {
  const message = `\`${expressionText(expression)}\` stands here twice`;
  return { code: 'expression/repeated', at: expression.at, message, remedy: `One \`${operator}\` of it is enough.` };
}

function covered(expression: Expression, wider: Expression): ExpressionProblem {
  const message = `whatever passes \`${expressionText(expression)}\` passes \`${expressionText(wider)}\` already`;
  return { code: 'expression/unreachable', at: expression.at, message, remedy: 'Remove one of the two.' };
}

function operandsOf(expression: Expression, operator: 'and' | 'or'): readonly Expression[] {
  const bare = unwrapped(expression);
  if (bare.kind !== 'logic' || bare.operator !== operator) return [expression];
  return bare.operands.flatMap((operand) => operandsOf(operand, operator));
}

/** Without parentheses. */
function unwrapped(expression: Expression): Expression {
  const [only] = expression.kind === 'block' ? expression.body : [];
  return expression.kind === 'block' && expression.body.length === 1 && only !== undefined
    ? unwrapped(only)
    : expression;
}

function isSame(one: Expression, other: Expression, told: Told): boolean {
  const [a, b] = [unwrapped(one), unwrapped(other)];
  return a.kind === b.kind && firstField(a) === firstField(b) && textOf(a, told) === textOf(b, told);
}

/** What mostly differs already. */
function firstField(expression: Expression): string | undefined {
  const [first] = partsOf(expression);
  return first === undefined ? undefined : plainField(first);
}

function textOf(expression: Expression, { texts }: Told): string {
  const known = texts.get(expression);
  if (known !== undefined) return known;
  // Lists are the same by their names.
  const text = JSON.stringify(expression, (key, value: unknown) =>
    key === 'at' || key === 'values' ? undefined : value,
  );
  texts.set(expression, text);
  return text;
}

/** What certainly holds where the expression is true; where it is not, if `isNegated`. */
function factsOf(expression: Expression, isNegated: boolean): readonly Fact[] {
  const bare = unwrapped(expression);
  if (bare.kind === 'call' && bare.name === 'not' && bare.args[0] !== undefined)
    return factsOf(bare.args[0], !isNegated);
  if (bare.kind === 'call' && (bare.name === 'exists' || bare.name === 'has')) {
    const field = fieldOf(bare.args[0]);
    if (field === undefined) return [];
    if (bare.name === 'has' && isNegated) return [];
    return [{ kind: isNegated ? 'missing' : 'there', field }];
  }
  const equality = equalityOf(bare);
  if (equality !== undefined) {
    const { field, values, isUnequal } = equality;
    if (isUnequal) return isNegated ? [] : [{ kind: 'not', field, values }];
    return [{ kind: isNegated ? 'not' : 'among', field, values }];
  }
  if (isNegated) return [];
  if (bare.kind === 'call' && bare.name === 'is') {
    const field = fieldOf(bare.args[0]);
    const values = bare.args.slice(1).map(writtenValues);
    if (field === undefined || !isOneValue(field) || !values.every((all) => all !== undefined)) return [];
    return [{ kind: 'is', field, texts: new Set(values.flat().map((value) => String(value).toLowerCase())) }];
  }
  return bare.kind === 'compare' ? rangeOf(bare) : [];
}

function equalityOf(
  expression: Expression,
): { readonly field: string; readonly values: ReadonlySet<string>; readonly isUnequal: boolean } | undefined {
  const isUnequal = expression.kind === 'compare' && expression.operator === '!=';
  if (expression.kind === 'in') {
    const field = fieldOf(expression.left);
    const values = writtenValues(expression.right);
    if (field !== undefined && values !== undefined) return { field, values: asJson(values), isUnequal };
    const within = fieldOf(expression.right);
    if (within === undefined || expression.left.kind !== 'literal' || !isOneValue(within)) return undefined;
    return { field: within, values: asJson([expression.left.value]), isUnequal };
  }
  if (expression.kind !== 'compare' || (expression.operator !== '=' && !isUnequal)) return undefined;
  for (const [of, other] of [
    [expression.left, expression.right],
    [expression.right, expression.left],
  ] as const) {
    const field = fieldOf(of);
    if (field !== undefined && other.kind === 'literal') return { field, values: asJson([other.value]), isUnequal };
  }
  return undefined;
}

const MIRRORED = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

function rangeOf(expression: Expression & { readonly kind: 'compare' }): readonly Fact[] {
  const { operator, left, right } = expression;
  if (operator === '=' || operator === '!=') return [];
  const [field, bound, as] =
    right.kind === 'literal'
      ? [fieldOf(left), right.value, operator]
      : [fieldOf(right), left.kind === 'literal' ? left.value : undefined, MIRRORED[operator]];
  if (field === undefined || typeof bound !== 'number') return [];
  return [{ kind: as.startsWith('>') ? 'above' : 'below', field, bound, isOpen: as.length === 1 }];
}

function asJson(values: readonly unknown[]): ReadonlySet<string> {
  return new Set(values.map((value) => JSON.stringify(value)));
}

function fieldOf(expression: Expression | undefined): string | undefined {
  return expression === undefined ? undefined : plainField(expression);
}

/** Within predicates `$` is not the event, so paths there are never compared: `visit` gives them no `given`. */
function isOneValue(name: string): boolean {
  const field: Field | undefined = fieldNamed(name);
  return field !== undefined && !field.isArray && field.type !== 'flattened';
}

function areContrary(ones: readonly Fact[], others: readonly Fact[]): boolean {
  return ones.some((one) =>
    others.some((other) => one.field === other.field && (contrary(one, other) || contrary(other, one))),
  );
}

function contrary(one: Fact, other: Fact): boolean {
  if (other.kind === 'missing') return one.kind !== 'missing' && one.kind !== 'not';
  if (one.kind === 'among') {
    const values = [...one.values];
    switch (other.kind) {
      case 'among':
        return !values.some((value) => other.values.has(value));
      case 'not':
        return values.every((value) => other.values.has(value));
      case 'is':
        return !values.some((value) => other.texts.has(String(JSON.parse(value)).toLowerCase()));
      case 'above':
      case 'below':
        return !values.some((value) => isWithin(JSON.parse(value), other));
      default:
        return false;
    }
  }
  if (one.kind === 'is' && other.kind === 'is') return ![...one.texts].some((text) => other.texts.has(text));
  if (one.kind === 'above' && other.kind === 'below')
    return one.bound > other.bound || (one.bound === other.bound && (one.isOpen || other.isOpen));
  return false;
}

function isWithin(value: unknown, range: Fact & { readonly kind: 'above' | 'below' }): boolean {
  if (typeof value !== 'number') return false;
  if (value === range.bound) return !range.isOpen;
  return range.kind === 'above' ? value > range.bound : value < range.bound;
}
