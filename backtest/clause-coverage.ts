// Which clauses of a rule its tests have seen true, and which false: a clause that was never false may as well not be there, for all that
// the tests say, and one that was never true may be a slip. Only what the engine would ask counts.
import { timeOf } from '../event/document.ts';
import { type ClauseAnswer, explainExpression } from '../rules/explain/clause-tree.ts';
import { type RuleTrees, treesOf } from '../rules/explain/rule-trees.ts';
import type { Expression } from '../rules/expression/syntax.ts';
import type { Rule } from '../rules/rule.ts';

export interface CoveredClause {
  /** `match`, `step 2`, `until`, `of`, `exception 1`. */
  readonly role: string;
  readonly text: string;
  readonly isSeenTrue: boolean;
  readonly isSeenFalse: boolean;
}

/** Every clause, in the order of the rule's text. */
export function clauseCoverage(rule: Rule): readonly CoveredClause[] {
  const trees = treesOf(rule);
  const events = rule.tests.flatMap((test) => test.events);
  return rolesOf(trees).flatMap(({ role, tree }) => {
    const asked = role.startsWith('exception')
      ? events.filter((event) => isTrueFor(trees.match, event))
      : role.startsWith('step')
        ? events.filter((event) => trees.match === undefined || isTrueFor(trees.match, event))
        : events;
    // Without any event the tree still names the clauses.
    const answers = [...asked, {}].map((event) =>
      leavesOf(explainExpression(tree, event, timeOf(event, 'event.created') ?? 0)),
    );
    const clauses = answers.at(-1) ?? [];
    return clauses.map(({ text }, at): CoveredClause => {
      const seen = answers
        .slice(0, -1)
        .flatMap((all) => all[at] ?? [])
        .filter(({ isAsked }) => isAsked);
      return {
        role,
        text,
        isSeenTrue: seen.some(({ answer }) => answer === 'true'),
        isSeenFalse: seen.some(({ answer }) => answer !== 'true'),
      };
    });
  });
}

function rolesOf(trees: RuleTrees): readonly { readonly role: string; readonly tree: Expression }[] {
  return [
    ...(trees.match === undefined ? [] : [{ role: 'match', tree: trees.match }]),
    ...trees.steps.map((tree, at) => ({ role: `step ${at + 1}`, tree })),
    ...(trees.until === undefined ? [] : [{ role: 'until', tree: trees.until }]),
    ...(trees.of === undefined ? [] : [{ role: 'of', tree: trees.of }]),
    ...trees.exceptions.map((tree, at) => ({ role: `exception ${at + 1}`, tree })),
  ];
}

function isTrueFor(tree: Expression | undefined, event: Parameters<typeof explainExpression>[1]): boolean {
  return tree === undefined || explainExpression(tree, event, timeOf(event, 'event.created') ?? 0).answer === 'true';
}

function leavesOf(clause: ClauseAnswer): readonly ClauseAnswer[] {
  return clause.kind === 'clause' ? [clause] : clause.parts.flatMap(leavesOf);
}
