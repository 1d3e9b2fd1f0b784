// What a lint of expressions is, and what they share: an expression, and the field that its context stands for. The catalogue tells what
// a field holds.
import { type Field, fieldNamed } from '../../event/catalogue.ts';
import type { Expression, ExpressionProblem } from '../expression/syntax.ts';

/** `prefix`: the field that `$` stands for, with a final dot; undefined where it is not known. */
export type Prefix = string | undefined;

/** `at`: where it is not the expression's own place. */
export type Finding = Omit<ExpressionProblem, 'at'> & { readonly at?: number };

/** What is wrong with one expression; its parts are looked at by themselves. */
export type Check = (expression: Expression, prefix: Prefix) => Finding | readonly Finding[] | undefined;

/** The catalogue's entry for what an expression reads, where that is plain to see. */
export function fieldOfPath(expression: Expression | undefined, prefix: Prefix): Field | undefined {
  if (expression?.kind !== 'path' || prefix === undefined) return undefined;
  const names: string[] = [];
  for (const step of expression.steps) {
    if (step.of.kind !== 'name' || step.filters.length > 0) return undefined;
    names.push(step.of.name);
  }
  const field = fieldNamed(prefix + names.join('.'));
  // Within a predicate one member of an array of objects is looked at: its fields are single values.
  return field === undefined || prefix === '' ? field : { ...field, isArray: false };
}

/** Both ways round: the field side and the other side. */
export function sides(
  expression: Expression & { readonly left: Expression; readonly right: Expression },
  prefix: Prefix,
): readonly { readonly field: Field; readonly other: Expression }[] {
  return [
    { field: fieldOfPath(expression.left, prefix), other: expression.right },
    { field: fieldOfPath(expression.right, prefix), other: expression.left },
  ].filter((side): side is { field: Field; other: Expression } => side.field !== undefined);
}

/** The values that an operand writes out: a literal, an array of them, a list; undefined where they are only known for an event. */
export function writtenValues(expression: Expression): readonly (string | number | boolean | null)[] | undefined {
  if (expression.kind === 'literal') return [expression.value];
  if (expression.kind === 'list') return expression.values;
  if (expression.kind !== 'array') return undefined;
  const values = expression.items.map(writtenValues);
  return values.every((value) => value !== undefined) ? values.flat() : undefined;
}

/** The value of fields as text. */
export function isTextField({ type }: Field): boolean {
  return type === 'keyword' || type === 'text' || type === 'ip' || type === 'date';
}
