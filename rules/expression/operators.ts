// The operators of JSONata, with its errors: T2001/T2002 and D1002 for numbers, T2009/T2010 for comparisons. A missing side is
// never an error: comparisons of it are false or undefined, as the official engine has it.
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, spend, spendOnLength } from './evaluation.ts';
import type { ArithmeticOperator, CompareOperator, Expression } from './syntax.ts';
import { asSequence, isDeepEqual, isNumeric, kindOf, stringOf, truthOf } from './value.ts';

export function compileCompare(operator: CompareOperator, left: Evaluate, right: Evaluate): Evaluate {
  if (operator === '=' || operator === '!=') {
    const isWanted = operator === '=';
    return (input, evaluation) => {
      const a = left(input, evaluation);
      const b = right(input, evaluation);
      if (a === undefined || b === undefined) return false;
      return isDeepEqual(a, b, evaluation) === isWanted;
    };
  }
  const order = ORDERS[operator];
  return (input, evaluation) => {
    const a = left(input, evaluation);
    const b = right(input, evaluation);
    if (!isComparable(a) || !isComparable(b)) {
      throw new ExpressionError('T2010', `T2010: \`${operator}\` compares ${kindOf(a)} with ${kindOf(b)}`);
    }
    if (a === undefined || b === undefined) return undefined;
    if (typeof a !== typeof b) {
      throw new ExpressionError('T2009', `T2009: \`${operator}\` compares ${kindOf(a)} with ${kindOf(b)}`);
    }
    return order(a, b);
  };
}

type Comparable = string | number;

const ORDERS = {
  '<': (a: Comparable, b: Comparable): boolean => a < b,
  '<=': (a: Comparable, b: Comparable): boolean => a <= b,
  '>': (a: Comparable, b: Comparable): boolean => a > b,
  '>=': (a: Comparable, b: Comparable): boolean => a >= b,
} as const;

function isComparable(value: unknown): value is Comparable | undefined {
  return value === undefined || typeof value === 'string' || typeof value === 'number';
}

/** `in`: identity with a member. What is written out or a list is looked up in a set. */
export function compileIn(
  expression: Expression & { readonly kind: 'in' },
  compile: (of: Expression) => Evaluate,
): Evaluate {
  const left = compile(expression.left);
  const constants = constantMembers(expression.right);
  if (constants !== undefined) {
    return (input, evaluation) => {
      const value = left(input, evaluation);
      return value !== undefined && !Number.isNaN(value) && constants.has(value);
    };
  }
  const right = compile(expression.right);
  return (input, evaluation) => {
    const value = left(input, evaluation);
    const members = right(input, evaluation);
    if (value === undefined || members === undefined) return false;
    if (!Array.isArray(members)) return members === value;
    spend(evaluation, 1 + members.length);
    return members.some((member) => member === value);
  };
}

function constantMembers(expression: Expression): ReadonlySet<unknown> | undefined {
  if (expression.kind === 'list') return new Set<unknown>(expression.values);
  if (expression.kind !== 'array' || !expression.items.every((item) => item.kind === 'literal')) return undefined;
  return new Set<unknown>(expression.items.map((item) => (item as Expression & { kind: 'literal' }).value));
}

export function compileArithmetic(operator: ArithmeticOperator, left: Evaluate, right: Evaluate): Evaluate {
  const calculate = CALCULATIONS[operator];
  return (input, evaluation) => {
    const a = left(input, evaluation);
    const b = right(input, evaluation);
    if (a !== undefined && !isNumeric(a)) {
      throw new ExpressionError('T2001', `T2001: the left side of \`${operator}\` is ${kindOf(a)}`);
    }
    if (b !== undefined && !isNumeric(b)) {
      throw new ExpressionError('T2002', `T2002: the right side of \`${operator}\` is ${kindOf(b)}`);
    }
    return a === undefined || b === undefined ? undefined : calculate(a, b);
  };
}

const CALCULATIONS = {
  '+': (a: number, b: number): number => a + b,
  '-': (a: number, b: number): number => a - b,
  '*': (a: number, b: number): number => a * b,
  '/': (a: number, b: number): number => a / b,
  '%': (a: number, b: number): number => a % b,
} as const satisfies Record<ArithmeticOperator, (a: number, b: number) => number>;

/** From left to right, each operand evaluated before what stands left of it becomes text: errors come in the official order. */
export function compileConcatenation(operands: readonly Evaluate[]): Evaluate {
  const [first, ...others] = operands;
  return (input, evaluation) => {
    let before = first?.(input, evaluation);
    for (const operand of others) {
      const behind = operand(input, evaluation);
      const left = stringOf(before, evaluation) ?? '';
      const right = stringOf(behind, evaluation) ?? '';
      spendOnLength(evaluation, left.length + right.length);
      before = left + right;
    }
    return before;
  };
}

export function compileNegation(of: Evaluate): Evaluate {
  return (input, evaluation) => {
    const value = of(input, evaluation);
    if (value === undefined) return undefined;
    if (isNumeric(value)) return -value;
    throw new ExpressionError('D1002', `D1002: cannot negate ${kindOf(value)}`);
  };
}

/** The most members of a range, as the official engine has it; fuel usually ends sooner. */
const RANGE_LENGTH_MAX = 10_000_000;
/** A member of a range, which is made of nothing, is dearer than one that is there. */
const FUEL_PER_MEMBER = 4;

export function compileRange(left: Evaluate, right: Evaluate): Evaluate {
  return (input, evaluation) => {
    const from = left(input, evaluation);
    const to = right(input, evaluation);
    if (from !== undefined && !Number.isInteger(from)) {
      throw new ExpressionError('T2003', `T2003: the left side of \`..\` is ${kindOf(from)}, no whole number`);
    }
    if (to !== undefined && !Number.isInteger(to)) {
      throw new ExpressionError('T2004', `T2004: the right side of \`..\` is ${kindOf(to)}, no whole number`);
    }
    if (typeof from !== 'number' || typeof to !== 'number' || from > to) return undefined;
    const length = to - from + 1;
    if (length > RANGE_LENGTH_MAX) throw new ExpressionError('D2014', `D2014: a range of ${length} members`);
    spend(evaluation, length * FUEL_PER_MEMBER);
    const members: unknown[] = [];
    for (let member = from; member <= to; member += 1) members.push(member);
    return asSequence(members);
  };
}

export function compileLogic(operator: 'and' | 'or', operands: readonly Evaluate[]): Evaluate {
  const isOr = operator === 'or';
  const isTrue = (operand: Evaluate, input: unknown, evaluation: Evaluation): boolean =>
    truthOf(operand(input, evaluation), evaluation) === true;
  const [left, right] = operands;
  if (left !== undefined && right !== undefined && operands.length === 2) {
    if (isOr) return (input, evaluation) => isTrue(left, input, evaluation) || isTrue(right, input, evaluation);
    return (input, evaluation) => isTrue(left, input, evaluation) && isTrue(right, input, evaluation);
  }
  return (input, evaluation) => {
    for (const operand of operands) if (isTrue(operand, input, evaluation) === isOr) return isOr;
    return !isOr;
  };
}
