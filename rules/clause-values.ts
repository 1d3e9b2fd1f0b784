// How a necessary clause meets an event. Both kinds ask the same: is one of the clause's values among the texts that the
// field's path can reach, through arrays anywhere on the way? That is how JSONata reads a path, so the clause never misses.
import { type EventDocument, isPlainObject } from '../event/document.ts';
import type { NecessaryClause } from './rule.ts';

/** The most texts that are collected for one field; past it the answer is undefined: "cannot tell, evaluate the rule". */
export const CLAUSE_VALUES_MAX = 1_024;

const NONE: readonly string[] = [];

/** The texts that the field can be for a rule's path, or undefined when there are too many to tell. Nested form only. */
export function clauseValues(document: EventDocument, field: string): readonly string[] | undefined {
  let current: unknown = document;
  let start = 0;
  while (start <= field.length) {
    if (!isPlainObject(current)) break;
    const dot = field.indexOf('.', start);
    const name = dot < 0 ? field.slice(start) : field.slice(start, dot);
    if (!Object.hasOwn(current, name)) return NONE;
    current = current[name];
    if (dot < 0)
      return typeof current === 'string' ? [current] : Array.isArray(current) ? collected(current, '') : NONE;
    start = dot + 1;
  }
  return Array.isArray(current) ? collected(current, field.slice(start)) : NONE;
}

/** True unless the clause shows that the rule cannot match the event. */
export function mayHold(clause: NecessaryClause, document: EventDocument): boolean {
  const values = clauseValues(document, clause.field);
  return values === undefined || values.some((value) => clause.values.has(value));
}

function collected(value: unknown, rest: string): readonly string[] | undefined {
  const found: string[] = [];
  return collect(value, rest === '' ? [] : rest.split('.'), { found, visits: 0 }) ? found : undefined;
}

/** False when there is too much to look at. */
function collect(
  value: unknown,
  names: readonly string[],
  into: { readonly found: string[]; visits: number },
): boolean {
  into.visits += 1;
  if (into.visits > CLAUSE_VALUES_MAX) return false;
  if (Array.isArray(value)) return value.every((member) => collect(member, names, into));
  const [name, ...rest] = names;
  if (name === undefined) {
    if (typeof value === 'string') into.found.push(value);
    return true;
  }
  return !isPlainObject(value) || !Object.hasOwn(value, name) || collect(value[name], rest, into);
}
