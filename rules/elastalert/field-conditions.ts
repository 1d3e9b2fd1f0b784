// What Elasticsearch's queries ask of one field, as expressions on an event. The field catalogue says what a field is: a keyword is compared whole
// and with its case, a text by its words. A field that it does not know is taken for a keyword that may be a list, with a remark where that matters.
// Every condition is true or false, never missing, so that it may stand behind a `not`.
import { fieldNamed } from '../../event/catalogue.ts';
import {
  allOf,
  anyOf,
  call,
  fieldPath,
  literal,
  literals,
  not,
  operand,
  type Written,
} from '../foreign/expression-writer.ts';
import { luceneRegex } from './lucene-regex.ts';
import { type Part, placeOfPart, refuse, type Scalar } from './notes.ts';

type FieldKind = 'keyword' | 'text' | 'long' | 'ip' | 'date' | 'boolean' | 'unknown';

export interface ForeignField {
  readonly name: string;
  /** As an expression writes it. */
  readonly path: string;
  readonly kind: FieldKind;
  readonly mayBeList: boolean;
}

/** Where a word without a field is looked for. */
export const ALL_FIELDS = 'event.original';

/** Values that are compared one by one, in a list that may be one itself. */
const VALUES_EACH_MAX = 200;
/** Values of one `terms`, entries of one list. */
export const VALUES_MAX = 10_000;

/** A field by the name that Elasticsearch has for it: `.keyword` and `.raw` are the field itself, `.text` its words. */
export function foreignField(part: Part, given: string): ForeignField | undefined {
  const name = given.replace(/\.(?:keyword|raw|text)$/, '');
  const path = fieldPath(name);
  if (/[*?]/.test(name)) {
    return refuse(part, `\`${name}\` stands for many fields`, 'Write the query once for each of them, in a `should`.');
  }
  if (path === undefined || /^_(?:id|index|type|source|routing)$/.test(name)) {
    return refuse(part, `\`${name}\` is no field of an event here`, 'Leave it out, or name a field of the events.');
  }
  const known = fieldNamed(name);
  const isExact = known !== undefined && known.type !== 'flattened';
  const kind: FieldKind = given.endsWith('.text') ? 'text' : isExact ? (known.type as FieldKind) : 'unknown';
  return { name, path, kind, mayBeList: !isExact || known.isArray || /^auditd\.(?:data|paths)/.test(name) };
}

/** `term`, `terms`, the members of a list: one of these, whole. */
export function isOneOf(part: Part, field: ForeignField, values: readonly Scalar[]): Written | undefined {
  const { kind, path, mayBeList } = field;
  if (values.length > VALUES_MAX) return refuse(part, `more than ${VALUES_MAX} values`, 'Split the rule.');
  if (values.includes(null))
    return refuse(
      part,
      'null is never stored, so nothing equals it',
      'Leave it out; `exists` asks whether a field is there.',
    );
  switch (kind) {
    case 'text':
      return anyOf(values.map((value) => hasWords(field, String(value), 'phrase')));
    case 'ip':
      return call('cidr', path, literals(values.map(String)));
    case 'date': {
      const times = values.map((value) => timeOf(value, 'gte'));
      if (times.some((time) => time === undefined)) return badTime(part);
      return anyOf(times.map((time) => allOf([isType(path, 'string'), operand(`$toMillis(${path}) = ${time}`)])));
    }
    case 'long': {
      const numbers = values.map((value) => (value === '' || typeof value === 'boolean' ? Number.NaN : Number(value)));
      const odd = values[numbers.findIndex((number) => !Number.isFinite(number))];
      if (odd !== undefined)
        return refuse(part, `\`${field.name}\` is a number, and \`${odd}\` is none`, 'Write a number.');
      return equals(path, numbers, mayBeList);
    }
    case 'boolean': {
      const truths = values.map((value) =>
        value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
      );
      if (truths.includes(undefined)) return refuse(part, `\`${field.name}\` is true or false`, 'Write true or false.');
      return equals(
        path,
        truths.filter((value) => value !== undefined),
        mayBeList,
      );
    }
    case 'keyword':
      return equals(path, values.map(String), mayBeList);
    case 'unknown':
      return equals(path, values.flatMap(bothForms), mayBeList);
  }
}

/** Exactly one of these values, text and number told apart: what ElastAlert's own lists compare. */
export function isExactlyOneOf({ path, mayBeList }: ForeignField, values: ExactValues): Written {
  if (!('list' in values)) return equals(path, values, mayBeList);
  if (!mayBeList) return operand(`${path} in $${values.list}`);
  return allOf([call('exists', path), operand(`$count(${path}[$ in $${values.list}]) > 0`)]);
}

/** Values, or the list of ours that has them. */
export type ExactValues = readonly Scalar[] | { readonly list: string };

/** Some member of it, or itself, is none of these. */
export function hasOtherThan(field: ForeignField, values: ExactValues): Written {
  const { path, mayBeList } = field;
  const isThere = call('exists', path);
  if (!mayBeList) return allOf([isThere, not(isExactlyOneOf(field, values))]);
  const known = 'list' in values ? `$${values.list}` : literals(values);
  return allOf([isThere, operand(`$count(${path}[$not($ in ${known})]) > 0`)]);
}

/** Elasticsearch's `exists`: there, and neither null nor an empty list. */
export function isThere({ path, mayBeList }: ForeignField): Written {
  const isAny = mayBeList ? operand(`$count(${path}[$not($ = null)]) > 0`) : not(operand(`${path} = null`));
  return allOf([call('exists', path), isAny]);
}

export type Comparison = 'gt' | 'gte' | 'lt' | 'lte';
const SIGNS: Readonly<Record<Comparison, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

export interface Bound {
  readonly comparison: Comparison;
  readonly value: Scalar;
}

/** `range`: all of these bounds. */
export function isWithin(part: Part, field: ForeignField, bounds: readonly Bound[]): Written | undefined {
  const { kind, path, name, mayBeList } = field;
  if (kind === 'text' || kind === 'ip' || kind === 'boolean') {
    const remedy = kind === 'ip' ? 'Write a network, `10.0.0.0/8`.' : 'Compare a keyword or a number.';
    return refuse(
      part,
      `a range over \`${name}\`, which is ${kind === 'ip' ? 'an address' : `a ${kind}`}, cannot be said`,
      remedy,
    );
  }
  const isTime = kind === 'date' || bounds.some(({ value }) => typeof value === 'string' && /^now\b/.test(value));
  if (isTime) {
    const times = bounds.map(({ comparison, value }) => ({ comparison, time: timeOf(value, comparison) }));
    if (times.some(({ time }) => time === undefined)) return badTime(part);
    const tests = times.map(({ comparison, time }) => operand(`$toMillis(${path}) ${SIGNS[comparison]} ${time}`));
    return allOf([isType(path, 'string'), ...tests]);
  }
  const isNumber = kind === 'long' || (kind === 'unknown' && bounds.every(({ value }) => isNumeric(value)));
  const type = isNumber ? 'number' : 'string';
  const values = bounds.map(({ value }) => (isNumber ? Number(value) : String(value)));
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value))) {
    return refuse(part, `\`${name}\` is a number, and this bound is none`, 'Write a number.');
  }
  const on = mayBeList ? '$' : path;
  const tests = bounds.map(({ comparison }, at) => operand(`${on} ${SIGNS[comparison]} ${literal(values[at] ?? 0)}`));
  const all = allOf([isType(on, type), ...tests]);
  return mayBeList ? allOf([call('exists', path), operand(`$count(${path}[${all.text}]) > 0`)]) : all;
}

/** `wildcard`: `*` any run, `?` one character, `\` takes the next as it is. */
export function isLike(field: ForeignField, pattern: string, isFolded = false): Written {
  if (/^\*+$/.test(pattern)) return isThere(field);
  if (field.kind === 'text') return matches(field, `(?:^|${NO_WORD})${globSource(pattern)}(?:$|${NO_WORD})`, 'i');
  if (isFolded) return matches(field, `^${folded(globSource(pattern))}$`, '');
  return call('glob', field.path, literal(pattern));
}

export function startsWith(field: ForeignField, start: string, isFolded: boolean): Written {
  if (field.kind === 'text') return matches(field, `(?:^|${NO_WORD})${quoted(start)}`, 'i');
  return isFolded ? matches(field, `^${folded(quoted(start))}`, '') : call('startswith', field.path, literal(start));
}

/** `regexp`: Lucene's, which is about the whole value (of a text: about a word). */
export function isRegex(part: Part, field: ForeignField, written: string, isFolded = false): Written | undefined {
  const source = luceneRegex(written);
  if (typeof source !== 'string') return refuse(part, source.problem, source.remedy);
  if (field.kind === 'text') return matches(field, `(?:^|${NO_WORD})(?:${source})(?:$|${NO_WORD})`, 'i');
  return matches(field, `^(?:${isFolded ? folded(source) : source})$`, '');
}

/** `match`: of a text its words; of all else the value itself. */
export function isMatch(
  part: Part,
  field: ForeignField,
  value: Scalar,
  how: 'or' | 'and' | 'phrase',
): Written | undefined {
  if (field.kind === 'text') return hasWords(field, String(value), how);
  if (field.kind === 'unknown' && /\s/.test(String(value))) {
    const remedy = 'If it was analysed text there, write a `regexp` or `wildcard` on it.';
    part.notes.remark(
      placeOfPart(part),
      `\`${field.name}\` is taken for a keyword: compared whole, with its case`,
      remedy,
    );
  }
  return isOneOf(part, field, [value]);
}

/** What parts words in a text: neither a letter, nor a digit, nor `_`, in most scripts. The standard analyser is near to it. */
const NO_WORD = '[^\\w\\u00c0-\\u1fff\\u2c00-\\ud7ff]';

function hasWords(field: ForeignField, text: string, how: 'or' | 'and' | 'phrase'): Written {
  const words = text.match(/[\w\u00c0-\u1fff\u2c00-\ud7ff]+/g) ?? [];
  if (words.length === 0) return anyOf([]);
  const whole = (source: string): Written => matches(field, `(?:^|${NO_WORD})${source}(?:$|${NO_WORD})`, 'i');
  if (how === 'phrase') return whole(words.map(quoted).join(`${NO_WORD}+`));
  return (how === 'and' ? allOf : anyOf)(words.map((word) => whole(quoted(word))));
}

function matches({ path }: ForeignField, source: string, flags: '' | 'i'): Written {
  return call('matches', path, flags === '' ? literal(source) : `/${source}/i`);
}

/** Without regard to case as Elasticsearch's `case_insensitive` has it: of ASCII letters alone. */
function folded(source: string): string {
  return source.replace(/\\(?:u[0-9a-f]{4}|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|[A-Za-z]/g, (part) => {
    if (part.startsWith('\\')) return part;
    if (part.startsWith('[')) return part.includes('\\s\\S') ? part : foldedClass(part);
    return `[${part.toLowerCase()}${part.toUpperCase()}]`;
  });
}

/** A class of a regular expression, with the other case of each letter and of each range of letters. */
function foldedClass(written: string): string {
  const inner = written.slice(1, -1);
  const others = inner.replace(/\\(?:u[0-9a-f]{4}|[\s\S])|\^/g, '').match(/[A-Za-z]-[A-Za-z]|[A-Za-z]/g) ?? [];
  const swapped = others.map((part) => (/[a-z]/.test(part) ? part.toUpperCase() : part.toLowerCase()));
  return `[${inner}${swapped.join('')}]`;
}

/** Text as a regular expression of itself that no `/` or bracket in it can end early. */
function quoted(text: string): string {
  return text.replace(/[^\p{L}\p{N}_ -]|-/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code > 0x7e && code <= 0xffff)) return `\\u${code.toString(16).padStart(4, '0')}`;
    return code > 0xffff ? character : `\\${character}`;
  });
}

function globSource(pattern: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    at += character.length - 1;
    if (character === '*') source += '[\\s\\S]*';
    else if (character === '?') source += '[\\s\\S]';
    else if (character === '\\' && at + 1 < pattern.length) {
      at += 1;
      source += quoted(pattern[at] ?? '');
    } else source += quoted(character);
  }
  return source;
}

function equals(path: string, values: readonly Scalar[], mayBeList: boolean): Written {
  const different = [...new Set(values)];
  const [only] = different;
  if (only === undefined) return anyOf([]);
  if (mayBeList && different.length <= VALUES_EACH_MAX) {
    return anyOf(different.map((value) => operand(`${literal(value)} in ${path}`)));
  }
  if (mayBeList) return allOf([call('exists', path), operand(`$count(${path}[$ in ${literals(different)}]) > 0`)]);
  return operand(different.length === 1 ? `${path} = ${literal(only)}` : `${path} in ${literals(different)}`);
}

/** What an index of which nothing is known would take for the same: `5` and `"5"`. */
function bothForms(value: Scalar): readonly Scalar[] {
  if (typeof value !== 'string') return [value, String(value)];
  if (isNumeric(value) && String(Number(value)) === value) return [value, Number(value)];
  return value === 'true' || value === 'false' ? [value, value === 'true'] : [value];
}

function isNumeric(value: Scalar): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?[0-9]+(?:\.[0-9]+)?$/.test(value));
}

function isType(path: string, type: 'number' | 'string'): Written {
  return operand(`$type(${path}) = "${type}"`);
}

const SPANS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A moment as an expression: a time that is written out, or so long before the event's own. */
function timeOf(value: Scalar, comparison: Comparison): string | undefined {
  if (typeof value === 'number') return String(value);
  const text = String(value);
  const now = /^now(?:([+-])([0-9]{1,9})([smhHdw]))?$/.exec(text);
  if (now !== null) {
    const [, sign = '+', count = '0', unit = 's'] = now;
    return `($millis() ${sign} ${Number(count) * (SPANS_MS[unit] ?? 0)})`;
  }
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$/.test(text)) return undefined;
  const isDay = text.length === 10;
  const ms = Date.parse(isDay || /(?:Z|[+-][0-9]{2}:?[0-9]{2})$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms)) return undefined;
  // Elasticsearch fills a day up to its end where it is an upper bound that counts, or a lower one that does not.
  return String(isDay && (comparison === 'lte' || comparison === 'gt') ? ms + 86_399_999 : ms);
}

function badTime(part: Part): undefined {
  return refuse(
    part,
    'this time cannot be said',
    'Write a day or a time in ISO 8601, or `now-1h`, without rounding (`/d`).',
  );
}
