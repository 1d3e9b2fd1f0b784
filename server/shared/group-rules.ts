// Which rule belongs to which group: by a hash of its id alone, so that it never moves, whatever other rules come and go. A rule on
// detections together needs the detections of the rules that it names: its group evaluates those too, silently, from when it
// comes into force; what they find there feeds it and is told by their own group only.
import { createHash } from 'node:crypto';
import type { RuleEpoch } from '../../engine/engine.ts';
import type { Rule } from '../../rules/rule.ts';

export function groupOfRule(ruleId: string, groups: number): number {
  return createHash('sha256').update(ruleId).digest().readUInt32BE(0) % groups;
}

/** What a group evaluates: its own rules, and those that they name. */
export function epochsOfGroup(epochs: readonly RuleEpoch[], group: number, groups: number): readonly RuleEpoch[] {
  return epochs.map(({ fromMs, rules }) => ({ fromMs, rules: rulesOfGroup(rules, group, groups) }));
}

function rulesOfGroup(rules: readonly Rule[], group: number, groups: number): readonly Rule[] {
  const needed = new Set<string>();
  const need = (rule: Rule): void => {
    if (needed.has(rule.id)) return;
    needed.add(rule.id);
    if (rule.kind.kind !== 'together') return;
    const named = new Set(rule.kind.rules);
    for (const other of rules) if (named.has(other.id)) need(other);
  };
  for (const rule of rules) if (groupOfRule(rule.id, groups) === group) need(rule);
  return rules.filter(({ id }) => needed.has(id));
}
