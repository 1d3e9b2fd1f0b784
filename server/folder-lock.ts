// One server per data folder. The lock is a file that names its holder; one whose holder is gone is taken over. A pid that came
// back as another process is told by its start time.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export type FolderLock =
  | { readonly kind: 'held'; readonly release: () => void }
  | { readonly kind: 'taken'; readonly pid: number };

/** Takes the lock file, or says who has it. The folder must exist. */
export function takeFolderLock(file: string, pid: number = process.pid): FolderLock {
  const own = `${pid} ${startOf(pid) ?? 0}\n`;
  const draft = `${file}.${pid}`;
  writeFileSync(draft, own, { mode: 0o600 });
  try {
    // Twice: once for the plain case, once after a stale lock was put out of the way.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (mayLink(draft, file)) return { kind: 'held', release: () => release(file, own) };
      const holder = holderOf(file);
      if (holder !== undefined && startOf(holder.pid) === holder.start) return { kind: 'taken', pid: holder.pid };
      putAway(file, `${file}.stale.${pid}`, holder);
    }
    return { kind: 'taken', pid: holderOf(file)?.pid ?? 0 };
  } finally {
    rmSync(draft, { force: true });
  }
}

function mayLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

interface Holder {
  readonly pid: number;
  readonly start: string;
}

function holderOf(file: string): Holder | undefined {
  try {
    const match = /^([0-9]{1,10}) ([0-9]{1,20})\n$/.exec(readFileSync(file, 'utf8'));
    return match === null ? undefined : { pid: Number(match[1]), start: match[2] ?? '' };
  } catch {
    return undefined;
  }
}

/** Moves a stale lock away; should another starter have taken it over meanwhile, that one gets it back. */
function putAway(file: string, aside: string, stale: Holder | undefined): void {
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = holderOf(aside);
  if (moved !== undefined && (moved.pid !== stale?.pid || moved.start !== stale.start)) mayLink(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, own: string): void {
  try {
    if (readFileSync(file, 'utf8') === own) rmSync(file);
  } catch {
    // It is gone already: nothing to release.
  }
}

/** A process's start in clock ticks since the boot (/proc/PID/stat, field 22); undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
