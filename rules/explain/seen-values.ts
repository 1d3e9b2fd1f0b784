// What an event holds in the fields that a clause names, cut to what a person reads.
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import { type Expression, partsOf, plainField } from '../expression/syntax.ts';
import { fieldsOf } from './clauses.ts';

export interface SeenValue {
  readonly field: string;
  /** As JSON, cut; undefined where the field is missing. */
  readonly json: string | undefined;
}

const FIELDS_MAX = 8;
const JSON_LENGTH_MAX = 160;

export function valuesSeen(expression: Expression, event: EventDocument): readonly SeenValue[] {
  const descending = new Set(descendants(expression));
  return fieldsOf(expression)
    .flatMap((field) => (descending.has(field) ? [`${field}.parent.name`, `${field}.ancestors.name`] : [field]))
    .slice(0, FIELDS_MAX)
    .map((field) => ({ field, json: jsonOf(valueAt(event, field)) }));
}

/** What a dotted name reaches, through arrays on the way; one value, or all of them. Own properties only. */
export function valueAt(event: EventDocument, field: string): unknown {
  let current: readonly unknown[] = [event];
  let isMany = false;
  for (const name of field.split('.')) {
    const next: unknown[] = [];
    for (const value of current) {
      if (!isPlainObject(value) || !Object.hasOwn(value, name)) continue;
      const inner = value[name];
      if (Array.isArray(inner)) {
        isMany = true;
        next.push(...inner.slice(0, 1_000));
      } else if (inner !== undefined) next.push(inner);
    }
    current = next;
  }
  return isMany ? (current.length === 0 ? undefined : current) : current[0];
}

/** Fields whose parents and ancestors are asked for, not they themselves. */
function descendants(expression: Expression): readonly string[] {
  const [of] = expression.kind === 'call' && expression.name === 'descends_from' ? expression.args : [];
  const field = of === undefined ? undefined : plainField(of);
  return field === undefined ? partsOf(expression).flatMap(descendants) : [field];
}

function jsonOf(value: unknown): string | undefined {
  const json: string | undefined = JSON.stringify(value);
  return json === undefined || json.length <= JSON_LENGTH_MAX ? json : `${json.slice(0, JSON_LENGTH_MAX - 1)}…`;
}
