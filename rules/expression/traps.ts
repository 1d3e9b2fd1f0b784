// What JSONata allows and seldom means what its author thinks: one small check per trap, each with the remedy. A check sees one
// expression and the field that its context stands for; the catalogue tells what a field holds.
import { FIELDS, type Field, fieldNamed } from '../../event/catalogue.ts';
import { nearest } from '../../event/nearest-name.ts';
import { type Expression, type ExpressionProblem, partsOf } from './syntax.ts';

/** The traps of an expression, in the order of its text. */
export function findTraps(expression: Expression): readonly ExpressionProblem[] {
  const problems: ExpressionProblem[] = [];
  visit(expression, '', problems);
  return problems.toSorted((a, b) => a.at - b.at);
}

/** A warning about a field that no document of Vedette's has, or undefined. */
export function unknownField(name: string): { readonly message: string; readonly remedy: string } | undefined {
  if (fieldNamed(name) !== undefined || FIELDS.some((field) => field.name.startsWith(`${name}.`))) return undefined;
  const guess = nearest(name, FIELD_NAMES);
  const remedy =
    guess === undefined
      ? 'Vedette’s own collector does not write it; leave it if another shipper does.'
      : `Did you mean \`${guess}\`? Leave it if another shipper writes it.`;
  return { message: `the field \`${name}\` is not in the catalogue`, remedy };
}

const FIELD_NAMES: readonly string[] = FIELDS.map((field) => field.name);

/** `prefix`: the field that `$` stands for, with a final dot; undefined where it is not known. */
type Prefix = string | undefined;
type Check = (expression: Expression, prefix: Prefix) => Omit<ExpressionProblem, 'at'> | undefined;

const CHECKS: readonly Check[] = [
  arrayCompared,
  arrayInList,
  arrayAsText,
  wrongType,
  inText,
  notOfMissing,
  missingUnequal,
  mixedLogic,
  upperCaseConstant,
];

function visit(expression: Expression, prefix: Prefix, problems: ExpressionProblem[]): void {
  for (const check of CHECKS) {
    const problem = check(expression, prefix);
    if (problem !== undefined) problems.push({ ...problem, at: expression.at });
  }
  if (expression.kind === 'path') visitPath(expression, prefix, problems);
  else for (const part of partsOf(expression)) visit(part, prefix, problems);
}

function visitPath(path: Expression & { readonly kind: 'path' }, prefix: Prefix, problems: ExpressionProblem[]): void {
  let inside: Prefix = prefix;
  for (const step of path.steps) {
    if (step.of.kind === 'name') inside = inside === undefined ? undefined : `${inside}${step.of.name}.`;
    else if (step.of.kind === 'root') inside = '';
    else if (step.of.kind !== 'context') {
      visit(step.of, inside, problems);
      inside = undefined;
    }
    for (const filter of step.filters) visit(filter, inside, problems);
  }
  const name = inside?.slice(0, -1) ?? '';
  const unknown = name === '' ? undefined : unknownField(name);
  if (unknown !== undefined) problems.push({ code: 'expression/unknown-field', at: path.at, ...unknown });
}

/** The catalogue's entry for what an expression reads, where that is plain to see. */
function fieldOfPath(expression: Expression | undefined, prefix: Prefix): Field | undefined {
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
function sides(
  expression: Expression & { readonly left: Expression; readonly right: Expression },
  prefix: Prefix,
): readonly { readonly field: Field; readonly other: Expression }[] {
  return [
    { field: fieldOfPath(expression.left, prefix), other: expression.right },
    { field: fieldOfPath(expression.right, prefix), other: expression.left },
  ].filter((side): side is { field: Field; other: Expression } => side.field !== undefined);
}

function arrayCompared(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'compare') return undefined;
  for (const { field, other } of sides(expression, prefix)) {
    if (!field.isArray || other.kind !== 'literal') continue;
    const value = JSON.stringify(other.value);
    const remedy = `Write ${value} in ${field.name}, or $is(${field.name}, ${value}).`;
    return {
      code: 'expression/array-compared',
      message: `\`${field.name}\` is an array: \`${expression.operator}\` does not look inside`,
      remedy,
    };
  }
  return undefined;
}

function arrayInList(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'in') return undefined;
  const field = fieldOfPath(expression.left, prefix);
  if (field?.isArray !== true) return undefined;
  const remedy = `Write $is(${field.name}, …), or ${field.name}[$ in …].`;
  return {
    code: 'expression/array-in',
    message: `\`${field.name}\` is an array: \`in\` looks for the whole of it`,
    remedy,
  };
}

const TEXT_FUNCTIONS: ReadonlySet<string> = new Set([
  'contains',
  'lowercase',
  'uppercase',
  'length',
  'substringBefore',
  'substringAfter',
  'number',
]);

function arrayAsText(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'call' || !TEXT_FUNCTIONS.has(expression.name)) return undefined;
  const field = fieldOfPath(expression.args[0], prefix);
  if (field === undefined) return undefined;
  if (field.isArray) {
    const remedy =
      expression.name === 'contains'
        ? `Write $matches(${field.name}, /…/), which looks at every member, or use process.command_line.`
        : `Write ${field.name}.$${expression.name}($).`;
    return {
      code: 'expression/array-as-text',
      message: `\`${field.name}\` is an array: $${expression.name} fails on it (T0410)`,
      remedy,
    };
  }
  if (field.type !== 'long' || expression.name === 'number') return undefined;
  const remedy = `Compare the number, or write $string(${field.name}).`;
  return {
    code: 'expression/array-as-text',
    message: `\`${field.name}\` is a number: $${expression.name} fails on it (T0410)`,
    remedy,
  };
}

function wrongType(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'compare' && expression.kind !== 'in') return undefined;
  for (const { field, other } of sides(expression, prefix)) {
    const values =
      other.kind === 'literal' ? [other] : other.kind === 'array' && expression.kind === 'in' ? other.items : [];
    for (const value of values) {
      if (value.kind !== 'literal') continue;
      const isText = field.type === 'keyword' || field.type === 'text' || field.type === 'ip' || field.type === 'date';
      if (isText && typeof value.value === 'number') {
        const remedy = `Write "${value.value}" with quotes; for order, $number(${field.name}).`;
        return {
          code: 'expression/wrong-type',
          message: `\`${field.name}\` is text, ${value.value} a number: they are never equal`,
          remedy,
        };
      }
      if (field.type === 'long' && typeof value.value === 'string') {
        const remedy = 'Write the number without quotes.';
        return {
          code: 'expression/wrong-type',
          message: `\`${field.name}\` is a number, "${value.value}" text: they are never equal`,
          remedy,
        };
      }
    }
  }
  return undefined;
}

function inText(expression: Expression): ReturnType<Check> {
  if (expression.kind !== 'in' || expression.right.kind !== 'literal') return undefined;
  return {
    code: 'expression/in-text',
    message: '`in` with one text is equality, no search within it',
    remedy: 'Write `=`, $contains(field, "…"), or an array: in ["a", "b"].',
  };
}

function notOfMissing(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'call' || expression.name !== 'not') return undefined;
  const field = fieldOfPath(expression.args[0], prefix);
  if (field === undefined || field.type === 'boolean') return undefined;
  const remedy = `Write $not($exists(${field.name})), or $not($has(${field.name})).`;
  return {
    code: 'expression/not-missing',
    message: `$not(${field.name}) is not true when the field is missing`,
    remedy,
  };
}

/** Fields that every event has, so that `!=` on them means what it says. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  'event.kind',
  'event.action',
  'event.module',
  'event.dataset',
  'event.outcome',
  'host.id',
  'host.name',
]);

function missingUnequal(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'compare' || expression.operator !== '!=') return undefined;
  const side = sides(expression, prefix).find(({ other }) => other.kind === 'literal');
  if (side === undefined || ALWAYS_THERE.has(side.field.name)) return undefined;
  const remedy = `Write $not(${side.field.name} = …) if a missing field shall count too.`;
  return {
    code: 'expression/missing-unequal',
    message: `\`!=\` is false when \`${side.field.name}\` is missing`,
    remedy,
  };
}

function mixedLogic(expression: Expression): ReturnType<Check> {
  if (expression.kind !== 'logic' || expression.operator !== 'or') return undefined;
  const isMixed = [expression.left, expression.right].some((side) => side.kind === 'logic' && side.operator === 'and');
  if (!isMixed) return undefined;
  return {
    code: 'expression/mixed-logic',
    message: '`and` binds tighter than `or`',
    remedy: 'Put parentheses: (a and b) or c.',
  };
}

function upperCaseConstant(expression: Expression, prefix: Prefix): ReturnType<Check> {
  if (expression.kind !== 'compare' && expression.kind !== 'in') return undefined;
  for (const { field, other } of sides(expression, prefix)) {
    const isLowerCase = /^event\.(kind|category|type|action|outcome|module|dataset)$/.test(field.name);
    if (!isLowerCase || other.kind !== 'literal' || typeof other.value !== 'string') continue;
    if (other.value === other.value.toLowerCase()) continue;
    const remedy = `Write "${other.value.toLowerCase()}".`;
    return {
      code: 'expression/case',
      message: `\`${field.name}\` is written in lower case, and comparison minds the case`,
      remedy,
    };
  }
  return undefined;
}
