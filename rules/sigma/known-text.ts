// What a test of Sigma says of a text that is known when the rule is read: the type of a sort of record, a value that events have under another
// name.
import { createEvaluation } from '../expression/evaluation.ts';
import { compileRegex } from '../expression/regex.ts';
import { compileWildcards, folded } from '../expression/wildcards.ts';
import { globText } from './pattern.ts';
import { regexText } from './regex-text.ts';
import type { Test } from './search.ts';

export function isTrueOf(test: Test, text: string): boolean {
  const evaluation = createEvaluation({}, 0, Number.MAX_SAFE_INTEGER);
  switch (test.kind) {
    case 'text':
      return test.patterns.some((pattern) => {
        const compiled = compileWildcards(globText(pattern), !test.isCased);
        return compiled.kind === 'regex' && compiled.test(test.isCased ? text : folded(text), evaluation);
      });
    case 'regex': {
      const made = regexText(test.source, test.flags);
      const compiled = made.kind === 'text' ? compileRegex(made.text, '') : made;
      return compiled.kind === 'regex' && compiled.test(text, evaluation);
    }
    case 'number': {
      const number = Number(text);
      const { operator, value, part } = test;
      if (part !== undefined || !Number.isFinite(number)) return false;
      return {
        '<': number < value,
        '<=': number <= value,
        '>': number > value,
        '>=': number >= value,
        '=': number === value,
      }[operator];
    }
    case 'exists':
      return test.isThere;
    default:
      return false;
  }
}
