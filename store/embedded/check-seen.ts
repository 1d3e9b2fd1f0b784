// Which numbers and ids a check has met: numbers as bits, for all partitions; ids as hashes, for the partitions of one period.
import { hash } from 'node:crypto';

const PAGE_BITS = 2 ** 23;
/** Ids of one period that are remembered; of more than that, repeats are not looked for. */
const IDS_MAX = 8_000_000;

export interface Seen {
  /** True if it was there before; it is from now on. */
  hasSeq(seq: number): boolean;
  /** The same of an id. Two ids are taken for one with a chance of one in 10^8 a period. */
  hasId(id: string): boolean;
  forgetIds(): void;
}

export function createSeen(): Seen {
  const pages = new Map<number, Uint8Array>();
  let ids = new Set<bigint>();
  return {
    hasSeq(seq) {
      const number = Math.floor(seq / PAGE_BITS);
      let page = pages.get(number);
      if (page === undefined) {
        page = new Uint8Array(PAGE_BITS / 8);
        pages.set(number, page);
      }
      const at = seq - number * PAGE_BITS;
      const bit = 1 << (at & 7);
      const byte = page[at >> 3] ?? 0;
      page[at >> 3] = byte | bit;
      return (byte & bit) !== 0;
    },
    hasId(id) {
      if (ids.size >= IDS_MAX) return false;
      const key = hash('sha256', id, 'buffer').readBigUInt64LE();
      if (ids.has(key)) return true;
      ids.add(key);
      return false;
    },
    forgetIds() {
      ids = new Set();
    },
  };
}
