// Why an expression is true of an event or not: its clauses as a tree, each with its own answer, the values that it saw, and how near it
// came. Answers come from the same compiler as the engine's; clauses that the engine would not ask are asked too, and marked.
import type { EventDocument } from '../../event/document.ts';
import { compileValue } from '../expression/compile.ts';
import type { Expression } from '../expression/syntax.ts';
import { ExpressionError } from '../rule.ts';
import { bareOf, logicParts } from './clauses.ts';
import { expressionText } from './expression-text.ts';
import { nearnessOf } from './nearness.ts';
import { type SeenValue, valuesSeen } from './seen-values.ts';

/** `neither`: undefined, as JSONata has it of most expressions on a missing field; counts as false. */
type Answer = 'true' | 'false' | 'neither' | 'failed';

export interface ClauseAnswer {
  readonly kind: 'all' | 'any' | 'not' | 'clause';
  /** As the rule's author could have written it. */
  readonly text: string;
  readonly answer: Answer;
  /** The error, where it failed. */
  readonly error: string | undefined;
  /** False where an earlier clause had decided already. */
  readonly isAsked: boolean;
  /** What it saw, of a `clause` only. */
  readonly values: readonly SeenValue[];
  /** How near it came, where that can be said. */
  readonly near: string | undefined;
  readonly parts: readonly ClauseAnswer[];
}

/** `nowMs`: the event's `event.created`. Never throws. */
export function explainExpression(expression: Expression, event: EventDocument, nowMs: number): ClauseAnswer {
  return explain(expression, { event, nowMs, isAsked: true });
}

/** The clauses that made the answer what it is, outermost first. */
export function decidingClauses(clause: ClauseAnswer): readonly ClauseAnswer[] {
  const isTrue = clause.answer === 'true';
  if (clause.kind === 'clause') return [clause];
  if (clause.kind === 'not') return clause.parts.flatMap(decidingClauses);
  const asked = clause.parts.filter((part) => part.isAsked);
  const one =
    clause.kind === 'all' ? asked.find((part) => part.answer !== 'true') : asked.find((part) => part.answer === 'true');
  const needsAll = (clause.kind === 'all') === isTrue;
  return needsAll || one === undefined ? asked.flatMap(decidingClauses) : decidingClauses(one);
}

interface Asking {
  readonly event: EventDocument;
  readonly nowMs: number;
  readonly isAsked: boolean;
}

function explain(expression: Expression, asking: Asking): ClauseAnswer {
  const bare = bareOf(expression);
  const { answer, error } = answerOf(bare, asking);
  const told = { text: expressionText(expression), answer, error, isAsked: asking.isAsked };
  const parts = logicParts(bare);
  if (parts === undefined) {
    const values = valuesSeen(bare, asking.event);
    const near = answer === 'true' ? undefined : nearnessOf(bare, asking.event);
    return { kind: 'clause', ...told, values, near, parts: [] };
  }
  const answers: ClauseAnswer[] = [];
  let isAsked = asking.isAsked;
  for (const part of parts.of) {
    const next = explain(part, { ...asking, isAsked });
    answers.push(next);
    if (next.answer === 'failed') isAsked = false;
    if (parts.kind === 'all' && next.answer !== 'true') isAsked = false;
    if (parts.kind === 'any' && next.answer === 'true') isAsked = false;
  }
  return { kind: parts.kind, ...told, values: [], near: undefined, parts: answers };
}

function answerOf(expression: Expression, { event, nowMs }: Asking): Pick<ClauseAnswer, 'answer' | 'error'> {
  try {
    const truth = compileValue(expression)(event, nowMs);
    return { answer: truth === undefined ? 'neither' : truth ? 'true' : 'false', error: undefined };
  } catch (error) {
    if (error instanceof ExpressionError) return { answer: 'failed', error: error.message };
    return {
      answer: 'failed',
      error: error instanceof Error ? error.message : 'something that is no error was thrown',
    };
  }
}
