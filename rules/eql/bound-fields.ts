// Fields of a comparison that is computed, each bound to a variable, and what the words of a value say of its type.
import { fieldNamed } from '../../event/catalogue.ts';
import { operand, type Written } from '../foreign/expression-writer.ts';
import type { Expression } from './syntax.ts';

export type ValueType = 'text' | 'number' | 'boolean' | 'any';

/** Fields of a comparison with the variables that stand for one value of each. */
export type Bound = Map<string, string>;

/** A test on bound fields: true where it holds of some value of each. */
export function onBound(bound: Bound, tests: readonly string[]): Written {
  const test = tests.join(' and ');
  const entries = [...bound].reverse();
  if (entries.length === 0) return operand(`(${test})`);
  const text = entries.reduce((inner, [path, variable], index) => {
    const from = index === entries.length - 1 ? path : `$$.${path}`;
    return `$exists(${from}[(${variable} := $; ${inner})])`;
  }, test);
  return operand(text);
}

/** What the catalogue says; of unknown fields nothing. */
export function typeOfField(name: string): ValueType {
  const type = fieldNamed(name)?.type;
  if (type === undefined || type === 'flattened') return 'any';
  return type === 'long' ? 'number' : type === 'boolean' ? 'boolean' : 'text';
}

export function isNonZero(expression: Expression): boolean {
  return expression.kind === 'literal' && expression.value !== 0;
}

/** Whether a value is a whole number wherever it is a number, as far as its words say: of two such a quotient is whole, too. */
export function isWhole(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return !expression.isDecimal;
    case 'negative':
      return isWhole(expression.of);
    case 'arithmetic':
      return isWhole(expression.left) && isWhole(expression.right);
    case 'call':
      return expression.name !== 'number' && expression.args.every((one) => one.kind === 'field' || isWhole(one));
    default:
      return true;
  }
}
