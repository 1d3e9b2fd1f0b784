// Matching as $contains, $match, $replace and $split do it: a regular expression found again and again, or a function that stands
// in for one and gives `{match, start, end, groups, next}`.
import { ExpressionError } from '../rule.ts';
import { type Evaluation, enter, leave, spend, spendOnLength } from './evaluation.ts';
import { apply, isProcedure, type Procedure, procedureOf } from './procedure.ts';
import type { CompiledRegex } from './regex.ts';
import { isObject } from './value.ts';

/**
 * Finding costs several times a mere test. All that is left of the text is paid for each time, because a pattern may look as far as
 * its end though it matches at once.
 */
const CHARACTERS_PER_FUEL = 2;

/** A match as the callers need it; groups that took no part are undefined. */
export interface Match {
  readonly match: string;
  readonly start: number;
  readonly end: number;
  readonly groups: readonly unknown[];
  next(): Match | undefined;
}

type Regex = CompiledRegex & { readonly kind: 'regex' };

/** The first match of a text, by a regular expression or by a function that acts as one. */
export function firstMatch(matcher: unknown, text: string, evaluation: Evaluation): Match | undefined {
  if (isProcedure(matcher) && matcher.regex !== undefined) {
    return findFrom({ regex: matcher.regex, text }, 0, evaluation);
  }
  return matchOf(apply(matcher, [text], null, evaluation), evaluation);
}

/** Whether there is a match at all. */
export function hasMatch(matcher: unknown, text: string, evaluation: Evaluation): boolean {
  if (isProcedure(matcher) && matcher.regex !== undefined) return matcher.regex.test(text, evaluation);
  return matchOf(apply(matcher, [text], null, evaluation), evaluation) !== undefined;
}

function findFrom(
  of: { readonly regex: Regex; readonly text: string },
  from: number,
  evaluation: Evaluation,
): Match | undefined {
  const { regex, text } = of;
  spend(evaluation, 4 + Math.floor((text.length - from) / CHARACTERS_PER_FUEL));
  const found = regex.find(text, from);
  if (found === undefined) return undefined;
  const { start, end, groups } = found;
  return {
    match: text.slice(start, end),
    start,
    end,
    groups,
    next: () => {
      if (end >= text.length) return undefined;
      const next = findFrom(of, end, evaluation);
      if (next === undefined || next.start !== next.end) return next;
      throw new ExpressionError('D1004', 'D1004: the regular expression matches nothing, again and again');
    },
  };
}

/** A function's answer as a match. Throws T1010 where it is none. */
function matchOf(answer: unknown, evaluation: Evaluation): Match | undefined {
  if (answer === undefined) return undefined;
  const { match, start, end, groups, next } = isObject(answer) ? answer : {};
  const isMatch =
    typeof start === 'number' || typeof end === 'number' || Array.isArray(groups) || typeof next === 'function';
  if (!isMatch) {
    throw new ExpressionError('T1010', 'T1010: a function that stands for a regular expression gave no match');
  }
  return {
    match: String(match),
    start: Number(start),
    end: Number(end),
    groups: Array.isArray(groups) ? groups : [],
    next: () => (isProcedure(next) ? matchOf(apply(next, [], null, evaluation), evaluation) : undefined),
  };
}

/** A regular expression as a value: a function from a text to its first match, whose `next` gives the one behind. */
export function regexProcedure(regex: Regex): Procedure {
  return procedureOf({ arity: 2, label: 'regex', signature: undefined, regex }, ([value, from], _input, evaluation) => {
    const text = asText(value, evaluation);
    spendOnLength(evaluation, text.length);
    const at = typeof from === 'number' && from > 0 ? Math.trunc(from) : 0;
    return at > text.length ? undefined : asValue(findFrom({ regex, text }, at, evaluation));
  });
}

/** What JavaScript's regular expressions make of a value that is no text. */
function asText(value: unknown, evaluation: Evaluation): string {
  const isOther = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!Array.isArray(value)) return isOther ? '[object Object]' : String(value);
  spend(evaluation, 1 + value.length);
  enter(evaluation, 2, 'depth');
  const parts = value.map((member) => (member === undefined || member === null ? '' : asText(member, evaluation)));
  leave(evaluation, 2);
  spendOnLength(
    evaluation,
    parts.reduce((length, part) => length + part.length + 1, 0),
  );
  return parts.join(',');
}

/** A match as an expression sees it. */
export function asValue(match: Match | undefined): unknown {
  if (match === undefined) return undefined;
  const { start, end, groups } = match;
  const next = procedureOf({ arity: 0, label: 'next', signature: undefined }, () => asValue(match.next()));
  return { match: match.match, start, end, groups, next };
}
