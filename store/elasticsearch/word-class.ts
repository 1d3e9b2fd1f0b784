// Texts and patterns as Lucene regular expressions that mean the same letter by letter: of each character, all those that searches
// take for it (store/query/fold.ts). Lucene's own `case_insensitive` knows ASCII only, and would not find the Kelvin sign under k.
import { fold } from '../query/fold.ts';
import type { WildcardPart } from '../query/wildcard.ts';

/** Longer expressions are not asked; the limit that is set on our indices is above it. */
const EXPRESSION_CHARS_MAX = 8_000;
/** A `?` after a `*` can double the states of an automaton. */
const ONES_AFTER_RUN_MAX = 6;
/** Characters that have another case are all below. */
const CASED_END = 0x1_f000;

let variants: ReadonlyMap<string, readonly string[]> | undefined;

/** The characters that fold to `folded`, where there is more than itself. */
function variantsOf(folded: string): readonly string[] | undefined {
  if (variants === undefined) {
    const found = new Map<string, string[]>();
    for (let code = 0; code < CASED_END; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const lower = fold(character);
      if (lower !== character) found.set(lower, [...(found.get(lower) ?? [lower]), character]);
    }
    variants = found;
  }
  return variants.get(folded);
}

/** True when only one text folds to this one. */
export function isCaseless(text: string): boolean {
  return [...fold(text)].every((character) => variantsOf(character) === undefined);
}

/** The whole value, whatever its case; undefined when it is too long to ask. */
export function expressionOfText(text: string): string | undefined {
  return bounded(classes(fold(text)));
}

/** The whole value in a wildcard's form; undefined when it is too long or too involved to ask. */
export function expressionOfWildcard(parts: readonly WildcardPart[]): string | undefined {
  const run = parts.findIndex(({ kind }) => kind === 'run');
  const ones = run < 0 ? 0 : parts.slice(run).filter(({ kind }) => kind === 'one').length;
  if (ones > ONES_AFTER_RUN_MAX) return undefined;
  return bounded(
    parts.map((part) => (part.kind === 'text' ? classes(part.text) : part.kind === 'run' ? '.*' : '.')).join(''),
  );
}

/** A class of characters for a regular expression. */
export function classOf(characters: readonly string[]): string {
  return characters.length === 1 ? escaped(characters[0] ?? '') : `[${characters.map(escaped).join('')}]`;
}

function classes(folded: string): string {
  return [...folded].map((character) => classOf(variantsOf(character) ?? [character])).join('');
}

function bounded(expression: string): string | undefined {
  return expression.length <= EXPRESSION_CHARS_MAX ? expression : undefined;
}

function escaped(character: string): string {
  return /^[!-/:-@[-`{-~]$/.test(character) ? `\\${character}` : character;
}
