// The tree of a supported expression: what is left of JSONata's own tree once every construct has been checked. Compiling,
// necessary clauses and lints all read this tree, and switches over `kind` are exhaustive.

/** The values of a named list, as `$name` in an expression. */
export type ListValues = readonly (string | number)[];
export type Lists = ReadonlyMap<string, ListValues>;

/** An expression with a name, which another uses as `$name`: evaluated there, on what is looked at there. */
export interface Macro {
  readonly expression: Expression;
  /** The lists and macros that it uses, those of its own macros too. */
  readonly lists: ReadonlySet<string>;
  readonly macros: ReadonlySet<string>;
  /** Nodes of its tree. */
  readonly size: number;
}
export type Macros = ReadonlyMap<string, Macro>;

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** `at` is the offset of the expression's first characters in its text, as well as JSONata's parser tells it. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'list'; readonly name: string; readonly values: ListValues }
  /** A named expression where its name stands; `at` is the name's place, the places within are in the macro's own text. */
  | { readonly kind: 'macro'; readonly name: string; readonly of: Expression }
  | { readonly kind: 'path'; readonly steps: readonly Step[] }
  /** A field name, as a step of a path only. */
  | { readonly kind: 'name'; readonly name: string }
  /** `$`: what the expression is about; inside a predicate the member that is looked at. */
  | { readonly kind: 'context' }
  /** `$$`: the whole event. */
  | { readonly kind: 'root' }
  | { readonly kind: 'filter'; readonly of: Expression; readonly filters: readonly Expression[] }
  | {
      readonly kind: 'compare';
      readonly operator: CompareOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'in'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'concatenation'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'negation'; readonly of: Expression }
  | {
      readonly kind: 'condition';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: 'block'; readonly body: readonly Expression[] }
  /** Only as an argument of a function that takes one. */
  | { readonly kind: 'regex'; readonly source: string; readonly flags: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
);

export interface Step {
  readonly of: Expression;
  /** `[…]` behind the step. */
  readonly filters: readonly Expression[];
}

/** What is wrong with an expression, at an offset in its text. */
export interface ExpressionProblem {
  readonly code: string;
  readonly at: number;
  readonly message: string;
  readonly remedy: string;
}

/** The dotted field that a path of plain names reads (`process.parent.name`), else undefined; a name with a dot is not plain. */
export function plainField(expression: Expression): string | undefined {
  if (expression.kind !== 'path') return undefined;
  const names: string[] = [];
  for (const step of expression.steps) {
    if (step.of.kind !== 'name' || step.filters.length > 0 || step.of.name.includes('.')) return undefined;
    names.push(step.of.name);
  }
  return names.join('.');
}

/** The direct parts of an expression, in the order they are written; none of a macro, whose text is elsewhere. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'list':
    case 'macro':
    case 'name':
    case 'context':
    case 'root':
    case 'regex':
      return [];
    case 'array':
      return expression.items;
    case 'path':
      return expression.steps.flatMap((step) => [step.of, ...step.filters]);
    case 'filter':
      return [expression.of, ...expression.filters];
    case 'compare':
    case 'in':
    case 'logic':
    case 'arithmetic':
    case 'concatenation':
      return [expression.left, expression.right];
    case 'negation':
      return [expression.of];
    case 'condition':
      return [expression.test, expression.then, ...(expression.otherwise === undefined ? [] : [expression.otherwise])];
    case 'block':
      return expression.body;
    case 'call':
      return expression.args;
  }
}
