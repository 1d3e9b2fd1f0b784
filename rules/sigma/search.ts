// What the detections of a Sigma rule ask, with every modifier applied: a tree of tests on fields and keywords. What the fields are in
// our events is decided later (log-source.ts).
import type { Pattern, Place } from './pattern.ts';

/** What is asked of one field, or of the whole event where it is about keywords. */
export type Test =
  /** One of the patterns, on the whole text. */
  | { readonly kind: 'text'; readonly patterns: readonly Pattern[]; readonly isCased: boolean }
  | { readonly kind: 'regex'; readonly source: string; readonly flags: string }
  | { readonly kind: 'network'; readonly network: string }
  | {
      readonly kind: 'number';
      readonly operator: '<' | '<=' | '>' | '>=' | '=';
      readonly value: number;
      /** Of a time: this part of it. */
      readonly part?: TimePart;
    }
  | { readonly kind: 'exists'; readonly isThere: boolean }
  /** Nothing is there, or null. */
  | { readonly kind: 'null' }
  | { readonly kind: 'field'; readonly other: string; readonly place: Place; readonly isCased: boolean }
  /** One of the values of a named list. */
  | { readonly kind: 'list'; readonly name: string; readonly values: readonly string[] };

export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

export interface SearchItem {
  readonly kind: 'item';
  /** Undefined: a keyword. */
  readonly field: string | undefined;
  readonly test: Test;
  /** Offset in the file. */
  readonly at: number;
}

export type Search =
  | SearchItem
  | { readonly kind: 'and' | 'or'; readonly of: readonly Search[] }
  | { readonly kind: 'not'; readonly of: Search };

/** True of any or all of these; of one it is that one. */
export function searchOf(kind: 'and' | 'or', of: readonly Search[]): Search {
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind, of };
}

export function itemsOf(search: Search): readonly SearchItem[] {
  const items: SearchItem[] = [];
  const visit = (one: Search): void => {
    if (one.kind === 'item') items.push(one);
    else if (one.kind === 'not') visit(one.of);
    else for (const part of one.of) visit(part);
  };
  visit(search);
  return items;
}
