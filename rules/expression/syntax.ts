// The tree of a checked expression: JSONata's own tree, with everything resolved that can be before there is an event. Compiling,
// necessary clauses and lints all read this tree, and switches over `kind` are exhaustive. What analysis knows best has kinds of
// its own (`path`, `compare`, `call` …); the rest of the language is in the kinds below `range`.

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
  /** `isWhole`: at an end of a path, which then does not flatten it. */
  | { readonly kind: 'array'; readonly items: readonly Expression[]; readonly isWhole?: true }
  | { readonly kind: 'list'; readonly name: string; readonly values: ListValues }
  /** A named expression where its name stands; `at` is the name's place, the places within are in the macro's own text. */
  | { readonly kind: 'macro'; readonly name: string; readonly of: Expression }
  /** Steps that gather and filter, and nothing else; any other path is a `pipeline`. */
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
  /** Two operands or more: a chain of one operator is one node, however long. What stands in parentheses is a block within it. */
  | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** Two operands or more, as of `logic`. */
  | { readonly kind: 'concatenation'; readonly operands: readonly Expression[] }
  | { readonly kind: 'negation'; readonly of: Expression }
  | {
      readonly kind: 'condition';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: 'block'; readonly body: readonly Expression[] }
  | { readonly kind: 'regex'; readonly source: string; readonly flags: string }
  /** A function called by its name; `x ~> $f(y)` is `$f(x, y)`. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  /** `[a..b]` within an array. */
  | { readonly kind: 'range'; readonly left: Expression; readonly right: Expression }
  /** `*` and `**`. */
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'descendants' }
  /** `%`: what the step named by the label was taken from. */
  | { readonly kind: 'parent'; readonly label: string }
  /** `otherwise`: what the name means where nothing has bound it. */
  | { readonly kind: 'variable'; readonly name: string; readonly otherwise: Expression | undefined }
  | { readonly kind: 'bind'; readonly name: string; readonly value: Expression }
  /** A function of JSONata or of ours as a value. */
  | { readonly kind: 'function'; readonly name: string }
  | {
      readonly kind: 'lambda';
      readonly parameters: readonly string[];
      readonly signature: string | undefined;
      readonly body: Expression;
    }
  /** A call that is all that is left to do in a function, so that it takes no depth. */
  | { readonly kind: 'tail'; readonly procedure: Expression; readonly args: readonly Expression[] }
  /** `missing`: the error when there is no function. */
  | {
      readonly kind: 'invoke';
      readonly procedure: Expression;
      readonly args: readonly Expression[];
      readonly missing: 'T1005' | 'T1006';
    }
  /** `undefined` where `?` stands. */
  | {
      readonly kind: 'partial';
      readonly procedure: Expression;
      readonly args: readonly (Expression | undefined)[];
      readonly missing: 'T1007' | 'T1008';
    }
  /** `left ~> right` where right is no call. */
  | { readonly kind: 'apply'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'transform';
      readonly pattern: Expression;
      readonly update: Expression;
      readonly remove: Expression | undefined;
      /** Its function `$clone`, where the expression binds that name. */
      readonly clone: Expression | undefined;
    }
  | { readonly kind: 'object'; readonly pairs: readonly Pair[] }
  /** `of{key: value}`. */
  | { readonly kind: 'group'; readonly of: Expression; readonly pairs: readonly Pair[] }
  /** `of[]`: a lone result stays an array. */
  | { readonly kind: 'keep'; readonly of: Expression }
  | {
      readonly kind: 'pipeline';
      readonly steps: readonly PipelineStep[];
      readonly isKept: boolean;
      /** Hands its bindings to the path around it. */
      readonly isTuples: boolean;
      readonly pairs: readonly Pair[] | undefined;
    }
);

interface Step {
  readonly of: Expression;
  /** `[…]` behind the step. */
  readonly filters: readonly Expression[];
}

/** A step of a path that binds (`@$v`, `#$i`, what `%` looks for), sorts, groups or keeps arrays. */
export interface PipelineStep {
  readonly of: Expression | { readonly kind: 'sort'; readonly at: number; readonly terms: readonly SortTerm[] };
  readonly stages: readonly Stage[];
  /** An array written out as first step: evaluated once, not for each member of the input. */
  readonly isWhole: boolean;
  readonly isTuples: boolean;
  readonly focus: string | undefined;
  readonly index: string | undefined;
  readonly ancestor: string | undefined;
}

export type Stage =
  | { readonly kind: 'filter'; readonly test: Expression }
  | { readonly kind: 'index'; readonly name: string };

export interface SortTerm {
  readonly of: Expression;
  readonly isDescending: boolean;
}

export interface Pair {
  readonly key: Expression;
  readonly value: Expression;
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
    case 'wildcard':
    case 'descendants':
    case 'parent':
    case 'variable':
    case 'function':
      return [];
    case 'array':
      return expression.items;
    case 'path':
      return expression.steps.flatMap((step) => [step.of, ...step.filters]);
    case 'filter':
      return [expression.of, ...expression.filters];
    case 'compare':
    case 'in':
    case 'arithmetic':
    case 'range':
    case 'apply':
      return [expression.left, expression.right];
    case 'logic':
    case 'concatenation':
      return expression.operands;
    case 'negation':
    case 'keep':
      return [expression.of];
    case 'condition':
      return [expression.test, expression.then, ...(expression.otherwise === undefined ? [] : [expression.otherwise])];
    case 'block':
      return expression.body;
    case 'call':
      return expression.args;
    case 'bind':
      return [expression.value];
    case 'lambda':
      return [expression.body];
    case 'tail':
    case 'invoke':
      return [expression.procedure, ...expression.args];
    case 'partial':
      return [expression.procedure, ...expression.args.filter((arg) => arg !== undefined)];
    case 'transform':
      return [expression.pattern, expression.update, ...(expression.remove === undefined ? [] : [expression.remove])];
    case 'object':
      return expression.pairs.flatMap(({ key, value }) => [key, value]);
    case 'group':
      return [expression.of, ...expression.pairs.flatMap(({ key, value }) => [key, value])];
    case 'pipeline':
      return [
        ...expression.steps.flatMap((step) => [
          ...(step.of.kind === 'sort' ? step.of.terms.map((term) => term.of) : [step.of]),
          ...step.stages.flatMap((stage) => (stage.kind === 'filter' ? [stage.test] : [])),
        ]),
        ...(expression.pairs ?? []).flatMap(({ key, value }) => [key, value]),
      ];
  }
}

/** The expression below the `[…]`, `{…}` and `[]` that stand behind it. */
export function bareOf(expression: Expression): Expression {
  switch (expression.kind) {
    case 'filter':
    case 'group':
    case 'keep':
      return bareOf(expression.of);
    default:
      return expression;
  }
}
