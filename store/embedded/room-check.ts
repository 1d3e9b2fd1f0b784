// Stops acknowledging before the disk is full: partitions need room too, and what waits in the log is written once more into them.
import { statfs } from 'node:fs/promises';
import { StoreUnavailable } from '../port.ts';

/** The disk is asked so often. */
const ASK_EVERY_MS = 200;
/** On a small disk, this part of it is enough. */
const SMALL_DISK_SHARE = 20;

/** Answers a check that throws while the folder's disk has less than so many bytes for us, or than a twentieth of a small disk. */
export function createRoomCheck(folder: string, freeBytesLeast: number, nowMs: () => number): () => Promise<void> {
  let askedMs = Number.NEGATIVE_INFINITY;
  let freeBytes = Number.POSITIVE_INFINITY;
  let neededBytes = 0;
  return async () => {
    const now = nowMs();
    // A clock that stands still (tests) or steps back asks each time.
    if (now <= askedMs || now - askedMs >= ASK_EVERY_MS) {
      const { bavail, blocks, bsize } = await statfs(folder);
      freeBytes = bavail * bsize;
      neededBytes = Math.min(freeBytesLeast, (blocks * bsize) / SMALL_DISK_SHARE);
      askedMs = now;
    }
    if (freeBytes < neededBytes) {
      throw new StoreUnavailable(
        'disk-full',
        `the disk of the data folder has ${Math.floor(freeBytes / 1024 / 1024)} MiB left: nothing of this batch was stored`,
      );
    }
  };
}
