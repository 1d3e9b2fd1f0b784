// What of a rule wants a person's look, in words. Figures alone do not say that a rule is as good as switched off.
import type { Quarantine } from '../engine/containment.ts';
import type { RuleHealth } from '../engine/engine.ts';
import type { Rule } from '../rules/rule.ts';
import type { UnseenField } from './rule-report.ts';

/** With so many evaluations that all failed, the rule does not work at all. */
const FAILING_EVALUATIONS = 20;

export function notesOf(
  rule: Pick<Rule, 'version' | 'status' | 'kind'>,
  health: RuleHealth | undefined,
  found: { readonly quarantines: readonly Quarantine[]; readonly unseenFields: readonly UnseenField[] },
): readonly string[] {
  if (rule.status === 'off') return [];
  const notes: string[] = [];
  const held = found.quarantines.filter((one) => one.untilMs === undefined && one.ruleVersion === rule.version);
  for (const { ruleVersion, hostId, untilMs, reason } of found.quarantines) {
    const isHeld = held.some((other) => other.hostId === undefined || other.hostId === hostId);
    const whose = hostId === undefined ? '' : ` for events of host ${hostId}`;
    if (untilMs === undefined && ruleVersion === rule.version) notes.push(`quarantined${whose}: ${reason}`);
    else if (untilMs !== undefined && rule.kind.kind === 'single')
      notes.push(
        isHeld
          ? `was released${whose}, and quarantined again before it had caught up`
          : `catches up${whose} on what it missed while quarantined`,
      );
    else if (untilMs === undefined) notes.push(`an earlier version is quarantined${whose}`);
  }
  for (const { field, lastSeenMs } of found.unseenFields) {
    const since = lastSeenMs === undefined ? 'no event has had it' : `no event has had it since ${dayOf(lastSeenMs)}`;
    notes.push(`cannot fire: it needs ${field}, and ${since}`);
  }
  if (health === undefined) return notes;
  const { evaluations, errors, lastError, evicted, forced } = health;
  if (errors >= evaluations && evaluations >= FAILING_EVALUATIONS)
    notes.push(`fails on every event: ${lastError ?? 'unknown failure'}`);
  else if (errors > 0) notes.push(`failed on ${errors} of ${evaluations} events: ${lastError ?? 'unknown failure'}`);
  if (evicted > 0)
    notes.push(`forgot ${evicted} keys before their time, as there were too many: some alerts came again`);
  if (forced > 0) notes.push(`decided ${forced} times before it was certain that nothing earlier comes`);
  return notes;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
