// Why a rule's test failed: what each of its events is to the rule, and how far its windows came.
import { explainRule } from '../rules/explain/explain-rule.ts';
import { explanationLines, verdictLine } from '../rules/explain/explanation-text.ts';
import { treesOf } from '../rules/explain/rule-trees.ts';
import type { Rule, RuleTest } from '../rules/rule.ts';
import { explainWindow } from './explain-window.ts';
import { lastMs, namedEvents, type RuleTestResult } from './rule-tests.ts';

/** Events of a test that are explained, and those of them with every clause. */
const EVENTS_MAX = 12;
const TREES_MAX = 2;
const KEYS_MAX = 5;

/** Lines for people, without their newline. Values come from rule files: whoever prints makes control characters visible. */
export function explainFailure(
  rule: Rule,
  test: RuleTest,
  result: Pick<RuleTestResult, 'expected' | 'actual'>,
): readonly string[] {
  const trees = treesOf(rule);
  const events = namedEvents(test.events);
  const explained = events.slice(0, EVENTS_MAX).map(({ document }) => explainRule(rule, trees, document));
  const lines: string[] = [];
  let trees2 = 0;
  for (const [at, explanation] of explained.entries()) {
    const isSurprise = (explanation.verdict === 'match') === result.actual > result.expected;
    lines.push(`event ${at + 1}: ${verdictLine(explanation)}`);
    if (!isSurprise || trees2 >= TREES_MAX) continue;
    trees2 += 1;
    lines.push(...explanationLines(explanation).map((line) => `  ${line}`));
  }
  if (events.length > EVENTS_MAX) lines.push(`… ${events.length - EVENTS_MAX} more events`);
  if (rule.kind.kind === 'single' || rule.kind.kind === 'together') return lines;
  const { keys } = explainWindow({ rule, events, untilMs: lastMs(events) + test.progressMs });
  for (const { key, matches, found, remarks } of keys.slice(0, KEYS_MAX)) {
    const verdict = found.length === 0 ? 'nothing found' : `found ${found.length} times`;
    lines.push(`key ${key}, ${matches} ${matches === 1 ? 'event' : 'events'}: ${[verdict, ...remarks].join('; ')}`);
  }
  if (keys.length === 0) lines.push('no event has a part in the rule');
  return lines;
}
