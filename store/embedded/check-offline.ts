// A check while no server runs: it takes the store's lock, opens each partition read-only in a database of its own, and changes
// nothing; unless it is asked to set aside what is damaged, which removes no byte.
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { CheckReport, CheckRequest } from '../port.ts';
import { attachStatements } from './attachment.ts';
import { checkFolder } from './check.ts';
import { CONTENTS, formatContents, readContents } from './cold-folder.ts';
import { sessionOf } from './connection-session.ts';
import { takeOwnership } from './owner.ts';
import type { Session } from './session.ts';

const MEMORY = '512MiB';

export interface OfflineReport extends CheckReport {
  /** What was set aside, and as what. */
  readonly setAside: readonly { readonly file: string; readonly as: string }[];
}

/** Throws when another process owns the folder, or there is none. */
export async function checkOffline(
  folder: string,
  request: CheckRequest & { readonly mayRepair: boolean },
): Promise<OfflineReport> {
  await stat(folder);
  const ownership = takeOwnership(folder);
  try {
    const report = await checkFolder({ folder, isLive: false, read: readReadOnly }, request);
    return { ...report, setAside: request.mayRepair ? await setAside(folder, report) : [] };
  } finally {
    ownership.release();
  }
}

async function readReadOnly<T>(path: string, work: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    for (const statement of await attachStatements(path, 'checked', true)) await connection.run(statement);
    return await work(sessionOf('checked', connection));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function setAside(folder: string, { findings }: CheckReport): Promise<OfflineReport['setAside']> {
  const done: { file: string; as: string }[] = [];
  const move = async (file: string): Promise<void> => {
    const as = await freeName(folder, file);
    await rename(join(folder, file), join(folder, as));
    done.push({ file, as });
  };
  for (const { kind, file } of findings) {
    if (kind !== 'damage' || done.some((moved) => moved.file === file)) continue;
    if (!(await isThere(join(folder, file)))) continue;
    const part = /^(events-[^/]+\.parquet)\/(part-[0-9]+\.parquet)$/.exec(file);
    if (/^events-[^/]+\.(duckdb|parquet)$/.test(file)) {
      await move(file);
      if (await isThere(join(folder, `${file}.wal`))) await move(`${file}.wal`);
    } else if (part !== null) {
      await move(file);
      await forgetPart(join(folder, part[1] ?? ''), part[2] ?? '');
    } else if (file.startsWith('log/') && !(await hasHeader(join(folder, file)))) {
      await move(file);
    }
  }
  // A part that is missing keeps its partition from being read as much as a damaged one.
  for (const { file, what } of findings) {
    const part = /^(events-[^/]+\.parquet)\/(part-[0-9]+\.parquet)$/.exec(file);
    if (part === null || what !== 'is missing') continue;
    await forgetPart(join(folder, part[1] ?? ''), part[2] ?? '');
    done.push({ file, as: 'taken off the list' });
  }
  return done;
}

/** Takes a part off its folder's list, so that the others are served; the list as it was stays beside it. */
async function forgetPart(partition: string, name: string): Promise<void> {
  const contents = await readContents(partition).catch(() => undefined);
  if (contents === undefined) return;
  const parts = contents.parts.filter((part) => part.name !== name);
  const list = join(partition, CONTENTS);
  if (!(await isThere(`${list}.before`))) await writeFile(`${list}.before`, await readFile(list), { mode: 0o600 });
  if (parts.length === 0) {
    await rename(partition, `${partition}.damaged`);
    return;
  }
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const text = formatContents({ ...contents, span: { ...contents.span, rows }, parts });
  await writeFile(`${list}.new`, text, { mode: 0o600, flush: true });
  await rename(`${list}.new`, list);
}

async function hasHeader(path: string): Promise<boolean> {
  return (await readFile(path, 'latin1')).startsWith('{"vedette":"event-log","version":');
}

async function freeName(folder: string, file: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? `${file}.damaged` : `${file}.${number}.damaged`;
    if (!(await isThere(join(folder, name)))) return name;
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
