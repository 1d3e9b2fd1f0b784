// An expression as people speak of it: clauses, put together by `and`, `or` and `$not`, and the fields that they name.
import { type Expression, partsOf } from '../expression/syntax.ts';

/** What stands in parentheses, or behind a name. */
export function bareOf(expression: Expression): Expression {
  if (expression.kind === 'macro') return bareOf(expression.of);
  const [only] = expression.kind === 'block' ? expression.body : [];
  return expression.kind === 'block' && expression.body.length === 1 && only !== undefined ? bareOf(only) : expression;
}

/** The operands of `and` and `or`, each a list (what its author put in parentheses or named stays together); what is negated, where that is logic again; undefined of a clause. */
export function logicParts(
  expression: Expression,
): { readonly kind: 'all' | 'any' | 'not'; readonly of: readonly Expression[] } | undefined {
  if (expression.kind === 'logic') {
    const kind = expression.operator === 'and' ? 'all' : 'any';
    return { kind, of: expression.operands };
  }
  if (expression.kind === 'call' && expression.name === 'not') {
    const [inner] = expression.args;
    const isLogic = inner !== undefined && logicParts(bareOf(inner)) !== undefined;
    return isLogic ? { kind: 'not', of: expression.args } : undefined;
  }
  return undefined;
}

/** Every clause of an expression that is no mere logic, in the order of its text: what coverage counts. */
export function clausesOf(expression: Expression): readonly Expression[] {
  const parts = logicParts(bareOf(expression));
  return parts === undefined ? [expression] : parts.of.flatMap(clausesOf);
}

/** The fields that an expression names, each once, in the order of its text; a macro's too. */
export function fieldsOf(expression: Expression): readonly string[] {
  const fields = new Set<string>();
  collectFields(expression, '', fields);
  return [...fields];
}

function collectFields(expression: Expression, prefix: string, fields: Set<string>): void {
  if (expression.kind === 'macro') collectFields(expression.of, prefix, fields);
  else if (expression.kind === 'pipeline') collectPipeline(expression, prefix, fields);
  else if (expression.kind !== 'path') for (const part of partsOf(expression)) collectFields(part, prefix, fields);
  else {
    let inside = prefix;
    for (const { of, filters } of expression.steps) {
      if (of.kind === 'name') inside += `${of.name}.`;
      else if (of.kind === 'root') inside = '';
      else collectFields(of, inside, fields);
      for (const filter of filters) collectFields(filter, inside, fields);
    }
    if (inside !== '') fields.add(inside.slice(0, -1));
  }
}

/** As far as it goes from name to name. */
function collectPipeline(
  { steps }: Expression & { readonly kind: 'pipeline' },
  prefix: string,
  fields: Set<string>,
): void {
  let inside = prefix;
  for (const { of, stages } of steps) {
    if (of.kind === 'name') inside += `${of.name}.`;
    else if (of.kind === 'path') {
      collectFields(of, inside, fields);
      break;
    } else if (of.kind !== 'sort') break;
    for (const stage of stages) if (stage.kind === 'filter') collectFields(stage.test, inside, fields);
  }
  if (inside !== prefix) fields.add(inside.slice(0, -1));
}
