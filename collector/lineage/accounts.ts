// Names of uids and gids from /etc/passwd and /etc/group. The files are looked at again at most once a second, and read again
// when they changed. Only local accounts: asking a directory service from here could hang the collector.
import { readFileSync, statSync } from 'node:fs';

/** More is not read, bytes: a file of such a size is no account file. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const LOOK_AGAIN_MS = 1_000;

export interface Accounts {
  userName(uid: number): string | undefined;
  groupName(gid: number): string | undefined;
  userId?(name: string): number | undefined;
  /** A number that changes when a name may have changed; without it names are asked for each time. */
  version?(): number;
}

/** Accounts of the two files. `now` in ms decides when to look again. */
export function openAccounts(now: () => number, etcFolder = '/etc'): Accounts {
  const users = nameFile(`${etcFolder}/passwd`, now);
  const groups = nameFile(`${etcFolder}/group`, now);
  return {
    userName: users.nameOf,
    groupName: groups.nameOf,
    userId: users.idOf,
    // Asked for each event: the time once for both.
    version() {
      const nowMs = now();
      return users.version(nowMs) + groups.version(nowMs);
    },
  };
}

interface NameFile {
  nameOf(id: number): string | undefined;
  idOf(name: string): number | undefined;
  version(nowMs: number): number;
}

function nameFile(path: string, now: () => number): NameFile {
  let names: ReadonlyMap<number, string> = new Map();
  let ids: ReadonlyMap<string, number> = new Map();
  let seen = '';
  let lookedMs = Number.NEGATIVE_INFINITY;
  let version = 0;
  const look = (nowMs: number = now()): void => {
    if (nowMs - lookedMs >= LOOK_AGAIN_MS || nowMs < lookedMs) {
      lookedMs = nowMs;
      try {
        const { mtimeMs, size, ino } = statSync(path);
        const state = `${mtimeMs} ${size} ${ino}`;
        if (state !== seen && size <= FILE_BYTES_MAX) {
          const text = readFileSync(path, 'utf8');
          names = parseNames(text);
          ids = parseIds(text);
          seen = state;
          version += 1;
        }
      } catch {
        // The file is being replaced, or there is none: the names known so far stay.
      }
    }
  };
  return {
    nameOf: (id) => {
      look();
      return names.get(id);
    },
    idOf: (name) => {
      look();
      return ids.get(name);
    },
    version: (nowMs) => {
      look(nowMs);
      return version;
    },
  };
}

/** `name:x:id:…` by id; the first name of an id is its name, as the system's own look-up has it. */
export function parseNames(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, id] of accountsOf(text)) if (!names.has(id)) names.set(id, name);
  return names;
}

function parseIds(text: string): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const [name, id] of accountsOf(text)) if (!ids.has(name)) ids.set(name, id);
  return ids;
}

function* accountsOf(text: string): Generator<readonly [name: string, id: number]> {
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':', 3);
    if (name === undefined || name === '' || id === undefined || !/^[0-9]{1,10}$/.test(id)) continue;
    yield [name, Number(id)];
  }
}
