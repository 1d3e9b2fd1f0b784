// The data folder, made where it is missing, or said why it cannot be: the first thing that `up`, `server` and `collector` do.
import { reasonOf } from './config.ts';
import { fail, type Outcome, succeed } from './failure.ts';
import { makePrivateFolder } from './private-file.ts';

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'cannot be written by this user',
  EPERM: 'cannot be written by this user',
  ENOENT: 'cannot be made: this file system takes no folders',
  EEXIST: 'is a file',
  ENOTDIR: 'cannot be made: what is above it is a file',
};

/** Makes the folder with mode 0700 where it is missing. */
export async function makeDataFolder(dataFolder: string): Promise<Outcome<undefined>> {
  try {
    await makePrivateFolder(dataFolder);
    return succeed(undefined);
  } catch (error) {
    return unusable(dataFolder, error);
  }
}

/** Why a data folder cannot be used, and what to do. */
export function unusable(dataFolder: string, error: unknown): Outcome<never> {
  const cause = CAUSES[(error as NodeJS.ErrnoException).code ?? ''] ?? reasonOf(error);
  return fail('up/folder-unusable', {
    message: `the data folder ${dataFolder} ${cause}`,
    remedy: 'Name another (--data FOLDER), or make it writable for this user.',
  });
}
