// Who listens on a port of this machine: for the message "port taken". Best effort: another user's processes cannot be seen.
import { readdir, readFile, readlink } from 'node:fs/promises';

/** Processes that are looked at; a machine with more gets no answer from the rest. */
const PROCESSES_MAX = 20_000;
const LISTEN_STATE = '0A';

/** `python3 (pid 123)`, or undefined when it cannot be told. */
export async function portOwner(port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const inode of listeningInodes(await readOrEmpty(table), port)) inodes.add(`socket:[${inode}]`);
  }
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
  for (const pid of pids.slice(0, PROCESSES_MAX)) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of await readdir(folder).catch(() => [])) {
      const target = await readlink(`${folder}/${fd}`).catch(() => '');
      if (inodes.has(target)) return `${(await readOrEmpty(`/proc/${pid}/comm`)).trim()} (pid ${pid})`;
    }
  }
  return undefined;
}

/** Inodes of the sockets in a table of /proc/net that listen on `port`. */
export function listeningInodes(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(suffix) === true && columns[3] === LISTEN_STATE)
    .map((columns) => columns[9] ?? '');
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
