// The necessary clause of an expression: something cheap that holds of every event on which it is true, so that the engine
// need not evaluate the rule on the others. Sound for every construct; where nothing is known it says so.
import { fieldNamed } from '../../event/catalogue.ts';
import type { NecessaryClause } from '../rule.ts';
import { type Expression, plainField } from './syntax.ts';

/** A clause with more values is of no use as an index. */
const VALUES_MAX = 5_000;

/** A clause that holds whenever the expression is true, the most telling one; undefined when none is known. */
export function necessaryClause(expression: Expression): NecessaryClause | undefined {
  return clausesOf(expression).toSorted((a, b) => selectivity(b) - selectivity(a) || a.values.size - b.values.size)[0];
}

/** Each of them holds whenever the expression is true. */
function clausesOf(expression: Expression): readonly NecessaryClause[] {
  switch (expression.kind) {
    case 'logic':
      return expression.operator === 'and'
        ? [...clausesOf(expression.left), ...clausesOf(expression.right)]
        : unions(clausesOf(expression.left), clausesOf(expression.right));
    case 'compare':
      return expression.operator === '=' ? ofEquality(expression.left, expression.right) : [];
    case 'in':
      return ofMembership(expression.left, expression.right);
    case 'block': {
      const [only] = expression.body;
      return expression.body.length === 1 && only !== undefined ? clausesOf(only) : [];
    }
    case 'call': {
      const [only] = expression.args;
      return expression.name === 'boolean' && only !== undefined ? clausesOf(only) : [];
    }
    default:
      return [];
  }
}

/** Either side's clause may be the one that holds: same field, values of both. */
function unions(left: readonly NecessaryClause[], right: readonly NecessaryClause[]): readonly NecessaryClause[] {
  return left.flatMap((a) =>
    right
      .filter((b) => b.field === a.field)
      .map(
        (b): NecessaryClause => ({
          kind: kindFor(a.field),
          field: a.field,
          values: new Set([...a.values, ...b.values]),
        }),
      )
      .filter((clause) => clause.values.size <= VALUES_MAX),
  );
}

function ofEquality(left: Expression, right: Expression): readonly NecessaryClause[] {
  return clause(plainField(left), textsOf(right)) ?? clause(plainField(right), textsOf(left)) ?? [];
}

function ofMembership(left: Expression, right: Expression): readonly NecessaryClause[] {
  return (
    clause(plainField(left), textsOf(right)) ??
    clause(plainField(right), left.kind === 'literal' ? textsOf(left) : undefined) ??
    []
  );
}

/** The texts that an operand can be, when it is nothing but texts. */
function textsOf(expression: Expression): readonly string[] | undefined {
  if (expression.kind === 'literal') return typeof expression.value === 'string' ? [expression.value] : undefined;
  const values =
    expression.kind === 'list'
      ? expression.values
      : expression.kind === 'array'
        ? expression.items.map(literalOf)
        : undefined;
  return values?.every((value) => typeof value === 'string') === true ? (values as readonly string[]) : undefined;
}

function literalOf(expression: Expression): unknown {
  return expression.kind === 'literal' ? expression.value : undefined;
}

function clause(
  field: string | undefined,
  texts: readonly string[] | undefined,
): readonly NecessaryClause[] | undefined {
  if (field === undefined || texts === undefined || texts.length > VALUES_MAX) return undefined;
  return [{ kind: kindFor(field), field, values: new Set(texts) }];
}

function kindFor(field: string): NecessaryClause['kind'] {
  return fieldNamed(field)?.isArray === true ? 'contains' : 'equals';
}

/** How few events a field's value usually leaves: coarse, by what the field is. */
function selectivity(clause: NecessaryClause): number {
  const { field } = clause;
  if (
    ['event.kind', 'event.outcome', 'event.module', 'host.os.type', 'agent.type', 'network.direction'].includes(field)
  )
    return 0;
  if (field === 'event.category' || field === 'event.type') return 1;
  if (field.startsWith('host.') || field.startsWith('user.')) return 2;
  if (field === 'event.action' || field === 'event.dataset' || field === 'tags') return 3;
  return 4;
}
