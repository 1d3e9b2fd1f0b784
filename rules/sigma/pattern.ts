// A text of Sigma: literal runs and wildcards. `*` is any run, `?` one character; a backslash before either, or before a backslash,
// makes it literal, and any other backslash is itself.

/** A literal run, any run of characters, or any one character. */
type Token = { readonly text: string } | 'any' | 'one';
export type Pattern = readonly Token[];

export function readPattern(source: string): Pattern {
  const tokens: Token[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') tokens.push({ text });
    text = '';
  };
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] ?? '';
    const next = source[at + 1] ?? '';
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next;
      at += 1;
    } else if (character === '*' || character === '?') {
      flush();
      tokens.push(character === '*' ? 'any' : 'one');
    } else text += character;
  }
  flush();
  return tokens;
}

/** A pattern that is nothing but this text. */
export function plainPattern(text: string): Pattern {
  return text === '' ? [] : [{ text }];
}

/** The text of a pattern without wildcards, else undefined. */
export function plainText(pattern: Pattern): string | undefined {
  const texts = pattern.map((token) => (typeof token === 'string' ? undefined : token.text));
  return texts.every((text) => text !== undefined) ? texts.join('') : undefined;
}

/** One behind the other; literal runs that meet are one. */
export function joinedPattern(first: Pattern, second: Pattern): Pattern {
  const [last, next] = [first.at(-1), second[0]];
  if (typeof last !== 'object' || typeof next !== 'object') return [...first, ...second];
  return [...first.slice(0, -1), { text: last.text + next.text }, ...second.slice(1)];
}

export type Place = 'whole' | 'start' | 'end' | 'anywhere';

/** The pattern with room before and behind it. */
export function placedAt(pattern: Pattern, place: Place): Pattern {
  const before: Pattern = place === 'end' || place === 'anywhere' ? ['any'] : [];
  const behind: Pattern = place === 'start' || place === 'anywhere' ? ['any'] : [];
  return [...before, ...pattern, ...behind].filter((token, at, all) => token !== 'any' || all[at - 1] !== 'any');
}

/** As `$like` and `$glob` read it. */
export function globText(pattern: Pattern): string {
  return pattern
    .map((token) => {
      if (token === 'any') return '*';
      return token === 'one' ? '?' : token.text.replace(/[\\*?]/g, '\\$&');
    })
    .join('');
}

/** True where some text of these characters alone can be what the pattern says. */
export function mayBeOf(pattern: Pattern, characters: RegExp): boolean {
  return pattern.every((token) => typeof token === 'string' || characters.test(token.text));
}
