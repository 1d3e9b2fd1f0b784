// The search language's tree: what the parser makes and each store's compiler reads. Field names and values are data, never
// code: every dialect binds or quotes them.

export type Query =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly left: Query; readonly right: Query }
  | { readonly kind: 'not'; readonly query: Query }
  /** The event with this id, letter by letter. */
  | { readonly kind: 'id'; readonly id: string }
  /** The field has this value (any member, for arrays). Keywords compare case-insensitively in ASCII and beyond. */
  | { readonly kind: 'equals'; readonly field: string; readonly value: string }
  /** `*` any run, `?` one character; a backslash makes either literal. Case-insensitive. */
  | { readonly kind: 'wildcard'; readonly field: string; readonly pattern: string }
  /** An RE2 expression that a whole value has to match. Case-insensitive, and `.` matches any character. */
  | { readonly kind: 'regex'; readonly field: string; readonly pattern: string }
  | { readonly kind: 'exists'; readonly field: string }
  | {
      readonly kind: 'range';
      readonly field: string;
      readonly min: RangeEnd | undefined;
      readonly max: RangeEnd | undefined;
    }
  /** Text that stands anywhere in `event.original` or `message`, case-insensitive. */
  | { readonly kind: 'text'; readonly text: string };

export interface RangeEnd {
  readonly value: string;
  readonly isInclusive: boolean;
}
