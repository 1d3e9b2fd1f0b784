// Titles of alerts: plain text with `{{field}}` in it. Here they are checked; the engine fills them.
import type { ExpressionProblem } from '../expression/syntax.ts';

/** The fields that a title names, with the place of each. */
export function titleFields(title: string): readonly { readonly field: string; readonly at: number }[] {
  return [...title.matchAll(/\{\{([^{}]*)\}\}/g)].map((match) => ({
    field: (match[1] ?? '').trim(),
    at: match.index + 2,
  }));
}

/** What is wrong with a title. */
export function titleProblems(title: string): readonly ExpressionProblem[] {
  const remedy = 'Write {{field.name}}; nothing else stands in braces.';
  const problems = titleFields(title)
    .filter(({ field }) => !/^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/.test(field))
    .map(({ at }) => ({ code: 'rule/title', at, message: 'a title’s braces must hold a field name', remedy }));
  const left = title.replace(/\{\{[^{}]*\}\}/g, (whole) => ' '.repeat(whole.length)).search(/\{\{|\}\}/);
  if (left >= 0) problems.push({ code: 'rule/title', at: left, message: 'a title’s braces do not match', remedy });
  return problems;
}
