// What EQL computes of an event (functions, sums) as expressions of ours. A value that cannot be computed, because a field is missing or is of
// another type, is null there and makes a comparison neither true nor false; here each value says what must hold so that it is there. Fields with
// several values are looked at member by member.
import { fieldPath, literal } from '../foreign/expression-writer.ts';
import { type Bound, isNonZero, isWhole, typeOfField, type ValueType } from './bound-fields.ts';
import type { Expression, OneOfKind } from './syntax.ts';
import type { Writing } from './writing.ts';

/** An expression on variables, one for each field; it has a value where all of `needs` hold, which are asked in this order. */
export interface Value {
  readonly text: string;
  readonly type: ValueType;
  readonly needs: readonly string[];
}

interface Context {
  readonly bound: Bound;
  readonly writing: Writing;
}

/** Undefined where it cannot be said, which is told. */
export function computed(expression: Expression, expected: ValueType, context: Context): Value | undefined {
  const { at } = expression;
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      if (value === null) return { text: 'null', type: 'any', needs: ['false'] };
      const type = typeof value === 'string' ? 'text' : (typeof value as 'number' | 'boolean');
      return { text: literal(value), type, needs: [] };
    }
    case 'field':
      return fieldValue(expression, expected, context);
    case 'negative': {
      const of = computed(expression.of, 'number', context);
      return of === undefined ? undefined : { ...of, text: `(0 - ${of.text})` };
    }
    case 'arithmetic':
      return arithmetic(expression.operator, [expression.left, expression.right], context);
    case 'call':
      return callValue(expression, context);
    default:
      context.writing.refuse(at, 'a condition is no value', 'Compare it with nothing: write it alone, or with `not`.');
      return undefined;
  }
}

function fieldValue(
  { name, at }: OneOfKind<'field'>,
  expected: ValueType,
  { bound, writing }: Context,
): Value | undefined {
  const path = fieldPath(name);
  if (path === undefined) {
    writing.refuse(at, `\`${name}\` is no field of an event here`, 'Name a field of the events.');
    return undefined;
  }
  writing.fields.add(name);
  const variable = bound.get(path) ?? `$v${bound.size + 1}`;
  bound.set(path, variable);
  const type = expected === 'any' ? typeOfField(name) : expected;
  const needs =
    type === 'any'
      ? [`$type(${variable}) in ["string", "number", "boolean"]`]
      : [`$type(${variable}) = "${type === 'text' ? 'string' : type}"`];
  return { text: variable, type, needs };
}

type Arithmetic = OneOfKind<'arithmetic'>['operator'];

function arithmetic(operator: Arithmetic, [first, second]: readonly Expression[], context: Context): Value | undefined {
  const left = first === undefined ? undefined : computed(first, 'number', context);
  const right = second === undefined ? undefined : computed(second, 'number', context);
  if (left === undefined || right === undefined || first === undefined || second === undefined) return undefined;
  const needs = [...left.needs, ...right.needs];
  const plain = `(${left.text} ${operator} ${right.text})`;
  if (operator !== '/' && operator !== '%') return { text: plain, type: 'number', needs };
  const whole = isWhole(first) && isWhole(second);
  const text =
    operator === '%' || !whole
      ? plain
      : `($quotient := ${plain}; $quotient < 0 ? $ceil($quotient) : $floor($quotient))`;
  return { text, type: 'number', needs: isNonZero(second) ? needs : [...needs, `${right.text} != 0`] };
}

interface Signature {
  readonly least: number;
  readonly most: number;
  readonly mayFold: boolean;
  readonly write: (args: readonly Expression[], context: Context, isFolded: boolean) => Value | undefined;
}

const number = (operator: Arithmetic): Signature => ({
  least: 2,
  most: 2,
  mayFold: false,
  write: (args, context) => arithmetic(operator, args, context),
});

const FUNCTIONS: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ['add', number('+')],
  ['subtract', number('-')],
  ['multiply', number('*')],
  ['divide', number('/')],
  ['modulo', number('%')],
  [
    'length',
    {
      least: 1,
      most: 1,
      mayFold: false,
      write: ([of], context) => ofText(of, context, 'number', (text) => `$length(${text})`),
    },
  ],
  ['string', { least: 1, most: 1, mayFold: false, write: writeString }],
  ['number', { least: 1, most: 2, mayFold: false, write: writeNumber }],
  ['substring', { least: 2, most: 3, mayFold: false, write: writeSubstring }],
  ['between', { least: 3, most: 4, mayFold: true, write: writeBetween }],
  ['indexOf', { least: 2, most: 3, mayFold: true, write: writeIndexOf }],
  ['concat', { least: 1, most: 100, mayFold: false, write: writeConcat }],
]);

const VALUE_FUNCTIONS: readonly string[] = [...FUNCTIONS.keys()];

function callValue({ name, isFolded, args, at }: OneOfKind<'call'>, context: Context): Value | undefined {
  const known = [...FUNCTIONS].find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1];
  if (known === undefined) {
    const remedy = `There are ${VALUE_FUNCTIONS.join(', ')}, and those that are true or false.`;
    context.writing.refuse(at, `\`${name}\` is no function whose value is known here`, remedy);
    return undefined;
  }
  const { least, most, mayFold, write } = known;
  if (args.length < least || args.length > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    context.writing.refuse(at, `\`${name}\` has ${args.length} arguments`, `Give it ${wanted}.`);
    return undefined;
  }
  if (isFolded && !mayFold) {
    context.writing.refuse(at, `\`${name}\` has no form with \`~\``, 'Take the `~` out.');
    return undefined;
  }
  return write(args, context, isFolded);
}

function ofText(
  of: Expression | undefined,
  context: Context,
  type: ValueType,
  write: (text: string) => string,
): Value | undefined {
  const value = of === undefined ? undefined : computed(of, 'text', context);
  return value === undefined ? undefined : { text: write(value.text), type, needs: value.needs };
}

function writeString([of]: readonly Expression[], context: Context): Value | undefined {
  const value = of === undefined ? undefined : computed(of, 'any', context);
  return value === undefined ? undefined : { text: `$string(${value.text})`, type: 'text', needs: value.needs };
}

function writeNumber([of, base]: readonly Expression[], context: Context): Value | undefined {
  const digits = base === undefined ? undefined : constant(base, 'number', context, 'the base of `number`');
  if (base !== undefined && digits === undefined) return undefined;
  if (digits !== undefined && digits !== 10 && digits !== 16) {
    context.writing.refuse(base?.at ?? 0, 'numbers are read to the base 10 or 16 here', 'Write 10 or 16.');
    return undefined;
  }
  const value = of === undefined ? undefined : computed(of, 'text', context);
  if (value === undefined) return undefined;
  const { text } = value;
  const decimal = '^-?[0-9]+([.][0-9]+)?$';
  const form =
    digits === 16 ? '^(0x)?[0-9a-fA-F]{1,15}$' : digits === 10 ? decimal : `${decimal}|^0x[0-9a-fA-F]{1,15}$`;
  const read = digits === 16 ? `$number("0x" & $replace(${text}, /^0x/, ""))` : `$number(${text})`;
  return { text: read, type: 'number', needs: [...value.needs, `$contains(${text}, /${form}/)`] };
}

function writeSubstring([of, from, to]: readonly Expression[], context: Context): Value | undefined {
  const what = 'the positions of `substring`';
  const start = from === undefined ? undefined : constant(from, 'number', context, what);
  const end = to === undefined ? undefined : constant(to, 'number', context, what);
  if (start === undefined || (to !== undefined && end === undefined)) return undefined;
  const place = (at: number): string => (at < 0 ? `$max([0, $length($text) - ${-at}])` : String(at));
  const last = end === undefined ? '$length($text)' : place(end);
  return ofText(
    of,
    context,
    'text',
    (text) =>
      `($text := ${text}; $from := ${place(start)}; $to := ${last}; $to > $from ? $substring($text, $from, $to - $from) : "")`,
  );
}

function writeBetween(
  [of, left, right, greedy]: readonly Expression[],
  context: Context,
  isFolded: boolean,
): Value | undefined {
  const what = 'what `between` looks for';
  const [start, end] = [left, right].map((one) =>
    one === undefined ? undefined : constant(one, 'string', context, what),
  );
  const isGreedy = greedy === undefined ? false : constant(greedy, 'boolean', context, what);
  if (start === undefined || end === undefined || isGreedy === undefined) return undefined;
  if (start === '' || end === '') {
    context.writing.refuse(
      of?.at ?? 0,
      '`between` with an empty text cannot be said',
      'Use `startsWith` or `substring`.',
    );
    return undefined;
  }
  const fold = (text: string): string => (isFolded ? `$lowercase(${text})` : text);
  const [first, last] = (isFolded ? [start.toLowerCase(), end.toLowerCase()] : [start, end]).map((one) => literal(one));
  const found = isGreedy
    ? `$length($rest) - $length($split(${fold('$rest')}, ${last})[-1]) - ${end.length}`
    : `$length($substringBefore(${fold('$rest')}, ${last}))`;
  return ofText(
    of,
    context,
    'text',
    (text) =>
      `($text := ${text}; $rest := $contains(${fold('$text')}, ${first}) ? $substring($text, $length($substringBefore(${fold('$text')}, ${first})) + ${start.length}) : ""; ` +
      `$contains(${fold('$rest')}, ${last}) ? $substring($rest, 0, ${found}) : "")`,
  );
}

function writeIndexOf(
  [of, sought, from]: readonly Expression[],
  context: Context,
  isFolded: boolean,
): Value | undefined {
  const what = 'what `indexOf` looks for';
  const part = sought === undefined ? undefined : constant(sought, 'string', context, what);
  const start = from === undefined ? 0 : constant(from, 'number', context, what);
  if (part === undefined || start === undefined) return undefined;
  if (part === '' || start < 0) {
    context.writing.refuse(sought?.at ?? 0, 'this `indexOf` cannot be said', 'Look for a text, from 0 on.');
    return undefined;
  }
  const value = of === undefined ? undefined : computed(of, 'text', context);
  if (value === undefined) return undefined;
  const folded = isFolded ? `$lowercase(${value.text})` : value.text;
  const rest = start === 0 ? folded : `$substring(${folded}, ${start})`;
  const written = literal(isFolded ? part.toLowerCase() : part);
  return {
    text: `($length($substringBefore(${rest}, ${written})) + ${start})`,
    type: 'number',
    needs: [...value.needs, `$contains(${rest}, ${written})`],
  };
}

/** What is missing adds nothing to it. */
function writeConcat(args: readonly Expression[], context: Context): Value | undefined {
  const parts = args.map((one): Value | undefined => {
    if (one.kind === 'literal' && one.value === null) return { text: '""', type: 'text', needs: [] };
    const path = one.kind === 'field' ? fieldPath(one.name) : undefined;
    if (one.kind !== 'field' || path === undefined) {
      const value = computed(one, 'any', context);
      if (value === undefined || value.type === 'text') return value;
      return { ...value, text: `$string(${value.text})` };
    }
    context.writing.fields.add(one.name);
    const first = `$$.${path}[0]`;
    return { text: `($exists(${first}) and ${first} != null ? $string(${first}) : "")`, type: 'text', needs: [] };
  });
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  const text = `(${known.map((part) => part.text).join(' & ')})`;
  return { text, type: 'text', needs: known.flatMap(({ needs }) => needs) };
}

interface Constants {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
}

/** An argument that must be written out. */
function constant<T extends keyof Constants>(
  expression: Expression,
  type: T,
  { writing }: Context,
  what: string,
): Constants[T] | undefined {
  const value = expression.kind === 'literal' ? expression.value : undefined;
  if (typeof value === type && (typeof value !== 'number' || Number.isSafeInteger(value))) return value as Constants[T];
  writing.refuse(expression.at, `${what} must be written out`, `Write a ${type === 'string' ? 'text' : type} there.`);
  return undefined;
}
