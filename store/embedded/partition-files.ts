// Which partition files count, after whatever end of the process before: half-made and half-removed ones are cleared away, and of a hot
// and a cold one of the same place the cold one stays if it holds all that the hot one does.
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readContents } from './cold-folder.ts';
import { parsePartitionName, partitionName } from './periods.ts';
import type { Database } from './session.ts';
import { readSpan } from './span.ts';

/** A folder in which a cold partition is made, and what a removed one is called until it is gone. */
export const COOLING_SUFFIX = '.cooling';
const GONE_SUFFIX = '.gone';

/** The names of the partitions' files and folders, in order. */
export async function settledNames(
  folder: string,
  { database, warn }: { readonly database: Database; readonly warn: (text: string) => void },
): Promise<readonly string[]> {
  const names = new Set((await readdir(folder)).sort());
  for (const name of names) {
    if (!isLeftover(name) && !isOrphan(name, names)) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    names.delete(name);
  }
  for (const name of [...names]) {
    const parsed = parsePartitionName(name);
    const hot = parsed === undefined ? '' : partitionName(parsed.period, parsed.generation, 'hot');
    if (parsed?.temperature !== 'cold' || !names.has(hot)) continue;
    const stays = await coldHoldsAll(join(folder, name), join(folder, hot), database);
    const goes = stays ? hot : name;
    warn(`${goes} is removed: ${stays ? name : hot} holds all of it`);
    names.delete(goes);
    await database.release(join(folder, hot));
    await removePartition(join(folder, goes));
  }
  return [...names].filter((name) => parsePartitionName(name) !== undefined);
}

/** True of what a killed process left behind and nobody needs. */
export function isLeftover(name: string): boolean {
  return /^events-[0-9.-]+(\.(duckdb|parquet))?(\.cooling|\.gone)$/.test(name);
}

/** True of the log of a hot file that is gone: it must not be taken for that of the next one of this name. */
function isOrphan(name: string, names: ReadonlySet<string>): boolean {
  const hot = /^(events-.+\.duckdb)\.wal$/.exec(name)?.[1];
  return hot !== undefined && !names.has(hot);
}

/** Removes a hot file with its log, or a cold folder; a kill leaves nothing that could be taken for a partition. */
export async function removePartition(path: string): Promise<void> {
  await rename(path, `${path}${GONE_SUFFIX}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rm(`${path}.wal`, { force: true });
  await rm(`${path}${GONE_SUFFIX}`, { recursive: true, force: true });
}

/** True of the words in which DuckDB and the reading of a list say that bytes are not what was written. */
export function isDamage(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return DAMAGE.test(message) && !/memory|space left/i.test(message);
}

const DAMAGE =
  /Corrupt database file|not a valid DuckDB database|checksum|TProtocolException|ZSTD Decompression|Invalid string encoding found in Parquet|invalid TType|don't know what type|Out of buffer|No magic bytes|too small to be a Parquet|No files found that match|contents\.json|Failed to read file|decompress|is incomplete|Unexpected token|could not read all bytes|Could not read enough bytes/i;

async function coldHoldsAll(cold: string, hot: string, database: Database): Promise<boolean> {
  try {
    const { span } = await readContents(cold);
    const held = await database.use(hot, 'lookup', readSpan);
    return held === undefined || (held.rows <= span.rows && held.maxSeq <= span.maxSeq);
  } catch {
    // The hot one is what was there first. If it is the one that cannot be read, both stay for `store check`.
    return await readContents(cold).then(
      () => true,
      () => false,
    );
  }
}
