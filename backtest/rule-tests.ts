// A rule's own tests: its events through the engine, the alerts counted. So suppression and exceptions are tested with the
// match, by the same code that runs live.
import { createEngine } from '../engine/create-engine.ts';
import { passedUntil } from '../engine/watermark.ts';
import type { EventDocument, NewEvent } from '../event/document.ts';
import { orderKeyOf } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';

export interface RuleTestResult {
  readonly name: string;
  readonly expected: number;
  /** Alerts that the events made. */
  readonly actual: number;
  readonly passed: boolean;
  /** Of the test in the rule's file. */
  readonly line: number;
  /** Why an evaluation failed, when one did, or which other number of messages there is: then the test does not pass. */
  readonly error: string | undefined;
}

/**
 * One result per test, in the file's order. A rule that is off or in test is run as if it were stable. `all`: where the rules stand that
 * `together` names; their alerts do not count.
 */
export function runRuleTests(rule: Rule, all: readonly Rule[] = []): readonly RuleTestResult[] {
  const epochs = [{ fromMs: Number.NEGATIVE_INFINITY, rules: withNamed(rule, all).map(asStable) }];
  return rule.tests.map(({ name, events, alerts: expected, messages, progressMs, line }) => {
    const engine = createEngine({ epochs, state: new Map() });
    const named = namedEvents(events);
    const { opened, notified, groups } = engine.step(named, passedUntil(lastMs(named) + progressMs));
    const isOwn = ({ ruleId }: { readonly ruleId: string }): boolean => ruleId === rule.id;
    const actual = opened.filter(isOwn).length;
    // Groups that have not left would.
    const sent = [...notified, ...groups, ...engine.openGroups()].filter(isOwn).length;
    const isOther = messages !== undefined && sent !== messages;
    const error =
      engine.health().find(isOwn)?.lastError ??
      (isOther ? `it makes ${sent} ${sent === 1 ? 'message' : 'messages'}, not ${messages}` : undefined);
    return { name, expected, actual, passed: actual === expected && error === undefined, line, error };
  });
}

/** The events of a test as if they were stored, each with an id of its place. */
export function namedEvents(events: readonly EventDocument[]): readonly NewEvent[] {
  return events.map((document, place) => ({ id: `test.${String(place).padStart(6, '0')}`, document }));
}

/** `event.created` of the last, epoch ms; 0 of none. */
export function lastMs(events: readonly NewEvent[]): number {
  return events.reduce((last, { id, document }) => Math.max(last, orderKeyOf(id, document).createdMs), 0);
}

/** The rule, and those that it is put together of, and theirs. */
export function withNamed(rule: Rule, all: readonly Rule[]): readonly Rule[] {
  const found = new Map([[rule.id, rule]]);
  for (const { kind } of found.values()) {
    if (kind.kind !== 'together') continue;
    for (const other of all) if (kind.rules.includes(other.id) && !found.has(other.id)) found.set(other.id, other);
  }
  return [...found.values()];
}

/** Those rules as they would be in force, and beside them, as they are, the ones that they are put together of. */
export function withTheirNamed(asked: readonly Rule[], all: readonly Rule[]): readonly Rule[] {
  const own = asked.map(asStable);
  const ids = new Set(asked.map(({ id }) => id));
  const known = [...own, ...all.filter(({ id }) => !ids.has(id))];
  return [...new Map(own.flatMap((rule) => withNamed(rule, known)).map((rule) => [rule.id, rule])).values()];
}

/** The rule as it would be in force: what it would alert on is what a test or a backtest asks. */
export function asStable(rule: Rule): Rule {
  return { ...rule, status: 'stable' };
}
