// How far an archive was imported, beside its list, so that an interrupted import goes on. It is a hint: of each part that it names, some
// events are sent all the same, and where one of them is new to the server, the part is imported again.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainObject } from '../../event/document.ts';
import type { ArchivePart } from './archive.ts';

const FILE = 'import.json';

export interface ImportState {
  readonly isDone: (part: ArchivePart) => boolean;
  /** Notes a part; an archive on a read-only disk keeps no notes. */
  done(part: ArchivePart): Promise<void>;
  /** Forgets everything: the import is at its end. */
  end(): Promise<void>;
}

export async function openImportState(folder: string, serverUrl: string): Promise<ImportState> {
  const path = join(folder, FILE);
  const digests = new Set(await readDigests(path, serverUrl));
  return {
    isDone: ({ sha256 }) => digests.has(sha256),
    async done({ sha256 }) {
      digests.add(sha256);
      const text = JSON.stringify({ vedette: 'import', version: 1, server: serverUrl, parts: [...digests] });
      await writeFile(`${path}.new`, text, { mode: 0o600 })
        .then(() => rename(`${path}.new`, path))
        .catch(() => undefined);
    },
    end: () => rm(path, { force: true }).catch(() => undefined),
  };
}

async function readDigests(path: string, serverUrl: string): Promise<readonly string[]> {
  try {
    const state: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isPlainObject(state) || state['vedette'] !== 'import' || state['server'] !== serverUrl) return [];
    return Array.isArray(state['parts']) ? state['parts'].map(String) : [];
  } catch {
    return [];
  }
}
