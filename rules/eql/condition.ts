// A condition of EQL as one of ours. EQL knows true, false and null, which nothing matches and `not` leaves as it is; so of each condition
// stands here when it is true and when it is false. Elasticsearch turns tests of one field into its own queries, to which a missing field is like
// any other that does not match: `not process.name == "x"` holds where there is no name. Orders and what is computed are null there.
import { type ForeignField, foreignField, isOneOf, isThere, isWithin } from '../elastalert/field-conditions.ts';
import { allOf, anyOf, call, literal, not, operand, type Written } from '../foreign/expression-writer.ts';
import { type Bound, onBound, typeOfField, type ValueType } from './bound-fields.ts';
import { computed } from './computed-values.ts';
import { withOurEvents, withOurWords } from './elastic-words.ts';
import type { Comparison, EventQuery, Expression, OneOfKind } from './syntax.ts';
import { type How, onText } from './text-tests.ts';
import type { Writing } from './writing.ts';

/** When a condition is true, and when it is false: neither where it is null. */
interface Truth {
  readonly yes: Written;
  readonly no: Written;
}

const ALWAYS = allOf([]);
const NEVER = anyOf([]);
const NULL: Truth = { yes: NEVER, no: NEVER };

/** What an event query asks, its category included. */
export function writeEvent({ category, condition, at }: EventQuery, writing: Writing): Written {
  const { yes } = writeCondition(condition, writing);
  if (category === undefined) return yes;
  const field = foreignField(writing.part(at), 'event.category');
  const isOf = field === undefined ? undefined : isOneOf(writing.part(at), field, [category]);
  return allOf([isOf ?? NEVER, yes]);
}

function writeCondition(expression: Expression, writing: Writing): Truth {
  switch (expression.kind) {
    case 'and':
    case 'or': {
      const parts = expression.of.map((one) => writeCondition(one, writing));
      const [yes, no] = [parts.map((part) => part.yes), parts.map((part) => part.no)];
      return expression.kind === 'and' ? { yes: allOf(yes), no: anyOf(no) } : { yes: anyOf(yes), no: allOf(no) };
    }
    case 'not':
      return negated(writeCondition(expression.of, writing));
    case 'literal':
      if (typeof expression.value === 'boolean') return truth(expression.value ? ALWAYS : NEVER);
      if (expression.value === null) return NULL;
      return refused(writing, expression, 'a value by itself is no condition', 'Compare a field with it.');
    case 'field':
      if (!['boolean', 'any'].includes(typeOfField(expression.name))) {
        return refused(writing, expression, `\`${expression.name}\` is neither true nor false`, 'Compare it.');
      }
      return compareField(expression, '==', { ...expression, kind: 'literal', value: true, isDecimal: false }, writing);
    case 'compare':
      return writeComparison(expression, writing);
    case 'pattern':
      return writePatterns(expression, writing);
    case 'call':
      return writeTest(expression, writing);
    default:
      return refused(writing, expression, 'a number is no condition', 'Compare it with another.');
  }
}

function truth(yes: Written): Truth {
  return { yes, no: not(yes) };
}

function negated({ yes, no }: Truth): Truth {
  return { yes: no, no: yes };
}

function refused(writing: Writing, { at }: Expression, message: string, remedy: string): Truth {
  writing.refuse(at, message, remedy);
  return NULL;
}

const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};
const TURNED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const ORDERS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

function writeComparison({ operator, left, right, at }: OneOfKind<'compare'>, writing: Writing): Truth {
  if (left.kind === 'literal' && right.kind !== 'literal') {
    return writeComparison({ kind: 'compare', at, operator: TURNED[operator], left: right, right: left }, writing);
  }
  if (operator === '!=') return negated(writeComparison({ kind: 'compare', at, operator: '==', left, right }, writing));
  if (right.kind === 'literal' && right.value === null) return isNull(left, operator, writing);
  if (right.kind === 'literal' && typeof right.value === 'boolean' && isCondition(left)) {
    if (operator !== '==') return refused(writing, right, 'true and false have no order', 'Write `==`.');
    const is = writeCondition(left, writing);
    return right.value ? is : negated(is);
  }
  if (left.kind === 'field' && right.kind === 'literal') return compareField(left, operator, right, writing);
  return compareComputed(left, operator, right, writing);
}

function isCondition(expression: Expression): boolean {
  if (expression.kind === 'call') return TESTS.has(expression.name.toLowerCase());
  return ['and', 'or', 'not', 'compare', 'pattern'].includes(expression.kind);
}

function isNull(left: Expression, operator: Comparison, writing: Writing): Truth {
  if (operator !== '==') return NULL;
  if (left.kind === 'literal') return left.value === null ? truth(ALWAYS) : truth(NEVER);
  const field = left.kind === 'field' ? named(left, writing) : undefined;
  if (left.kind === 'field') return field === undefined ? NULL : negated(truth(isThere(field)));
  const bound: Bound = new Map();
  const value = computed(left, 'any', { bound, writing });
  if (value === undefined) return NULL;
  return negated(truth(onBound(bound, value.needs.length === 0 ? ['true'] : value.needs)));
}

function named({ name, at }: OneOfKind<'field'>, writing: Writing): ForeignField | undefined {
  const field = foreignField(writing.part(at), name);
  if (field !== undefined) writing.fields.add(field.name);
  return field;
}

function compareField(
  left: OneOfKind<'field'>,
  operator: Comparison,
  right: OneOfKind<'literal'>,
  writing: Writing,
): Truth {
  const field = named(left, writing);
  const { value } = right;
  if (field === undefined || value === null) return NULL;
  const part = writing.part(right.at);
  if (operator === '==') {
    if (field.kind === 'text') return truth(operand(`${field.path} = ${literal(value)}`));
    return truth(isOneOfTheirs(field, [value], right.at, writing));
  }
  if (operator === '!=') return negated(compareField(left, '==', right, writing));
  const within = (order: Comparison): Written => {
    const comparison = order === '==' || order === '!=' ? undefined : ORDERS[order];
    return comparison === undefined ? NEVER : (isWithin(part, field, [{ comparison, value }]) ?? NEVER);
  };
  return { yes: within(operator), no: within(OPPOSITE[operator]) };
}

/** One of these values, or what they mean here. */
export function isOneOfTheirs(
  field: ForeignField,
  values: readonly (string | number | boolean)[],
  at: number,
  writing: Writing,
): Written {
  const written = isOneOf(writing.part(at), field, withOurWords(field.name, values, at, writing)) ?? NEVER;
  return withOurEvents(field.name, values, at, written, writing);
}

/** The type that a comparison's side asks of the other. */
function typeAsked(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? 'text' : (typeof expression.value as 'number' | 'boolean');
    case 'field':
      return typeOfField(expression.name);
    case 'call':
      return ['add', 'subtract', 'multiply', 'divide', 'modulo', 'length', 'number', 'indexof'].includes(
        expression.name.toLowerCase(),
      )
        ? 'number'
        : 'text';
    default:
      return 'number';
  }
}

function compareComputed(left: Expression, operator: Comparison, right: Expression, writing: Writing): Truth {
  const bound: Bound = new Map();
  const one = computed(left, typeAsked(right), { bound, writing });
  const other = computed(right, typeAsked(left), { bound, writing });
  if (one === undefined || other === undefined) return NULL;
  if (one.type !== other.type && one.type !== 'any' && other.type !== 'any') {
    const remedy = 'Turn one into the other with `string` or `number`.';
    return refused(writing, left, `a ${one.type} is compared with a ${other.type}`, remedy);
  }
  const types =
    operator === '=='
      ? []
      : [`$type(${one.text}) = $type(${other.text})`, `$type(${one.text}) in ["string", "number"]`];
  const needs = [...one.needs, ...other.needs, ...(one.type === 'any' || other.type === 'any' ? types : [])];
  const test = (order: Comparison): Written =>
    onBound(bound, [...needs, `${one.text} ${order === '==' ? '=' : order} ${other.text}`]);
  return { yes: test(operator), no: test(OPPOSITE[operator]) };
}

function writePatterns({ operator, isFolded, left, values, at }: OneOfKind<'pattern'>, writing: Writing): Truth {
  const given = values.map((one) => (one.kind === 'literal' ? one.value : undefined));
  const odd = values[given.indexOf(undefined)];
  if (odd !== undefined) return refused(writing, odd, 'the values must be written out', 'Write texts or numbers.');
  const known = given.filter((value) => value !== undefined && value !== null);
  if (known.length === 0) return NULL;
  const texts = known.filter((value) => typeof value === 'string');
  const others = known.filter((value) => typeof value !== 'string');
  if (others.length > 0 && (operator === 'regex' || (operator === 'like' && !isFolded))) {
    return refused(writing, left, `\`${operator}\` compares texts`, 'Write the value in quotes, or `==`.');
  }
  if (operator === 'in' && !isFolded && left.kind === 'field') {
    const field = named(left, writing);
    if (field === undefined) return NULL;
    return truth(isOneOfTheirs(field, known, at, writing));
  }
  const numbers = others.map((value) =>
    writeComparison(
      { kind: 'compare', at, operator: '==', left, right: { kind: 'literal', at, value, isDecimal: false } },
      writing,
    ),
  );
  const how = operator === 'in' ? 'equal' : operator;
  const patterns = texts.length === 0 ? [] : [textTest(left, how, isFolded, texts, writing)];
  const all = [...patterns, ...numbers];
  return { yes: anyOf(all.map(({ yes }) => yes)), no: allOf(all.map(({ no }) => no)) };
}

/** One of the patterns on a text: a field's, each member of it, or one that is computed. */
function textTest(left: Expression, how: How, isFolded: boolean, given: readonly string[], writing: Writing): Truth {
  if (left.kind !== 'field') {
    const bound: Bound = new Map();
    const value = computed(left, 'text', { bound, writing });
    if (value === undefined) return NULL;
    const test = onText(value.text, how, isFolded, given, left.at, writing);
    const needs = value.type === 'text' ? value.needs : [...value.needs, `$type(${value.text}) = "string"`];
    return { yes: onBound(bound, [...needs, wrapped(test)]), no: onBound(bound, [...needs, not(test).text]) };
  }
  const field = named(left, writing);
  if (field === undefined) return NULL;
  const patterns = withOurWords(field.name, given, left.at, writing);
  const written = onText(field.path, how, isFolded, patterns, left.at, writing);
  const yes = withOurEvents(field.name, given, left.at, written, writing);
  // These two are scripts in Elasticsearch, which say nothing of what is missing.
  const isScript = isFolded && (how === 'end' || how === 'part');
  return isScript ? { yes, no: allOf([isThere(field), not(yes)]) } : truth(yes);
}

function wrapped({ text, binds }: Written): string {
  return binds === 'operand' ? text : `(${text})`;
}

const TESTS: ReadonlyMap<string, { readonly how: How | 'network'; readonly isFolded: boolean }> = new Map([
  ['startswith', { how: 'start', isFolded: false }],
  ['endswith', { how: 'end', isFolded: false }],
  ['stringcontains', { how: 'part', isFolded: false }],
  ['cidrmatch', { how: 'network', isFolded: false }],
  // Of older versions.
  ['wildcard', { how: 'like', isFolded: true }],
  ['match', { how: 'regex', isFolded: false }],
]);

function writeTest(expression: OneOfKind<'call'>, writing: Writing): Truth {
  const { name, args, isFolded, at } = expression;
  const known = TESTS.get(name.toLowerCase());
  if (known === undefined) {
    const remedy = `Functions that are true or false are ${[...TESTS.keys()].join(', ')}.`;
    return refused(writing, expression, `\`${name}\` is no condition that is known here`, remedy);
  }
  const [left, ...rest] = args;
  const values = rest.map((one) => (one.kind === 'literal' ? one.value : undefined));
  const most = ['start', 'end', 'part'].includes(known.how) ? 1 : Number.POSITIVE_INFINITY;
  if (left === undefined || rest.length === 0 || rest.length > most) {
    return refused(
      writing,
      expression,
      `\`${name}\` has ${args.length} arguments`,
      'Give it a field and what is looked for.',
    );
  }
  if (values.includes(null) || (left.kind === 'literal' && left.value === null)) return NULL;
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length < values.length) {
    return refused(writing, expression, `what \`${name}\` looks for must be written out`, 'Write it as a text.');
  }
  if (known.how !== 'network') return textTest(left, known.how, known.isFolded || isFolded, texts, writing);
  const field = left.kind === 'field' ? named(left, writing) : undefined;
  if (left.kind !== 'field') return refused(writing, left, `\`${name}\` is asked of a field`, 'Name the field.');
  const wrong = texts.find((network) => !/^[0-9A-Fa-f:.]+(?:\/[0-9]{1,3})?$/.test(network));
  if (wrong !== undefined) writing.refuse(at, `\`${wrong}\` is no network`, 'Write 10.0.0.0/8 or fe80::/10.');
  return field === undefined ? NULL : truth(call('cidr', field.path, ...texts.map(literal)));
}
