// The collector's own files: whoever changes the program, its configuration or its state while it runs is told, by owner, mode,
// inode, size and the time of the last change of the inode, which no unprivileged program can set back. So no file is read again.
import type { Tamper } from './tamper.ts';

/** What is compared; times in ms. */
export interface FileMark {
  readonly inode: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly changedMs: number;
}

export interface OwnFile {
  readonly path: string;
  /** `fixed`: nobody writes it while the collector runs. `living`: the collector itself does; its owner and mode stay. */
  readonly kind: 'fixed' | 'living';
}

/** More are not watched. */
export const OWN_FILES_MAX = 32;

export interface OwnFiles {
  look(): readonly Tamper[];
}

/** `mark` is undefined for a file that is not there. Files that are not there yet are taken as they come. */
export function watchOwnFiles(files: readonly OwnFile[], mark: (path: string) => FileMark | undefined): OwnFiles {
  const watched = files.slice(0, OWN_FILES_MAX).map((file) => ({ ...file, before: mark(file.path) }));
  return {
    look() {
      const found: Tamper[] = [];
      for (const file of watched) {
        const now = mark(file.path);
        const { before } = file;
        file.before = now ?? before;
        if (before === undefined) continue;
        if (now === undefined) {
          found.push({
            action: 'own-file-removed',
            reason: `The collector’s own ${file.path} is gone, or out of reach.`,
            facts: { path: file.path },
          });
          file.before = undefined;
          continue;
        }
        const changed = changesOf(file.kind, before, now);
        if (changed.length > 0) found.push(fileChanged(file.path, changed, { before, now }));
      }
      return found;
    },
  };
}

function changesOf(kind: OwnFile['kind'], before: FileMark, now: FileMark): readonly string[] {
  const changed: string[] = [];
  if (before.uid !== now.uid || before.gid !== now.gid) changed.push('owner');
  if (before.mode !== now.mode) changed.push('mode');
  if (kind === 'living') return changed;
  if (before.inode !== now.inode) changed.push('file');
  if (before.size !== now.size || (before.changedMs !== now.changedMs && changed.length === 0)) changed.push('written');
  return changed;
}

function fileChanged(
  path: string,
  changed: readonly string[],
  { before, now }: { readonly before: FileMark; readonly now: FileMark },
): Tamper {
  const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');
  return {
    action: 'own-file-changed',
    reason: `The collector’s own ${path} was changed: ${changed.join(', ')}.`,
    facts: {
      path,
      changed: changed.join(' '),
      old_owner: `${before.uid}:${before.gid}`,
      new_owner: `${now.uid}:${now.gid}`,
      old_mode: octal(before.mode),
      new_mode: octal(now.mode),
    },
  };
}
