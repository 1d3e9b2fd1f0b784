// A rule's own tests: its events through the engine, the alerts counted. So suppression and exceptions are tested with the
// match, by the same code that runs live.
import { createEngine } from '../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { Rule } from '../rules/rule.ts';

export interface RuleTestResult {
  readonly name: string;
  readonly expected: number;
  /** Alerts that the events made. */
  readonly actual: number;
  readonly passed: boolean;
  /** Of the test in the rule's file. */
  readonly line: number;
  /** Why an evaluation failed, when one did: a test whose events make the rule fail does not pass. */
  readonly error: string | undefined;
}

/** One result per test, in the file's order. A rule that is off or in test is run as if it were stable. */
export function runRuleTests(rule: Rule): readonly RuleTestResult[] {
  return rule.tests.map(({ name, events, alerts: expected, line }) => {
    const epochs = [{ fromMs: Number.NEGATIVE_INFINITY, rules: [asStable(rule)] }];
    const engine = createEngine({ epochs, state: new Map() });
    const named = events.map((document, place) => ({ id: `test.${String(place).padStart(6, '0')}`, document }));
    const actual = engine.step(named, EVERYTHING_PASSED).opened.length;
    const error = engine.health()[0]?.lastError;
    return { name, expected, actual, passed: actual === expected && error === undefined, line, error };
  });
}

/** The rule as it would be in force: what it would alert on is what a test or a backtest asks. */
export function asStable(rule: Rule): Rule {
  return { ...rule, status: 'stable' };
}
