// What a missing field does: it makes most expressions neither true nor false, and `$not` of them too.
import { type Check, fieldOfPath, sides } from './check.ts';

export const notOfMissing: Check = (expression, prefix) => {
  if (expression.kind !== 'call' || expression.name !== 'not') return undefined;
  const field = fieldOfPath(expression.args[0], prefix);
  if (field === undefined || field.type === 'boolean') return undefined;
  const remedy = `Write $not($exists(${field.name})), or $not($has(${field.name})).`;
  const message = `$not(${field.name}) is not true when the field is missing`;
  return { code: 'expression/not-missing', message, remedy };
};

/** Functions of JSONata that are undefined of a missing field, so that `$not` of them is undefined too. */
const UNDEFINED_OF_MISSING: ReadonlySet<string> = new Set(['contains']);

/** `$not($contains(field, …))` does not hold where the field is missing. */
export const notOfUndefined: Check = (expression, prefix) => {
  if (expression.kind !== 'call' || expression.name !== 'not') return undefined;
  const [inner] = expression.args;
  if (inner?.kind !== 'call' || !UNDEFINED_OF_MISSING.has(inner.name)) return undefined;
  const field = fieldOfPath(inner.args[0], prefix);
  if (field === undefined || ALWAYS_THERE.has(field.name)) return undefined;
  const remedy = `Write $not($matches(${field.name}, /…/)): $matches is false where the field is missing.`;
  const message = `$not($${inner.name}(…)) is not true when \`${field.name}\` is missing`;
  return { code: 'expression/not-missing', message, remedy };
};

/** Fields that every event has, so that `!=` on them means what it says. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  ...['event.kind', 'event.action', 'event.module', 'event.dataset', 'event.outcome', 'host.id', 'host.name'],
]);

export const missingUnequal: Check = (expression, prefix) => {
  if (expression.kind !== 'compare' || expression.operator !== '!=') return undefined;
  const side = sides(expression, prefix).find(({ other }) => other.kind === 'literal');
  if (side === undefined || ALWAYS_THERE.has(side.field.name)) return undefined;
  const remedy = `Write $not(${side.field.name} = …) if a missing field shall count too.`;
  const message = `\`!=\` is false when \`${side.field.name}\` is missing`;
  return { code: 'expression/missing-unequal', message, remedy };
};
