// An event of which expressions may be true, made by walking through them: what they compare fields with becomes the fields' values. Only
// what is plainly asked is understood; what is not makes no value, so that it is a proposal: whoever takes it asks the expressions.
import type { Expression } from '../expression/syntax.ts';
import type { Scalar } from '../necessary.ts';
import type { PlainValue } from './foreign-rule.ts';
import { regexExample } from './regex-example.ts';
import { valueFor, type Wish } from './wished-values.ts';

/** Fields by their dotted names. */
export type FlatEvent = Readonly<Record<string, PlainValue>>;

/** `way`: which of several alternatives is taken. Undefined where nothing can be made up. */
export function wishedEvent(expressions: readonly Expression[], way: number): FlatEvent | undefined {
  const asked: Asked = { way, wishes: new Map(), bound: new Map(), unwanted: [] };
  for (const expression of expressions) want(expression, '', asked);
  const values: [string, PlainValue][] = [];
  for (const [field, wishes] of asked.wishes) {
    const value = valueFor(field, wishes, way);
    if (value === undefined) return undefined;
    values.push([field, value]);
  }
  return Object.fromEntries(values);
}

/** Values that a field must not have, as far as a `$not` names them: each by its field. */
export function unwantedValues(
  expressions: readonly Expression[],
  way: number,
): readonly (readonly [string, PlainValue])[] {
  const asked: Asked = { way, wishes: new Map(), bound: new Map(), unwanted: [] };
  for (const expression of expressions) want(expression, '', asked);
  return asked.unwanted.flatMap((wishes) =>
    [...wishes].flatMap(([field, all]) => {
      const value = valueFor(field, all, way);
      return value === undefined ? [] : [[field, value] as const];
    }),
  );
}

interface Asked {
  readonly way: number;
  /** What would make each `$not` false. */
  readonly unwanted: Map<string, Wish[]>[];
  readonly wishes: Map<string, Wish[]>;
  /** Fields that variables stand for. */
  readonly bound: Map<string, string>;
}

/** What an expression reads, and what it makes of it. */
interface Place {
  readonly field: string;
  readonly as: 'itself' | 'name' | 'length' | 'type' | 'time' | 'count';
}

function wish(asked: Asked, field: string, one: Wish): void {
  if (field === '') return;
  const wishes = asked.wishes.get(field) ?? [];
  asked.wishes.set(field, wishes);
  wishes.push(one);
}

/** What makes it true; what is left out by a `$not` stays away, which mostly does. */
function want(expression: Expression, context: string, asked: Asked): void {
  switch (expression.kind) {
    case 'macro':
      want(expression.of, context, asked);
      break;
    case 'block':
      for (const part of expression.body) {
        const place = part.kind === 'bind' ? placeOf(part.value, context, asked) : undefined;
        if (part.kind === 'bind' && place !== undefined) asked.bound.set(part.name, place.field);
        else want(part, context, asked);
      }
      break;
    case 'logic': {
      const { operator, operands } = expression;
      const taken = operator === 'and' ? operands : operands.slice(asked.way % operands.length).slice(0, 1);
      for (const operand of taken) want(operand, context, asked);
      break;
    }
    case 'condition':
      want(expression.test, context, asked);
      want(expression.then, context, asked);
      break;
    case 'compare':
      wantOrder(expression, context, asked);
      break;
    case 'in':
      wantMember(expression, context, asked);
      break;
    case 'call':
      wantCall(expression, context, asked);
      break;
    default: {
      const place = placeOf(expression, context, asked);
      if (place !== undefined) wish(asked, place.field, { kind: 'there' });
    }
  }
}

type Of<Kind extends Expression['kind']> = Extract<Expression, { readonly kind: Kind }>;

const TURNED = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

function wantOrder({ operator, left, right }: Of<'compare'>, context: string, asked: Asked): void {
  const [leftValues, rightValues] = [constantsOf(left), constantsOf(right)];
  const turned = leftValues !== undefined;
  const place = placeOf(turned ? right : left, context, asked);
  const value = (leftValues ?? rightValues)?.[0];
  const sign = turned ? TURNED[operator] : operator;
  if (value === undefined) {
    const other = placeOf(right, context, asked);
    if (place === undefined || other === undefined) return;
    const name = `the-same-as-${place.field}`;
    for (const { field } of [place, other])
      wish(asked, field, operator === '=' ? { kind: 'same', name } : { kind: 'there' });
    return;
  }
  if (place === undefined) return;
  const { field, as } = place;
  if (as === 'count') wish(asked, field, { kind: 'there' });
  else if (as === 'type') {
    if (sign === '=') wish(asked, field, { kind: 'type', type: String(value) });
  } else if (as === 'length') {
    wish(asked, field, { kind: 'length', length: Number(value) + (sign === '>' ? 1 : 0) });
  } else if (sign === '=' && as === 'itself') wish(asked, field, { kind: 'value', value });
  else if (sign === '=' && as === 'name') wish(asked, field, { kind: 'value', value: `/usr/bin/${String(value)}` });
  else if (as === 'time') {
    const ms = Number(value) + (sign === '>' ? 1_000 : sign === '<' ? -1_000 : 0);
    if (Math.abs(ms) < 8e15) wish(asked, field, { kind: 'value', value: new Date(ms).toISOString() });
  } else if (sign === '!=' || sign === '=' || typeof value === 'boolean' || value === null)
    wish(asked, field, { kind: 'there' });
  else wish(asked, field, { kind: 'bound', operator: sign, value });
}

function wantMember({ left, right }: Of<'in'>, context: string, asked: Asked): void {
  const [leftValues, rightValues] = [constantsOf(left), constantsOf(right)];
  const values = rightValues ?? leftValues ?? [];
  const place = placeOf(rightValues === undefined ? right : left, context, asked);
  if (place === undefined || values.length === 0) return;
  const value = values[asked.way % values.length] ?? null;
  wish(asked, place.field, { kind: 'value', value: place.as === 'name' ? `/usr/bin/${String(value)}` : value });
}

function wantCall({ name, args }: Of<'call'>, context: string, asked: Asked): void {
  const [first, ...rest] = args;
  if (first === undefined) return;
  if (name === 'not') {
    const wishes: Asked['wishes'] = new Map();
    want(first, context, { ...asked, wishes });
    asked.unwanted.push(wishes);
    return;
  }
  if (name === 'boolean') {
    want(first, context, asked);
    return;
  }
  const place = placeOf(first, context, asked);
  if (place === undefined) return;
  const { field } = place;
  const wanted = rest[asked.way % Math.max(1, rest.length)];
  const values = wanted === undefined ? undefined : constantsOf(wanted);
  const value = values?.[asked.way % Math.max(1, values.length)];
  if (name === 'descends_from') {
    const parent = field === '' ? 'parent.name' : `${field}.parent.name`;
    if (value !== undefined) wish(asked, parent, { kind: 'value', value });
  } else if (wanted?.kind === 'regex') wishRegex(asked, field, wanted.source);
  else if (value === undefined) wish(asked, field, { kind: 'there' });
  else wishText(asked, field, name, String(value));
}

function wishText(asked: Asked, field: string, name: string, value: string): void {
  switch (name) {
    case 'is':
      wish(asked, field, { kind: 'value', value });
      break;
    case 'cidr':
      wish(asked, field, { kind: 'value', value: value.replace(/\/.*$/, '') });
      break;
    case 'glob':
    case 'like': {
      const text = value.replace(
        /\\([\s\S])|[*?]/g,
        (sign, escaped: string | undefined) => escaped ?? (sign === '?' ? 'x' : ''),
      );
      wish(asked, field, { kind: 'text', text, isStart: !value.startsWith('*'), isEnd: !/(?:^|[^\\])\*$/.test(value) });
      break;
    }
    case 'matches':
      wishRegex(asked, field, value);
      break;
    case 'startswith':
    case 'endswith':
    case 'contains':
      wish(asked, field, { kind: 'text', text: value, isStart: name === 'startswith', isEnd: name === 'endswith' });
      break;
    default:
      wish(asked, field, { kind: 'there' });
  }
}

function wishRegex(asked: Asked, field: string, source: string): void {
  const example = regexExample(source, asked.way);
  wish(asked, field, example === undefined ? { kind: 'there' } : { kind: 'text', ...example });
}

const AS: Readonly<Record<string, Place['as']>> = {
  ...{ lowercase: 'itself', uppercase: 'itself', string: 'itself', number: 'itself', trim: 'itself', join: 'itself' },
  ...{ basename: 'name', length: 'length', type: 'type', toMillis: 'time', count: 'count' },
};

/** Predicates on the way are wanted too. */
function placeOf(expression: Expression, context: string, asked: Asked): Place | undefined {
  switch (expression.kind) {
    case 'path': {
      let place = context;
      for (const { of, filters } of expression.steps) {
        if (of.kind === 'name') place = place === '' ? of.name : `${place}.${of.name}`;
        else {
          const inner = placeOf(of, place, asked);
          if (inner === undefined) return undefined;
          place = inner.field;
        }
        for (const filter of filters) if (filter.kind !== 'literal') want(filter, place, asked);
      }
      return { field: place, as: 'itself' };
    }
    case 'filter': {
      const place = placeOf(expression.of, context, asked);
      if (place !== undefined)
        for (const filter of expression.filters) if (filter.kind !== 'literal') want(filter, place.field, asked);
      return place;
    }
    case 'context':
      return { field: context, as: 'itself' };
    case 'root':
      return { field: '', as: 'itself' };
    case 'variable': {
      const field = asked.bound.get(expression.name);
      return field === undefined ? undefined : { field, as: 'itself' };
    }
    case 'macro':
      return placeOf(expression.of, context, asked);
    case 'block': {
      const [only] = expression.body;
      return only === undefined || expression.body.length > 1 ? undefined : placeOf(only, context, asked);
    }
    case 'array': {
      const [first] = expression.items;
      return first === undefined ? undefined : placeOf(first, context, asked);
    }
    case 'call': {
      const [first, separator] = expression.args;
      const as = Object.hasOwn(AS, expression.name) ? AS[expression.name] : undefined;
      const place = first === undefined || as === undefined ? undefined : placeOf(first, context, asked);
      if (place === undefined || as === undefined) return undefined;
      if (expression.name === 'join')
        wish(asked, place.field, {
          kind: 'joined',
          separator: String(separator === undefined ? '' : (constantsOf(separator)?.[0] ?? '')),
        });
      return { field: place.field, as: as === 'itself' ? place.as : as };
    }
    default:
      return undefined;
  }
}

function constantsOf(expression: Expression): readonly Scalar[] | undefined {
  switch (expression.kind) {
    case 'literal':
      return [expression.value];
    case 'list':
      return expression.values;
    case 'negation': {
      const [value] = constantsOf(expression.of) ?? [];
      return typeof value === 'number' ? [-value] : undefined;
    }
    case 'array': {
      const values = expression.items.map((item) => (item.kind === 'literal' ? item.value : undefined));
      return values.every((value) => value !== undefined) ? values : undefined;
    }
    default:
      return undefined;
  }
}
