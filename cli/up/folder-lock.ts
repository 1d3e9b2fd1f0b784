// One `vedette up` per data folder: its children lock their own parts of it, and this lock says at once who is in the way.
import { join } from 'node:path';
import { takeFolderLock } from '../../server/folder-lock.ts';
import { reasonOf } from '../config.ts';
import { fail, type Outcome, succeed } from '../failure.ts';
import { makePrivateFolder } from '../private-file.ts';

export interface HeldFolder {
  release(): void;
}

/** Takes the folder, making it where it is missing; says who has it otherwise. */
export async function holdFolder(dataFolder: string): Promise<Outcome<HeldFolder>> {
  try {
    await makePrivateFolder(dataFolder);
    const lock = takeFolderLock(join(dataFolder, 'up.lock'));
    if (lock.kind === 'held') return succeed(lock);
    const message = `another \`vedette up\` (pid ${lock.pid}) runs with the data folder ${dataFolder}`;
    return fail('up/folder-taken', {
      message,
      remedy: 'Stop it with Ctrl-C there, or name another folder: --data FOLDER (and another --port).',
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'EACCES' || code === 'EPERM' ? 'cannot be written by this user' : reasonOf(error);
    const message = `the data folder ${dataFolder} ${reason}`;
    return fail('up/folder-unusable', {
      message,
      remedy: 'Name another (--data FOLDER), or make it writable for this user.',
    });
  }
}
