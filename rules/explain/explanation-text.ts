// An explanation as people read it: a tree of clauses, each marked, with the values that it saw.
//
//     ✗ match
//       ✓ event.action = "executed"
//       ✗ process.name in $shells          process.name is "nginx"
//       · process.parent.name in $servers  not asked
//
// Values come from hosts: whoever prints makes control characters visible.
import { type ClauseAnswer, decidingClauses } from './clause-tree.ts';
import type { ExplainedExpression, RuleExplanation } from './explain-rule.ts';

/** Lines past these are left out. */
const LINES_MAX = 400;

const MARKS = { true: '✓', false: '✗', neither: '✗', failed: '!' } as const;

/** Lines without their newline. */
export function explanationLines({ expressions, exceptions }: RuleExplanation): readonly string[] {
  const lines = expressions.flatMap(({ role, clause }) => [
    `${MARKS[clause.answer]} ${role}`,
    ...clauseLines(clause, 1),
  ]);
  for (const { reason, owner, isOver, clause } of exceptions) {
    const whose = owner === '' ? '' : ` (${owner})`;
    const over = isOver ? ', which had ended' : '';
    lines.push(
      `${MARKS[clause.answer]} exception: ${reason === '' ? clause.text : reason}${whose}${over}`,
      ...clauseLines(clause, 1),
    );
  }
  return lines.length <= LINES_MAX ? lines : [...lines.slice(0, LINES_MAX), `… ${lines.length - LINES_MAX} more lines`];
}

/** One line that says what decided, without the tree. */
export function verdictLine(explanation: RuleExplanation): string {
  const { verdict, expressions, exceptions } = explanation;
  const holding = exceptions.find(({ clause, isOver }) => !isOver && clause.answer === 'true');
  if (verdict === 'excepted' && holding !== undefined) {
    const who = holding.owner === '' ? '' : ` (${holding.owner})`;
    return `It matches, and is hidden by the exception of “${holding.reason === '' ? holding.clause.text : holding.reason}”${who}.`;
  }
  const isTrue = ({ clause }: ExplainedExpression): boolean => clause.answer === 'true';
  const steps = expressions.filter(({ role }) => role.startsWith('step'));
  if (verdict === 'match') {
    const matching = steps.filter(isTrue).map(({ role }) => role);
    return matching.length === 0 ? 'It matches.' : `It matches as ${matching.join(' and ')}.`;
  }
  const asked =
    expressions.find((one) => one.role === 'match' && !isTrue(one)) ?? (steps.length > 1 ? undefined : expressions[0]);
  if (asked === undefined && steps.length > 0) return `It does not match: it is none of ${steps.length} steps.`;
  const deciding = asked === undefined ? [] : decidingClauses(asked.clause);
  const [one] = deciding;
  if (one === undefined) return 'It does not match.';
  if (verdict === 'failed') return `It does not match: \`${one.text}\` fails: ${one.error ?? 'an error'}.`;
  if (deciding.length > 1) return `It does not match: none of ${deciding.length} alternatives holds.`;
  return `It does not match: \`${one.text}\` is not true${seenText(one)}.`;
}

function seenText(clause: ClauseAnswer): string {
  const seen = clause.values.map(({ field, json }) =>
    json === undefined ? `${field} is missing` : `${field} is ${json}`,
  );
  const near = clause.near === undefined || seen.includes(clause.near) ? [] : [clause.near];
  const all = [...seen, ...near];
  return all.length === 0 ? '' : `: ${all.join('; ')}`;
}

const JOINERS = { all: 'all of', any: 'one of', not: 'not' } as const;

function clauseLines(clause: ClauseAnswer, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  const mark = clause.isAsked ? MARKS[clause.answer] : '·';
  if (clause.kind !== 'clause') {
    const inner = clause.parts.flatMap((part) => clauseLines(part, depth + 1));
    return [`${indent}${mark} ${JOINERS[clause.kind]}${clause.isAsked ? '' : ' (not asked)'}`, ...inner];
  }
  const failed = clause.error === undefined ? '' : `  ${clause.error}`;
  const asked = clause.isAsked ? '' : `  (not asked; ${clause.answer === 'true' ? 'true' : 'not true'})`;
  const seen = seenText(clause).replace(/^: /, '  ');
  return [`${indent}${mark} ${clause.text}${seen}${failed}${asked}`];
}
