// SHA-256 of executables, beside the reading: a file that was seen before costs two system calls; a new one waits in a bounded
// queue and is read in pieces between the drains, within bytes a second. So the first events of a new file lack the digest.
// A file is known by device, inode, size, mtime and ctime. It is reached through /proc/PID/exe, which is the very inode that
// runs; where the process has gone, by its path, unless that may be another file by now, or another's file system (a container's).
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ProcessInfo } from '../../audit/event.ts';
import { type Budget, UNLIMITED_BUDGET } from '../budget.ts';
import type { Self } from './process-entry.ts';

const DIGESTS_MAX = 4_096;
export const DIGEST_QUEUE_MAX = 64;
export const DIGEST_FILE_BYTES_MAX = 128 * 1024 * 1024;
/** Bytes that are read for digests in one second: at about 1 ms of CPU per MB. */
export const DIGEST_BYTES_PER_SECOND_MAX = 32 * 1024 * 1024;
/** One piece: so long, at the most, the records wait. */
const PIECE_BYTES = 1024 * 1024;

interface DigestFigures {
  readonly digests_made: number;
  readonly digests_left_out: number;
  readonly digests_waiting: number;
}

export interface ExecutableDigests {
  /** A process runs a program: `done` is told its digest, at once or later or never. */
  ask(program: { readonly self: Self; readonly isInContainer: boolean; readonly eventMs: number }): void;
  /** Reads one piece, where there is something to do. True when there is more. */
  work(nowMs: number): boolean;
  figures(): DigestFigures;
  close(): void;
}

interface Waiting {
  readonly fd: number;
  readonly key: string;
  readonly size: number;
  readonly hash: Hash;
  readonly programs: { readonly self: Self; readonly info: ProcessInfo }[];
  at: number;
}

export function createExecutableDigests(options: {
  readonly done: (self: Self, info: ProcessInfo, sha256: string) => void;
  readonly budget?: Budget;
  readonly procFolder?: string;
}): ExecutableDigests {
  const { done, budget = UNLIMITED_BUDGET, procFolder = '/proc' } = options;
  const known = new Map<string, string>();
  const waiting: Waiting[] = [];
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let bytesLeft = DIGEST_BYTES_PER_SECOND_MAX;
  let bytesSince = Number.NEGATIVE_INFINITY;
  let made = 0;
  let leftOut = 0;

  /** A descriptor of the file that runs, or undefined. */
  function opened(
    { pid, executable }: ProcessInfo,
    isInContainer: boolean,
  ): { readonly fd: number; readonly isSure: boolean } | undefined {
    const fd = tryOpen(`${procFolder}/${pid}/exe`, 0);
    if (fd !== undefined) return { fd, isSure: true };
    if (executable?.startsWith('/') !== true || isInContainer) return undefined;
    const byPath = tryOpen(executable, constants.O_NOFOLLOW);
    return byPath === undefined ? undefined : { fd: byPath, isSure: false };
  }

  function finish(done_: Waiting, sha256: string | undefined): void {
    closeSync(done_.fd);
    if (sha256 === undefined) {
      leftOut += done_.programs.length;
      return;
    }
    made += 1;
    if (known.size >= DIGESTS_MAX) known.delete(known.keys().next().value ?? '');
    known.set(done_.key, sha256);
    for (const { self, info } of done_.programs) done(self, info, sha256);
  }

  return {
    ask({ self, isInContainer, eventMs }) {
      const { info } = self;
      // A thread of the kernel has no file.
      if (info.executable === undefined) return;
      if (!budget.allows('hash')) {
        leftOut += 1;
        return;
      }
      const file = opened(info, isInContainer);
      if (file === undefined) {
        leftOut += 1;
        return;
      }
      const stats = fstatSync(file.fd);
      const { dev, ino, size, mtimeMs, ctimeMs } = stats;
      const key = `${dev}.${ino}.${size}.${mtimeMs}.${ctimeMs}`;
      // A file that was changed or put there since the exec is not the one that ran.
      const isIt = stats.isFile() && (file.isSure || Math.max(mtimeMs, ctimeMs) < eventMs - 1);
      const sha256 = known.get(key);
      const same = waiting.find((one) => one.key === key);
      if (isIt && sha256 !== undefined) done(self, info, sha256);
      else if (isIt && same !== undefined && same.programs.length < DIGEST_QUEUE_MAX)
        same.programs.push({ self, info });
      else if (isIt && same === undefined && size <= DIGEST_FILE_BYTES_MAX && waiting.length < DIGEST_QUEUE_MAX) {
        waiting.push({ fd: file.fd, key, size, hash: createHash('sha256'), programs: [{ self, info }], at: 0 });
        // The smallest first: a run-time of 100 MB must not hold up what everybody runs.
        waiting.sort((one, other) => one.size - other.size);
        return;
      } else leftOut += 1;
      closeSync(file.fd);
    },
    work(nowMs) {
      const first = waiting[0];
      if (first === undefined || !budget.allows('hash')) return false;
      if (nowMs - bytesSince >= 1_000 || nowMs < bytesSince) {
        bytesSince = nowMs;
        bytesLeft = DIGEST_BYTES_PER_SECOND_MAX;
      }
      if (bytesLeft <= 0) return false;
      let count = -1;
      try {
        count = readSync(first.fd, piece, 0, PIECE_BYTES, first.at);
      } catch {
        // A disk that fails, or a file system that went away.
      }
      if (count > 0) {
        first.hash.update(piece.subarray(0, count));
        first.at += count;
        bytesLeft -= count;
      }
      if (count > 0 && first.at < first.size) return true;
      waiting.shift();
      finish(first, count >= 0 && first.at === first.size ? first.hash.digest('hex') : undefined);
      return waiting.length > 0;
    },
    figures: () => ({ digests_made: made, digests_left_out: leftOut, digests_waiting: waiting.length }),
    close() {
      for (const one of waiting.splice(0)) closeSync(one.fd);
    },
  };
}

function tryOpen(path: string, flags: number): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch {
    return undefined;
  }
}
