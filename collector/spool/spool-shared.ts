// What the two threads share of the spool: a few 64-bit words. The writer evicts, the reader reads; who was first is decided
// without a lock: each writes its own word before it looks at the other's.
import { SPOOL_CLASSES, type SpoolClass } from './segment.ts';

const WORDS = 6;
const SPOOLED = 0;
const ACKNOWLEDGED = 1;
const CLAIMED = { keep: 2, bulk: 3 } as const;
const EVICTED_BELOW = { keep: 4, bulk: 5 } as const;

export interface SpoolShared {
  readonly memory: SharedArrayBuffer;
  /** Every frame up to this position is in the files. */
  spooled(): number;
  setSpooled(position: number): void;
  /** Every frame up to this position was delivered or set aside. */
  acknowledged(): number;
  setAcknowledged(position: number): void;
  /** The reader is about to read segment `number`; false when it was given up already. */
  claim(spoolClass: SpoolClass, number: number): boolean;
  /** The writer gives up segment `number`; true when the reader has read nothing of it, nor ever will. */
  giveUp(spoolClass: SpoolClass, number: number): boolean;
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
    claim(spoolClass, number) {
      store(CLAIMED[spoolClass], number);
      return load(EVICTED_BELOW[spoolClass]) <= number;
    },
    giveUp(spoolClass, number) {
      store(EVICTED_BELOW[spoolClass], number + 1);
      return load(CLAIMED[spoolClass]) < number;
    },
  };
}

/** The classes in the order in which a full spool gives them up. */
export const EVICTION_ORDER: readonly SpoolClass[] = [...SPOOL_CLASSES].reverse();
