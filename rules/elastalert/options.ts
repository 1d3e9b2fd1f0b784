// The options of one ElastAlert rule: its own file, the files that it imports, and the global configuration, in that order. Each knows where it stands,
// so that what cannot be said is told there.
import type { Diagnostic } from '../diagnostic.ts';
import { diagnosticOfFile, type SourceText } from '../language/source-text.ts';
import { readYaml, type YamlDocument, type YamlNode } from '../language/yaml-tree.ts';
import { entryOf, membersOf, type Notes, type Part, type Place, type Scalar, scalarOf, textOf } from './notes.ts';

/** A file of ElastAlert's: a rule, what it imports, or `config.yaml`. */
export interface OptionFile {
  readonly source: SourceText;
  readonly document: YamlDocument;
}

export type NamedFile =
  | { readonly kind: 'text'; readonly file: string; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string };

/** Gives the text of a file that a rule names, as seen from the file that names it. Decides what may be read. */
export type ReadNamed = (path: string, from: string) => NamedFile;

interface Option extends Place {
  readonly node: YamlNode;
  readonly origin: 'rule' | 'import' | 'config';
}

export interface Options {
  readonly own: OptionFile;
  readonly notes: Notes;
  option(key: string): Option | undefined;
  /** All lists of a key that files add to each other (`filter`). */
  lists(key: string): readonly Option[];
  readonly keys: readonly string[];
  text(key: string): string | undefined;
  number(key: string): number | undefined;
  isOn(key: string): boolean;
  texts(key: string): readonly string[] | undefined;
  spanMs(key: string): number | undefined;
  placeOf(key: string): Place;
  part(option: Option): Part;
}

const IMPORTS_MAX = 16;

/** The one document of a file; more than one is refused, as ElastAlert does. */
export function readOptionFile(file: string, text: string, diagnostics: Diagnostic[]): OptionFile | undefined {
  const { source, documents, diagnostics: told } = readYaml(file, text);
  diagnostics.push(...told);
  const [document, second] = documents;
  if (told.some(({ severity }) => severity === 'error')) return undefined;
  if (document === undefined || second !== undefined || document.root.kind !== 'map') {
    const message = second === undefined ? 'this is no map of options' : 'a file of ElastAlert holds one rule';
    const remedy =
      second === undefined ? 'A rule of ElastAlert has `name`, `type`, `index`, `alert`.' : 'Write one file for each.';
    diagnostics.push(diagnosticOfFile(file, { code: 'elastalert/no-rule', message, remedy }));
    return undefined;
  }
  return { source, document };
}

interface Layer {
  readonly file: OptionFile;
  readonly origin: Option['origin'];
}

/** Undefined after a problem with what the rule imports. */
export function readOptions(
  own: OptionFile,
  {
    config,
    readNamed,
    notes,
    diagnostics,
  }: { config: OptionFile | undefined; readNamed: ReadNamed; notes: Notes; diagnostics: Diagnostic[] },
): Options | undefined {
  const layers: Layer[] = [{ file: own, origin: 'rule' }];
  const waiting = importsOf(own);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { place, path } = next;
    if (layers.length > IMPORTS_MAX)
      return notes.problem(place, `more than ${IMPORTS_MAX} imported files`, 'Write what is needed into the rule.');
    const named = readNamed(path, place.source.file);
    if (named.kind === 'refused')
      return notes.problem(place, `\`${path}\` is not read: ${named.why}`, 'Give that file to the import too.');
    const file = readOptionFile(named.file, named.text, diagnostics);
    if (file === undefined) return notes.problem(place, `\`${path}\` cannot be read`, 'Mend that file first.');
    layers.push({ file, origin: 'import' });
    waiting.push(...importsOf(file));
  }
  if (config !== undefined) layers.push({ file: config, origin: 'config' });
  return optionsOf(own, layers, notes);
}

function importsOf({ document, source }: OptionFile): { place: Place; path: string }[] {
  const node = entryOf(document.root, 'import');
  if (node === undefined) return [];
  return membersOf(node).map((member) => ({ place: { source, at: member.at }, path: textOf(member) ?? '' }));
}

function optionsOf(own: OptionFile, layers: readonly Layer[], notes: Notes): Options {
  const found = new Map<string, Option[]>();
  for (const { file, origin } of layers) {
    if (file.document.root.kind !== 'map') continue;
    for (const { key, keyAt, value } of file.document.root.entries) {
      if (value.kind === 'scalar' && value.value === null) continue;
      const option = { node: value, source: file.source, at: value.kind === 'scalar' ? value.at : keyAt, origin };
      found.set(key, [...(found.get(key) ?? []), option]);
    }
  }
  const option = (key: string): Option | undefined => found.get(key)?.[0];
  const scalar = (key: string): Scalar | undefined => scalarOf(option(key)?.node);
  const wrong = (key: string, message: string, remedy: string): undefined => {
    const at = option(key);
    return at === undefined ? undefined : notes.problem(at, message, remedy);
  };
  const options: Options = {
    own,
    notes,
    option,
    lists: (key) => found.get(key) ?? [],
    keys: [...found.keys()],
    text(key) {
      if (option(key) === undefined) return undefined;
      const value = scalar(key);
      return value === undefined || value === null
        ? wrong(key, `\`${key}\` must be text`, 'Write one text.')
        : String(value);
    },
    number(key) {
      if (option(key) === undefined) return undefined;
      const value = scalar(key);
      return typeof value === 'number'
        ? value
        : wrong(key, `\`${key}\` must be a number`, 'Write a number without quotes.');
    },
    isOn: (key) => scalar(key) === true,
    texts(key) {
      const at = option(key);
      if (at === undefined) return undefined;
      const texts = membersOf(at.node).map(textOf);
      const known = texts.filter((text) => text !== undefined);
      return known.length === texts.length ? known : wrong(key, `\`${key}\` must be texts`, 'Write `[a, b]`.');
    },
    spanMs(key) {
      const at = option(key);
      if (at === undefined) return undefined;
      const ms = spanOf(at.node);
      return ms === undefined
        ? wrong(key, `\`${key}\` is no span of time`, 'Write `minutes: 5`: weeks, days, hours, minutes, seconds.')
        : ms;
    },
    placeOf: (key) => option(key) ?? { source: own.source, at: own.document.root.at },
    part: ({ node, source }) => ({ node, source, notes }),
  };
  return options;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
};

function spanOf(node: YamlNode): number | undefined {
  if (node.kind !== 'map' || node.entries.length === 0) return undefined;
  let ms = 0;
  for (const { key, value } of node.entries) {
    const [unit, count] = [Object.hasOwn(UNITS_MS, key) ? UNITS_MS[key] : undefined, scalarOf(value)];
    if (unit === undefined || typeof count !== 'number') return undefined;
    ms += unit * count;
  }
  return Number.isFinite(ms) && ms >= 0 ? Math.round(ms) : undefined;
}
