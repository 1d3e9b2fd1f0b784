// One process owns a data folder. The lock is one that the kernel holds (SQLite's, on `owner.lock`), so it ends with its process
// however that ends, and a reused pid means nothing; `owner.pid` is only there to say who it is.
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Ownership {
  release(): void;
}

/** Takes the folder, or throws with the owner's pid in the message. */
export function takeOwnership(folder: string): Ownership {
  const pidFile = join(folder, 'owner.pid');
  const lockFile = join(folder, 'owner.lock');
  closeSync(openSync(lockFile, 'a', 0o600));
  const database = new DatabaseSync(lockFile);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!/locked/.test(String(error))) throw error;
    throw new Error(
      `${folder} is in use by another Vedette process (${readPid(pidFile)}). Stop it first, or use another folder.`,
    );
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk must not stop a start that can still read; only the next message will not know the pid.
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}

function readPid(path: string): string {
  try {
    return `pid ${readFileSync(path, 'utf8').trim().slice(0, 20)}`;
  } catch {
    return 'pid unknown';
  }
}
