// EQL said again, plainly: whether a condition is true, or false, of one event, and which sequences a list of events has. Nothing of the writer is used.
import type { Expression } from '../../../rules/eql/syntax.ts';

export type Flat = Readonly<Record<string, unknown>>;

/** Whether the condition is true (or, with `wanted: false`, false) of the event; it may be neither. */
export function holds(condition: Expression, event: Flat, wanted: boolean): boolean {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const each = condition.of.map((one) => holds(one, event, wanted));
      return (condition.kind === 'and') === wanted ? each.every(Boolean) : each.some(Boolean);
    }
    case 'not':
      return holds(condition.of, event, !wanted);
    case 'literal':
      return condition.value === wanted;
    case 'compare':
      return compare(condition.operator, condition.left, condition.right, event, wanted);
    case 'pattern': {
      if (condition.left.kind !== 'field') {
        const value = plainValue(condition.left, event);
        return value !== null && matchesOne(value, condition) === wanted;
      }
      return membersOf(event[condition.left.name]).some((value) => matchesOne(value, condition)) === wanted;
    }
    case 'call':
      return test(condition, event, wanted);
    default:
      throw new Error(`no condition: ${condition.kind}`);
  }
}

function compare(operator: string, left: Expression, right: Expression, event: Flat, wanted: boolean): boolean {
  if (operator === '!=') return compare('==', left, right, event, !wanted);
  const isNull = right.kind === 'literal' && right.value === null;
  if (left.kind === 'field' && operator === '==') {
    const members = membersOf(event[left.name]);
    const is = isNull ? members.length === 0 : members.some((value) => value === plainValue(right, event));
    return is === wanted;
  }
  const [one, other] = [plainValue(left, event), plainValue(right, event)];
  if (isNull) return (one === null) === wanted;
  if (one === null || other === null || typeof one !== typeof other) return false;
  const truth = {
    '==': one === other,
    '<': one < other,
    '<=': one <= other,
    '>': one > other,
    '>=': one >= other,
  }[operator];
  return truth === wanted;
}

function test({ name, args, isFolded }: Expression & { kind: 'call' }, event: Flat, wanted: boolean): boolean {
  const [field, sought] = args;
  if (field?.kind !== 'field' || sought?.kind !== 'literal') throw new Error('a test of a field');
  const fold = (text: unknown): string => (isFolded ? String(text).toLowerCase() : String(text));
  const members = membersOf(event[field.name]).map(fold);
  const part = fold(sought.value);
  const is = members.some((text) =>
    name === 'startsWith' ? text.startsWith(part) : name === 'endsWith' ? text.endsWith(part) : text.includes(part),
  );
  // Scripts, of which null comes.
  if (isFolded && name !== 'startsWith' && members.length === 0) return false;
  return is === wanted;
}

function matchesOne(value: unknown, { operator, isFolded, values }: Expression & { kind: 'pattern' }): boolean {
  return values.some((one) => {
    const given = one.kind === 'literal' ? one.value : null;
    if (typeof given !== 'string') return given === value;
    if (typeof value !== 'string') return false;
    const [text, pattern] = isFolded ? [value.toLowerCase(), given.toLowerCase()] : [value, given];
    return operator === 'in' ? text === pattern : isLike([...text], [...pattern]);
  });
}

function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '*') return isLike(text, rest) || (text.length > 0 && isLike(text.slice(1), pattern));
  return text.length > 0 && (first === '?' || first === text[0]) && isLike(text.slice(1), rest);
}

function membersOf(value: unknown): readonly unknown[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined && one !== null);
}

function plainValue(expression: Expression, event: Flat): string | number | boolean | null {
  const of = (one: Expression | undefined): ReturnType<typeof plainValue> =>
    one === undefined ? null : plainValue(one, event);
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'field': {
      const [value = null] = membersOf(event[expression.name]);
      return value as string | number | boolean | null;
    }
    case 'arithmetic': {
      const [left, right] = [of(expression.left), of(expression.right)];
      return arithmetic(expression.operator, left, right);
    }
    case 'call':
      return computed(expression, event, expression.args.map(of));
    default:
      throw new Error(`no value: ${expression.kind}`);
  }
}

function arithmetic(operator: string, left: unknown, right: unknown): number | null {
  if (typeof left !== 'number' || typeof right !== 'number') return null;
  if (operator === '+') return left + right;
  if (operator === '-') return left - right;
  if (operator === '*') return left * right;
  if (right === 0) return null;
  return operator === '%' ? left % right : Math.trunc(left / right);
}

function computed(
  { name, isFolded }: Expression & { kind: 'call' },
  event: Flat,
  [first = null, second = null, third = null, fourth = null]: readonly (string | number | boolean | null)[],
): string | number | null {
  if (name === 'add') return arithmetic('+', first, second);
  if (name === 'divide') return arithmetic('/', first, second);
  if (name === 'modulo') return arithmetic('%', first, second);
  if (name === 'concat') return [first, second, third].map((one) => (one === null ? '' : String(one))).join('');
  if (name === 'string') return first === null ? null : String(first);
  if (typeof first !== 'string') return null;
  const fold = (text: string): string => (isFolded ? text.toLowerCase() : text);
  switch (name) {
    case 'length':
      return first.length;
    case 'number':
      return /^-?[0-9]+$/.test(first) ? Number(first) : null;
    case 'substring': {
      const at = (place: number): number => Math.max(0, place < 0 ? first.length + place : place);
      const [start, end] = [at(Number(second)), third === null ? first.length : at(Number(third))];
      return end > start ? first.slice(start, end) : '';
    }
    case 'indexOf': {
      const at = fold(first).indexOf(fold(String(second)), third === null ? 0 : Number(third));
      return at < 0 ? null : at;
    }
    case 'between': {
      const left = fold(first).indexOf(fold(String(second)));
      if (left < 0) return '';
      const rest = first.slice(left + String(second).length);
      const right =
        fourth === true ? fold(rest).lastIndexOf(fold(String(third))) : fold(rest).indexOf(fold(String(third)));
      return right < 0 ? '' : rest.slice(0, right);
    }
    default:
      throw new Error(`unknown: ${name} of ${Object.keys(event).length} fields`);
  }
}

interface PlainEvent {
  readonly ms: number;
  readonly id: string;
  readonly letter: string;
}

/**
 * Sequences of letters as Elasticsearch looks for them: an event takes the sequence of the stage before that came last, and those that came before are
 * given up. Each as its first and its last event.
 */
export function plainSequences(
  events: readonly PlainEvent[],
  {
    steps,
    spanMs,
    until,
  }: { readonly steps: readonly string[]; readonly spanMs: number; readonly until: string | undefined },
): readonly string[] {
  const found: string[] = [];
  let stages: PlainEvent[][][] = steps.map(() => []);
  for (const event of events) {
    if (event.letter === until) {
      stages = steps.map(() => []);
      continue;
    }
    for (let stage = steps.length - 1; stage >= 0; stage -= 1) {
      if (steps[stage] !== event.letter) continue;
      const before = stage === 0 ? [] : stages[stage - 1]?.at(-1);
      if (before === undefined) continue;
      if (stage > 0) stages[stage - 1] = [];
      const [first = event] = before;
      if (event.ms - first.ms > spanMs) continue;
      if (stage === steps.length - 1) found.push(`${first.id}-${event.id}`);
      else stages[stage]?.push([...before, event]);
    }
  }
  return found;
}
