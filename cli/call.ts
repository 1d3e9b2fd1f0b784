// How this very Vedette is called from where the person stands: what is suggested must work when it is pasted.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from './command.ts';
import type { Config } from './config/settings.ts';

const PACKAGE_FOLDER = resolve(fileURLToPath(new URL('..', import.meta.url)));

export interface Call {
  /** `npx vedette` in a clone, else `vedette`. */
  readonly program: string;
  /** What the commands need to find this server, with a space before it; '' where the defaults do. */
  readonly clientOptions: string;
  /** True when the current folder is the package's own. */
  readonly isHere: boolean;
}

export function callOf({ cwd }: Pick<Context, 'cwd'>, config: Pick<Config, 'dataFolder'>): Call {
  const isHere = cwd === PACKAGE_FOLDER;
  return {
    program: isHere ? 'npx vedette' : 'vedette',
    clientOptions: config.dataFolder === resolve(cwd, 'data') ? '' : ` --data ${quoted(config.dataFolder)}`,
    isHere,
  };
}

/** A word as a shell takes it: as it stands where that is safe, else in single quotes. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
