// What must hold of an event before an expression can be true of it (rules/necessary.ts). Sound for every construct: what is not
// named here says nothing. Paths are taken as the fields that they reach, so what stands in a predicate counts too.
import { allOf, anyOf, NEVER, type Necessary, partOf, type Scalar, textIn } from '../necessary.ts';
import { foldedIn, globNeeds, regexNeeds } from './regex-parts.ts';
import type { Expression } from './syntax.ts';

/** More values or parts are not looked up one by one: that the field is there must do. */
const VALUES_MAX = 100_000;
const PARTS_MAX = 5_000;

/** What must hold when the expression is true; undefined when nothing is known. */
export function necessaryClause(expression: Expression): Necessary | undefined {
  return whenTrue(expression, '');
}

/** Without its parentheses, and without the name that a macro has. */
function bare(expression: Expression): Expression {
  if (expression.kind === 'macro') return bare(expression.of);
  const [only] = expression.kind === 'block' && expression.body.length === 1 ? expression.body : [];
  return only === undefined ? expression : bare(only);
}

/** The field that `$` is: '' for the whole event, undefined where that is not known. */
type Context = string | undefined;

/** What an expression reads: a field, and what must hold when it gives a text, a number or anything else that is true. */
interface Reach {
  readonly field: string;
  readonly needs: readonly (Necessary | undefined)[];
  /** True when it gives something only where the field is there: not behind a last predicate, which may choose what is missing. */
  readonly isThere: boolean;
}

function whenTrue(outer: Expression, context: Context): Necessary | undefined {
  const expression = bare(outer);
  switch (expression.kind) {
    case 'logic': {
      const sides = expression.operands.map((operand) => whenTrue(operand, context));
      return expression.operator === 'and' ? allOf(sides) : anyOf(sides);
    }
    case 'compare':
      if (expression.operator === '=') return whenEqual(expression, context);
      return allOf([whenDefined(expression.left, context), whenDefined(expression.right, context)]);
    case 'in':
      return whenIn(expression, context);
    case 'condition':
      return anyOf([
        allOf([whenTrue(expression.test, context), whenTrue(expression.then, context)]),
        expression.otherwise === undefined ? NEVER : whenTrue(expression.otherwise, context),
      ]);
    case 'macro':
      return whenTrue(expression.of, context);
    case 'block': {
      const last = expression.body.at(-1);
      return last === undefined ? NEVER : whenTrue(last, context);
    }
    case 'literal':
      return expression.value === true || (expression.value !== '' && Boolean(expression.value)) ? undefined : NEVER;
    case 'path':
    case 'filter': {
      const reach = reachOf(expression, context);
      if (reach !== undefined) return allOf([exists(reach.field), ...reach.needs]);
      return expression.kind === 'path' ? whenLastStepTrue(expression, context) : undefined;
    }
    case 'call':
      return whenCallTrue(expression, context);
    default:
      return undefined;
  }
}

type Sides = Expression & { readonly left: Expression; readonly right: Expression };

function whenEqual({ left, right }: Sides, context: Context): Necessary | undefined {
  const [leftSide, rightSide] = [bare(left), bare(right)];
  if (rightSide.kind === 'literal') return whenOneOf(left, [rightSide.value], context);
  if (leftSide.kind === 'literal') return whenOneOf(right, [leftSide.value], context);
  return allOf([whenDefined(left, context), whenDefined(right, context)]);
}

function whenIn({ left, right }: Sides, context: Context): Necessary | undefined {
  const leftSide = bare(left);
  const members = constantsOf(right);
  if (members !== undefined) return whenOneOf(left, members, context);
  if (leftSide.kind === 'literal') return whenOneOf(right, [leftSide.value], context);
  return allOf([whenDefined(left, context), whenDefined(right, context)]);
}

/** The expression's value, or a member of it, is one of these. */
function whenOneOf(outer: Expression, values: readonly Scalar[], context: Context): Necessary | undefined {
  const expression = bare(outer);
  if (values.length === 0) return NEVER;
  const reach = reachOf(expression, context);
  if (reach !== undefined) {
    const { field, needs } = reach;
    return allOf([
      values.length > VALUES_MAX ? exists(field) : { kind: 'equals', field, values: new Set(values) },
      ...needs,
    ]);
  }
  if (expression.kind !== 'call') return whenDefined(expression, context);
  const subject = subjectOf(expression, context);
  if (subject === undefined) return undefined;
  const texts = values.filter((value) => typeof value === 'string');
  const { field, needs } = subject;
  if (expression.name === 'lowercase') {
    return allOf([texts.length > VALUES_MAX ? exists(field) : { kind: 'is', field, texts: new Set(texts) }, ...needs]);
  }
  if (expression.name === 'basename') {
    return allOf([anyPart(field, texts, (text) => partOf(field, text, { place: 'end', isFolded: false })), ...needs]);
  }
  return whenDefined(expression, context);
}

/** What must hold when the value is anything but undefined. */
function whenDefined(outer: Expression, context: Context): Necessary | undefined {
  const expression = bare(outer);
  switch (expression.kind) {
    case 'path':
    case 'filter': {
      const reach = reachOf(expression, context);
      return reach?.isThere === true ? exists(reach.field) : undefined;
    }
    case 'arithmetic':
      return allOf([whenDefined(expression.left, context), whenDefined(expression.right, context)]);
    case 'negation':
      return whenDefined(expression.of, context);
    case 'call': {
      const [first] = expression.args;
      return first !== undefined && UNDEFINED_OF_UNDEFINED.has(expression.name)
        ? whenDefined(first, context)
        : undefined;
    }
    default:
      return undefined;
  }
}

/** What must hold when something is there: of a path, that some member (which may be a missing one) passed its predicates. */
function whenThere(expression: Expression, context: Context): Necessary | undefined {
  const reach = reachOf(expression, context);
  return allOf([whenDefined(expression, context), ...(reach?.needs ?? [])]);
}

/** Functions that give undefined, or fail, when their first argument is undefined. */
const UNDEFINED_OF_UNDEFINED: ReadonlySet<string> = new Set([
  'lowercase',
  'uppercase',
  'length',
  'number',
  'string',
  'base64decode',
  'substringBefore',
  'substringAfter',
  'join',
  'basename',
  'entropy',
  'not',
  'boolean',
  'contains',
]);

type Call = Expression & { readonly kind: 'call' };

function whenCallTrue(call: Call, context: Context): Necessary | undefined {
  const { name, args } = call;
  const [first, ...rest] = args.map(bare);
  switch (name) {
    case 'boolean':
      return first === undefined ? undefined : whenTrue(first, context);
    case 'exists':
    case 'has':
      return first === undefined ? undefined : whenThere(first, context);
    case 'not':
      return first === undefined ? undefined : whenDefined(first, context);
    case 'contains':
      return whenContains(call, context);
    case 'descends_from':
      return first === undefined ? undefined : whenDescends(first, rest, context);
    default: {
      const meaning = OWN_MEANINGS[name as keyof typeof OWN_MEANINGS];
      if (!Object.hasOwn(OWN_MEANINGS, name) || first === undefined) return undefined;
      const reach = reachOf(first, context);
      if (reach !== undefined) return allOf([meaning(reach.field, rest), ...reach.needs]);
      // One of several fields: `$like([message, event.original], …)`.
      if (first.kind === 'array')
        return anyOf(first.items.map((item) => whenCallTrue({ ...call, args: [item, ...args.slice(1)] }, context)));
      return whenJoined(first, (field) => meaning(field, rest), context);
    }
  }
}

/** A test of `$join(field, " ")`: what holds of the joined text, taken apart where the members were put together. */
function whenJoined(
  outer: Expression,
  meaning: (field: string) => Necessary | undefined,
  context: Context,
): Necessary | undefined {
  if (outer.kind !== 'call' || outer.name !== 'join') return undefined;
  const [first, second] = outer.args.map(bare);
  const reach = first === undefined ? undefined : reachOf(first, context);
  if (reach === undefined || second?.kind !== 'literal' || typeof second.value !== 'string') return undefined;
  return allOf([exists(reach.field), ofMembers(meaning(reach.field), second.value), ...reach.needs]);
}

/** What must hold of some members of a field where this holds of all of them joined. */
function ofMembers(joined: Necessary | undefined, separator: string): Necessary | undefined {
  if (joined === undefined || separator === '') return undefined;
  const pieces = (text: string, isFolded: boolean): Necessary | undefined =>
    allOf(
      text
        .split(separator)
        .map((piece) => partOf('field' in joined ? joined.field : '', piece, { place: 'anywhere', isFolded })),
    );
  switch (joined.kind) {
    case 'all':
      return allOf(joined.of.map((one) => ofMembers(one, separator)));
    case 'any':
      return anyOf(joined.of.map((one) => ofMembers(one, separator)));
    case 'equals':
      return anyOf([...joined.values].map((value) => pieces(String(value), false)));
    case 'is':
      return anyOf([...joined.texts].map((text) => pieces(text, true)));
    case 'part':
      return pieces(joined.part, joined.isFolded);
    case 'exists':
      return joined;
  }
}

/** Vedette's functions of a field and what it is compared with: any member counts, numbers as their text. */
const OWN_MEANINGS: Readonly<Record<'is' | 'cidr' | 'startswith' | 'endswith' | 'glob' | 'like' | 'matches', Meaning>> =
  {
    cidr: exists,
    is: (field, args) => {
      const texts = textsOf(args);
      return texts === undefined || texts.length > VALUES_MAX
        ? exists(field)
        : (foldedIn(field, texts) ?? exists(field));
    },
    startswith: ofParts((field, text) => partOf(field, text, { place: 'start', isFolded: false })),
    endswith: ofParts((field, text) => partOf(field, text, { place: 'end', isFolded: false })),
    glob: ofParts(globNeeds),
    like: ofParts((field, text) => globNeeds(field, text, true)),
    matches: (field, args) => {
      const [first] = args;
      if (first?.kind === 'regex') {
        return anyOf(
          args.map((arg) =>
            arg.kind === 'regex' ? (regexNeeds(field, arg.source, arg.flags) ?? exists(field)) : exists(field),
          ),
        );
      }
      return ofParts((of, text) => regexNeeds(of, text, ''))(field, args);
    },
  };

type Meaning = (field: string, args: readonly Expression[]) => Necessary | undefined;

function ofParts(need: (field: string, text: string) => Necessary | undefined): Meaning {
  return (field, args) => {
    const texts = textsOf(args);
    return texts === undefined ? exists(field) : anyPart(field, texts, (text) => need(field, text));
  };
}

/** Where of one text nothing is known, and where there are too many: that the field is there. */
function anyPart(
  field: string,
  texts: readonly string[],
  need: (text: string) => Necessary | undefined,
): Necessary | undefined {
  return texts.length > PARTS_MAX ? exists(field) : (anyOf(texts.map(need)) ?? exists(field));
}

/** `$contains`: of a text, so a member of an array counts only as `$`. */
function whenContains(call: Call, context: Context): Necessary | undefined {
  const subject = subjectOf(call, context);
  const [token] = call.args.map(bare).slice(-1);
  if (subject === undefined || token === undefined) return undefined;
  const { field, needs, isFolded } = subject;
  if (token.kind === 'regex') {
    // A folded text has another case than the event's: only without regard to case can it be said what the event has.
    const flags = isFolded ? `${token.flags}i` : token.flags;
    return allOf([regexNeeds(field, token.source, flags) ?? exists(field), ...needs]);
  }
  const [text] = token.kind === 'literal' && typeof token.value === 'string' ? [token.value] : [];
  const part = text === undefined ? undefined : partOf(field, text, { place: 'anywhere', isFolded });
  return allOf([part ?? exists(field), ...needs]);
}

/** The field that a function of text is about, through $lowercase. */
function subjectOf(call: Call, context: Context): (Reach & { readonly isFolded: boolean }) | undefined {
  const takesContext = call.name === 'contains' ? call.args.length === 1 : call.args.length === 0;
  if (takesContext) {
    return context === undefined || context === ''
      ? undefined
      : { field: context, needs: [], isThere: true, isFolded: false };
  }
  const [first] = call.args.map(bare);
  if (first === undefined) return undefined;
  const reach = reachOf(first, context);
  if (reach !== undefined) return { ...reach, isFolded: false };
  if (call.name !== 'contains' || first.kind !== 'call' || first.name !== 'lowercase') return undefined;
  const inner = subjectOf(first, context);
  return inner === undefined ? undefined : { ...inner, isFolded: true };
}

function whenDescends(process: Expression, names: readonly Expression[], context: Context): Necessary | undefined {
  const reach = placeOf(process, context);
  const texts = textsOf(names);
  if (reach === undefined || texts === undefined || texts.length > VALUES_MAX) return undefined;
  const of = (name: string): Necessary => textIn(reach.field === '' ? name : `${reach.field}.${name}`, texts);
  return allOf([anyOf([of('parent.name'), of('ancestors.name')]), ...reach.needs]);
}

/** `process.args.$contains("x")`: true of some member that the steps before it reach. */
function whenLastStepTrue(path: Expression & { readonly kind: 'path' }, context: Context): Necessary | undefined {
  const last = path.steps.at(-1);
  if (last === undefined || path.steps.length < 2 || last.filters.length > 0 || last.of.kind !== 'call')
    return undefined;
  const before = reachOf({ ...path, steps: path.steps.slice(0, -1) }, context);
  if (before === undefined || !isYesOrNo(last.of)) return undefined;
  return allOf([whenTrue(last.of, before.field), ...before.needs]);
}

/** What a path of names reads, predicates left and right; undefined for anything else, the whole event too. */
function reachOf(expression: Expression, context: Context): Reach | undefined {
  const reach = placeOf(expression, context);
  return reach?.field === '' ? undefined : reach;
}

function placeOf(outer: Expression, context: Context): Reach | undefined {
  const expression = bare(outer);
  switch (expression.kind) {
    case 'path': {
      let reach: Reach | undefined;
      for (const [index, step] of expression.steps.entries()) {
        const from: Context = index === 0 ? context : reach?.field;
        const next = step.of.kind === 'name' ? ofName(step.of.name, from) : placeOf(step.of, from);
        if (next === undefined) return undefined;
        const filtered = behind(next, step.filters);
        const needs: Reach['needs'] = [...(reach?.needs ?? []), ...filtered.needs];
        reach = { field: filtered.field, needs, isThere: step.of.kind === 'name' && step.filters.length === 0 };
      }
      return reach;
    }
    case 'filter': {
      const reach = placeOf(expression.of, context);
      return reach === undefined ? undefined : { ...behind(reach, expression.filters), isThere: false };
    }
    case 'context':
      return context === undefined ? undefined : { field: context, needs: [], isThere: false };
    case 'root':
      return { field: '', needs: [], isThere: false };
    default:
      return undefined;
  }
}

function ofName(name: string, context: Context): Reach | undefined {
  if (context === undefined || /^\.|\.\.|\.$|^$/.test(name)) return undefined;
  return { field: context === '' ? name : `${context}.${name}`, needs: [], isThere: true };
}

/** What passes predicates was true of each: unless one chooses by position. */
function behind(reach: Reach, filters: readonly Expression[]): Reach {
  const needs = filters.map((filter) => (isYesOrNo(filter) ? whenTrue(filter, reach.field) : undefined));
  return { ...reach, needs: [...reach.needs, ...needs] };
}

const YES_OR_NO: ReadonlySet<string> = new Set(['boolean', 'not', 'exists', 'contains', 'has', 'descends_from']);

/** True of what can be neither a number nor an array of numbers. */
function isYesOrNo(outer: Expression): boolean {
  const expression = bare(outer);
  if (expression.kind === 'call') return YES_OR_NO.has(expression.name) || Object.hasOwn(OWN_MEANINGS, expression.name);
  return ['logic', 'compare', 'in'].includes(expression.kind);
}

function exists(field: string): Necessary {
  return { kind: 'exists', field };
}

/** The values that an operand is written out as, or undefined. */
function constantsOf(outer: Expression): readonly Scalar[] | undefined {
  const expression = bare(outer);
  if (expression.kind === 'literal') return [expression.value];
  if (expression.kind === 'list') return expression.values;
  if (expression.kind !== 'array') return undefined;
  const values = expression.items.map((item) => (item.kind === 'literal' ? item.value : undefined));
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** What Vedette's functions compare with, as text. */
function textsOf(args: readonly Expression[]): readonly string[] | undefined {
  const values = args.map(constantsOf);
  return values.every((value) => value !== undefined) ? values.flat().map(String) : undefined;
}
