// Foreign documents → rules as they run, each read by the very reader that reads our own, and its text in our words.
import type { Diagnostic } from '../diagnostic.ts';
import { readRule } from '../language/rule-reader.ts';
import { sourceText } from '../language/source-text.ts';
import type { Rule } from '../rule.ts';
import { documentOf } from './foreign-rule.ts';
import type { ForeignEntry, ForeignFile, ForeignReading, Names } from './front-end.ts';
import { writeYaml } from './yaml-writer.ts';

/**
 * `runs`; `remarks`: it runs, and something differs or should be known; `no-source`: no events of its source come (it runs, if its fields are known at all); `part` and `filter`: in
 * other rules; `refused`: not expressible.
 */
export const STATUSES = ['runs', 'remarks', 'no-source', 'part', 'filter', 'refused'] as const;
export type ImportStatus = (typeof STATUSES)[number];

export interface ImportedRule {
  readonly entry: ForeignEntry;
  readonly status: ImportStatus;
  /** Undefined of parts, filters and what is refused. */
  readonly rule: Rule | undefined;
  /** The rule as a file of ours says it; undefined with `rule`. */
  readonly text: string | undefined;
  /** Lists that it names and that come with it, each as a file of ours below `lists/`. */
  readonly lists: readonly { readonly name: string; readonly text: string }[];
  /** All that is to be told of it. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Lints of our own that say something of an imported rule, too: the others are about how a rule is kept. */
const TOLD: ReadonlySet<string> = new Set([
  'rule/not-indexed',
  'rule/unknown-field',
  'rule/never',
  'rule/no-number',
  'rule/object-field',
]);

export function importedRules(
  files: readonly ForeignFile[],
  { entries }: ForeignReading,
  names: Names,
  shippedIds: ReadonlySet<string> = new Set(),
): readonly ImportedRule[] {
  const sources = new Map(files.map(({ file, text }) => [file, sourceText(file, text.replace(/^\ufeff/, ''))]));
  const taken = new Map<string, string>();
  return entries.map((entry) => {
    const source = sources.get(entry.file);
    if (entry.kind !== 'rule' || entry.rule === undefined || source === undefined) return without(entry);
    const document = documentOf(entry.rule);
    const own = entry.rule.lists ?? new Map<string, readonly string[]>();
    const lists = own.size === 0 ? names.lists : new Map([...names.lists, ...own]);
    const read = readRule(source, document, { ...names, lists, nowMs: undefined });
    const told = read.diagnostics.filter(({ severity, code }) => severity === 'error' || TOLD.has(code));
    const isShipped = read.rule !== undefined && shippedIds.has(read.rule.id);
    const diagnostics = [...entry.diagnostics, ...told, ...(isShipped ? [idOfShipped(entry, read.rule.id)] : [])];
    if (read.rule === undefined) return { ...without(entry), status: 'refused', diagnostics };
    const other = taken.get(read.rule.id);
    if (other !== undefined) {
      return {
        ...without(entry),
        status: 'refused',
        diagnostics: [...diagnostics, sameId(entry, read.rule.id, other)],
      };
    }
    taken.set(read.rule.id, entry.file);
    const remarked = diagnostics.length > 0 ? 'remarks' : 'runs';
    const status = entry.uncollected === undefined ? remarked : 'no-source';
    return { entry, status, rule: read.rule, text: document.text, lists: listFiles(entry, own), diagnostics };
  });
}

function without(entry: ForeignEntry): ImportedRule {
  const errors = entry.diagnostics.filter(({ severity }) => severity === 'error');
  // Said of a source of which nothing can be known here at all.
  const isOfOtherSource = errors.length > 0 && errors.every(({ code }) => code.endsWith('/not-collected'));
  const status = isOfOtherSource ? 'no-source' : entry.kind === 'rule' ? 'refused' : entry.kind;
  return { entry, status, rule: undefined, text: undefined, lists: [], diagnostics: entry.diagnostics };
}

function listFiles(
  { title, file }: ForeignEntry,
  lists: ReadonlyMap<string, readonly string[]>,
): ImportedRule['lists'] {
  const from = { owner: 'unknown', reason: `Values of “${title}”, imported from ${file}.`.slice(0, 2_000) };
  return [...lists].map(([name, values]) => ({ name, text: writeYaml({ name, ...from, values }) }));
}

function idOfShipped({ file, line }: ForeignEntry, id: string): Diagnostic {
  const message = `the id \`${id}\` is that of a shipped rule, which this one would replace`;
  const remedy = 'Give it another id, or another title or name where its id is made of that, to have both.';
  const place = { file, line, column: 1, sourceLine: '' };
  return { code: 'rule/replaces-shipped', severity: 'warning', message, remedy, ...place };
}

function sameId({ file, line }: ForeignEntry, id: string, other: string): Diagnostic {
  const message = `the id \`${id}\` is taken by ${other}`;
  const remedy = 'Give one of them another id.';
  return { code: 'rule/duplicate-id', severity: 'error', message, remedy, file, line, column: 1, sourceLine: '' };
}
