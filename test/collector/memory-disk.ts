// A disk in memory for the spool's tests: it can be full, write less than asked for, tear what was written last, flip bits.
import type { Disk, DiskFile } from '../../collector/spool/disk.ts';

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Buffer>;
  /** Bytes that may still be written; Infinity at first. */
  room: number;
}

export function memoryDisk(): MemoryDisk {
  const files = new Map<string, Buffer>();
  const disk: MemoryDisk = {
    files,
    room: Number.POSITIVE_INFINITY,
    list: () => [...files.keys()],
    create(name) {
      if (files.has(name)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      if (disk.room <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      files.set(name, Buffer.alloc(0));
      return fileOf(name);
    },
    open: (name) => (files.has(name) ? fileOf(name) : undefined),
    remove(name) {
      files.delete(name);
    },
  };

  /** A file that was removed stays readable for whoever has it open, as on Linux. */
  function fileOf(name: string): DiskFile {
    let last = files.get(name) as Buffer;
    const bytes = (): Buffer => {
      last = files.get(name) ?? last;
      return last;
    };
    return {
      append(added) {
        const taken = Math.min(added.length, disk.room);
        if (taken === 0 && added.length > 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        disk.room -= taken;
        files.set(name, Buffer.concat([bytes(), added.subarray(0, taken)]));
        return taken;
      },
      read: (buffer, offset, length, position) => bytes().copy(buffer, offset, position, position + length),
      size: () => bytes().length,
      truncate(size) {
        disk.room += bytes().length - size;
        files.set(name, Buffer.from(bytes().subarray(0, size)));
      },
      sync() {},
      close() {},
    };
  }
  return disk;
}
