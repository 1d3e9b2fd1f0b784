// The disk side of reading rules: folders of *.yaml with lists/*.yaml beside them. Decides nothing; what cannot be read is a
// diagnostic.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from './diagnostic.ts';
import type { Lists } from './expression/syntax.ts';
import { diagnosticOfFile } from './language/source-text.ts';
import { FILE_BYTES_MAX } from './language/yaml-tree.ts';
import type { RuleSet } from './rule.ts';
import { type FolderKind, type ReadOptions, type RuleFile, readLists, readRules } from './rule-files.ts';

/** A folder of rules, or one file of them. */
export interface RuleFolder {
  readonly path: string;
  readonly kind: FolderKind;
}

/** The folder of the rules that come with Vedette. */
export const SHIPPED_RULES: RuleFolder = { path: join(import.meta.dirname, 'library'), kind: 'shipped' };

/** The most files that are read of one folder and its sub-folders. */
export const FILES_PER_FOLDER_MAX = 10_000;
const FOLDER_DEPTH_MAX = 4;

/** Reads the rules of some folders. Never throws for what is on the disk. */
export function readRuleFolders(folders: readonly RuleFolder[], options: ReadOptions = {}): RuleSet {
  const diagnostics: Diagnostic[] = [];
  const files = folders.flatMap((folder) => filesOf(folder, diagnostics));
  const set = readRules(files, options);
  return { rules: set.rules, diagnostics: [...diagnostics, ...set.diagnostics] };
}

/** The lists of some folders, for the text of a rule that stands in none of them (a backtest). */
export function readListFolders(folders: readonly RuleFolder[]): Lists {
  return readLists(
    folders.flatMap((folder) => filesOf(folder, [])),
    [],
  );
}

function filesOf(folder: RuleFolder, diagnostics: Diagnostic[]): readonly RuleFile[] {
  const names: string[] = [];
  try {
    if (statSync(folder.path).isDirectory()) walk(folder.path, '', names);
    else names.push('');
  } catch (error) {
    diagnostics.push(unreadable(folder.path, error));
    return [];
  }
  if (names.length > FILES_PER_FOLDER_MAX) {
    const message = `more than ${FILES_PER_FOLDER_MAX} files; the rest is not read`;
    diagnostics.push(
      diagnosticOfFile(folder.path, { code: 'rule/too-many', message, remedy: 'Use fewer, larger files.' }),
    );
  }
  const files = names.slice(0, FILES_PER_FOLDER_MAX).map((name) => readFile(folder, name, diagnostics));
  return files.filter((file) => file !== undefined);
}

function walk(root: string, inner: string, names: string[]): void {
  if (inner.split('/').length > FOLDER_DEPTH_MAX) return;
  const entries = readdirSync(join(root, inner), { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    if (entry.name.startsWith('.') || names.length > FILES_PER_FOLDER_MAX) continue;
    const name = inner === '' ? entry.name : `${inner}/${entry.name}`;
    if (entry.isDirectory()) walk(root, name, names);
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
    const isList = name.split('/').slice(0, -1).includes('lists') || path.split('/').at(-2) === 'lists';
    return { file: path, kind: folder.kind, content: isList ? 'lists' : 'rules', text };
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
