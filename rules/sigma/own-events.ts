// Events that a Sigma rule asks for, made of its own searches, and beside each the same with one value changed: for the tests of an imported
// rule. They are proposals: whoever takes one asks the rule itself first. What cannot be made up (regular expressions) makes none.
import { fieldNamed } from '../../event/catalogue.ts';
import type { ExampleEvents, PlainValue } from '../foreign/foreign-rule.ts';
import { othersOf } from '../foreign/other-values.ts';
import type { LogSource } from './log-source.ts';
import type { Pattern } from './pattern.ts';
import type { Search, Test } from './search.ts';
import type { FieldTarget, Sort, Target } from './target.ts';

/** What an event of some log source has at least. */
const SEEDS: readonly Readonly<Record<string, PlainValue>>[] = [
  { 'event.action': 'executed' },
  { 'event.action': 'opened-file', 'event.category': ['file'], 'event.type': ['creation'] },
  { 'event.action': 'connected-to', 'destination.ip': '203.0.113.7' },
  { 'event.action': 'deleted' },
  { 'event.action': 'renamed' },
  { 'event.action': 'opened-file' },
  { 'auditd.data.syscall': 'openat' },
  { 'event.module': 'auditd' },
  {},
];
/** Which of several alternatives is taken; each way is tried. */
const WAYS = 6;
/** A field of more values is not worth an example. */
const TEXT_LENGTH_MAX = 1_000;

/** Values by field, flat. */
type Values = Map<string, PlainValue>;

export function* ownEvents(search: Search, logSource: LogSource): ExampleEvents {
  for (const sort of logSource.sorts(search)) {
    for (let way = 0; way < WAYS; way += 1) {
      const values = valuesOf(search, { sort, way, keywords: logSource.keywords });
      if (values === undefined) continue;
      const leading = sort.type === undefined ? {} : { 'auditd.message_type': sort.type };
      for (const seed of [...SEEDS, leading]) {
        const event = { ...seed, ...Object.fromEntries(values) };
        yield { event, others: othersOf(event, [...values.keys()]) };
      }
    }
  }
}

interface Making {
  readonly sort: Sort;
  readonly way: number;
  readonly keywords: readonly FieldTarget[];
}

interface Asked {
  readonly target: FieldTarget;
  readonly tests: Test[];
}

/** Undefined where something that is needed cannot be made up. */
function valuesOf(search: Search, making: Making): Values | undefined {
  const asked = new Map<string, Asked>();
  if (!gather(search, making, asked)) return undefined;
  const values: Values = new Map();
  for (const { target, tests } of asked.values()) {
    const value = valueFor(target, tests, making.way);
    if (value === undefined || !put(values, target, value, making.sort)) return undefined;
  }
  return values;
}

/** What is left out by a `not` is left out. */
function gather(search: Search, making: Making, asked: Map<string, Asked>): boolean {
  switch (search.kind) {
    case 'not':
      return true;
    case 'and':
      return search.of.every((part) => gather(part, making, asked));
    case 'or': {
      const part = search.of[making.way % search.of.length];
      return part !== undefined && gather(part, making, asked);
    }
    case 'item': {
      const { field, test } = search;
      if (field === 'type' && making.sort.type !== undefined) return true;
      const target = field === undefined ? making.keywords[0] : fieldTarget(making.sort.target(field));
      if (test.kind === 'null' || (test.kind === 'exists' && !test.isThere)) return true;
      if (target === undefined) return false;
      const key = `${target.name} ${target.text}`;
      asked.set(key, { target, tests: [...(asked.get(key)?.tests ?? []), test] });
      return true;
    }
  }
}

function fieldTarget(target: Target | undefined): FieldTarget | undefined {
  switch (target?.kind) {
    case 'field':
      return target;
    case 'else':
      return target.first;
    case 'some':
      return target.of[0];
    default:
      return undefined;
  }
}

function valueFor({ values, names, text: path }: FieldTarget, tests: readonly Test[], way: number): string | undefined {
  const [first] = tests;
  if (first === undefined) return undefined;
  const text =
    first.kind === 'text' || first.kind === 'list'
      ? textFor(tests, { way, between: isOfWords(path) ? ' ' : '' })
      : other(first);
  if (text === undefined || text.length > TEXT_LENGTH_MAX || path === '') return undefined;
  return values?.get(text.toLowerCase()) ?? names?.get(text) ?? text;
}

function isOfWords(path: string): boolean {
  return path.startsWith('$join(') || path === 'message' || path === 'event.original';
}

function other(test: Test): string | undefined {
  switch (test.kind) {
    case 'exists':
      return '1';
    case 'network':
      return test.network.replace(/\/.*$/, '');
    case 'number':
      return test.part === undefined
        ? String(test.value + { '<': -1, '<=': 0, '>': 1, '>=': 0, '=': 0 }[test.operator])
        : undefined;
    default:
      return undefined;
  }
}

/** One text for all that is asked of the field: what is to begin it, what is to be in it, what is to end it. */
function textFor(
  tests: readonly Test[],
  { way, between }: { readonly way: number; readonly between: string },
): string | undefined {
  const patterns = tests.map((test): Pattern | undefined => {
    const text = test.kind === 'list' ? test.values[way % test.values.length] : undefined;
    if (text !== undefined) return [{ text }];
    return test.kind === 'text' ? test.patterns[way % test.patterns.length] : undefined;
  });
  if (patterns.includes(undefined)) return undefined;
  const known = patterns.filter((pattern) => pattern !== undefined);
  const begins = (pattern: Pattern): boolean => pattern[0] !== 'any';
  const ends = (pattern: Pattern): boolean => pattern.at(-1) !== 'any';
  const whole = known.find((pattern) => begins(pattern) && ends(pattern));
  if (whole !== undefined) return written(whole);
  const parts = [
    ...known.filter(begins),
    ...known.filter((pattern) => !begins(pattern) && !ends(pattern)),
    ...known.filter(ends),
  ].map(written);
  return between === '' ? parts.join('') : parts.join(between).replace(/ {2,}/g, ' ');
}

function written(pattern: Pattern): string {
  return pattern.map((token) => (token === 'any' ? '' : token === 'one' ? 'x' : token.text)).join('');
}

/** Where the value stands in an event. */
function put(values: Values, { name, text: path }: FieldTarget, value: string, { members }: Sort): boolean {
  if (name === undefined) return false;
  // A space at either end is one between arguments.
  if (path.startsWith('$join('))
    return set(values, name, value.replace(/^ +/, 'program ').replace(/ +$/, ' argument').split(' '));
  const index = /\[([0-9]+)\]$/.exec(path)?.[1];
  if (index !== undefined) {
    const before = values.get(name);
    const all: PlainValue[] = Array.isArray(before) ? [...before] : [];
    while (all.length < Number(index) && all.length < 64) all.push('x');
    all[Number(index)] = value;
    return all.length <= 64 && set(values, name, all);
  }
  if (members !== undefined && name === `${members}.${path}`) {
    const before = values.get(members);
    const [first] = Array.isArray(before) ? before : [];
    return set(values, members, [{ ...(first as Record<string, PlainValue> | undefined), [path]: value }]);
  }
  const field = fieldNamed(name);
  if (field?.type === 'long' && Number.isFinite(Number(value))) return set(values, name, Number(value));
  return set(values, name, field?.isArray === true ? [value] : value);
}

function set(values: Values, name: string, value: PlainValue): true {
  values.set(name, value);
  return true;
}
