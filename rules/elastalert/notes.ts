// What reading an ElastAlert rule tells: problems, with any of which there is no rule, and remarks on what differs on purpose. Both stand at the
// part of the foreign file that they are about.
import type { Diagnostic } from '../diagnostic.ts';
import { diagnosticAt, type SourceText } from '../language/source-text.ts';
import type { YamlNode } from '../language/yaml-tree.ts';

/** Somewhere in a foreign file. */
export interface Place {
  readonly source: SourceText;
  readonly at: number;
}

export interface Notes {
  /** What cannot be said here. Answers undefined, so that a reader can return it. */
  problem(place: Place, message: string, remedy: string): undefined;
  /** What means something else here, on purpose. The same words are told once. */
  remark(place: Place, message: string, remedy: string): void;
  readonly hasProblem: boolean;
}

export function notesInto(diagnostics: Diagnostic[]): Notes {
  const told = new Set<string>();
  let hasProblem = false;
  return {
    problem({ source, at }, message, remedy) {
      hasProblem = true;
      diagnostics.push(diagnosticAt(source, at, { code: 'elastalert/not-expressible', message, remedy }));
      return undefined;
    },
    remark({ source, at }, message, remedy) {
      if (told.has(message)) return;
      told.add(message);
      diagnostics.push(diagnosticAt(source, at, { code: 'elastalert/differs', severity: 'warning', message, remedy }));
    },
    get hasProblem() {
      return hasProblem;
    },
  };
}

/** A part of a file with where its notes go: what the readers of filters hand on. */
export interface Part {
  readonly node: YamlNode;
  readonly source: SourceText;
  readonly notes: Notes;
}

export function partOf(part: Part, node: YamlNode): Part {
  return { ...part, node };
}

export function placeOfPart({ node, source }: Part): Place {
  return { source, at: node.at };
}

/** Tells a problem about this part. */
export function refuse(part: Part, message: string, remedy: string): undefined {
  return part.notes.problem(placeOfPart(part), message, remedy);
}

export type Scalar = string | number | boolean | null;

/** The value of a scalar as PyYAML reads it, which ElastAlert does: `yes` and `off` are truths; undefined of lists and maps. */
export function scalarOf(node: YamlNode | undefined): Scalar | undefined {
  if (node?.kind !== 'scalar') return undefined;
  const { value, style } = node;
  if (style !== 'plain' || typeof value !== 'string') return value;
  if (/^(?:yes|on)$/i.test(value)) return true;
  return /^(?:no|off)$/i.test(value) ? false : value;
}

export function entryOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key)?.value : undefined;
}

/** The one entry of a map; undefined where it has another number of them. */
export function onlyEntry(node: YamlNode): { readonly key: string; readonly value: YamlNode } | undefined {
  return node.kind === 'map' && node.entries.length === 1 ? node.entries[0] : undefined;
}

/** The members of a list, or the one thing that stands in its place. */
export function membersOf(node: YamlNode): readonly YamlNode[] {
  return node.kind === 'list' ? node.items : [node];
}

export function textOf(node: YamlNode | undefined): string | undefined {
  const value = scalarOf(node);
  return value === undefined || value === null ? undefined : String(value);
}
