// What must hold of an event before a rule can match it: a tree of cheap tests on single fields. The engine skips the rule where it
// does not hold, a store leaves such events out of a backtest. It may hold of events that do not match, never the other way round.

export type Scalar = string | number | boolean | null;

/** Where in a text a part stands. */
export type PartPlace = 'anywhere' | 'start' | 'end';

/**
 * Each test is about the values that the field's dotted path reaches, through arrays anywhere on the way, however the names are cut
 * by dots; one of them passing is enough. `any` of nothing never holds.
 */
export type Necessary =
  | { readonly kind: 'all'; readonly of: readonly Necessary[] }
  | { readonly kind: 'any'; readonly of: readonly Necessary[] }
  | NecessaryTest;

export type NecessaryTest =
  | { readonly kind: 'equals'; readonly field: string; readonly values: ReadonlySet<Scalar> }
  /** Equal without regard to case, a number as its text; `texts` are lower case. */
  | { readonly kind: 'is'; readonly field: string; readonly texts: ReadonlySet<string> }
  /** A text, or a number's, has the part; `isFolded`: without regard to case, and then `part` is ASCII. */
  | {
      readonly kind: 'part';
      readonly field: string;
      readonly part: string;
      readonly place: PartPlace;
      readonly isFolded: boolean;
    }
  /** Anything is there, null and empty arrays too. */
  | { readonly kind: 'exists'; readonly field: string };

/** All that is known of these must hold; undefined where nothing is known. */
export function allOf(of: readonly (Necessary | undefined)[]): Necessary | undefined {
  const known = of.filter((one) => one !== undefined).flatMap((one) => (one.kind === 'all' ? one.of : [one]));
  const [only] = known;
  if (known.some((one) => one.kind === 'any' && one.of.length === 0)) return NEVER;
  return only === undefined || known.length === 1 ? only : { kind: 'all', of: known };
}

/** One of these must hold; undefined where of any nothing is known. */
export function anyOf(of: readonly (Necessary | undefined)[]): Necessary | undefined {
  if (!of.every((one) => one !== undefined)) return undefined;
  const known = of.flatMap((one) => (one.kind === 'any' ? one.of : [one]));
  const [only] = known;
  return only !== undefined && known.length === 1 ? only : { kind: 'any', of: known };
}

/** Holds of no event. */
export const NEVER: Necessary = { kind: 'any', of: [] };

/**
 * A text of the field has this part. Without regard to case only what is ASCII is kept of it, because case is folded there alike
 * everywhere; undefined where nothing is left.
 */
export function partOf(
  field: string,
  part: string,
  { place, isFolded }: { readonly place: PartPlace; readonly isFolded: boolean },
): Necessary | undefined {
  if (part === '') return undefined;
  if (!isFolded) return { kind: 'part', field, part, place, isFolded };
  const [longest = ''] = part.split(/[^\p{ASCII}]+/u).toSorted((a, b) => b.length - a.length);
  if (longest === part) return { kind: 'part', field, part, place, isFolded };
  return longest === '' ? undefined : { kind: 'part', field, part: longest, place: 'anywhere', isFolded };
}

/** The field is one of these texts, or a number that is written so. */
export function textIn(field: string, texts: Iterable<string>): Necessary {
  const values = new Set<Scalar>(texts);
  for (const text of [...values]) if (String(Number(text)) === text) values.add(Number(text));
  return { kind: 'equals', field, values };
}
