// Patterns with wildcards as tests of whole texts, for `$glob` and `$like`: `*` any run, `?` one character, a backslash makes the
// next character literal. Without `?` they are compared run by run, which is many times as quick as any regular expression.
import { RE2JS } from 're2js';
import { spendOnText } from './evaluation.ts';
import { REGEX_LENGTH_MAX, type TextTest } from './regex.ts';

type CompiledWildcards =
  | { readonly kind: 'regex'; readonly test: TextTest }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

const CHARACTERS_PER_FUEL = 64;
const REGEX_CHARACTERS_PER_FUEL = 2;

/** A text without its case: lower case, and one sigma, of which the other is chosen by what stands around it. */
export function folded(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes('ς') ? lower.replaceAll('ς', 'σ') : lower;
}

/** `isFolded`: the texts that are tested are {@link folded} already. */
export function compileWildcards(pattern: string, isFolded: boolean): CompiledWildcards {
  if (pattern.length > REGEX_LENGTH_MAX) {
    const message = `the pattern is longer than ${REGEX_LENGTH_MAX} characters`;
    return { kind: 'refused', message, remedy: 'Put the values in a list.' };
  }
  const runs = runsOf(isFolded ? folded(pattern) : pattern);
  return { kind: 'regex', test: runs.some((run) => run.includes(undefined)) ? byRegex(runs) : byRuns(runs) };
}

/** A character, or undefined for any one. */
type Run = readonly (string | undefined)[];

/** What stands between the stars. */
function runsOf(pattern: string): readonly Run[] {
  const runs: (string | undefined)[][] = [[]];
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === '\\') isEscaped = true;
    else {
      if (!isEscaped && character === '*') runs.push([]);
      else runs.at(-1)?.push(!isEscaped && character === '?' ? undefined : character);
      isEscaped = false;
    }
  }
  return runs;
}

function byRegex(runs: readonly Run[]): TextTest {
  const source = runs
    .map((run) => run.map((character) => (character === undefined ? '.' : RE2JS.quote(character))).join(''))
    .join('.*');
  const compiled = RE2JS.compile(`^(?s:${source})$`);
  return (text, evaluation) => {
    spendOnText(evaluation, text, REGEX_CHARACTERS_PER_FUEL);
    return compiled.test(text);
  };
}

function byRuns(runs: readonly Run[]): TextTest {
  const texts = runs.map((run) => run.join(''));
  const [first = ''] = texts;
  if (texts.length === 1) return (text) => text === first;
  const last = texts.at(-1) ?? '';
  const inner = texts.slice(1, -1).filter((text) => text !== '');
  const least = first.length + last.length;
  if (inner.length === 0) {
    return (text) => text.length >= least && text.startsWith(first) && text.endsWith(last);
  }
  return (text, evaluation) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false;
    spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
    let from = first.length;
    for (const part of inner) {
      const at = text.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return from <= text.length - last.length;
  };
}
