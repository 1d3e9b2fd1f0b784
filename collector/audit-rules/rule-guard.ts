// Compares the rules that the kernel lists with those that it listed before: what somebody deleted or added becomes an event, and
// rules of ours that are gone are wanted back, within a bound. Pure. Rules of others are told and never touched.
import { decodeRule, ruleIdentity } from '../netlink/rule-data.ts';
import type { Tamper, TamperAction } from '../tamper.ts';
import type { OwnRule } from './rule-ledger.ts';
import { wordsOf } from './rule-loader.ts';

/** Rules are put back so often within an hour; then only told: a fight with another program would help nobody. */
export const RULE_MENDS_MAX = 10;
const MENDS_WITHIN_MS = 3_600_000;

interface RuleFinding {
  readonly tampers: readonly Tamper[];
  /** True when rules of ours are missing and shall come back. */
  readonly mustMend: boolean;
}

export interface RuleGuard {
  /** `present`: what the kernel lists, without our exclusions. */
  look(present: readonly Buffer[], nowMs: number): RuleFinding;
  /** The kernel was changed by us: this is right now. */
  accept(present: readonly Buffer[]): void;
}

/** `first`: the rules as they were loaded. `isOwn` tells ours, also when they are gone. */
export function ruleGuard(first: readonly Buffer[], isOwn: OwnRule, mends: boolean): RuleGuard {
  const byIdentity = (rules: readonly Buffer[]): ReadonlyMap<string, Buffer> =>
    new Map(rules.map((rule) => [ruleIdentity(rule), rule]));
  const ours = byIdentity(first.filter(isOwn));
  let known = byIdentity(first);
  let mendedMs: readonly number[] = [];
  return {
    look(present, nowMs) {
      const now = byIdentity(present);
      const gone = [...known].filter(([identity]) => !now.has(identity)).map(([, rule]) => rule);
      const come = [...now].filter(([identity]) => !known.has(identity)).map(([, rule]) => rule);
      known = now;
      const isMissing = [...ours.keys()].some((identity) => !now.has(identity));
      mendedMs = mendedMs.filter((ms) => nowMs - ms < MENDS_WITHIN_MS && ms <= nowMs);
      const mustMend = mends && isMissing && mendedMs.length < RULE_MENDS_MAX;
      if (mustMend) mendedMs = [...mendedMs, nowMs];
      const ownGone = gone.filter((rule) => ours.has(ruleIdentity(rule)));
      const othersGone = gone.filter((rule) => !ours.has(ruleIdentity(rule)));
      const hiding = come.filter(hides);
      const asking = come.filter((rule) => !hides(rule) && !ours.has(ruleIdentity(rule)));
      return {
        mustMend,
        tampers: [
          ...told('audit-rule-deleted', ownGone, (count) => `${rulesInWords(count)} of this collector deleted`, {
            own: true,
            put_back: mustMend,
          }),
          ...told('audit-rule-deleted', othersGone, (count) => `${rulesInWords(count)} of others deleted`, {
            own: false,
          }),
          ...told('audit-exclusion-added', hiding, (count) => `${rulesInWords(count)} that hide events added`, {}),
          ...told('audit-rule-added', asking, (count) => `${rulesInWords(count)} added`, {}),
        ],
      };
    },
    accept(present) {
      known = byIdentity(present);
    },
  };
}

/** The rules were put back. */
export function mendedTamper(count: number): Tamper {
  return {
    action: 'audit-rules-mended',
    reason: `${rulesInWords(count)} of this collector loaded again after somebody deleted them.`,
    facts: { rules: count },
  };
}

function rulesInWords(count: number): string {
  return count === 1 ? 'One audit rule' : `${count} audit rules`;
}

/** Rules whose effect is that less is recorded. */
function hides(rule: Buffer): boolean {
  const decoded = decodeRule(rule);
  return decoded?.action === 'never' || decoded?.list === 'exclude';
}

/** One event for what happened between two looks: its number, and the first in words. */
function told(
  action: TamperAction,
  rules: readonly Buffer[],
  reasonOf: (count: number) => string,
  facts: Tamper['facts'],
): readonly Tamper[] {
  const [rule] = rules;
  if (rule === undefined) return [];
  const words = wordsOf(rule);
  const keys = decodeRule(rule)?.keys.join(' ');
  return [
    {
      action,
      reason: `${reasonOf(rules.length)}. The first is: ${words}`,
      facts: {
        ...facts,
        rules: rules.length,
        rule: words,
        ...(keys === undefined || keys === '' ? {} : { key: keys }),
      },
    },
  ];
}
