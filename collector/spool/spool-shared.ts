// What the two threads share of the spool: a few 64-bit words. The writer evicts, the reader reads; who was first is decided
// without a lock: the reader claims a segment before it opens its file, the writer looks for the claim after it has removed or
// replaced the file. No claim then means that the reader finds what the writer left.
import type { SpoolClass } from './segment.ts';

const WORDS = 8;
const SPOOLED = 0;
const ACKNOWLEDGED = 1;
const CLAIMED = { keep: 2, bulk: 3 } as const;
const NEWEST = { keep: 4, bulk: 5 } as const;

export interface SpoolShared {
  readonly memory: SharedArrayBuffer;
  /** Every frame up to this position is in the files. */
  spooled(): number;
  setSpooled(position: number): void;
  /** Every frame up to this position was delivered or set aside. */
  acknowledged(): number;
  setAcknowledged(position: number): void;
  /** The number of the class's newest segment; 0 before the first. Spares the reader looking for files. */
  newest(spoolClass: SpoolClass): number;
  setNewest(spoolClass: SpoolClass, number: number): void;
  /** The reader is about to open segment `number`; they come in rising order. */
  claim(spoolClass: SpoolClass, number: number): void;
  /** True when the reader has opened segment `number`, or a later one. */
  hasClaimed(spoolClass: SpoolClass, number: number): boolean;
}

export function spoolShared(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)): SpoolShared {
  const words = new BigInt64Array(memory);
  const load = (word: number): number => Number(Atomics.load(words, word));
  const store = (word: number, value: number): void => {
    Atomics.store(words, word, BigInt(value));
  };
  return {
    memory,
    spooled: () => load(SPOOLED),
    setSpooled: (position) => store(SPOOLED, position),
    acknowledged: () => load(ACKNOWLEDGED),
    setAcknowledged: (position) => store(ACKNOWLEDGED, position),
    newest: (spoolClass) => load(NEWEST[spoolClass]),
    setNewest: (spoolClass, number) => store(NEWEST[spoolClass], number),
    claim: (spoolClass, number) => store(CLAIMED[spoolClass], number),
    hasClaimed: (spoolClass, number) => load(CLAIMED[spoolClass]) >= number,
  };
}
