// Macros: named expressions with an owner and a reason, in macros/*.yaml beside the rules. `$macro` in a rule stands for the
// expression; a macro may use lists and other macros, in whatever file they stand.
import type { Diagnostic } from '../diagnostic.ts';
import { parseExpression } from '../expression/parse.ts';
import type { Lists, Macro, Macros } from '../expression/syntax.ts';
import { lintExpression } from '../lint/expression-lints.ts';
import { offsetInFile } from './expression-place.ts';
import { type Naming, namingReaders, readNamedMaps } from './named-map.ts';
import { expression } from './plain-words.ts';
import { type MapShape, type Placed, type Reading, report } from './readers.ts';
import { told } from './source-text.ts';

/** A macro as it stands in its file, not yet parsed: what it names may come later. */
export interface NamedMacro {
  readonly name: string;
  readonly source: Placed<string>;
  /** Tells a mistake of the expression at its place. */
  readonly reading: Reading;
  readonly file: string;
  readonly isOwn: boolean;
}

/** Parsed macros with their texts, from which they can be parsed again. */
export interface MacroSet {
  readonly parsed: Macros;
  readonly sources: ReadonlyMap<string, string>;
}

export const NO_MACROS: MacroSet = { parsed: new Map(), sources: new Map() };

interface MacroKeys extends Naming {
  readonly expression: Placed<string>;
}

/** A macro as a map. */
export const MACRO: MapShape<MacroKeys> = {
  what: 'a macro',
  readers: { ...namingReaders('macro'), expression },
  required: ['name', 'owner', 'reason', 'expression'],
};

/** The macros of one file. One with a mistake is left out. */
export function readMacroText(
  file: string,
  fileText: string,
  isOwn: boolean,
): { readonly macros: readonly NamedMacro[]; readonly diagnostics: readonly Diagnostic[] } {
  const macros: NamedMacro[] = [];
  const diagnostics = readNamedMaps(
    { file, fileText, word: 'macro', shape: MACRO },
    ({ name, expression: placed }, source) => {
      if (name === undefined || placed === undefined) return;
      macros.push({ name, source: placed, reading: { source, diagnostics: [] }, file, isOwn });
    },
  );
  return { macros, diagnostics };
}

/** Parses macros in the order in which they need each other. What has a mistake, or needs itself, is left out and told. */
export function parseMacros(
  named: readonly NamedMacro[],
  lists: Lists,
): { readonly macros: MacroSet; readonly diagnostics: readonly Diagnostic[] } {
  const byName = new Map(named.map((macro) => [macro.name, macro]));
  const parsed = new Map<string, Macro>();
  const underWay = new Set<string>();
  const done = new Set<string>();

  const parse = (macro: NamedMacro): void => {
    if (done.has(macro.name)) return;
    const { value, node } = macro.source;
    underWay.add(macro.name);
    for (const needed of namesIn(value)) {
      const other = byName.get(needed);
      if (other === undefined || done.has(needed)) continue;
      if (underWay.has(needed)) {
        const problem = {
          code: 'macro/circle',
          message: `$${macro.name} and $${needed} need each other`,
          remedy: 'Write one of them out.',
        };
        report(macro.reading, node.at, problem);
        continue;
      }
      parse(other);
    }
    underWay.delete(macro.name);
    done.add(macro.name);
    const read = parseExpression(value, lists, parsed);
    if (read.kind === 'parsed' && macro.reading.diagnostics.length === 0) {
      parsed.set(macro.name, read);
      for (const { at, ...trap } of lintExpression(read.expression)) {
        report(macro.reading, offsetInFile(macro.reading.source, node, at), { ...trap, severity: 'warning' });
      }
    } else if (read.kind === 'refused' && macro.reading.diagnostics.length === 0) {
      for (const problem of read.problems)
        report(macro.reading, offsetInFile(macro.reading.source, node, problem.at), problem);
    }
  };
  for (const macro of named) parse(macro);
  const sources = new Map(named.filter(({ name }) => parsed.has(name)).map(({ name, source }) => [name, source.value]));
  return { macros: { parsed, sources }, diagnostics: told(named.flatMap(({ reading }) => reading.diagnostics)) };
}

/** The macros of a rule's `sourceJson`. */
export function macrosOfSources(sources: Readonly<Record<string, string>>, lists: Lists): MacroSet {
  const named = Object.entries(sources).map(([name, value]): NamedMacro => {
    const node = { kind: 'scalar', value, style: 'literal', at: 0, end: 0 } as const;
    const reading: Reading = { source: { file: '', text: value, lineStarts: [0] }, diagnostics: [] };
    return { name, source: { value, node }, reading, file: '', isOwn: true };
  });
  return parseMacros(named, lists).macros;
}

/** Every `$name` of a text: more than what is used, where one stands in quotes or a comment, and that does no harm. */
function namesIn(source: string): ReadonlySet<string> {
  return new Set([...source.matchAll(/\$([a-z][a-z0-9_]*)/g)].map(([, name]) => name ?? ''));
}
