// What a front end for rules of another language answers of a set of files: each document of them with what became of it, so that nothing is left
// out silently. Pure; files are read by those who ask.
import type { Diagnostic } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import type { MacroSet } from '../language/macro-reader.ts';
import type { ForeignRule } from './foreign-rule.ts';

export interface ForeignFile {
  /** As people know it: shown in messages. */
  readonly file: string;
  readonly text: string;
}

export interface ForeignEntry {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly title: string;
  /**
   * `part`: says something only within other rules, which hold it; `filter`: changes other rules, and is in them; `refused`: what it says
   * cannot be said here, and the diagnostics say why.
   */
  readonly kind: 'rule' | 'part' | 'filter' | 'refused';
  /** Of a `rule`. */
  readonly rule: ForeignRule | undefined;
  /** Why no events of its source come, if none do. */
  readonly uncollected: string | undefined;
  /** Of this document: errors where it is refused, and what differs on purpose. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ForeignReading {
  readonly entries: readonly ForeignEntry[];
  /** Of files as a whole, and of documents that are no rules at all. */
  readonly diagnostics: readonly Diagnostic[];
  /** Told once for all, before the rules: what differs on purpose, pieces of configuration. */
  readonly notes?: readonly string[];
}

/** What rules may name. */
export interface Names {
  readonly lists: Lists;
  readonly macros: MacroSet;
}

export type FrontEnd = (files: readonly ForeignFile[], names: Names) => ForeignReading;
