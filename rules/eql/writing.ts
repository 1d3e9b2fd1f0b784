// What writing a condition of Elastic's languages as one of ours needs and tells. Problems are gathered, so that all of a query are told at once.

import type { Diagnostic } from '../diagnostic.ts';
import type { Notes, Part } from '../elastalert/notes.ts';
import { diagnosticAt, type SourceText } from '../language/source-text.ts';

export interface Writing {
  /** Where an offset of the query stands in its file, as the readers of Elasticsearch's own queries take it. */
  part(at: number): Part;
  /** Tells what cannot be said; the rule is none then. */
  refuse(at: number, message: string, remedy: string): void;
  remark(at: number, message: string, remedy: string): void;
  /** Fields that are asked for, in the order in which they are. */
  readonly fields: Set<string>;
}

export interface WritingOptions {
  readonly source: SourceText;
  readonly diagnostics: Diagnostic[];
  /** Offset in the file of an offset in the query. */
  readonly placeOf: (at: number) => number;
}

export function writingOf({ source, diagnostics, placeOf }: WritingOptions): Writing {
  const tell = (at: number, severity: Diagnostic['severity'], message: string, remedy: string): undefined => {
    if (diagnostics.length >= NOTES_MAX) return undefined;
    const code = severity === 'error' ? 'eql/not-expressible' : 'eql/differs';
    const told = diagnosticAt(source, at, { code, severity, message, remedy });
    const isKnown = diagnostics.some(
      (other) => other.message === message && (severity === 'warning' || other.line === told.line),
    );
    if (!isKnown) diagnostics.push(told);
    return undefined;
  };
  const notes: Notes = {
    problem: ({ at }, message, remedy) => tell(at, 'error', message, remedy),
    remark: ({ at }, message, remedy) => {
      tell(at, 'warning', message, remedy);
    },
    get hasProblem() {
      return diagnostics.some(({ severity }) => severity === 'error');
    },
  };
  return {
    part: (at) => {
      const place = placeOf(at);
      return { node: { kind: 'scalar', at: place, end: place, value: '', style: 'quoted' }, source, notes };
    },
    refuse: (at, message, remedy) => tell(placeOf(at), 'error', message, remedy),
    remark: (at, message, remedy) => {
      tell(placeOf(at), 'warning', message, remedy);
    },
    fields: new Set(),
  };
}

/** Of one document; more are of the same sort. */
const NOTES_MAX = 50;
