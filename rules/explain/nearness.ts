// How near a clause came to being true: "only the case differs", "2 short", "the field is missing". One short remark, or none.
import type { EventDocument } from '../../event/document.ts';
import { nearest } from '../../event/nearest-name.ts';
import { type Expression, plainField } from '../expression/syntax.ts';
import { valueAt } from './seen-values.ts';

/** Longer lists are not searched for a value that is nearly right. */
const VALUES_MAX = 5_000;
/** Shorter texts are all near one another. */
const NEAR_LENGTH_MIN = 4;

/** A remark about a clause that is not true of the event. */
export function nearnessOf(expression: Expression, event: EventDocument): string | undefined {
  const asked = askedOf(expression);
  if (asked === undefined) return undefined;
  const value = valueAt(event, asked.field);
  if (value === undefined) return `${asked.field} is missing`;
  if (asked.kind === 'order') return shortBy(value, asked.bound);
  const { wanted } = asked;
  if (Array.isArray(value)) {
    const member = value.find((one) => wanted.includes(one as never));
    if (member !== undefined) return `${asked.field} is an array, which is compared as a whole; $is(…) looks at each`;
    return ofTexts(value, wanted);
  }
  if (typeof value === 'number' && wanted.includes(String(value))) return 'the event has a number, the rule a text';
  if (typeof value === 'string' && wanted.some((one) => typeof one === 'number' && String(one) === value))
    return 'the event has a text, the rule a number';
  return ofTexts([value], wanted);
}

type Asked =
  | { readonly kind: 'equal'; readonly field: string; readonly wanted: readonly unknown[] }
  | { readonly kind: 'order'; readonly field: string; readonly bound: number };

function askedOf(expression: Expression): Asked | undefined {
  if (expression.kind === 'compare' || expression.kind === 'in') {
    const { left, right } = expression;
    const [of, other] = plainField(left) === undefined ? [right, left] : [left, right];
    const field = plainField(of);
    const wanted = written(other);
    if (field === undefined || wanted === undefined) return undefined;
    if (expression.kind === 'in' || expression.operator === '=') return { kind: 'equal', field, wanted };
    const [bound] = wanted;
    return expression.operator === '!=' || typeof bound !== 'number' ? undefined : { kind: 'order', field, bound };
  }
  if (expression.kind === 'path') {
    const field = plainField(expression);
    return field === undefined ? undefined : { kind: 'equal', field, wanted: [] };
  }
  if (expression.kind !== 'call') return undefined;
  const [first, ...rest] = expression.args;
  const field = first === undefined ? undefined : plainField(first);
  if (field === undefined) return undefined;
  const wanted = rest.flatMap((argument) => written(argument) ?? []);
  return expression.name === 'not' ? undefined : { kind: 'equal', field, wanted };
}

function written(expression: Expression): readonly unknown[] | undefined {
  if (expression.kind === 'literal') return [expression.value];
  if (expression.kind === 'list') return expression.values;
  if (expression.kind !== 'array') return undefined;
  return expression.items.flatMap((item) => written(item) ?? []);
}

function ofTexts(values: readonly unknown[], wanted: readonly unknown[]): string | undefined {
  const texts = wanted.filter((one) => typeof one === 'string');
  if (texts.length === 0 || texts.length > VALUES_MAX) return undefined;
  for (const value of values) {
    if (typeof value !== 'string') continue;
    const sameLetters = texts.find((text) => text.toLowerCase() === value.toLowerCase());
    if (sameLetters !== undefined) return `only the case differs from "${sameLetters}"`;
  }
  for (const value of values) {
    const near = typeof value === 'string' && value.length >= NEAR_LENGTH_MIN ? nearest(value, texts) : undefined;
    if (near !== undefined) return `nearly "${near}"`;
  }
  return undefined;
}

function shortBy(value: unknown, bound: number): string | undefined {
  if (typeof value !== 'number') return undefined;
  const distance = Math.abs(bound - value);
  return distance === 0 ? 'it is just the bound' : `${Number(distance.toPrecision(6))} away from ${bound}`;
}
