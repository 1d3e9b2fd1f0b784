// Values of types that never meet: a number and a text, one value and an array of them.
import { type Check, fieldOfPath, isTextField, sides, writtenValues } from './check.ts';

export const wrongType: Check = (expression, prefix) => {
  if (expression.kind !== 'compare' && expression.kind !== 'in') return undefined;
  for (const { field, other } of sides(expression, prefix)) {
    const isOneValue = other.kind === 'literal';
    const values = isOneValue || expression.kind === 'in' ? (writtenValues(other) ?? []) : [];
    const isOrdered = expression.kind === 'compare' && !['=', '!='].includes(expression.operator);
    const happens = isOrdered ? 'that is an error (T2009), so never a match' : 'they are never equal';
    for (const value of values) {
      if (isTextField(field) && typeof value === 'number') {
        const remedy = `Write "${value}" with quotes; for order, $number(${field.name}).`;
        return {
          code: 'expression/wrong-type',
          message: `\`${field.name}\` is text, ${value} a number: ${happens}`,
          remedy,
        };
      }
      if (field.type === 'long' && typeof value === 'string') {
        const message = `\`${field.name}\` is a number, "${value}" text: ${happens}`;
        return { code: 'expression/wrong-type', message, remedy: 'Write the number without quotes.' };
      }
      if (field.type === 'boolean' && typeof value === 'string') {
        const message = `\`${field.name}\` is true or false, "${value}" text: ${happens}`;
        return { code: 'expression/wrong-type', message, remedy: 'Write true or false without quotes.' };
      }
    }
  }
  return undefined;
};

export const comparedWithArray: Check = (expression, prefix) => {
  if (expression.kind !== 'compare' || (expression.operator !== '=' && expression.operator !== '!=')) return undefined;
  for (const [of, other] of [
    [expression.left, expression.right],
    [expression.right, expression.left],
  ] as const) {
    if (other.kind !== 'list' && other.kind !== 'array') continue;
    const field = fieldOfPath(of, prefix);
    if (field === undefined) continue;
    const what = other.kind === 'list' ? `$${other.name}` : 'an array';
    const remedy = field.isArray ? `Write $is(${field.name}, …).` : `Write ${field.name} in ….`;
    const message = `\`${expression.operator}\` compares \`${field.name}\` with the whole of ${what}`;
    return { code: 'expression/compared-with-array', message, remedy };
  }
  return undefined;
};

/** `process.pid in 42`, `process.name in "bash"`. */
export const inOneValue: Check = (expression) => {
  if (expression.kind !== 'in' || expression.right.kind !== 'literal') return undefined;
  return {
    code: 'expression/in-text',
    message: '`in` with one text is equality, no search within it',
    remedy: 'Write `=`, $contains(field, "…"), or an array: in ["a", "b"].',
  };
};
