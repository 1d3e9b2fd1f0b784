// The disk side of reading rules: folders of *.yaml with lists/*.yaml and macros/*.yaml beside them. Decides nothing; what cannot be read is a
// diagnostic.
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from './diagnostic.ts';
import type { Lists } from './expression/syntax.ts';
import type { MacroSet } from './language/macro-reader.ts';
import { diagnosticOfFile } from './language/source-text.ts';
import { FILE_BYTES_MAX } from './language/yaml-tree.ts';
import type { RuleSet } from './rule.ts';
import { type FolderKind, type ReadOptions, type RuleFile, readLists, readMacros, readRules } from './rule-files.ts';

/** A folder of rules, or one file of them. */
export interface RuleFolder {
  readonly path: string;
  readonly kind: FolderKind;
}

/** The folder of the rules that come with Vedette. */
export const SHIPPED_RULES: RuleFolder = { path: join(import.meta.dirname, 'library'), kind: 'shipped' };

/** Ids of the rules that come with Vedette; each is its file's name. */
export function shippedRuleIds(): ReadonlySet<string> {
  const names = readdirSync(SHIPPED_RULES.path);
  return new Set(names.filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -'.yaml'.length)));
}

/** The most files that are read of one folder and its sub-folders. */
const FILES_PER_FOLDER_MAX = 10_000;
/** How deep sub-folders are looked into. */
const FOLDER_DEPTH_MAX = 4;

/** Reads the rules of some folders. Never throws for what is on the disk. */
export function readRuleFolders(folders: readonly RuleFolder[], options: ReadOptions = {}): RuleSet {
  const diagnostics: Diagnostic[] = [];
  const filesMax = options.filesMax ?? FILES_PER_FOLDER_MAX;
  const files = folders.flatMap((folder) => filesOf(folder, filesMax, diagnostics));
  const set = readRules(files, options);
  return { rules: set.rules, diagnostics: [...diagnostics, ...set.diagnostics] };
}

/** What rules may name: lists and macros. */
interface Names {
  readonly lists: Lists;
  readonly macros: MacroSet;
}

/** The lists and macros of some folders, for the text of a rule that stands in none of them (a backtest). */
export function readNameFolders(folders: readonly RuleFolder[]): Names {
  const files = folders.flatMap((folder) => filesOf(folder, FILES_PER_FOLDER_MAX, []));
  const lists = readLists(files, []);
  return { lists, macros: readMacros(files, lists, []) };
}

function filesOf(folder: RuleFolder, filesMax: number, diagnostics: Diagnostic[]): readonly RuleFile[] {
  const names: string[] = [];
  try {
    if (statSync(folder.path).isDirectory()) walk({ root: folder.path, names, filesMax, diagnostics }, '', 0);
    else names.push('');
  } catch (error) {
    diagnostics.push(unreadable(folder.path, error));
    return [];
  }
  if (names.length > filesMax) {
    const message = `more than ${filesMax} files; the rest is not read`;
    const problem = { code: 'rule/too-many', message, remedy: 'Use fewer, larger files.' };
    diagnostics.push(diagnosticOfFile(folder.path, problem));
  }
  const files = names.slice(0, filesMax).map((name) => readFile(folder, name, diagnostics));
  return files.filter((file) => file !== undefined);
}

interface Walk {
  readonly root: string;
  readonly names: string[];
  readonly filesMax: number;
  readonly diagnostics: Diagnostic[];
}

/** Collects the names of YAML files. Hidden entries and linked folders are left out. */
function walk(state: Walk, inner: string, depth: number): void {
  const { root, names, filesMax, diagnostics } = state;
  const path = join(root, inner);
  if (depth > FOLDER_DEPTH_MAX) {
    const message = `folders within folders are read ${FOLDER_DEPTH_MAX} deep; this one is not read`;
    diagnostics.push(diagnosticOfFile(path, { code: 'rule/too-deep', message, remedy: 'Move it up.' }));
    return;
  }
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    diagnostics.push(unreadable(path, error));
    return;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.') || names.length > filesMax) continue;
    const name = inner === '' ? entry.name : `${inner}/${entry.name}`;
    if (entry.isDirectory()) walk(state, name, depth + 1);
    else if (/\.ya?ml$/.test(entry.name)) names.push(name);
  }
}

function readFile(folder: RuleFolder, name: string, diagnostics: Diagnostic[]): RuleFile | undefined {
  const path = name === '' ? folder.path : join(folder.path, name);
  try {
    const status = statSync(path);
    if (!status.isFile()) return undefined;
    if (status.size > FILE_BYTES_MAX) {
      const message = `the file is larger than ${FILE_BYTES_MAX / 1024} KiB`;
      diagnostics.push(
        diagnosticOfFile(path, { code: 'yaml/too-large', message, remedy: 'Split it into several files.' }),
      );
      return undefined;
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    const isBelow = (part: string): boolean =>
      name.split('/').slice(0, -1).includes(part) || path.split('/').at(-2) === part;
    const content = isBelow('lists') ? 'lists' : isBelow('macros') ? 'macros' : 'rules';
    return { file: path, kind: folder.kind, content, text };
  } catch (error) {
    if (error instanceof TypeError) {
      const problem = { code: 'yaml/not-utf8', message: 'the file is not UTF-8', remedy: 'Save it as UTF-8.' };
      diagnostics.push(diagnosticOfFile(path, problem));
    } else diagnostics.push(unreadable(path, error));
    return undefined;
  }
}

function unreadable(path: string, error: unknown): Diagnostic {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  const message = code === 'ENOENT' ? 'there is no such file or folder' : `cannot be read (${code})`;
  return diagnosticOfFile(path, { code: 'rule/unreadable', message, remedy: 'Check the path and its permissions.' });
}
