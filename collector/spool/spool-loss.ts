// What the spool can lose, and how much is known about it.
import type { SpoolClass } from './segment.ts';

/** Frames that the spool gave up, refused or found damaged. */
export interface SpoolLoss {
  readonly reason: 'evicted' | 'aged' | 'torn' | 'damaged' | 'refused';
  readonly atLeast: number;
  /** Undefined where no bound is known. */
  readonly atMost: number | undefined;
  /** `event.created` of the first and last, epoch ms, where known. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly firstPosition: number | undefined;
  readonly lastPosition: number | undefined;
  /** Whose they were (owner.ts), where that is known, and of which class. */
  readonly owner?: number;
  readonly spoolClass?: SpoolClass;
  /** What makes the fact one of its own among those of its reason, so that telling it again stores it once. */
  readonly counter?: number;
}

/** Of the same reason, owner and class: both in one. */
export function joinedLoss(one: SpoolLoss, other: SpoolLoss): SpoolLoss {
  return {
    ...one,
    atLeast: one.atLeast + other.atLeast,
    atMost: one.atMost === undefined || other.atMost === undefined ? undefined : one.atMost + other.atMost,
    fromMs: least(one.fromMs, other.fromMs),
    toMs: most(one.toMs, other.toMs),
    firstPosition: least(one.firstPosition, other.firstPosition),
    lastPosition: most(one.lastPosition, other.lastPosition),
  };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function most(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}
