// Brings the kernel's rules to what is wanted: adds what is missing, removes what is ours and no longer wanted, leaves what is
// others'. Where a `never` is among them the order counts, since the kernel takes the first rule that matches; otherwise what is there
// is kept, so that no moment goes unwatched. Afterwards the kernel is asked what it has.
import type { AuditControl } from '../netlink/audit-control.ts';
import { ERRNO } from '../netlink/libc.ts';
import { decodeRule, PREPEND, ruleIdentity } from '../netlink/rule-data.ts';
import { fromBytes } from './rule-diagnostic.ts';
import type { OwnRule } from './rule-ledger.ts';
import { ruleInWords } from './rule-print.ts';

/** The steps to what is wanted, in this order. */
export interface LoadPlan {
  readonly remove: readonly Buffer[];
  /** Encoded; those that go before all others carry the kernel's flag for it. */
  readonly add: readonly Buffer[];
  /** Wanted rules that others have loaded already: theirs they stay. */
  readonly theirs: readonly Buffer[];
}

/** `wanted` in its order; `present` as the kernel lists it. */
export function planLoad(wanted: readonly Buffer[], present: readonly Buffer[], isOwn: OwnRule): LoadPlan {
  const foreign = new Set(present.filter((rule) => !isOwn(rule)).map(ruleIdentity));
  const own = present.filter(isOwn);
  const unique = [...new Map(wanted.map((rule) => [ruleIdentity(rule), rule])).values()];
  const theirs = unique.filter((rule) => foreign.has(ruleIdentity(rule)));
  const mine = unique.filter((rule) => !foreign.has(ruleIdentity(rule)));
  const lists = new Set([...mine, ...own].map(listOf));
  const plans = [...lists].map((list) =>
    planList(
      mine.filter((rule) => listOf(rule) === list),
      own.filter((rule) => listOf(rule) === list),
    ),
  );
  return { remove: plans.flatMap(({ remove }) => remove), add: plans.flatMap(({ add }) => add), theirs };
}

function planList(wanted: readonly Buffer[], own: readonly Buffer[]): Pick<LoadPlan, 'remove' | 'add'> {
  const wantedIdentities = new Set(wanted.map(ruleIdentity));
  const kept = new Set(own.map(ruleIdentity));
  const hasOrder = wanted.some((rule) => decodeRule(rule)?.action === 'never' || isFirst(rule));
  if (!hasOrder) {
    return {
      remove: own.filter((rule) => !wantedIdentities.has(ruleIdentity(rule))),
      add: wanted.filter((rule) => !kept.has(ruleIdentity(rule))),
    };
  }
  let same = 0;
  while (
    same < own.length &&
    same < wanted.length &&
    ruleIdentity(own[same] as Buffer) === ruleIdentity(wanted[same] as Buffer)
  ) {
    same += 1;
  }
  // What goes before all others is put there from the last to the first: all of it, or none.
  if (wanted.slice(same).some(isFirst)) same = 0;
  const rest = wanted.slice(same);
  return {
    remove: own.slice(same),
    add: [...rest.filter(isFirst).reverse(), ...rest.filter((rule) => !isFirst(rule))],
  };
}

export interface LoadReport {
  /** Rules in force, those of others included that say the same. */
  readonly loaded: number;
  /** In auditctl's words, with why. */
  readonly refused: readonly { readonly words: string; readonly errno: number }[];
  /** Rules that the kernel took and does not list. */
  readonly missing: readonly string[];
}

/** Follows the plan and reads back. */
export function load(control: AuditControl, plan: LoadPlan, wanted: readonly Buffer[]): LoadReport {
  for (const rule of plan.remove) control.removeRule(rule);
  const refused: { words: string; errno: number }[] = [];
  const refusedIdentities = new Set<string>();
  for (const rule of plan.add) {
    const answer = control.addRule(rule);
    if (answer.kind === 'ok' || answer.errno === -ERRNO.EEXIST) continue;
    refused.push({ words: wordsOf(rule), errno: -answer.errno });
    refusedIdentities.add(ruleIdentity(rule));
  }
  const listed = control.listRules();
  if (listed.kind === 'errno') return { loaded: wanted.length - refused.length, refused, missing: [] };
  const there = new Set(listed.value.map(ruleIdentity));
  const identities = new Set(wanted.map(ruleIdentity));
  const missing = wanted.filter((rule) => !there.has(ruleIdentity(rule)) && !refusedIdentities.has(ruleIdentity(rule)));
  return {
    loaded: [...identities].filter((identity) => there.has(identity)).length,
    refused,
    missing: missing.map(wordsOf),
  };
}

/** A rule of the kernel for people. */
export function wordsOf(rule: Buffer): string {
  const decoded = decodeRule(rule);
  return decoded === undefined ? 'a rule that cannot be read' : fromBytes(ruleInWords(decoded));
}

function listOf(rule: Buffer): number {
  return rule.readUInt32LE(0) & ~PREPEND;
}

function isFirst(rule: Buffer): boolean {
  return (rule.readUInt32LE(0) & PREPEND) !== 0;
}
