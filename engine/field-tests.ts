// The tests that rules need of single fields, put together for one pass over a document: names by a tree of their parts, values by
// hash, parts of texts by one automaton for each field. Names may be cut by dots anyhow, and arrays may stand anywhere.
import type { NecessaryTest, Scalar } from '../rules/necessary.ts';
import { buildAutomaton, type SoughtPart, type TextAutomaton } from './text-automaton.ts';

/** Takes the numbers that were given to a test which holds; the same may come several times. */
type Found = (rules: Int32Array) => void;

export interface FieldTests {
  /** Calls `found` for every test that holds of the document. */
  search(document: unknown, found: Found): void;
}

/** Deeper nesting than this is not looked into; JSON that deep is refused at ingest. */
export const VALUE_DEPTH_MAX = 64;
/** Names of documents that no test is about are remembered, so many at each place. */
const OTHER_NAMES_MAX = 1_000;

/** The tests of one field. */
export interface Leaf {
  readonly exists: Int32Array | undefined;
  readonly equals: ReadonlyMap<Scalar, Int32Array> | undefined;
  /** By text in lower case. */
  readonly is: ReadonlyMap<string, Int32Array> | undefined;
  readonly parts: TextAutomaton | undefined;
}

/** Where a name leads, and what is asked there. */
export interface Place {
  /** What stands under a name of a document; null: nothing that a test is about. */
  readonly names: Map<string, Place | null>;
  /** By one part of a dotted name. */
  readonly next: Map<string, Place>;
  leaf: Leaf | undefined;
  otherNames: number;
}

/** One test, and the numbers that are to be told when it holds. */
export interface NumberedTest {
  readonly test: NecessaryTest;
  readonly rule: number;
}

/** The tests by their fields, from the whole document on. */
export function placeTests(tests: readonly NumberedTest[]): Place {
  const root = newPlace();
  for (const [field, ofField] of Map.groupBy(tests, ({ test }) => test.field)) {
    let place = root;
    for (const part of field.split('.')) {
      const next = place.next.get(part) ?? newPlace();
      place.next.set(part, next);
      place.names.set(part, next);
      place = next;
    }
    place.leaf = leafOf(ofField);
  }
  return root;
}

export function fieldTests(root: Place): FieldTests {
  return {
    search(document, found) {
      if (root.next.size > 0) visit(root, document, 0, found);
    },
  };
}

function newPlace(): Place {
  return { names: new Map(), next: new Map(), leaf: undefined, otherNames: 0 };
}

function leafOf(tests: readonly NumberedTest[]): Leaf {
  const exists: number[] = [];
  const equals = new Map<Scalar, number[]>();
  const is = new Map<string, number[]>();
  const sought = new Map<string, { part: Omit<SoughtPart, 'rules'>; rules: number[] }>();
  for (const { test, rule } of tests) {
    switch (test.kind) {
      case 'exists':
        exists.push(rule);
        break;
      case 'equals':
        for (const value of test.values) put(equals, value, rule);
        break;
      case 'is':
        for (const text of test.texts) put(is, text, rule);
        break;
      case 'part': {
        const key = `${test.place} ${test.isFolded} ${test.part}`;
        const same = sought.get(key) ?? { part: test, rules: [] };
        sought.set(key, same);
        same.rules.push(rule);
        break;
      }
    }
  }
  const parts = [...sought.values()].map(({ part, rules }) => ({ ...part, rules: Int32Array.from(new Set(rules)) }));
  const { automaton, left } = buildAutomaton(parts);
  for (const { rules } of left) exists.push(...rules);
  return {
    exists: exists.length === 0 ? undefined : Int32Array.from(new Set(exists)),
    equals: equals.size === 0 ? undefined : packed(equals),
    is: is.size === 0 ? undefined : packed(is),
    parts: automaton,
  };
}

function put<Key>(map: Map<Key, number[]>, key: Key, rule: number): void {
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else if (rules.at(-1) !== rule) rules.push(rule);
}

function packed<Key>(map: ReadonlyMap<Key, readonly number[]>): ReadonlyMap<Key, Int32Array> {
  return new Map([...map].map(([key, rules]) => [key, Int32Array.from(rules)]));
}

function visit(place: Place, value: unknown, depth: number, found: Found): void {
  if (typeof value !== 'object' || value === null) {
    if (place.leaf !== undefined) meet(place.leaf, value as Scalar, found);
    return;
  }
  if (depth > VALUE_DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) visit(place, value[index], depth + 1, found);
    return;
  }
  if (place.next.size === 0) return;
  const { names } = place;
  for (const name in value) {
    let next = names.get(name);
    if (next === undefined) next = otherName(place, name);
    if (next === null || !Object.hasOwn(value, name)) continue;
    if (next.leaf?.exists !== undefined) found(next.leaf.exists);
    visit(next, (value as Readonly<Record<string, unknown>>)[name], depth + 1, found);
  }
}

/** What a name stands for that was not met here before: dotted ones go several steps. */
function otherName(place: Place, name: string): Place | null {
  let next: Place | undefined;
  if (name.includes('.')) {
    next = place;
    for (const part of name.split('.')) next = next?.next.get(part);
  }
  if (place.otherNames < OTHER_NAMES_MAX) {
    place.otherNames += 1;
    place.names.set(name, next ?? null);
  }
  return next ?? null;
}

function meet(leaf: Leaf, value: Scalar, found: Found): void {
  const { equals, is, parts } = leaf;
  if (equals !== undefined) {
    const rules = equals.get(value);
    if (rules !== undefined) found(rules);
  }
  if (is === undefined && parts === undefined) return;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return;
  if (is !== undefined) {
    const rules = is.get(text.toLowerCase());
    if (rules !== undefined) found(rules);
  }
  parts?.search(text, found);
}
