// A file port that fails on demand, as a full disk does: writes that stop half-way, syncs that fail, names that cannot be made.
import type { FilePort } from '../../store/embedded/files.ts';

type Fault = 'write' | 'sync' | 'truncate after write' | 'open';

export interface BrokenFiles extends FilePort {
  fail(fault: Fault): void;
  heal(): void;
  /** How often a file was synced. */
  syncs(): number;
}

export function brokenFiles(files: FilePort): BrokenFiles {
  let fault: Fault | undefined;
  let syncCount = 0;
  const full = (): never => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  return {
    fail: (next) => {
      fault = next;
    },
    heal: () => {
      fault = undefined;
    },
    syncs: () => syncCount,
    async open(path, isNew) {
      const file = await files.open(path, isNew);
      if (fault === 'open' && isNew) {
        await file.close();
        full();
      }
      return {
        async write(bytes, at) {
          if (fault === undefined || fault === 'sync') return file.write(bytes, at);
          await file.write(bytes.subarray(0, Math.floor(bytes.length / 2)), at);
          return full();
        },
        sync() {
          syncCount++;
          return fault === 'sync'
            ? Promise.reject(Object.assign(new Error('sync failed'), { code: 'ENOSPC' }))
            : file.sync();
        },
        truncate: (length) => (fault === 'truncate after write' ? Promise.resolve().then(full) : file.truncate(length)),
        close: () => file.close(),
      };
    },
    remove: (path) => files.remove(path),
    syncFolder: (path) => files.syncFolder(path),
  };
}
