// What the spool can lose, and how much is known about it.

/** Frames that the spool gave up or found damaged. */
export interface SpoolLoss {
  readonly reason: 'evicted' | 'torn' | 'damaged' | 'refused';
  readonly atLeast: number;
  readonly atMost: number;
  /** `event.created` of the first and last, epoch ms, where known. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly firstPosition: number | undefined;
  readonly lastPosition: number | undefined;
}
