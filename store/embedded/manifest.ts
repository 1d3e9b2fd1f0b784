// The list of partitions, `partitions.json`: what the last run knew of each file, and which numbers were given. The files are the truth;
// without the list each is opened once at the start.
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Span } from './span.ts';

const MANIFEST_FORMAT = 1;
/** No file is like this: what is listed so is opened, and counted, at the start. */
const NEVER_WRITTEN_MS = -1;

export interface SavedPartition {
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly span: Span;
  readonly layout: string;
}

export interface Manifest {
  readonly nextSeq: number;
  readonly partitions: ReadonlyMap<string, SavedPartition>;
  /** Absent, or torn by an old file system. */
  readonly isUnreadable: boolean;
}

/** Throws on a list of another format. */
export async function readManifest(path: string): Promise<Manifest> {
  let saved: { version?: unknown; nextSeq?: unknown; isCounted?: unknown; partitions?: SavedPartition[] };
  try {
    saved = Object(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    saved = {};
  }
  const { version, nextSeq, isCounted, partitions = [] } = saved;
  if (typeof version === 'number' && version !== MANIFEST_FORMAT) {
    throw new Error(`${path} has format ${version}, and this version of Vedette reads format ${MANIFEST_FORMAT}`);
  }
  if (version === MANIFEST_FORMAT && Number.isSafeInteger(nextSeq)) {
    // A list without this word is of a version that could count a load not at all or twice.
    const trusted =
      isCounted === true ? partitions : partitions.map((entry) => ({ ...entry, mtimeMs: NEVER_WRITTEN_MS }));
    const named = new Map(trusted.map((entry) => [entry.name, entry]));
    return { nextSeq: Number(nextSeq), partitions: named, isUnreadable: false };
  }
  return { nextSeq: 1, partitions: new Map(), isUnreadable: true };
}

/** The folder's names are not durable yet when this resolves. */
export async function writeManifest(
  path: string,
  nextSeq: number,
  partitions: readonly SavedPartition[],
): Promise<void> {
  const text = JSON.stringify({
    vedette: 'partitions',
    version: MANIFEST_FORMAT,
    nextSeq,
    isCounted: true,
    partitions,
  });
  await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
