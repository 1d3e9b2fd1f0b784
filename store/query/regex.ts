// Regular expressions of searches: RE2's syntax and linear time, a whole value, case-insensitive.
import { RE2JS, RE2JSSyntaxException } from 're2js';

/** A longer expression is refused, characters. */
const REGEX_CHARS_MAX = 500;
/** An expression that unfolds to more steps is refused: each character of a value costs up to so many. */
const REGEX_PROGRAM_MAX = 500;

const FLAGS: number = RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL;

/** Why an expression is refused; `at` is where in it. */
export interface RegexProblem {
  readonly at: number;
  readonly message: string;
  readonly remedy: string;
}

/** A test for a whole value. Throws on an expression that RE2 does not read: the parser has refused those. */
export function compileRegex(pattern: string): (text: string) => boolean {
  const expression = RE2JS.compile(pattern, FLAGS);
  return (text) => expression.matches(text);
}

/** What is wrong with an expression, or undefined. */
export function regexProblem(pattern: string): RegexProblem | undefined {
  if (pattern.length > REGEX_CHARS_MAX) {
    const message = `a regular expression has at most ${REGEX_CHARS_MAX} characters, and this has ${pattern.length}`;
    return { at: 0, message, remedy: 'Say it with several clauses.' };
  }
  const around = /\(\?<?[=!]/.exec(pattern);
  if (around !== null) {
    const remedy = 'Expressions run on RE2, in linear time. Join two clauses with AND, or AND NOT.';
    return { at: around.index, message: 'look-ahead and look-behind are not supported', remedy };
  }
  const reference = /^(?:[^\\]|\\[^1-9k])*?(\\[1-9k])/s.exec(pattern);
  if (reference !== null) {
    const remedy = 'Expressions run on RE2, in linear time. Name the cases one by one.';
    return { at: reference[0].length - 2, message: 'back-references are not supported', remedy };
  }
  try {
    const size = RE2JS.compile(pattern, FLAGS).programSize();
    if (size <= REGEX_PROGRAM_MAX) return undefined;
    const message = `this expression unfolds to ${size} steps, more than ${REGEX_PROGRAM_MAX}`;
    return { at: 0, message, remedy: 'Use smaller repetitions: {1,50} is fifty copies.' };
  } catch (error) {
    const remedy =
      'See https://github.com/google/re2/wiki/Syntax for what RE2 takes; a backslash makes a sign literal.';
    if (!(error instanceof RE2JSSyntaxException)) return { at: 0, message: 'RE2 cannot read this expression', remedy };
    const fragment = error.getPattern() ?? '';
    const at = fragment === '' ? -1 : pattern.indexOf(fragment);
    const where = at < 0 || fragment === pattern ? '' : `: \`${fragment}\``;
    return {
      at: Math.max(0, at),
      message: `RE2 cannot read this expression: ${error.getDescription()}${where}`,
      remedy,
    };
  }
}
