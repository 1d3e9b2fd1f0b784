// The disk as the spool sees it: a folder of flat files. Behind an interface, so that tests can fill it, tear its writes and
// flip its bits. Each call throws what the file system throws; the spool decides what that means.
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../durable-file.ts';

export interface DiskFile {
  /** Appends; may write less than asked for, never more. */
  append(bytes: Buffer): number;
  read(buffer: Buffer, offset: number, length: number, position: number): number;
  size(): number;
  truncate(size: number): void;
  sync(): void;
  /** The same without waiting; calls back once. The file may be closed before: that happens when it is done. */
  syncSoon(done: (error: Error | undefined) => void): void;
  close(): void;
}

export interface Disk {
  list(): readonly string[];
  create(name: string): DiskFile;
  /** Undefined when it is gone. */
  open(name: string, mode: 'read' | 'write'): DiskFile | undefined;
  remove(name: string): void;
  rename(from: string, to: string): void;
}

/** The files of a folder, which is made when it is missing. */
export function folderDisk(folder: string): Disk {
  makeFolder(folder);
  return {
    list: () => readdirSync(folder),
    create: (name) => fileOn(openSync(join(folder, name), 'ax+', 0o600)),
    open(name, mode) {
      try {
        return fileOn(openSync(join(folder, name), mode === 'read' ? 'r' : 'a+'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    remove(name) {
      try {
        unlinkSync(join(folder, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
    rename: (from, to) => renameSync(join(folder, from), join(folder, to)),
  };
}

/** What a file is called while it is written anew; such a file is left over from a kill. */
export const UNFINISHED = '.new';

/**
 * Writes a file as a whole: whoever opens it sees the old content or the new. Throws what the disk throws, leaving the old.
 * `soon` has it written to the disk without waiting for that.
 */
export function replaceOnDisk(disk: Disk, name: string, parts: readonly Buffer[], sync: 'now' | 'soon'): void {
  const temporary = `${name}${UNFINISHED}`;
  disk.remove(temporary);
  writeOnDisk(disk, temporary, parts, sync);
  disk.rename(temporary, name);
}

/** Writes a file that was not there, or none. */
export function writeOnDisk(disk: Disk, name: string, parts: readonly Buffer[], sync: 'now' | 'soon' | 'never'): void {
  const file = disk.create(name);
  try {
    for (const part of parts) {
      for (let done = 0; done < part.length; ) {
        const written = file.append(part.subarray(done));
        if (written === 0) throw Object.assign(new Error('the disk took nothing'), { code: 'ENOSPC' });
        done += written;
      }
    }
    if (sync === 'now') file.sync();
    else if (sync === 'soon') file.syncSoon(() => {});
  } catch (error) {
    file.close();
    disk.remove(name);
    throw error;
  }
  file.close();
}

function fileOn(fd: number): DiskFile {
  let syncs = 0;
  let isClosing = false;
  return {
    append: (bytes) => writeSync(fd, bytes),
    read: (buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
    size: () => fstatSync(fd).size,
    truncate: (size) => ftruncateSync(fd, size),
    sync: () => fdatasyncSync(fd),
    syncSoon(done) {
      syncs += 1;
      fdatasync(fd, (error) => {
        syncs -= 1;
        if (isClosing && syncs === 0) closeSync(fd);
        done(error ?? undefined);
      });
    },
    close() {
      isClosing = true;
      if (syncs === 0) closeSync(fd);
    },
  };
}
