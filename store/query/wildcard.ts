// Wildcard patterns: `*` any run, `?` one character, a backslash makes the next character literal. Matching takes at most
// pattern × text steps, whatever the pattern: no regular expression is made of what a person typed.
import { fold } from './fold.ts';

/** A compiled pattern: literal text, one character, or any run. */
export type WildcardPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'run' };

/** The parts of a pattern, folded; neighbouring runs are one. */
export function wildcardParts(pattern: string): readonly WildcardPart[] {
  const parts: WildcardPart[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') parts.push({ kind: 'text', text: fold(literal) });
    literal = '';
  };
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '\\' && at + 1 < pattern.length) {
      literal += pattern[++at] ?? '';
    } else if (character === '*') {
      flush();
      if (parts.at(-1)?.kind !== 'run') parts.push({ kind: 'run' });
    } else if (character === '?') {
      flush();
      parts.push({ kind: 'one' });
    } else {
      literal += character;
    }
  }
  flush();
  return parts;
}

/** True when the folded text as a whole has the pattern's form. */
export function matchesWildcard(parts: readonly WildcardPart[], folded: string): boolean {
  let part = 0;
  let at = 0;
  let runPart = -1;
  let runAt = 0;
  for (;;) {
    const current = parts[part];
    if (current === undefined) {
      if (at === folded.length) return true;
    } else if (current.kind === 'run') {
      if (part === parts.length - 1) return true;
      runPart = part++;
      runAt = at;
      continue;
    } else {
      const length = consumed(current, folded, at);
      if (length > 0) {
        at += length;
        part++;
        continue;
      }
    }
    // Mismatch: let the last run take more. Earlier runs need no second try, as the last one could take the difference.
    if (runPart < 0) return false;
    runAt = nextStart(parts[runPart + 1], folded, runAt + 1);
    if (runAt < 0) return false;
    at = runAt;
    part = runPart + 1;
  }
}

function consumed(part: WildcardPart, folded: string, at: number): number {
  if (part.kind === 'text') return folded.startsWith(part.text, at) ? part.text.length : 0;
  if (at >= folded.length) return 0;
  return (folded.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function nextStart(part: WildcardPart | undefined, folded: string, from: number): number {
  if (part?.kind === 'text') return folded.indexOf(part.text, from);
  return from <= folded.length ? from : -1;
}
