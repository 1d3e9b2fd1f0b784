// The disk as the spool sees it: a folder of flat files. Behind an interface, so that tests can fill it, tear its writes and
// flip its bits. Each call throws what the file system throws; the spool decides what that means.
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
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
  close(): void;
}

export interface Disk {
  list(): readonly string[];
  create(name: string): DiskFile;
  /** Undefined when it is gone. */
  open(name: string, mode: 'read' | 'write'): DiskFile | undefined;
  remove(name: string): void;
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
  };
}

function fileOn(fd: number): DiskFile {
  return {
    append: (bytes) => writeSync(fd, bytes),
    read: (buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
    size: () => fstatSync(fd).size,
    truncate: (size) => ftruncateSync(fd, size),
    sync: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}
