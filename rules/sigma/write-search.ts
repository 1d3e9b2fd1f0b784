// Searches of Sigma as expressions on our events. A field that a sort of record does not have makes a test false there; one that no
// sort has, or whose question cannot be asked, is told, unless it stands in a `not` only: then the event is as without it.
// Longer than others: each kind of test is written for each kind of target, and the cases are read beside one another.
import { visible } from '../diagnostic.ts';
import { allOf, anyOf, call, literal, not, operand, type Written } from '../foreign/expression-writer.ts';
import { isTrueOf } from './known-text.ts';
import { globText, mayBeOf, type Pattern, type Place, plainPattern, plainText } from './pattern.ts';
import { regexText } from './regex-text.ts';
import { itemsOf, type Search, type SearchItem, type Test, type TimePart } from './search.ts';
import type { FieldTarget, Sort, Target } from './target.ts';

interface SearchProblem {
  readonly at: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

export interface Writing {
  readonly sorts: readonly Sort[];
  readonly keywords: readonly FieldTarget[];
  readonly problems: SearchProblem[];
  /** Names of our fields that the rule asks for. */
  readonly fields: Set<string>;
  /** What stands in a `not` and is true of no record of the sort. */
  readonly without?: Set<Search>;
}

const TRUE = operand('true');
const FALSE = operand('false');

/** The search on any record of any sort. */
export function writeSearch(search: Search, writing: Writing): Written {
  checkFields(search, writing, false);
  const idle: ReadonlySet<Search>[] = [];
  const bySort = writing.sorts.map((sort) => {
    const without = new Set<Search>();
    const written = write(search, sort, { ...writing, without });
    if (written.text === FALSE.text) return FALSE;
    idle.push(without);
    if (sort.members === undefined) return allOf([sort.presence, written]);
    return operand(`$exists(${sort.members}[${written.text.replaceAll('\n', '\n  ')}])`);
  });
  const [first = new Set<Search>(), ...others] = idle;
  if (writing.sorts.length > 1)
    for (const part of first) if (others.every((without) => without.has(part))) tellIdle(part, writing);
  return anyOf(bySort);
}

/** What a `not` takes out that no record has which the rule is about: on a log of single records it takes nothing out either. */
function tellIdle(search: Search, writing: Writing): void {
  const items = itemsOf(search);
  const [first] = items;
  const isTold = items.some(({ at }) => writing.problems.some((problem) => problem.at === at));
  if (first === undefined || isTold) return;
  const names = [...new Set(items.flatMap(({ field }) => field ?? []))]
    .slice(0, 5)
    .map((name) => `\`${visible(name)}\``);
  const message = `this leaves nothing out: the records that the rule finds have no such ${names.join(', ')}`;
  const remedy =
    'Ask for what is in the same type of record, or for the event by names of ECS, such as process.executable.';
  writing.problems.push({ at: first.at, severity: 'warning', message, remedy });
}

/** Tells of fields that no sort has. */
function checkFields(search: Search, writing: Writing, isNegated: boolean): void {
  if (search.kind === 'not') checkFields(search.of, writing, !isNegated);
  else if (search.kind !== 'item') for (const part of search.of) checkFields(part, writing, isNegated);
  else checkItem(search, writing, isNegated);
}

function checkItem(item: SearchItem, writing: Writing, isNegated: boolean): void {
  const { field, test, at } = item;
  for (const name of [field, test.kind === 'field' ? test.other : undefined]) {
    if (name === undefined) continue;
    const targets = writing.sorts.map((sort) => targetOf(name, sort));
    if (targets.includes('type') && !isOfPlainTexts(test)) {
      const message = '`type` of an audit record must be written out: `EXECVE`, `PATH`, …';
      writing.problems.push({ at, severity: 'error', message, remedy: 'Write a list of types.' });
    }
    const known = targets.filter((target) => target !== undefined && target !== 'type');
    if (targets.includes('type') || known.some((target) => target.kind !== 'never' && target.kind !== 'unsaid'))
      continue;
    const problem = known.find(({ kind }) => kind === 'unsaid') ?? known[0];
    if (problem?.kind === 'unsaid') {
      const message = `\`${visible(name)}\` cannot be asked for: ${problem.why}`;
      writing.problems.push({ at, severity: 'error', message, remedy: problem.remedy });
      continue;
    }
    const why = problem?.kind === 'never' ? problem.why : 'events of this log source have no such field';
    const isHarmless = isNegated || test.kind === 'null' || (test.kind === 'exists' && !test.isThere);
    writing.problems.push({
      at,
      severity: isHarmless ? 'warning' : 'error',
      message: `no event has \`${visible(name)}\`: ${why}`,
      remedy: isHarmless
        ? 'The rule runs as on events without it: what it leaves out by this field it does not leave out here.'
        : 'The rule could never match for what it asks here. Ask for another field, or use the field’s name in ECS.',
    });
  }
}

/** Fields of what is never true are not asked for. */
function write(search: Search, sort: Sort, writing: Writing): Written {
  const fields = new Set<string>();
  const written = writeAny(search, sort, { ...writing, fields });
  if (written.text !== FALSE.text) for (const field of fields) writing.fields.add(field);
  return written;
}

function writeAny(search: Search, sort: Sort, writing: Writing): Written {
  switch (search.kind) {
    case 'item':
      return writeItem(search, sort, writing);
    case 'not': {
      const written = write(search.of, sort, writing);
      if (written.text === FALSE.text) writing.without?.add(search.of);
      return not(written);
    }
    case 'and':
      return allOf(search.of.map((part) => write(part, sort, writing)));
    case 'or':
      return anyOf(search.of.map((part) => write(part, sort, writing)));
  }
}

function isOfPlainTexts(test: Test): boolean {
  return test.kind === 'text' && test.patterns.every((pattern) => plainText(pattern) !== undefined);
}

/** `type` is known of a sort and asked of no event. */
function targetOf(name: string, sort: Sort): Target | 'type' | undefined {
  return name === 'type' && sort.type !== undefined ? 'type' : sort.target(name);
}

function writeItem(item: SearchItem, sort: Sort, writing: Writing): Written {
  const { field, test } = item;
  if (field === undefined) {
    const prefix = sort.members === undefined ? '' : '$$.';
    const keywords = writing.keywords.map((keyword) => atRoot(keyword, prefix));
    const isOfTexts = test.kind === 'text' || test.kind === 'regex';
    const together = `[${keywords.map(({ text }) => text).join(', ')}]`;
    const asked: readonly FieldTarget[] = isOfTexts ? [{ kind: 'field', text: together, name: undefined }] : keywords;
    return anyOf(asked.map((keyword) => writeOn(test, keyword, { item, sort, writing })));
  }
  const target = targetOf(field, sort);
  if (target === 'type') return asTruth(isTrueOf(test, sort.type ?? ''));
  return writeOnTarget(target, { item, sort, writing });
}

/** The same field when `$` is a member of an array. */
function atRoot(target: FieldTarget, prefix: string): FieldTarget {
  if (prefix === '') return target;
  const inner = /^\$join\((.*), " "\)$/.exec(target.text)?.[1];
  const text = inner === undefined ? `${prefix}${target.text}` : call('join', `${prefix}${inner}`, '" "').text;
  return { ...target, text, ...(target.thereText === undefined ? {} : { thereText: `${prefix}${target.thereText}` }) };
}

interface Context {
  readonly item: SearchItem;
  readonly sort: Sort;
  readonly writing: Writing;
}

function writeOnTarget(target: Target | undefined, context: Context): Written {
  const { test } = context.item;
  if (target === undefined || target.kind === 'never' || target.kind === 'unsaid') {
    return asTruth(test.kind === 'null' || (test.kind === 'exists' && !test.isThere));
  }
  switch (target.kind) {
    case 'field':
      return writeOn(test, target, context);
    case 'some': {
      const isAbout = test.kind === 'null' || (test.kind === 'exists' && !test.isThere) ? allOf : anyOf;
      return isAbout(target.of.map((one) => writeOn(test, one, context)));
    }
    case 'else': {
      const { first, otherwise } = target;
      const [one, other] = [writeOn(test, first, context), writeOn(test, otherwise, context)];
      if (test.kind === 'exists' && test.isThere) return anyOf([one, other]);
      if (test.kind === 'null' || test.kind === 'exists') return allOf([one, other]);
      return anyOf([one, allOf([not(there(first)), other])]);
    }
  }
}

function asTruth(isTrue: boolean): Written {
  return isTrue ? TRUE : FALSE;
}

function there({ text, thereText }: FieldTarget): Written {
  return call('exists', thereText ?? text);
}

function writeOn(test: Test, target: FieldTarget, context: Context): Written {
  const written = writeTest(test, target, context);
  const isAsked = target.name !== undefined && context.item.field !== undefined && written.text !== FALSE.text;
  if (isAsked) context.writing.fields.add(target.name);
  return written;
}

function writeTest(test: Test, target: FieldTarget, context: Context): Written {
  const { text } = target;
  if (test.kind === 'list' && (target.values ?? target.names ?? target.absent) !== undefined) {
    const patterns = test.values.map(plainPattern);
    return writeTest({ kind: 'text', patterns, isCased: false }, target, context);
  }
  if (target.values !== undefined && test.kind !== 'exists' && test.kind !== 'null') {
    if (!isAnswerable(test, context)) return FALSE;
    const possible = [...target.values].filter(([ours]) => isTrueOf(test, ours)).map(([, value]) => value);
    return possible.length === 0 ? FALSE : call('is', text, ...[...new Set(possible)].map(literal));
  }
  switch (test.kind) {
    case 'text':
      return anyOf([writeTexts(test, target), ...namedOtherwise(test, target)]);
    case 'regex':
      return anyOf([writeRegex(test, target, context), ...namedOtherwise(test, target)]);
    case 'network':
      return call('cidr', text, literal(test.network));
    case 'number': {
      const isOfUnset = target.absentNumber !== undefined && isTrueOf(test, target.absentNumber);
      const unset = isOfUnset ? [not(there(target))] : [];
      return anyOf([writeNumber(test, target), ...namedOtherwise(test, target), ...unset]);
    }
    case 'exists':
      return test.isThere ? there(target) : not(there(target));
    case 'null':
      return anyOf([not(there(target)), ...(target.thereText === undefined ? [operand(`${text} = null`)] : [])]);
    case 'field':
      return writeComparison(test, target, context);
    case 'list':
      return call('is', text, `$${test.name}`);
  }
}

/** Texts of the log that events have under another name, and that the test is true of; those that are written out are among the texts. */
function namedOtherwise(test: Test, { text, names }: FieldTarget): readonly Written[] {
  if (names === undefined || isOfPlainTexts(test)) return [];
  const others = [...names].filter(([raw]) => isTrueOf(test, raw)).map(([, name]) => literal(name));
  return others.length === 0 ? [] : [call('is', text, ...others)];
}

/** Of a field with few values, texts and regular expressions can be asked. */
function isAnswerable(test: Test, { item, writing }: Context): boolean {
  const made = test.kind === 'regex' ? regexText(test.source, test.flags) : undefined;
  if (test.kind === 'text' || made?.kind === 'text') return true;
  const problem =
    made?.kind === 'refused'
      ? made
      : {
          message: `\`${visible(item.field ?? '')}\` has a few texts as values, and cannot be compared like this`,
          remedy: 'Write the values out.',
        };
  tellOnce(writing, { at: item.at, severity: 'error', message: problem.message, remedy: problem.remedy });
  return false;
}

function tellOnce({ problems }: Writing, problem: SearchProblem): void {
  if (!problems.some(({ at, message }) => at === problem.at && message === problem.message)) problems.push(problem);
}

function writeTexts(test: Test & { kind: 'text' }, target: FieldTarget): Written {
  const { isCased } = test;
  const { text, characters, absent, names } = target;
  const patterns = test.patterns.map((pattern) => {
    const name = names?.get(plainText(pattern) ?? '');
    return name === undefined ? pattern : plainPattern(name);
  });
  const isAbsent = (pattern: Pattern): boolean => absent?.has(plainText(pattern)?.toLowerCase() ?? '*') === true;
  const [first] = patterns.filter(isAbsent);
  const asked = patterns.filter(
    (pattern) => !isAbsent(pattern) && (characters === undefined || mayBeOf(pattern, characters)),
  );
  const plain = isCased ? [] : asked.filter((pattern) => plainText(pattern) !== undefined);
  const others = asked.filter((pattern) => !plain.includes(pattern));
  return anyOf([
    ...(first === undefined ? [] : [not(there(target))]),
    ...(plain.length === 0 ? [] : [call('is', text, ...plain.map((pattern) => literal(plainText(pattern) ?? '')))]),
    ...(others.length === 0
      ? []
      : [call(isCased ? 'glob' : 'like', text, ...others.map((pattern) => literal(globText(pattern))))]),
  ]);
}

function writeRegex(test: Test & { kind: 'regex' }, { text }: FieldTarget, { item, writing }: Context): Written {
  const made = regexText(test.source, test.flags);
  if (made.kind === 'text') return call('matches', text, literal(made.text));
  tellOnce(writing, { at: item.at, severity: 'error', message: made.message, remedy: made.remedy });
  return FALSE;
}

const PICTURES: Readonly<Record<TimePart, string>> = {
  minute: '[m]',
  hour: '[H]',
  day: '[D]',
  week: '[W]',
  month: '[M]',
  year: '[Y]',
};

/** Members that are no numbers, or no times, are passed over. */
function writeNumber({ operator, value, part }: Test & { kind: 'number' }, { text }: FieldTarget): Written {
  if (part !== undefined) {
    const isTime = call('matches', '$', literal('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}')).text;
    const number = `$number($fromMillis($toMillis($), ${literal(PICTURES[part])}))`;
    return operand(`$exists(${text}[${isTime} and ${number} ${operator} ${value}])`);
  }
  const isNumber = call('matches', '$', literal('^-?[0-9]+(\\.[0-9]+)?$')).text;
  return operand(`$exists(${text}[${isNumber} and $number($) ${operator} ${value}])`);
}

/** Two fields of the same event; where one has several values, any of them. */
function writeComparison(
  test: Test & { kind: 'field' },
  target: FieldTarget,
  { item, sort, writing }: Context,
): Written {
  const other = targetOf(test.other, sort);
  if (other === undefined || other === 'type' || other.kind === 'never') return FALSE;
  if (other.kind !== 'field') {
    const message = `\`${visible(test.other)}\` is in one of several fields and cannot be compared with another`;
    writing.problems.push({ at: item.at, severity: 'error', message, remedy: 'Compare fields by their names in ECS.' });
    return FALSE;
  }
  if (other.name !== undefined) writing.fields.add(other.name);
  const compared = (of: string): string => (test.isCased ? `${of}.$string($)` : `${of}.$lowercase($string($))`);
  const found: Readonly<Record<Place, string>> = {
    whole: '$ = $other',
    start: '$startswith($, $other)',
    end: '$endswith($, $other)',
    anywhere: '$contains($, $other)',
  };
  const inner = `($one := $; $exists($others[($other := $; $exists($one[${found[test.place]}]))]))`;
  return operand(`($others := ${compared(other.text)}; $exists(${compared(target.text)}[${inner}]))`);
}
