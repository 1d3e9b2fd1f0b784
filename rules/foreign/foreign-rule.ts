// The contract of front ends: a rule of another language (Sigma, ElastAlert, EQL) becomes plain data in the shape of our own rule
// document (docs/rules.md), with the places that its parts came from, or a list of what could not be said; never half a rule. The
// same data is read on as a rule or written as YAML, so that what is imported is what runs.
import type { Diagnostic } from '../diagnostic.ts';
import type { YamlDocument, YamlNode } from '../language/yaml-tree.ts';
import { writeYaml } from './yaml-writer.ts';

/** What YAML can say, and nothing else. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** A rule as it would stand in one of our files: the keys of docs/rules.md, in the order in which they are written. */
export type PlainRule = Readonly<Record<string, PlainValue>>;

export interface ForeignRule {
  readonly rule: PlainRule;
  /**
   * Where parts of it come from: offsets in the foreign file by the dotted path of the part (`match`, `alert.title`,
   * `sequence.steps.0.match`). A part without a place has that of what it is in; `''` is the document's own.
   */
  readonly places: ReadonlyMap<string, number>;
  /** Where the foreign document ends in its file, for comments in it that switch lints off. */
  readonly end: number;
  /** Lists that it names and that come with it, by their names: values too many to be written out. */
  readonly lists?: ReadonlyMap<string, readonly string[]>;
  /** Events that it may alert on, for tests of it; undefined where none can be made. */
  readonly examples?: () => ExampleEvents;
}

/** Fields by their dotted names, and the same event with another value in one of them, by that one. */
export type ExampleEvents = Iterable<{
  readonly event: Readonly<Record<string, PlainValue>>;
  readonly others: readonly (readonly [string, Readonly<Record<string, PlainValue>>])[];
}>;

/** What a front end answers: rules that are whole, and what is wrong with the others, each with file, line, column and remedy. */
export interface ForeignRules {
  readonly rules: readonly ForeignRule[];
  /** An error for each document that is no rule; warnings say what differs on purpose. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The document that rule-reader.ts reads: the data as a tree whose nodes stand where they came from, and its text in our words. */
export function documentOf({ rule, places, end }: ForeignRule): YamlDocument {
  const at = places.get('') ?? 0;
  const root = nodeOf(rule, '', { places, at, end });
  return { root: { ...root, end }, text: writeYaml(rule) };
}

interface Origin {
  readonly places: ReadonlyMap<string, number>;
  readonly at: number;
  readonly end: number;
}

function nodeOf(value: PlainValue, path: string, from: Origin): YamlNode {
  const at = from.places.get(path) ?? from.at;
  const here = { ...from, at };
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (isList(value)) {
    return { kind: 'list', at, end: at, items: value.map((item, index) => nodeOf(item, below(String(index)), here)) };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'scalar', at, end: at, value, style: 'folded' };
  const entries = Object.entries(value).map(([key, of]) => {
    const node = nodeOf(of, below(key), here);
    return { key, keyAt: node.at, value: node };
  });
  return { kind: 'map', at, end: at, entries };
}

function isList(value: PlainValue): value is readonly PlainValue[] {
  return Array.isArray(value);
}
