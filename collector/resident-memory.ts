// Gives back the pages of the program's own file that only the start needed: code and constants of Node are mapped from the
// executable, and reading around each fault brings in 60 MB of them, of which a running collector touches a third. Clean pages of a
// file can be dropped at any time; what is needed again comes back from the page cache. Nothing that was written to is touched.
import { readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';

const MADV_DONTNEED = 4;
/** /proc/self/smaps of a process with some hundred mappings. */
const SMAPS_CHARS_MAX = 4 * 1024 * 1024;

/** A part of memory, [start, end). */
export interface Mapping {
  readonly start: number;
  readonly end: number;
}

/** Drops them; how many bytes of address space were given up to be read again. 0 where /proc does not say. */
export function releaseStartPages(): number {
  const madvise = koffi.load('libc.so.6').func('int madvise(uintptr_t address, unsigned long length, int advice)');
  let released = 0;
  try {
    const executable = readlinkSync('/proc/self/exe');
    for (const { start, end } of cleanMappings(readFileSync('/proc/self/smaps', 'latin1'), executable)) {
      if (madvise(start, end - start, MADV_DONTNEED) === 0) released += end - start;
    }
  } catch {
    // Without /proc the memory stays as it is: that costs nothing but memory.
  }
  return released;
}

/** The mappings of `path` in the text of smaps that nobody can write to and nobody wrote to. */
export function cleanMappings(smaps: string, path: string): readonly Mapping[] {
  const found: Mapping[] = [];
  let current: Mapping | undefined;
  for (const line of smaps.slice(0, SMAPS_CHARS_MAX).split('\n')) {
    const head = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) (\S{4}) \S+ \S+ \S+ *(.*)$/.exec(line);
    if (head !== null) {
      const [, start = '', end = '', permissions = '', name = ''] = head;
      const isOurs = name === path && permissions[0] === 'r' && permissions[1] === '-' && permissions[3] === 'p';
      current = isOurs ? { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) } : undefined;
      continue;
    }
    if (current === undefined) continue;
    const dirty = /^(Private_Dirty|Anonymous|Swap): +(\d+) kB$/.exec(line);
    if (dirty !== null && dirty[2] !== '0') current = undefined;
    // The last line of a mapping's account: it was clean throughout.
    if (line.startsWith('VmFlags:') && current !== undefined) {
      found.push(current);
      current = undefined;
    }
  }
  return found;
}
