// The candidate index: which rules an event could match, by each rule's necessary clause. It may name too many rules, never
// too few: values are looked for in nested, flat and mixed documents and through arrays, as an expression may find them.
import { type EventDocument, isPlainObject } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';

export interface CandidateIndex {
  /** The rules to evaluate on this event, each once, in the order of the rule set. */
  candidates(document: EventDocument): readonly Rule[];
}

interface FieldIndex {
  readonly field: string;
  readonly placesByValue: ReadonlyMap<string, readonly number[]>;
}

/** Deeper nesting than this is not looked into; JSON that deep is refused at ingest. */
const VALUE_DEPTH_MAX = 64;

/** Rules that are off are left out. */
export function indexRules(rules: readonly Rule[]): CandidateIndex {
  const live = rules.filter((rule) => rule.status !== 'off');
  const always: number[] = [];
  const fields = new Map<string, Map<string, number[]>>();
  live.forEach((rule, place) => {
    if (rule.necessary === undefined) {
      always.push(place);
      return;
    }
    const byValue = fields.get(rule.necessary.field) ?? new Map<string, number[]>();
    fields.set(rule.necessary.field, byValue);
    for (const value of rule.necessary.values) byValue.set(value, [...(byValue.get(value) ?? []), place]);
  });
  const indexes: FieldIndex[] = [...fields].map(([field, placesByValue]) => ({ field, placesByValue }));
  return {
    candidates(document) {
      const places = new Set(always);
      for (const { field, placesByValue } of indexes) {
        collect(document, field, 0, (text) => {
          for (const place of placesByValue.get(text) ?? []) places.add(place);
        });
      }
      return [...places].sort((a, b) => a - b).map((place) => live[place] as Rule);
    },
  };
}

/** Every text that stands under `rest` in `value`, however the names are cut by dots and wherever arrays stand between. */
function collect(value: unknown, rest: string, depth: number, found: (text: string) => void): void {
  if (depth > VALUE_DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const member of value) collect(member, rest, depth + 1, found);
    return;
  }
  if (rest === '') {
    if (typeof value === 'string') found(value);
    return;
  }
  if (!isPlainObject(value)) return;
  if (Object.hasOwn(value, rest)) collect(value[rest], '', depth + 1, found);
  for (let end = rest.lastIndexOf('.'); end > 0; end = rest.lastIndexOf('.', end - 1)) {
    const name = rest.slice(0, end);
    if (Object.hasOwn(value, name)) collect(value[name], rest.slice(end + 1), depth + 1, found);
  }
}
