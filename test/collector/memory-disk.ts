// A disk in memory for the spool's tests: it can be full, write less than asked for, tear what was written last, flip bits.
import type { Disk, DiskFile } from '../../collector/spool/disk.ts';

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Buffer>;
  /** Bytes that may still be written; Infinity at first. */
  room: number;
  /** Called before each step that changes what is on the disk; throwing is being killed there. */
  onStep: (step: DiskStep) => void;
  /** The code that a step fails with: EIO, EROFS, …; undefined lets it pass. */
  fails: (step: DiskStep) => string | undefined;
}

type DiskStep = 'create' | 'append' | 'truncate' | 'remove' | 'rename' | 'sync' | 'read';

export function memoryDisk(): MemoryDisk {
  const files = new Map<string, Buffer>();
  const disk: MemoryDisk = {
    files,
    room: Number.POSITIVE_INFINITY,
    onStep() {},
    fails: () => undefined,
    list: () => [...files.keys()],
    create(name) {
      act('create');
      if (files.has(name)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      if (disk.room <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      files.set(name, Buffer.alloc(0));
      return fileOf(name);
    },
    open: (name) => (files.has(name) ? fileOf(name) : undefined),
    remove(name) {
      act('remove');
      disk.room += files.get(name)?.length ?? 0;
      files.delete(name);
    },
    rename(from, to) {
      act('rename');
      const bytes = files.get(from);
      if (bytes === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
      disk.room += files.get(to)?.length ?? 0;
      files.delete(from);
      files.set(to, bytes);
    },
  };

  function act(step: DiskStep): void {
    const problem = disk.fails(step);
    if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
    disk.onStep(step);
  }

  /** A file that was removed stays readable for whoever has it open, as on Linux. */
  function fileOf(name: string): DiskFile {
    let last = files.get(name) as Buffer;
    const bytes = (): Buffer => {
      last = files.get(name) ?? last;
      return last;
    };
    return {
      append(added) {
        act('append');
        const taken = Math.min(added.length, disk.room);
        if (taken === 0 && added.length > 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        disk.room -= taken;
        files.set(name, Buffer.concat([bytes(), added.subarray(0, taken)]));
        return taken;
      },
      read(buffer, offset, length, position) {
        const problem = disk.fails('read');
        if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
        return bytes().copy(buffer, offset, position, position + length);
      },
      size: () => bytes().length,
      truncate(size) {
        act('truncate');
        disk.room += bytes().length - size;
        files.set(name, Buffer.from(bytes().subarray(0, size)));
      },
      sync() {
        act('sync');
      },
      syncSoon(done) {
        done(disk.fails('sync') === undefined ? undefined : new Error('sync'));
      },
      close() {},
    };
  }
  return disk;
}
