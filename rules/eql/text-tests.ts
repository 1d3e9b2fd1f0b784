// Patterns of EQL on a text as functions of ours.
import { luceneRegex } from '../elastalert/lucene-regex.ts';
import { anyOf, call, literal, type Written } from '../foreign/expression-writer.ts';
import type { Writing } from './writing.ts';

const NEVER = anyOf([]);

export type How = 'equal' | 'like' | 'regex' | 'start' | 'end' | 'part';

/** Asked of a path, or of an expression that is a text. */
export function onText(
  path: string,
  how: How,
  isFolded: boolean,
  given: readonly string[],
  at: number,
  writing: Writing,
): Written {
  const globs = given.map((text) => globOf(text, how));
  if (how === 'regex') {
    const sources = given.map(luceneRegex);
    for (const source of sources) if (typeof source !== 'string') writing.refuse(at, source.problem, source.remedy);
    const known = sources.filter((source) => typeof source === 'string');
    const flag = isFolded ? '(?i)' : '';
    return known.length === 0
      ? NEVER
      : call('matches', path, ...known.map((source) => literal(`${flag}^(?:${source})$`)));
  }
  if (!isFolded && how === 'start') return call('startswith', path, ...given.map(literal));
  if (!isFolded && how === 'end') return call('endswith', path, ...given.map(literal));
  const isPlain = (text: string): boolean => how === 'equal' || (how === 'like' && !/[*?]/.test(text));
  const plain = isFolded ? given.filter(isPlain) : [];
  const others = globs.filter((_, index) => !plain.includes(given[index] ?? ''));
  return anyOf([
    ...(plain.length === 0 ? [] : [call('is', path, ...plain.map(literal))]),
    ...(others.length === 0 ? [] : [call(isFolded ? 'like' : 'glob', path, ...others.map(literal))]),
  ]);
}

/** Only of patterns are `*` and `?` signs; a backslash is never one in EQL. */
function globOf(text: string, how: How): string {
  const quoted = text.replace(how === 'like' ? /\\/g : /[\\*?]/g, '\\$&');
  return `${how === 'end' || how === 'part' ? '*' : ''}${quoted}${how === 'start' || how === 'part' ? '*' : ''}`;
}
