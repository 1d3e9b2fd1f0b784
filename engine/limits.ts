// Every bound of the engine in one place. What a bound cuts off is counted on the rule's health.

export interface EngineLimits {
  /** Detections of one host that wait for its progress. Beyond: the earliest are folded before their watermark (`forced`). */
  readonly pendingPerHostMax: number;
  /** The same for all detections that wait for every host. */
  readonly pendingAcrossHostsMax: number;
  /** The same in all. Beyond: each host, and what waits for every host, keeps an equal share. */
  readonly pendingMax: number;
  /** Suppression keys of one rule on one host. Beyond: expired ones go, then the one longest unused (`evicted`). */
  readonly keysPerRuleAndHostMax: number;
  /** Suppression keys of one rule whose keys span hosts. */
  readonly keysPerRuleMax: number;
  /** Suppression keys in all. Unlike the two before, it evicts in the order of use, not in reference order. */
  readonly keysMax: number;
  /** Characters of all suppression keys' state together: keys of many long alerts. Evicts in the order of use. */
  readonly keysCharactersMax: number;
  /** Alerts that wait to be grouped, in all. Beyond: each host's earliest are grouped before their watermark (`forced`). */
  readonly groupingMax: number;
  /** Groups whose message has not left, in all. Those of one rule on one host, or across hosts, have the quotas above. Beyond: the one longest unchanged leaves (`forced`). */
  readonly groupsMax: number;
  /** The same of their state's characters. */
  readonly groupsCharactersMax: number;
  /** Group keys that are remembered for late alerts, in all. */
  readonly groupKeysMax: number;
  /** Keys of rules on many events, in all. Those of one rule on one host, or across hosts, have the quotas above. */
  readonly foldedKeysMax: number;
  /** How long a match is kept after it was folded, of event time, ms: what comes later than that cannot be computed with it. */
  readonly keptMs: number;
  /** Matches that are kept of one key; of all keys. Beyond: the oldest are settled before their time. */
  readonly keptPerKeyMax: number;
  readonly keptMax: number;
  /** Matches that may be computed again for one rule version in a minute of event time; one key may always. */
  readonly recomputedPerRuleMax: number;
}

export const ENGINE_LIMITS: EngineLimits = {
  pendingPerHostMax: 10_000,
  pendingAcrossHostsMax: 50_000,
  pendingMax: 100_000,
  keysPerRuleAndHostMax: 1_000,
  keysPerRuleMax: 10_000,
  keysMax: 50_000,
  keysCharactersMax: 128 * 1024 * 1024,
  groupingMax: 20_000,
  groupsMax: 10_000,
  groupsCharactersMax: 64 * 1024 * 1024,
  groupKeysMax: 20_000,
  foldedKeysMax: 100_000,
  keptMs: 20 * 60_000,
  keptPerKeyMax: 1_000,
  keptMax: 50_000,
  recomputedPerRuleMax: 100_000,
};
