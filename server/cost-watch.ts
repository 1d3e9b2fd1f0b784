// Which rule costs most of late: what holds the engine up where it is behind. For people; nothing decides by it.
import type { RuleHealth } from '../engine/engine.ts';

const LOOK_EVERY_MS = 10_000;

type Costs = Pick<RuleHealth, 'ruleId' | 'cpuUs'>;

export interface CostWatch {
  isDue(): boolean;
  look(rules: readonly Costs[]): void;
  /** Since the look before last, ten to twenty seconds ago; `share` of one core, 0 to 1. */
  costliest(rules: readonly Costs[]): { readonly ruleId: string; readonly share: number } | undefined;
}

interface Look {
  readonly atMs: number;
  readonly cpuUs: ReadonlyMap<string, number>;
}

/** @param stopwatch milliseconds that pass. */
export function createCostWatch(stopwatch: () => number): CostWatch {
  const nothing: Look = { atMs: stopwatch(), cpuUs: new Map() };
  let former: Look = nothing;
  let last: Look = nothing;
  return {
    isDue: () => stopwatch() - last.atMs >= LOOK_EVERY_MS,
    look(rules) {
      former = last;
      last = { atMs: stopwatch(), cpuUs: new Map(rules.map(({ ruleId, cpuUs }) => [ruleId, cpuUs])) };
    },
    costliest(rules) {
      const passedUs = (stopwatch() - former.atMs) * 1_000;
      let most: { readonly ruleId: string; readonly share: number } | undefined;
      for (const { ruleId, cpuUs } of rules) {
        // What is saved of earlier runs is no cost of late.
        const before = former === nothing ? last.cpuUs.get(ruleId) : former.cpuUs.get(ruleId);
        if (before === undefined || passedUs <= 0) continue;
        const share = Math.min(1, (cpuUs - before) / passedUs);
        if (share > (most?.share ?? 0)) most = { ruleId, share };
      }
      return most;
    },
  };
}
