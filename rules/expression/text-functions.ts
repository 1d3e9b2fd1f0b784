// JSONata's functions on text: what the official engine gives, with what they build paid for before it is built.
import { ExpressionError } from '../rule.ts';
import type { Builtin } from './builtin-functions.ts';
import { type Evaluation, spend, spendOnLength, spendOnText } from './evaluation.ts';
import { asValue, firstMatch, hasMatch, type Match } from './matching.ts';
import { apply } from './procedure.ts';
import { asSequence, kindOf, stringOf } from './value.ts';

const CHARACTERS_PER_FUEL = 64;

export const TEXT_FUNCTIONS: Readonly<Record<string, Builtin>> = {
  string: {
    signature: '<x-b?:s>',
    arity: 1,
    run: ([value, isPretty], _input, evaluation) => stringOf(value, evaluation, isPretty === true),
  },
  lowercase: { signature: '<s-:s>', arity: 1, run: onText((text) => text.toLowerCase()) },
  uppercase: { signature: '<s-:s>', arity: 1, run: onText((text) => text.toUpperCase()) },
  length: { signature: '<s-:n>', arity: 1, run: onText(lengthOf) },
  trim: {
    signature: '<s-:s>',
    arity: 1,
    run: onText((text) => text.replace(/[ \t\n\r]+/g, ' ').replace(/^ | $/g, '')),
  },
  substring: {
    signature: '<s-nn?:s>',
    arity: 3,
    run: ([text, start, length], _input, evaluation) =>
      onText((given) => substring(given, Number(start), length as number | undefined))([text], undefined, evaluation),
  },
  substringBefore: {
    signature: '<s-s:s>',
    arity: 2,
    run: (args, _input, evaluation) => part(args, 'before', evaluation),
  },
  substringAfter: {
    signature: '<s-s:s>',
    arity: 2,
    run: (args, _input, evaluation) => part(args, 'after', evaluation),
  },
  pad: { signature: '<s-ns?:s>', arity: 3, run: (args, _input, evaluation) => pad(args, evaluation) },
  join: { signature: '<a<s>s?:s>', arity: 2, run: (args, _input, evaluation) => join(args, evaluation) },
  contains: {
    signature: '<s-(sf):b>',
    arity: 2,
    run: ([text, token], _input, evaluation) => {
      if (typeof text !== 'string' || token === undefined) return undefined;
      spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
      return typeof token === 'string' ? text.includes(token) : hasMatch(token, text, evaluation);
    },
  },
  match: { signature: '<s-f<s:o>n?:a<o>>', arity: 3, run: (args, _input, evaluation) => match(args, evaluation) },
  replace: { signature: '<s-(sf)(sf)n?:s>', arity: 4, run: (args, _input, evaluation) => replace(args, evaluation) },
  split: { signature: '<s-(sf)n?:a<s>>', arity: 3, run: (args, _input, evaluation) => split(args, evaluation) },
  base64encode: {
    signature: '<s-:s>',
    arity: 1,
    run: onText((text) => Buffer.from(text, 'latin1').toString('base64')),
  },
  base64decode: {
    signature: '<s-:s>',
    arity: 1,
    run: onText((text) => Buffer.from(text, 'base64').toString('latin1')),
  },
  encodeUrlComponent: { signature: '<s-:s>', arity: 1, run: onText(orMalformed(encodeURIComponent)) },
  encodeUrl: { signature: '<s-:s>', arity: 1, run: onText(orMalformed(encodeURI)) },
  decodeUrlComponent: { signature: '<s-:s>', arity: 1, run: onText(orMalformed(decodeURIComponent)) },
  decodeUrl: { signature: '<s-:s>', arity: 1, run: onText(orMalformed(decodeURI)) },
};

function onText(run: (text: string) => unknown): Builtin['run'] {
  return ([text], _input, evaluation) => {
    if (typeof text !== 'string') return undefined;
    spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
    return run(text);
  };
}

function orMalformed(run: (text: string) => string): (text: string) => string {
  return (text) => {
    try {
      return run(text);
    } catch {
      throw new ExpressionError('D3140', 'D3140: the text is no well-formed URL');
    }
  };
}

/** Characters, not UTF-16 units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

function substring(text: string, start: number, length: number | undefined): string {
  const characters = [...text];
  const from = characters.length + start < 0 ? 0 : start;
  if (length === undefined) return characters.slice(from).join('');
  if (length <= 0) return '';
  const end = from >= 0 ? from + length : characters.length + from + length;
  return characters.slice(from, end).join('');
}

function part(args: readonly unknown[], side: 'before' | 'after', evaluation: Evaluation): string | undefined {
  const [text, token] = args;
  if (typeof text !== 'string') return undefined;
  spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
  const found = text.indexOf(String(token));
  if (found < 0) return text;
  return side === 'before' ? text.slice(0, found) : text.slice(found + String(token).length);
}

function pad([text, width, filler]: readonly unknown[], evaluation: Evaluation): string | undefined {
  if (typeof text !== 'string') return undefined;
  spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
  const wanted = Math.trunc(Number(width));
  const missing = Math.abs(wanted) - lengthOf(text);
  if (!(missing > 0)) return text;
  const unit = typeof filler === 'string' && filler !== '' ? filler : ' ';
  spendOnLength(evaluation, text.length + missing * unit.length);
  const whole = unit.repeat(missing);
  const padding = unit.length > 1 ? substring(whole, 0, missing) : whole;
  return wanted > 0 ? text + padding : padding + text;
}

function join([texts, separator]: readonly unknown[], evaluation: Evaluation): string | undefined {
  if (texts === undefined) return undefined;
  const all = texts as readonly string[];
  const between = typeof separator === 'string' ? separator : '';
  let length = 0;
  for (const text of all) length += text.length + between.length;
  spend(evaluation, all.length);
  spendOnLength(evaluation, length);
  return all.join(between);
}

/** Calls `each` with every match, as long as the limit allows; true when there was any. */
function forEachMatch(
  of: { readonly text: string; readonly matcher: unknown; readonly limit: number | undefined },
  evaluation: Evaluation,
  each: (match: Match) => void,
): { readonly count: number; readonly isAny: boolean } {
  let found = firstMatch(of.matcher, of.text, evaluation);
  const isAny = found !== undefined;
  let count = 0;
  while (found !== undefined && (of.limit === undefined || count < of.limit)) {
    spend(evaluation, 4);
    each(found);
    count += 1;
    // The official engine asks for the next match even behind the limit, and so fails on an empty one.
    found = found.next();
  }
  return { count, isAny };
}

function checkLimit(limit: unknown, code: string): number | undefined {
  if (typeof limit !== 'number') return undefined;
  if (limit < 0) throw new ExpressionError(code, `${code}: the limit is negative`);
  return limit;
}

function match([text, matcher, given]: readonly unknown[], evaluation: Evaluation): unknown {
  if (typeof text !== 'string') return undefined;
  const limit = checkLimit(given, 'D3040');
  const all = asSequence([]);
  if (limit !== undefined && !(limit > 0)) return all;
  forEachMatch({ text, matcher, limit }, evaluation, (found) => {
    all.push({ match: found.match, index: found.start, groups: found.groups });
  });
  return all;
}

function replace([text, pattern, replacement, given]: readonly unknown[], evaluation: Evaluation): unknown {
  if (typeof text !== 'string') return undefined;
  if (pattern === '') throw new ExpressionError('D3010', 'D3010: the second argument of $replace is empty');
  const limit = checkLimit(given, 'D3011');
  if (limit !== undefined && !(limit > 0)) return text;
  let result = '';
  let position = 0;
  const put = (before: string, instead: string): void => {
    spendOnLength(evaluation, result.length + before.length + instead.length);
    result += before + instead;
  };
  if (typeof pattern === 'string') {
    spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
    let count = 0;
    let index = text.indexOf(pattern);
    while (index !== -1 && (limit === undefined || count < limit)) {
      put(text.slice(position, index), typeof replacement === 'function' ? '' : String(replacement));
      position = index + pattern.length;
      count += 1;
      index = text.indexOf(pattern, position);
    }
    return result + text.slice(position);
  }
  const { isAny } = forEachMatch({ text, matcher: pattern, limit }, evaluation, (found) => {
    const instead =
      typeof replacement === 'string'
        ? fillIn(replacement, found)
        : apply(replacement, [asValue(found)], null, evaluation);
    if (typeof instead !== 'string') {
      throw new ExpressionError('D3012', `D3012: $replace was to put in ${kindOf(instead)}`);
    }
    put(text.substring(position, found.start), instead);
    position = found.start + found.match.length;
  });
  return isAny ? result + text.substring(position) : text;
}

/** `$0` is the match, `$1` … the groups, `$$` a dollar sign. */
function fillIn(replacement: string, found: Match): string {
  let filled = '';
  let position = 0;
  let dollar = replacement.indexOf('$');
  while (dollar !== -1 && position < replacement.length) {
    filled += replacement.slice(position, dollar);
    position = dollar + 1;
    const behind = replacement.charAt(position);
    if (behind === '$' || behind === '0') {
      filled += behind === '$' ? '$' : found.match;
      position += 1;
    } else {
      const index = groupNumber(replacement, position, found.groups.length);
      if (Number.isNaN(index)) filled += '$';
      else {
        const group = found.groups[index - 1];
        if (group !== undefined) filled += String(group);
        position += String(index).length;
      }
    }
    dollar = replacement.indexOf('$', position);
  }
  return filled + replacement.slice(position);
}

function groupNumber(replacement: string, position: number, groups: number): number {
  const digits = groups === 0 ? 1 : Math.floor(Math.log(groups) * Math.LOG10E) + 1;
  const index = Number.parseInt(replacement.substring(position, position + digits), 10);
  if (digits <= 1 || !(index > groups)) return index;
  return Number.parseInt(replacement.substring(position, position + digits - 1), 10);
}

function split([text, separator, given]: readonly unknown[], evaluation: Evaluation): unknown {
  if (typeof text !== 'string') return undefined;
  const limit = checkLimit(given, 'D3020');
  if (limit !== undefined && !(limit > 0)) return [];
  if (typeof separator === 'string') {
    spend(evaluation, 1 + (separator === '' ? text.length : Math.floor(text.length / 4)));
    return text.split(separator, limit);
  }
  const parts: string[] = [];
  let start = 0;
  const { count, isAny } = forEachMatch({ text, matcher: separator, limit }, evaluation, (found) => {
    parts.push(text.substring(start, found.start));
    start = found.end;
  });
  if (!isAny) parts.push(text);
  else if (limit === undefined || count < limit) parts.push(text.substring(start));
  return parts;
}
