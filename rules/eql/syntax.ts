// EQL as a tree: what a query asks of one event, and how events follow each other in it. Offsets are those of the query's text.

/** What is computed of an event, a condition among it. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null; readonly isDecimal: boolean }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly isFolded: boolean; readonly args: readonly Expression[] }
  | { readonly kind: 'negative'; readonly of: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-' | '*' | '/' | '%';
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** One of the values, each of them a literal; `in` compares, the others are patterns. */
  | {
      readonly kind: 'pattern';
      readonly operator: PatternOperator;
      readonly isFolded: boolean;
      readonly left: Expression;
      readonly values: readonly Expression[];
    }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
);

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
/** `:` is `like` without regard to case, of which a value that is no text is compared. */
export type PatternOperator = 'in' | 'like' | 'regex';
export type OneOfKind<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

export interface EventQuery {
  readonly at: number;
  /** Undefined: `any`. */
  readonly category: string | undefined;
  readonly condition: Expression;
}

export interface JoinKey {
  readonly at: number;
  readonly field: string;
  /** `?field`: missing is a value like others. */
  readonly isOptional: boolean;
}

export interface Step {
  readonly at: number;
  readonly event: EventQuery;
  readonly by: readonly JoinKey[];
  readonly runs: number;
  /** `![…]`: what must not come. */
  readonly isMissing: boolean;
}

export type Query =
  | { readonly kind: 'event'; readonly event: EventQuery }
  | {
      /** `sample`: in any order, without a span; no step is missing or runs, and nothing ends it. */
      readonly kind: 'sequence' | 'sample';
      readonly at: number;
      readonly by: readonly JoinKey[];
      readonly maxspanMs: number | undefined;
      readonly steps: readonly Step[];
      readonly until: Step | undefined;
    };

/** What makes a text no query that can be a rule; its place is an offset in the text. */
export class EqlProblem extends Error {
  readonly at: number;
  readonly remedy: string;
  constructor(at: number, message: string, remedy: string) {
    super(message);
    this.name = 'EqlProblem';
    this.at = at;
    this.remedy = remedy;
  }
}
