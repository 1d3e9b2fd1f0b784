// Random conditions in EQL over a few fields, as trees and as texts, and random events that have to do with them.
import fc from 'fast-check';
import type { Expression } from '../../../rules/eql/syntax.ts';
import type { Flat } from './plain-eql.ts';

const TEXTS = ['a', 'b', 'ab', 'Ab', 'aB.b', 'x*', '7', '-3', '', 'a\\b', '"q"', 'é'];
const PATTERNS = [...TEXTS, '*', 'a*', '*B', '?b', 'a?*', '*.*', '\\*'];
const TEXT_FIELDS = ['process.name', 'user.name', 'custom.word'];

const text = fc.constantFrom(...TEXTS);
const number = fc.integer({ min: -3, max: 9 });
const literalOf = (value: string | number | boolean | null): Expression => ({
  kind: 'literal',
  at: 0,
  value,
  isDecimal: false,
});
const fieldOf = (name: string): Expression => ({ kind: 'field', at: 0, name });
const callOf = (name: string, args: readonly Expression[], isFolded = false): Expression => ({
  kind: 'call',
  at: 0,
  name,
  isFolded,
  args,
});
const textField = fc.constantFrom(...TEXT_FIELDS).map(fieldOf);
const anyTextField = fc.constantFrom(...TEXT_FIELDS, 'process.args').map(fieldOf);
const numberField = fc.constant(fieldOf('process.pid'));

const numberValue: fc.Arbitrary<Expression> = fc.oneof(
  textField.map((of) => callOf('length', [of])),
  textField.map((of) => callOf('number', [of])),
  fc
    .tuple(textField, fc.constantFrom('a', 'b', 'B'), fc.boolean())
    .map(([of, part, isFolded]) => callOf('indexOf', [of, literalOf(part)], isFolded)),
  fc.tuple(numberField, number, fc.constantFrom('+', '-', '*', '/', '%')).map(
    ([left, right, operator]): Expression => ({
      kind: 'arithmetic',
      at: 0,
      operator: operator as '+',
      left,
      right: literalOf(right),
    }),
  ),
  fc
    .tuple(number, fc.constantFrom('add', 'divide', 'modulo'))
    .map(([left, name]) => callOf(name, [literalOf(left), fieldOf('process.pid')])),
);

const textValue: fc.Arbitrary<Expression> = fc.oneof(
  fc.tuple(textField, fc.integer({ min: -3, max: 3 })).map(([of, at]) => callOf('substring', [of, literalOf(at)])),
  fc
    .tuple(textField, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }))
    .map(([of, from, to]) => callOf('substring', [of, literalOf(from), literalOf(to)])),
  fc
    .tuple(textField, fc.boolean(), fc.boolean())
    .map(([of, greedy, isFolded]) =>
      callOf('between', [of, literalOf('a'), literalOf('b'), literalOf(greedy)], isFolded),
    ),
  fc.tuple(textField, numberField).map(([of, pid]) => callOf('concat', [of, literalOf('-'), pid])),
  numberField.map((pid) => callOf('string', [pid])),
);

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.tuple(anyTextField, fc.constantFrom('==', '!='), fc.oneof(text, fc.constant(null))).map(compareOf),
  fc.tuple(numberField, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), number).map(compareOf),
  fc.tuple(textField, fc.constantFrom('<', '<=', '>', '>='), fc.constantFrom('a', 'ab', 'b')).map(compareOf),
  fc.tuple(numberValue, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), number).map(compareOf),
  fc
    .tuple(textValue, fc.constantFrom('==', '!='), fc.constantFrom('', 'a', 'b', 'ab', 'a-3', '-3', '7'))
    .map(compareOf),
  fc
    .tuple(
      fc.oneof(anyTextField, textValue),
      fc.constantFrom(':', 'like', 'like~', 'in', 'in~'),
      fc.array(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 3 }),
    )
    .map(
      ([left, operator, values]): Expression => ({
        kind: 'pattern',
        at: 0,
        operator: operator.startsWith('in') ? 'in' : 'like',
        isFolded: operator === ':' || operator.endsWith('~'),
        left,
        values: values.map(literalOf),
      }),
    ),
  fc
    .tuple(
      anyTextField,
      fc.constantFrom('startsWith', 'endsWith', 'stringContains'),
      fc.constantFrom('a', 'B', '.', '*'),
      fc.boolean(),
    )
    .map(([of, name, part, isFolded]) => callOf(name, [of, literalOf(part)], isFolded)),
  fc.boolean().map(literalOf),
);

function compareOf([left, operator, value]: readonly [Expression, string, string | number | null]): Expression {
  return { kind: 'compare', at: 0, operator: operator as '==', left, right: literalOf(value) };
}

export const conditions: fc.Arbitrary<Expression> = fc.letrec<{ readonly any: Expression }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('any').map((of): Expression => ({ kind: 'not', at: 0, of })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('any'), { minLength: 2, maxLength: 3 }))
      .map(([kind, of]): Expression => ({ kind, at: 0, of })),
  ),
})).any;

const missing = fc.constantFrom(undefined, null);

export const events: fc.Arbitrary<Flat> = fc.record({
  'process.name': fc.oneof(missing, text),
  'user.name': fc.oneof(missing, text),
  'custom.word': fc.oneof(missing, text),
  'process.args': fc.oneof(missing, fc.array(text, { maxLength: 3 })),
  'process.pid': fc.oneof(missing, number),
});

export function textOf(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? quoted(expression.value) : String(expression.value);
    case 'field':
      return expression.name.length % 2 === 0 ? expression.name : `?${expression.name}`;
    case 'call':
      return `${expression.name}${expression.isFolded ? '~' : ''}(${expression.args.map(textOf).join(', ')})`;
    case 'negative':
      return `-(${textOf(expression.of)})`;
    case 'arithmetic':
    case 'compare':
      return `${textOf(expression.left)} ${expression.operator} ${textOf(expression.right)}`;
    case 'pattern': {
      const word =
        expression.operator === 'like' && expression.isFolded
          ? ':'
          : expression.operator + (expression.isFolded ? '~' : '');
      return `${textOf(expression.left)} ${word} (${expression.values.map(textOf).join(', ')})`;
    }
    case 'not':
      return `not (${textOf(expression.of)})`;
    default:
      return expression.of.map((one) => `(${textOf(one)})`).join(` ${expression.kind} `);
  }
}

function quoted(value: string): string {
  return value.length % 2 === 0 && !value.includes('"') ? `"""${value}"""` : `"${value.replace(/[\\"]/g, '\\$&')}"`;
}
