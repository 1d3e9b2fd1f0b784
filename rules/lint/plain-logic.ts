// How `and` and `or` bind, and operands of them that do not depend on the event.
import type { Expression } from '../expression/syntax.ts';
import type { Check, Finding } from './check.ts';

export const mixedLogic: Check = (expression) => {
  if (expression.kind !== 'logic' || expression.operator !== 'or') return undefined;
  const isMixed = expression.operands.some((operand) => operand.kind === 'logic' && operand.operator === 'and');
  if (!isMixed) return undefined;
  return {
    code: 'expression/mixed-logic',
    message: '`and` binds tighter than `or`',
    remedy: 'Put parentheses: (a and b) or c.',
  };
};

/** `process.name = "sh" or "bash"`: the second half is a text by itself, which counts as true. */
export const constantOperand: Check = (expression) => {
  const operands: readonly Expression[] =
    expression.kind === 'logic'
      ? expression.operands
      : expression.kind === 'condition'
        ? [expression.test]
        : expression.kind === 'call' && (expression.name === 'not' || expression.name === 'boolean')
          ? expression.args
          : [];
  return operands.flatMap((operand) => constantFinding(operand) ?? []);
};

function constantFinding(operand: Expression): Finding | undefined {
  const truth = constantTruth(operand);
  if (truth === undefined) return undefined;
  const value = operand.kind === 'literal' ? JSON.stringify(operand.value) : 'this';
  const remedy =
    operand.kind === 'literal' && typeof operand.value === 'string'
      ? `Write the comparison out: field = ${value}, or field in ["…", ${value}].`
      : 'Remove it, or what it makes unreachable.';
  const message = `${value} does not depend on the event: it is ${truth ? 'always true' : 'never true'}`;
  return { code: 'expression/constant', at: operand.at, message, remedy };
}

/** Whether an operand counts as true, where no event is needed to tell. */
function constantTruth(expression: Expression): boolean | undefined {
  if (expression.kind === 'literal') {
    const { value } = expression;
    return typeof value === 'string' ? value !== '' : value === null ? false : value !== 0 && value !== false;
  }
  if (expression.kind === 'list') return expression.values.length > 0;
  if (expression.kind === 'block' && expression.body.length === 1 && expression.body[0] !== undefined)
    return constantTruth(expression.body[0]);
  if (expression.kind !== 'compare' && expression.kind !== 'in') return undefined;
  const { left, right } = expression;
  if (left.kind !== 'literal' || right.kind !== 'literal') return undefined;
  if (expression.kind === 'in' || expression.operator === '=') return left.value === right.value;
  return expression.operator === '!=' ? left.value !== right.value : undefined;
}
