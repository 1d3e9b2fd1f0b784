// Tells when rule files have changed. The system's notices only wake it: what counts is each file's size, time and inode, looked at again
// after a pause, so that an editor's three writes are one change, and a folder that is replaced as a whole (a mount, a link) is seen too.
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

export interface RuleWatch {
  close(): void;
}

export interface RuleWatchOptions {
  /** Folders, or single files. */
  readonly paths: readonly string[];
  readonly onChange: () => void;
  /** So long nothing may change before it is told. */
  readonly settleMs?: number;
  /** How often it looks where no notices come (network file systems, too many watches). */
  readonly pollMs?: number;
}

const SETTLE_MS = 300;
const POLL_MS = 30_000;
/** As rules are read: rules/rule-folders.ts. */
const DEPTH_MAX = 4;
const ENTRIES_MAX = 20_000;
const WATCHES_MAX = 500;

export function watchRules(options: RuleWatchOptions): RuleWatch {
  const { paths, onChange, settleMs = SETTLE_MS, pollMs = POLL_MS } = options;
  let known = printOf(paths);
  let watchers: readonly FSWatcher[] = [];
  let settling: NodeJS.Timeout | undefined;
  let isClosed = false;

  const look = (): void => {
    settling = undefined;
    const before = known;
    known = printOf(paths);
    if (known.folders.join('\n') !== before.folders.join('\n') || known.print !== before.print) rewatch();
    if (known.print !== before.print) onChange();
  };
  const wake = (): void => {
    if (isClosed) return;
    clearTimeout(settling);
    settling = setTimeout(look, settleMs);
    settling.unref();
  };
  const rewatch = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = isClosed ? [] : known.folders.slice(0, WATCHES_MAX).flatMap((folder) => watcherOf(folder, wake));
  };

  rewatch();
  const poll = setInterval(look, pollMs);
  poll.unref();
  return {
    close() {
      isClosed = true;
      clearInterval(poll);
      clearTimeout(settling);
      rewatch();
    },
  };
}

/** None where the system has no more of them: then the poll must do. */
function watcherOf(path: string, wake: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(path, { persistent: false }, wake);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

interface Print {
  readonly print: string;
  readonly folders: readonly string[];
}

function printOf(paths: readonly string[]): Print {
  const lines: string[] = [];
  const folders: string[] = [];
  const visit = (path: string, depth: number): void => {
    if (lines.length > ENTRIES_MAX || depth > DEPTH_MAX + 1) return;
    try {
      const status = statSync(path);
      if (!status.isDirectory()) {
        lines.push(`${path} ${status.ino} ${status.size} ${status.mtimeMs} ${status.ctimeMs}`);
        return;
      }
      folders.push(path);
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory() || /\.ya?ml$/.test(entry.name)) visit(join(path, entry.name), depth + 1);
      }
    } catch (error) {
      lines.push(`${path} ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
    }
  };
  for (const path of paths) {
    visit(path, 0);
    // Editors replace a file: its own notice would be the last.
    if (!folders.includes(path)) folders.push(dirname(path));
  }
  return { print: lines.toSorted().join('\n'), folders };
}
