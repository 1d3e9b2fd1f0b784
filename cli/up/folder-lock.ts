// One `vedette up` per data folder. The lock is SQLite's on a file of its own: the kernel gives it up when its holder dies,
// however it dies, so there is no stale lock to guess about. Beside it stands, for people only, who holds it.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../config.ts';
import { fail, type Outcome, succeed } from '../failure.ts';
import { makePrivateFolder, writePrivateFile } from '../private-file.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/** Takes the folder, making it where it is missing; says who has it otherwise. */
export async function lockFolder(dataFolder: string): Promise<Outcome<FolderLock>> {
  const holderFile = join(dataFolder, 'up.pid');
  try {
    await makePrivateFolder(dataFolder);
  } catch (error) {
    const message = `the data folder ${dataFolder} ${reasonOf(error)}`;
    return fail('up/folder-unusable', {
      message,
      remedy: 'Name another (--data FOLDER), or make it writable for this user.',
    });
  }
  const lock = tryLock(join(dataFolder, 'up.lock'));
  if (!lock.isOk) return lock;
  if (lock.value === undefined) {
    const pid = (await readFile(holderFile, 'utf8').catch(() => '')).trim();
    const who = /^[0-9]{1,10}$/.test(pid) ? ` (pid ${pid})` : '';
    const message = `another \`vedette up\`${who} runs with the data folder ${dataFolder}`;
    return fail('up/folder-taken', {
      message,
      remedy: 'Stop it with Ctrl-C there, or name another folder: --data FOLDER.',
    });
  }
  const held = lock.value;
  await writePrivateFile(holderFile, `${process.pid}\n`);
  return succeed({
    async release() {
      await rm(holderFile, { force: true });
      held.close();
    },
  });
}

/** The open lock; undefined when another process has it. */
function tryLock(path: string): Outcome<DatabaseSync | undefined> {
  let database: DatabaseSync | undefined;
  try {
    const previous = process.umask(0o077);
    try {
      database = new DatabaseSync(path);
    } finally {
      process.umask(previous);
    }
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return succeed(database);
  } catch (error) {
    database?.close();
    if (/locked/.test((error as Error).message)) return succeed(undefined);
    const message = `${path} cannot be used: ${(error as Error).message}`;
    return fail('up/folder-unusable', {
      message,
      remedy: 'Name another data folder (--data FOLDER), or make it writable for this user.',
    });
  }
}
