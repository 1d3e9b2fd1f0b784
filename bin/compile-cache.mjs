// Where Node keeps what it compiled, so that the next start need not strip and compile some 200 files again: half of a short
// command's time, and 40 MB of each process. Promise: code is only taken from a folder that nobody but this user and root could
// have written to: `$XDG_CACHE_HOME/vedette`, else `.cache/vedette` in the user's own home. Where there is none such, there
// is no cache. Uses nothing that Node 20 lacks.
import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Takes the cache up for this process, its threads and its children, unless the environment names one already. */
export function useCompileCache() {
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.env.NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  const folder = compileCacheFolder();
  if (folder === undefined) return;
  process.env.NODE_COMPILE_CACHE = folder;
  module.enableCompileCache?.(folder);
}

/** The folder, made when it is missing; undefined where others could write to it. */
function compileCacheFolder() {
  try {
    const parent = cacheHome();
    // What is missing of it is made in a folder that is checked, so the check comes first, and again when all of it is there.
    if (!isOutOfReach(nearestExisting(parent))) return undefined;
    const folder = join(parent, 'vedette');
    makeFolder(folder);
    const real = realpathSync(folder);
    const { uid, mode } = lstatSync(real);
    if (uid !== process.geteuid() || (mode & 0o077) !== 0) return undefined;
    return isOutOfReach(dirname(real)) ? real : undefined;
  } catch {
    // A home that is read-only or not there: nothing is lost but time.
    return undefined;
  }
}

/** `sudo` may leave another user's HOME: root takes the home of its own account. */
function cacheHome() {
  const given = process.env.XDG_CACHE_HOME;
  if (given !== undefined && isAbsolute(given)) return given;
  return join(process.geteuid() === 0 ? userInfo().homedir : homedir(), '.cache');
}

/** Step by step: where the file system makes no folders at all (/proc), Node's own recursive call never returns. */
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function nearestExisting(path) {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}

/** True when this folder and all above it belong to root or this user, and none can be changed by anybody else. */
function isOutOfReach(real) {
  const { uid, mode } = lstatSync(real);
  if (uid !== 0 && uid !== process.geteuid()) return false;
  // In a sticky folder (/tmp) only its owner may rename or remove what is there.
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0) return false;
  const above = dirname(real);
  return above === real || isOutOfReach(above);
}
