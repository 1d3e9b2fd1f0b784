// Every bound of the engine in one place. What a bound cuts off is counted on the rule's health.

export interface EngineLimits {
  /** Detections of one host that wait for its progress. Beyond: the earliest are folded before their watermark (`forced`). */
  readonly pendingPerHostMax: number;
  /** The same for all detections that wait for every host. */
  readonly pendingAcrossHostsMax: number;
  /** Suppression keys of one rule on one host. Beyond: expired ones go, then the one longest unused (`evicted`). */
  readonly keysPerRuleAndHostMax: number;
  /** Suppression keys of one rule whose keys span hosts. */
  readonly keysPerRuleMax: number;
  /** Suppression keys in all. Unlike the other two, this one evicts in the order of use, not in reference order. */
  readonly keysMax: number;
}

export const ENGINE_LIMITS: EngineLimits = {
  pendingPerHostMax: 10_000,
  pendingAcrossHostsMax: 50_000,
  keysPerRuleAndHostMax: 1_000,
  keysPerRuleMax: 10_000,
  keysMax: 50_000,
};
