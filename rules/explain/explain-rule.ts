// Why a rule makes a detection of one event, or does not: its `match`, then the exceptions that hold at the event's time.
import { type EventDocument, timeOf } from '../../event/document.ts';
import type { Rule } from '../rule.ts';
import { type ClauseAnswer, explainExpression } from './clause-tree.ts';
import type { RuleTrees } from './rule-trees.ts';

/** `excepted`: it matches, and an exception hides it. `failed`: an error in `match` counts as no match. */
type Verdict = 'match' | 'no-match' | 'excepted' | 'failed';

export interface ExplainedExpression {
  /** `match`, `step 2`, `until`, `of`. */
  readonly role: string;
  readonly clause: ClauseAnswer;
}

interface ExplainedException {
  readonly reason: string;
  readonly owner: string;
  readonly expiresMs: number | undefined;
  /** True where it had ended before the event. */
  readonly isOver: boolean;
  readonly clause: ClauseAnswer;
}

export interface RuleExplanation {
  readonly verdict: Verdict;
  /** Of a sequence its steps, else one. */
  readonly expressions: readonly ExplainedExpression[];
  /** Asked only where something matches. */
  readonly exceptions: readonly ExplainedException[];
}

export function explainRule(rule: Pick<Rule, 'except'>, trees: RuleTrees, event: EventDocument): RuleExplanation {
  const nowMs = timeOf(event, 'event.created') ?? 0;
  const asked = [
    ...(trees.match === undefined ? [] : [{ role: 'match', tree: trees.match }]),
    ...trees.steps.map((tree, at) => ({ role: `step ${at + 1}`, tree })),
    ...(trees.until === undefined ? [] : [{ role: 'until', tree: trees.until }]),
    ...(trees.of === undefined ? [] : [{ role: 'of', tree: trees.of }]),
  ];
  const expressions = asked.map(({ role, tree }) => ({ role, clause: explainExpression(tree, event, nowMs) }));
  const verdict = verdictOf(expressions);
  if (verdict !== 'match') return { verdict, expressions, exceptions: [] };
  const exceptions = rule.except.flatMap(({ reason, owner, expiresMs }, at): readonly ExplainedException[] => {
    const tree = trees.exceptions[at];
    if (tree === undefined) return [];
    const isOver = expiresMs !== undefined && nowMs >= expiresMs;
    return [{ reason, owner, expiresMs, isOver, clause: explainExpression(tree, event, nowMs) }];
  });
  const isExcepted = exceptions.some(({ clause, isOver }) => !isOver && clause.answer === 'true');
  return { verdict: isExcepted ? 'excepted' : 'match', expressions, exceptions };
}

/** What all steps have in common must hold, and of a sequence one of its steps. */
function verdictOf(expressions: readonly ExplainedExpression[]): 'match' | 'no-match' | 'failed' {
  const answers = (isWanted: (role: string) => boolean): readonly string[] =>
    expressions.filter(({ role }) => isWanted(role)).map(({ clause }) => clause.answer);
  const match = answers((role) => role === 'match');
  const steps = answers((role) => role.startsWith('step'));
  if (!match.every((answer) => answer === 'true')) return match.includes('failed') ? 'failed' : 'no-match';
  if (steps.length === 0) return match.length === 0 ? 'no-match' : 'match';
  if (steps.includes('true')) return 'match';
  return steps.includes('failed') ? 'failed' : 'no-match';
}
