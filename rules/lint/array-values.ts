// Fields that are arrays, used as if they were one value: JSONata compares the whole of it, and most functions fail on it.
import { type Check, fieldOfPath, sides } from './check.ts';

export const arrayCompared: Check = (expression, prefix) => {
  if (expression.kind !== 'compare') return undefined;
  for (const { field, other } of sides(expression, prefix)) {
    if (!field.isArray || other.kind !== 'literal') continue;
    const value = JSON.stringify(other.value);
    const remedy = `Write ${value} in ${field.name}, or $is(${field.name}, ${value}).`;
    const message = `\`${field.name}\` is an array: \`${expression.operator}\` does not look inside`;
    return { code: 'expression/array-compared', message, remedy };
  }
  return undefined;
};

export const arrayInList: Check = (expression, prefix) => {
  if (expression.kind !== 'in') return undefined;
  const field = fieldOfPath(expression.left, prefix);
  if (field?.isArray !== true) return undefined;
  const remedy = `Write $is(${field.name}, …), or ${field.name}[$ in …].`;
  const message = `\`${field.name}\` is an array: \`in\` looks for the whole of it`;
  return { code: 'expression/array-in', message, remedy };
};

const TEXT_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['contains', 'lowercase', 'uppercase', 'length', 'substringBefore', 'substringAfter', 'number'],
  ...['substring', 'trim', 'pad', 'split', 'match', 'replace', 'base64encode', 'base64decode'],
]);

export const arrayAsText: Check = (expression, prefix) => {
  if (expression.kind !== 'call' || !TEXT_FUNCTIONS.has(expression.name)) return undefined;
  const field = fieldOfPath(expression.args[0], prefix);
  if (field === undefined) return undefined;
  if (field.isArray) {
    const remedy =
      expression.name === 'contains'
        ? `Write $matches(${field.name}, /…/), which looks at every member, or use process.command_line.`
        : `Write ${field.name}.$${expression.name}($).`;
    const message = `\`${field.name}\` is an array: $${expression.name} fails on it (T0410)`;
    return { code: 'expression/array-as-text', message, remedy };
  }
  if (field.type !== 'long' || expression.name === 'number') return undefined;
  const remedy = `Compare the number, or write $string(${field.name}).`;
  const message = `\`${field.name}\` is a number: $${expression.name} fails on it (T0410)`;
  return { code: 'expression/array-as-text', message, remedy };
};
