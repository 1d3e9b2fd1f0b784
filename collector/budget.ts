// What the collector may still spend on looking beyond the records themselves. Asked before each costly look-up, answered from
// one number that the limits (limits.ts) keep, so that asking costs a comparison.

/** What is given up, in this order, when the CPU budget is short. */
export type CostlyFeature = 'hash' | 'container' | 'proc';

export interface Budget {
  /** False while the collector's limits forbid this kind of work: leave it out, and count that it was left out. */
  allows(feature: CostlyFeature): boolean;
}

/** Where nothing is limited: recordings, imports, tests. */
export const UNLIMITED_BUDGET: Budget = { allows: () => true };
