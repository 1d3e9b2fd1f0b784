// The few file operations that durability rests on, behind a port, so that tests can tear writes and fill the disk.
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';

export interface LogFile {
  /** Writes all bytes at an offset, or throws; a failed write may leave some of them. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** fdatasync */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface FilePort {
  /** Opens for writing; creates the file (mode 0600) when `isNew`, and then fails if it exists. */
  open(path: string, isNew: boolean): Promise<LogFile>;
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>;
  /** Makes created and removed names of a folder durable. */
  syncFolder(path: string): Promise<void>;
}

export const NODE_FILES: FilePort = {
  async open(path, isNew) {
    const handle = await open(path, isNew ? 'wx' : constants.O_WRONLY, 0o600);
    return {
      async write(bytes, at) {
        let written = 0;
        while (written < bytes.length) {
          const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written);
          if (bytesWritten === 0) throw Object.assign(new Error('the disk takes no more bytes'), { code: 'ENOSPC' });
          written += bytesWritten;
        }
      },
      sync: () => handle.datasync(),
      truncate: (length) => handle.truncate(length),
      close: () => handle.close(),
    };
  },
  remove: (path) => rm(path, { force: true }),
  async syncFolder(path) {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
