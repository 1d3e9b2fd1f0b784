// The conditions of a correlation in our words. Counts are whole numbers, so that each condition has a least and a most; figures have bounds that
// belong to them or do not.
import type { PlainValue } from '../foreign/foreign-rule.ts';
import type { Correlation, Operator } from './correlation.ts';

type Bounds = Correlation['bounds'];

/** Both included; undefined: none. */
interface Range {
  readonly least: number | undefined;
  readonly most: number | undefined;
}

type Words = Readonly<Record<string, PlainValue>>;
export type Bounded =
  | { readonly kind: 'words'; readonly words: Words }
  | { readonly kind: 'wrong'; readonly message: string; readonly remedy: string };

/** `threshold: …` or `absence: …`. */
export function countWords(bounds: Bounds, within: string): Bounded {
  const range = countRange(bounds);
  if ('kind' in range) return range;
  const { least = 0, most } = range;
  if (most === undefined) return words({ threshold: { count: least, within } });
  if (least <= 0) return words({ absence: { fewer_than: most + 1, within } });
  return words({ threshold: { count: least, at_most: most, within } });
}

/** `distinct: …` of a field. */
export function valueCountWords(bounds: Bounds, field: string, within: string): Bounded {
  const range = countRange(bounds);
  if ('kind' in range) return range;
  const { least = 0, most } = range;
  if (most === 0) return wrong('no different values are no matches', 'Write an event_count with `lt: 1`.');
  const below = most === undefined ? {} : { below: most + 1 };
  return words({ distinct: { field, ...(least <= 0 ? {} : { above: least - 1 }), ...below, within } });
}

/** So many of something, of `count` at the most: for a temporal correlation. Undefined: all. */
export function leastOf(bounds: Bounds, count: number): number | undefined | Extract<Bounded, { kind: 'wrong' }> {
  if (bounds.length === 0) return undefined;
  const range = countRange(bounds);
  if ('kind' in range) return range;
  const { least = 0, most = count } = range;
  if (most < count || least > count || least < 1) {
    const remedy = `Ask for at least so many of the ${count} rules: \`gte: ${count}\`.`;
    return wrong('a temporal correlation can only be bounded from below', remedy);
  }
  return least === count ? undefined : least;
}

/** Bounds of a figure. */
export function figureWords(bounds: Bounds): Bounded {
  const of = (operator: Operator): number | undefined => bounds.find((bound) => bound.operator === operator)?.value;
  const twice = repeated(bounds);
  if (twice !== undefined) return twice;
  const [gt, gte, lt, lte, eq, neq] = [of('gt'), of('gte'), of('lt'), of('lte'), of('eq'), of('neq')];
  if (eq !== undefined || neq !== undefined) {
    if (bounds.length > 1) return wrong('`eq` and `neq` stand alone', 'Write one condition, or a range.');
    return words(eq === undefined ? { above: neq ?? 0, below: neq ?? 0 } : { from: eq, to: eq });
  }
  if ((gt !== undefined && gte !== undefined) || (lt !== undefined && lte !== undefined))
    return wrong('there are two bounds on one side', 'Keep one of them.');
  if (bounds.length === 1 && gt !== undefined) return words({ above: gt });
  if (bounds.length === 1 && lt !== undefined) return words({ below: lt });
  const from = gt === undefined ? gte : neighbour(gt, 1);
  const to = lt === undefined ? lte : neighbour(lt, -1);
  if (from !== undefined && to !== undefined && from > to) return wrong('nothing is in this range', 'Mend the bounds.');
  return words({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
}

function countRange(bounds: Bounds): Range | Extract<Bounded, { kind: 'wrong' }> {
  const twice = repeated(bounds);
  if (twice !== undefined) return twice;
  let least: number | undefined;
  let most: number | undefined;
  for (const { operator, value } of bounds) {
    if (operator === 'neq') {
      if (value !== 0 || bounds.length > 1) {
        const remedy = 'Nearly every window has another count: write two correlations, `lt` and `gt`.';
        return wrong('`neq` of a count has no counterpart here', remedy);
      }
      least = 1;
      continue;
    }
    if (operator === 'gt') least = Math.max(least ?? 0, Math.floor(value) + 1);
    if (operator === 'gte') least = Math.max(least ?? 0, Math.ceil(value));
    if (operator === 'lt') most = Math.min(most ?? Number.POSITIVE_INFINITY, Math.ceil(value) - 1);
    if (operator === 'lte') most = Math.min(most ?? Number.POSITIVE_INFINITY, Math.floor(value));
    if (operator === 'eq') [least, most] = [Math.ceil(value), Math.floor(value)];
  }
  if (bounds.length > 1 && bounds.some(({ operator }) => operator === 'eq'))
    return wrong('`eq` stands alone', 'Write one condition, or a range.');
  if (most !== undefined && (most < 0 || most < (least ?? 0)))
    return wrong('no count is in this range', 'Mend the bounds.');
  if (most === undefined && (least ?? 0) < 1) return wrong('every count is in this range', 'Ask for at least 1.');
  return { least, most };
}

function repeated(bounds: Bounds): Extract<Bounded, { kind: 'wrong' }> | undefined {
  if (new Set(bounds.map(({ operator }) => operator)).size === bounds.length) return undefined;
  return wrong('a bound stands twice', 'Keep one of them.');
}

/** The next number of this size that a figure can be: a bound that is not included, as one that is. */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === direction > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

function words(of: Words): Bounded {
  return { kind: 'words', words: of };
}

function wrong(message: string, remedy: string): Extract<Bounded, { kind: 'wrong' }> {
  return { kind: 'wrong', message, remedy };
}
