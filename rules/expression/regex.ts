// Regular expressions of rules, by RE2: linear time whatever the text. JSONata's literals (/…/im) are JavaScript's; they are
// translated where the two write the same thing differently, and what RE2 cannot do is refused with a message that says so.
import { RE2JS } from 're2js';
import { type Evaluation, spendOnText } from './evaluation.ts';
import { translateRegex, Untranslatable } from './regex-translation.ts';

/** A longer pattern is refused. */
export const REGEX_LENGTH_MAX = 2_000;
/** RE2 reads about 10 ns a character; one unit of fuel is about 20 ns, and a hard pattern costs several times that. */
const CHARACTERS_PER_FUEL = 2;

export type TextTest = (text: string, evaluation: Evaluation) => boolean;

interface Found {
  readonly start: number;
  readonly end: number;
  /** A group that took no part is undefined. */
  readonly groups: readonly (string | undefined)[];
}

export type CompiledRegex =
  | {
      readonly kind: 'regex';
      readonly test: TextTest;
      /** The first match at or behind a place; the caller pays. */
      readonly find: (text: string, from: number) => Found | undefined;
    }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

/** Compiles a pattern of JavaScript with flags `i` and `m`, also written `(?i)` in front. Finds anywhere in the text, as JavaScript's `test` does. */
export function compileRegex(source: string, flags: string): CompiledRegex {
  if (source.length > REGEX_LENGTH_MAX) {
    return refused(`the regular expression is longer than ${REGEX_LENGTH_MAX} characters`, 'Put the values in a list.');
  }
  try {
    const [leading = '', own = ''] = /^\(\?([ims]+)\)/.exec(source) ?? [];
    // JavaScript says what is no regular expression at all; nothing is ever matched by it.
    const { source: pattern } = new RegExp(source.slice(leading.length));
    const compiled = RE2JS.compile(translateRegex(pattern, flags + own));
    return {
      kind: 'regex',
      test: (text, evaluation) => {
        spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
        return compiled.test(text);
      },
      find: (text, from) => find(compiled, text, from),
    };
  } catch (error) {
    if (error instanceof Untranslatable) {
      return refused(
        error.message,
        'Regular expressions run on RE2, in linear time: say it with two tests, or name the cases.',
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    return refused(
      `the regular expression does not compile: ${reason}`,
      'See https://github.com/google/re2/wiki/Syntax for what RE2 takes.',
    );
  }
}

/** What was compiled when an expression was checked is there when it is compiled: for as long as its tree is kept. */
const COMPILED = new WeakMap<object, CompiledRegex>();

/** The regular expression of a tree's node, compiled once. */
export function regexOf(node: { readonly source: string; readonly flags: string }): CompiledRegex {
  const known = COMPILED.get(node);
  if (known !== undefined) return known;
  const compiled = compileRegex(node.source, node.flags);
  COMPILED.set(node, compiled);
  return compiled;
}

function find(compiled: RE2JS, text: string, from: number): Found | undefined {
  const matcher = compiled.matcher(text);
  if (!matcher.find(from)) return undefined;
  const groups: (string | undefined)[] = [];
  for (let group = 1; group <= matcher.groupCount(); group += 1) groups.push(matcher.group(group) ?? undefined);
  return { start: matcher.start(), end: matcher.end(), groups };
}

function refused(message: string, remedy: string): CompiledRegex {
  return { kind: 'refused', message, remedy };
}
