// Regular expressions of Sigma, which are PCRE's, as ours take them: JavaScript's, on RE2. What the two write otherwise is written
// otherwise; what PCRE alone can do is refused by name, never taken for something else.
import { compileRegex } from '../expression/regex.ts';

export type RegexText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

/** Escapes that are letters in JavaScript, or something else, and mean something in PCRE. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: '^',
  z: '$',
  a: '\\x07',
  e: '\\x1b',
  h: '[ \\t\\xa0]',
  H: '[^ \\t\\xa0]',
  R: '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])',
  N: '[^\\n]',
};
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};
/** Escapes that both know and that mean the same. */
const SHARED = /[bBdDsSwWtnrfvx0]/;
const REMEDY = 'Regular expressions run on RE2, in linear time: say it with two searches, or with `contains`.';

/** The expression with its flags in front, as `$matches` takes it. */
export function regexText(source: string, flags: string): RegexText {
  const [leading = '', own = ''] = /^\(\?([ims]+)\)/.exec(source) ?? [];
  const written = translate(source.slice(leading.length));
  if (written.kind === 'refused') return written;
  const all = [...new Set(`${flags}${own}`)].toSorted().join('');
  const text = all === '' ? written.text : `(?${all})${written.text}`;
  const compiled = compileRegex(text, '');
  return compiled.kind === 'regex' ? { kind: 'text', text } : { ...compiled, remedy: REMEDY };
}

function translate(source: string): RegexText {
  let text = '';
  let isInClass = false;
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] ?? '';
    const rest = source.slice(at, at + 40);
    if (character === '\\') {
      const next = source[at + 1] ?? '';
      if (next === '') return refused('it ends with a backslash');
      const known = Object.hasOwn(ESCAPES, next) ? ESCAPES[next] : undefined;
      if (known !== undefined && !isInClass) text += known;
      else if (/[1-9]/.test(next) && !isInClass) return refused(`back-references (\\${next}) are not possible`);
      else if (/[A-Za-z0-9]/.test(next) && !SHARED.test(next)) return refused(`\\${next} is not possible`);
      else if (next === 'x' && !/^\\x[0-9A-Fa-f]{2}/.test(rest)) return refused('\\x wants two digits');
      else text += character + next;
      at += 1;
      continue;
    }
    if (isInClass) {
      const [posix = '', isNot = '', name = ''] = /^\[:(\^?)([a-z]+):\]/.exec(rest) ?? [];
      if (posix !== '') {
        const members = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
        if (members === undefined || isNot !== '') return refused(`${posix} is not possible`);
        text += members;
        at += posix.length - 1;
        continue;
      }
      if (character === ']') isInClass = false;
      text += character === '[' ? '\\[' : character;
      continue;
    }
    if (character === '[') {
      isInClass = true;
      // Right behind the bracket a closing one is a character.
      const [start = '['] = /^\[\^?\]?/.exec(rest) ?? [];
      text += start.replace(']', '\\]');
      at += start.length - 1;
      continue;
    }
    const group = character === '(' ? groupOf(rest) : undefined;
    if (group?.kind === 'refused') return group;
    if (group !== undefined) {
      text += group.text;
      at += group.length - 1;
      continue;
    }
    if (/^(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\+/.test(rest))
      return refused('possessive repetitions (`++`) are not possible');
    text += character;
  }
  return { kind: 'text', text };
}

type Group = { readonly kind: 'text'; readonly text: string; readonly length: number };

/** What a parenthesis begins; undefined of a plain one. */
function groupOf(rest: string): Group | (RegexText & { kind: 'refused' }) | undefined {
  if (rest.startsWith('(*')) return refused('verbs such as (*SKIP) are not possible');
  if (!rest.startsWith('(?')) return undefined;
  const named = /^\(\?(?:P?<([A-Za-z_][A-Za-z0-9_]*)>|'([A-Za-z_][A-Za-z0-9_]*)')/.exec(rest);
  if (named !== null) return { kind: 'text', text: `(?<${named[1] ?? named[2]}>`, length: named[0].length };
  if (/^\(\?(?:[ims]*(?:-[ims]+)?):/.test(rest)) return undefined;
  if (/^\(\?<?[=!]/.test(rest)) return refused('look-ahead and look-behind are not possible');
  if (rest.startsWith('(?>')) return refused('atomic groups (`(?>…)`) are not possible');
  return refused(`\`${rest.slice(0, 4)}\` is not possible`);
}

function refused(why: string): RegexText & { kind: 'refused' } {
  return { kind: 'refused', message: `the regular expression cannot be said: ${why}`, remedy: REMEDY };
}
