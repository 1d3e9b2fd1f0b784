// A line of a rule file → its words with their places. As auditctl: words are parted by blanks, a backslash before a blank keeps it.
// Beyond it, as go-libaudit and shells: '…' and "…" hold blanks. (auditctl would take such quotes as part of the name.)

export interface Word {
  readonly text: string;
  /** Where it begins in the line, from 0. */
  readonly at: number;
}

export type Words =
  | { readonly kind: 'words'; readonly words: readonly Word[] }
  /** A quote that does not end. */
  | { readonly kind: 'unclosed'; readonly at: number };

export function splitWords(line: string): Words {
  const words: Word[] = [];
  let text = '';
  let begin = -1;
  let quote = '';
  let quoteAt = 0;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (quote === '' && isBlank(character)) {
      if (begin >= 0) words.push({ text, at: begin });
      text = '';
      begin = -1;
      continue;
    }
    if (begin < 0) begin = at;
    if (character === '\\' && quote !== "'" && isEscapable(line[at + 1])) {
      at += 1;
      text += line[at];
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      quoteAt = at;
    } else if (character === quote) quote = '';
    else text += character;
  }
  if (quote !== '') return { kind: 'unclosed', at: quoteAt };
  if (begin >= 0) words.push({ text, at: begin });
  return { kind: 'words', words };
}

/** A word as it has to stand in a file, for both readers where that can be: blanks escaped, never quoted. */
export function asWord(text: string): string {
  return text === '' ? '""' : text.replace(/[\s\\'"]/g, '\\$&');
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r';
}

function isEscapable(character: string | undefined): boolean {
  return character !== undefined && /[\s\\'"]/.test(character);
}
