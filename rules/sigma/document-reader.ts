// What the reading of single documents answers, for those who put several together.
import type { Diagnostic } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import type { Written } from '../foreign/expression-writer.ts';
import type { ForeignRule, PlainRule } from '../foreign/foreign-rule.ts';
import type { FieldOf } from './correlation-rule.ts';
import type { SigmaFilter } from './filter.ts';
import type { SigmaDocument } from './sigma-document.ts';

export interface SigmaReader {
  /** What `%name%` stands for. */
  readonly lists: Lists;
  /** Title, author, level, … in our keys, in the order in which they are written; never `match`. */
  readonly metadata: (document: SigmaDocument) => ReadMetadata;
  readonly detection: (document: SigmaDocument) => ReadDetection;
  /** What a filter takes out of a rule, in the words of the rule's log source; one condition each. */
  readonly excluded: (filter: SigmaFilter, rule: SigmaDocument) => readonly Written[] | readonly Diagnostic[];
}

export interface ReadMetadata {
  readonly keys: PlainRule;
  readonly places: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadDetection {
  /** Undefined where it cannot be said; the diagnostics say why. */
  readonly rule: ForeignRule | undefined;
  readonly match: Written | undefined;
  readonly fieldOf: FieldOf;
  readonly diagnostics: readonly Diagnostic[];
  /** Why no events of its log source come, if none do. */
  readonly uncollected?: string | undefined;
}
