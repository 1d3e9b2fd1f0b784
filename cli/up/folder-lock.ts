// One `vedette up` per data folder: its children lock their own parts of it, and this lock says at once who is in the way.
import { join } from 'node:path';
import { takeFolderLock } from '../../server/folder-lock.ts';
import { makeDataFolder, unusable } from '../data-folder.ts';
import { fail, type Outcome, succeed } from '../failure.ts';

export interface HeldFolder {
  release(): void;
}

/** Takes the folder, making it where it is missing; says who has it otherwise. */
export async function holdFolder(dataFolder: string): Promise<Outcome<HeldFolder>> {
  try {
    const made = await makeDataFolder(dataFolder);
    if (!made.isOk) return made;
    const lock = takeFolderLock(join(dataFolder, 'up.lock'));
    if (lock.kind === 'held') return succeed(lock);
    const message = `another \`vedette up\` (pid ${lock.pid}) runs with the data folder ${dataFolder}`;
    return fail('up/folder-taken', {
      message,
      remedy: 'Stop it with Ctrl-C there, or name another folder: --data FOLDER (and another --port).',
    });
  } catch (error) {
    return unusable(dataFolder, error);
  }
}
