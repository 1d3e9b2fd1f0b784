// A regular expression of Lucene as one of JavaScript's. Lucene's are about the whole value, `^` and `$` are plain characters in them, and some signs
// mean what no other language has.

/** The pattern, or what in it cannot be said. */
export function luceneRegex(written: string): string | { readonly problem: string; readonly remedy: string } {
  let source = '';
  let inClass = false;
  for (let at = 0; at < written.length; at += 1) {
    const character = String.fromCodePoint(written.codePointAt(at) ?? 0);
    at += character.length - 1;
    const next = written[at + 1];
    if (character === '\\' && next !== undefined) {
      at += 1;
      source += /[dDsSwW]/.test(next) ? `\\${next}` : escaped(next);
    } else if (inClass) {
      if (character === ']') inClass = false;
      source +=
        character === ']' || character === '-' || (character === '^' && source.endsWith('['))
          ? character
          : escaped(character);
    } else if (character === '[') {
      inClass = true;
      source += '[';
    } else if (character === '"') {
      const end = written.indexOf('"', at + 1);
      if (end < 0)
        return { problem: 'a quote in the regular expression is never closed', remedy: 'Close it, or write `\\"`.' };
      source += [...written.slice(at + 1, end)].map(escaped).join('');
      at = end;
    } else if (character === '@') source += '[\\s\\S]*';
    else if (character === '.') source += '[\\s\\S]';
    else if ('~&<>#'.includes(character)) {
      return {
        problem: `\`${character}\` in a regular expression of Lucene has no counterpart`,
        remedy: `Write \`\\${character}\` if the character itself is meant; else say it with several conditions.`,
      };
    } else if (/[()|*+?{}]/.test(character)) source += character;
    else source += escaped(character);
  }
  return source;
}

function escaped(character: string): string {
  if (/^[\p{L}\p{N}_ ]$/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || (code > 0x7e && code <= 0xffff)) return `\\u${code.toString(16).padStart(4, '0')}`;
  return code > 0xffff ? character : `\\${character}`;
}
