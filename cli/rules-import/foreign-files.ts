// The files that an import reads: those that are named, and those below named folders. Links to folders are not followed, so that nothing is read twice or for
// ever; what is no file, too large or unreadable is told and left out.
import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Diagnostic } from '../../rules/diagnostic.ts';
import type { ForeignFile } from '../../rules/foreign/front-end.ts';
import { IMPORTED } from './written-rules.ts';

const FILES_MAX = 20_000;
const DEPTH_MAX = 16;
/** Larger ones are no files of rules; the readers of rules take less still. */
const FILE_BYTES_MAX: number = 16 * 1024 * 1024;

export interface ForeignFiles {
  readonly files: readonly ForeignFile[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Walk {
  readonly paths: string[];
  readonly diagnostics: Diagnostic[];
  readonly hasEnding: (name: string) => boolean;
}

/** `paths` are absolute; files are called by their way from `cwd` where they lie below it. */
export function readForeignFiles(
  paths: readonly string[],
  { cwd, endings }: { readonly cwd: string; readonly endings: readonly string[] },
): ForeignFiles {
  const hasEnding = (name: string): boolean => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const walk: Walk = { paths: [], diagnostics: [], hasEnding };
  for (const path of paths) {
    const stats = tried(() => statSync(path), path, walk.diagnostics);
    if (stats?.isDirectory() === true) enter(walk, path, 0);
    else if (stats !== undefined) take(walk, path, stats);
  }
  if (walk.paths.length > FILES_MAX) {
    const problem = {
      message: `more than ${FILES_MAX} files; the rest is not read`,
      remedy: 'Import folder by folder.',
    };
    walk.diagnostics.push(diagnosticOf(paths[0] ?? '', problem));
  }
  const files = [...new Set(walk.paths)].slice(0, FILES_MAX).flatMap((path) => {
    const text = textOf(path, walk.diagnostics);
    // What an import wrote is ours already: --out may lie below the folder that is read.
    return text === undefined || IMPORTED.test(text) ? [] : [{ file: shownPath(cwd, path), text }];
  });
  return { files, diagnostics: walk.diagnostics.map((one) => ({ ...one, file: shownPath(cwd, one.file) })) };
}

/** As it was likely typed. */
export function shownPath(cwd: string, path: string): string {
  return path.startsWith(`${cwd}${sep}`) ? relative(cwd, path) : path;
}

function enter(walk: Walk, folder: string, depth: number): void {
  if (walk.paths.length > FILES_MAX) return;
  if (depth > DEPTH_MAX) {
    const problem = { message: `folders more than ${DEPTH_MAX} deep are not read`, remedy: 'Name the folder itself.' };
    walk.diagnostics.push(diagnosticOf(folder, problem));
    return;
  }
  const names = tried(() => readdirSync(folder), folder, walk.diagnostics) ?? [];
  for (const name of names.toSorted()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const own = tried(() => lstatSync(path), path, walk.diagnostics);
    if (own?.isDirectory() === true) enter(walk, path, depth + 1);
    else if (own?.isSymbolicLink() === true && walk.hasEnding(name)) {
      const target = tried(() => statSync(path), path, walk.diagnostics);
      if (target?.isDirectory() === false) take(walk, path, target);
    } else if (own !== undefined && walk.hasEnding(name)) take(walk, path, own);
  }
}

function take({ paths, diagnostics }: Walk, path: string, stats: Stats): void {
  if (!stats.isFile()) {
    diagnostics.push(diagnosticOf(path, { message: 'this is no file', remedy: 'Name files or folders of them.' }));
  } else if (stats.size > FILE_BYTES_MAX) {
    const message = `the file is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB`;
    diagnostics.push(diagnosticOf(path, { message, remedy: 'Rules are small; split it if it holds many.' }));
  } else paths.push(path);
}

/** Read as other bytes, a rule would ask for signs that no event has. */
function textOf(path: string, diagnostics: Diagnostic[]): string | undefined {
  const bytes = tried(() => readFileSync(path), path, diagnostics);
  if (bytes === undefined) return undefined;
  if (isUtf8(bytes)) return bytes.toString('utf8');
  diagnostics.push(diagnosticOf(path, { message: 'the file is not UTF-8', remedy: 'Save it as UTF-8.' }));
  return undefined;
}

function tried<T>(read: () => T, path: string, diagnostics: Diagnostic[]): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? 'there is no such file or folder' : `it cannot be read: ${code}`;
    diagnostics.push(diagnosticOf(path, { message, remedy: 'Check the path and who may read it.' }));
    return undefined;
  }
}

function diagnosticOf(file: string, problem: { readonly message: string; readonly remedy: string }): Diagnostic {
  return { code: 'import/file', severity: 'error', ...problem, file, line: 0, column: 0, sourceLine: '' };
}
