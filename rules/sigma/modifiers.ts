// One line of a Sigma detection, `field|modifier|…: values`, as tests. Each value goes through the modifiers in their order; a value
// or a modifier that cannot be said is told at its place. Longer than others: the modifiers of one line
// depend on one another.

import { nearest } from '../../event/nearest-name.ts';
import { visible } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import { type Reading, report } from '../language/readers.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { base64AtAnyOffset, plainBytes, type Utf16, utf16Bytes, withAllDashes } from './encodings.ts';
import { joinedPattern, type Pattern, type Place, placedAt, plainPattern, readPattern } from './pattern.ts';
import { type Search, searchOf, type Test, type TimePart } from './search.ts';

/** What reading detections needs beside the text. */
export interface SigmaReading extends Reading {
  /** What `%name%` stands for with the modifier `expand`. */
  readonly lists: Lists;
  /** How many patterns were made so far: a few bytes of a file may ask for thousands. */
  patterns?: number;
}

/** No expression is long enough for more patterns. */
const PATTERNS_MAX = 10_000;

const PLACES: Readonly<Record<string, Place>> = { contains: 'anywhere', startswith: 'start', endswith: 'end' };
const OPERATORS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;
const TIME_PARTS: ReadonlySet<string> = new Set(['minute', 'hour', 'day', 'week', 'month', 'year']);
const UTF16: ReadonlySet<string> = new Set(['utf16', 'utf16le', 'utf16be', 'wide']);
const KNOWN: readonly string[] = [
  ...['all', 'contains', 'startswith', 'endswith', 'exists', 'cased', 'neq', 're', 'i', 'm', 's'],
  ...['base64', 'base64offset', ...UTF16, 'windash', 'lt', 'lte', 'gt', 'gte', ...TIME_PARTS],
  ...['cidr', 'expand', 'fieldref'],
];
/** Each says what a value is; a line has one of them at most. */
const MEANINGS: readonly string[] = ['re', 'cidr', 'exists', 'fieldref', 'lt', 'lte', 'gt', 'gte'];
/** What goes with each meaning beside `all` and `neq`; what is not here goes with texts and with anything in this list. */
const WITH: Readonly<Record<string, readonly string[]>> = {
  re: ['i', 'm', 's'],
  cidr: ['expand'],
  exists: [],
  fieldref: ['contains', 'startswith', 'endswith', 'cased'],
  ...Object.fromEntries(Object.keys(OPERATORS).map((name) => [name, [...TIME_PARTS]])),
};

export interface DetectionLine {
  /** Undefined: keywords. */
  readonly field: string | undefined;
  readonly modifiers: readonly string[];
  readonly at: number;
}

/** The field and the modifiers of a line; undefined where they do not go together (which is told). */
export function lineOf(key: string, at: number, reading: Reading): DetectionLine | undefined {
  const [field = '', ...modifiers] = key.split('|');
  for (const modifier of modifiers) {
    if (KNOWN.includes(modifier)) continue;
    const guess = nearest(modifier, KNOWN);
    const remedy = guess === undefined ? `Known are: ${KNOWN.join(', ')}.` : `Did you mean \`${guess}\`?`;
    return report(reading, at, {
      code: 'sigma/modifier',
      message: `unknown modifier \`${visible(modifier)}\``,
      remedy,
    });
  }
  const [meaning, second] = MEANINGS.filter((name) => modifiers.includes(name));
  const allowed = meaning === undefined ? undefined : [meaning, 'all', 'neq', ...(WITH[meaning] ?? [])];
  const wrong =
    second ?? modifiers.find((name) => (allowed === undefined ? 'ims'.includes(name) : !allowed.includes(name)));
  if (wrong !== undefined) {
    const message = `\`${wrong}\` does not go with ${meaning === undefined ? 'these modifiers' : `\`${meaning}\``}`;
    return report(reading, at, { code: 'sigma/modifier', message, remedy: 'Leave one of them out.' });
  }
  return { field: field === '' ? undefined : field, modifiers, at };
}

/** What the line asks; undefined where a value cannot be said (which is told). */
export function readLine(line: DetectionLine, value: YamlNode, reading: SigmaReading): Search | undefined {
  const { modifiers, at } = line;
  const nodes = value.kind === 'list' ? value.items : [value];
  if (nodes.length === 0) {
    return report(reading, value.at, {
      code: 'sigma/value',
      message: 'there is no value',
      remedy: 'Write at least one.',
    });
  }
  const tests: Test[] = [];
  let isWhole = true;
  for (const node of nodes) {
    const test = readValue(line, node, reading);
    if (test === undefined) isWhole = false;
    else tests.push(test);
    reading.patterns = (reading.patterns ?? 0) + (test?.kind === 'text' ? test.patterns.length : 1);
    if (reading.patterns <= PATTERNS_MAX) continue;
    return report(reading, node.at, {
      code: 'sigma/value',
      message: `more than ${PATTERNS_MAX} values, with all the ways in which they may be written`,
      remedy: 'Split the rule, or use a list with `expand`.',
    });
  }
  if (!isWhole) return undefined;
  const hasAll = modifiers.includes('all');
  const item = (test: Test): Search => ({ kind: 'item', field: line.field, test, at });
  const search = searchOf(hasAll ? 'and' : 'or', (hasAll ? tests : together(tests)).map(item));
  return modifiers.includes('neq') ? { kind: 'not', of: search } : search;
}

/** Texts that are alternatives are one test. */
function together(tests: readonly Test[]): readonly Test[] {
  const texts = tests.filter((test) => test.kind === 'text');
  const [first] = texts;
  if (first === undefined || texts.length < 2) return tests;
  const patterns = texts.flatMap((test) => test.patterns);
  return [{ ...first, patterns }, ...tests.filter((test) => test.kind !== 'text')];
}

function readValue(line: DetectionLine, node: YamlNode, reading: SigmaReading): Test | undefined {
  const { modifiers } = line;
  if (node.kind !== 'scalar') {
    return report(reading, node.at, {
      code: 'sigma/value',
      message: `a ${node.kind} is no value`,
      remedy: 'Write a text, a number or null.',
    });
  }
  const meaning = MEANINGS.find((name) => modifiers.includes(name));
  if (node.value === null && meaning === undefined) {
    if (line.field !== undefined) return { kind: 'null' };
    return report(reading, node.at, { code: 'sigma/value', message: 'null is no keyword', remedy: 'Write a text.' });
  }
  switch (meaning) {
    case undefined:
      return modifiers.some((name) => TIME_PARTS.has(name))
        ? readNumber(line, node, '=', reading)
        : readText(line, node, reading);
    case 're':
      return {
        kind: 'regex',
        source: textOf(node, reading),
        flags: modifiers.filter((name) => 'ims'.includes(name)).join(''),
      };
    case 'cidr':
      return readNetwork(line, node, reading);
    case 'exists':
      return readExists(node, reading);
    case 'fieldref': {
      const place = placeOf(modifiers);
      return { kind: 'field', other: textOf(node, reading), place, isCased: modifiers.includes('cased') };
    }
    default:
      return readNumber(line, node, OPERATORS[meaning as keyof typeof OPERATORS], reading);
  }
}

type Scalar = YamlNode & { readonly kind: 'scalar' };

/** A number with zeros before it is taken as it is written. */
function textOf(node: Scalar, { source }: Reading): string {
  if (typeof node.value === 'string') return node.value;
  const written = source.text.slice(node.at, node.end);
  return typeof node.value === 'number' && /^-?[0-9]+$/.test(written) ? written : String(node.value);
}

function placeOf(modifiers: readonly string[]): Place {
  const places = modifiers.flatMap((name) => PLACES[name] ?? []);
  if (places.length < 2) return places[0] ?? 'whole';
  return 'anywhere';
}

function readNumber(
  { modifiers }: DetectionLine,
  node: Scalar,
  operator: (Test & { kind: 'number' })['operator'],
  reading: Reading,
): Test | undefined {
  const value = typeof node.value === 'string' && node.value.trim() !== '' ? Number(node.value) : node.value;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    const message = `\`${visible(String(node.value))}\` is no number`;
    return report(reading, node.at, { code: 'sigma/value', message, remedy: 'This modifier compares numbers.' });
  }
  const part = modifiers.find((name) => TIME_PARTS.has(name)) as TimePart | undefined;
  return { kind: 'number', operator, value, ...(part === undefined ? {} : { part }) };
}

function readExists(node: Scalar, reading: Reading): Test | undefined {
  const { value } = node;
  const isThere = value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined;
  if (isThere !== undefined) return { kind: 'exists', isThere };
  const message = `\`${visible(String(value))}\` is neither true nor false`;
  return report(reading, node.at, { code: 'sigma/value', message, remedy: 'Write `exists: true` or `exists: false`.' });
}

function readNetwork(line: DetectionLine, node: Scalar, reading: SigmaReading): Test | undefined {
  const text = textOf(node, reading);
  const name = line.modifiers.includes('expand') ? /^%([^%]+)%$/.exec(text)?.[1] : undefined;
  if (name === undefined) return { kind: 'network', network: text };
  return report(reading, node.at, {
    code: 'sigma/value',
    message: `\`%${visible(name)}%\` cannot be expanded within \`cidr\``,
    remedy: 'Write the networks out.',
  });
}

/** A value on its way through the modifiers. */
type Value = { readonly pattern: Pattern } | { readonly bytes: Buffer };

function readText(line: DetectionLine, node: Scalar, reading: SigmaReading): Test | undefined {
  const { modifiers } = line;
  const text = textOf(node, reading);
  const isCased = modifiers.includes('cased');
  const asked = placeOf(modifiers);
  // A keyword stands anywhere in the log.
  const place = line.field === undefined && asked === 'whole' ? 'anywhere' : asked;
  const list = line.field !== undefined && modifiers.includes('expand') ? /^%([^%]+)%$/.exec(text)?.[1] : undefined;
  const isPlain = modifiers.every((name) => name === 'expand' || name === 'all' || name === 'neq');
  if (list !== undefined && isPlain) {
    const name = listNamed(list, reading);
    return name === undefined
      ? refuseList(list, node, reading)
      : { kind: 'list', name, values: valuesOf(name, reading) };
  }
  let values: readonly Value[] = [{ pattern: readPattern(text) }];
  for (const modifier of modifiers) {
    const next = step(modifier, values, { node, reading });
    if (next === undefined) return undefined;
    values = next;
  }
  const patterns = values.map((value) => ('pattern' in value ? value.pattern : undefined));
  if (!patterns.every((pattern) => pattern !== undefined)) {
    return report(reading, node.at, {
      code: 'sigma/modifier',
      message: 'UTF-16 without Base64: events hold text, not bytes',
      remedy: 'Write `base64` or `base64offset` behind it.',
    });
  }
  return { kind: 'text', patterns: patterns.map((pattern) => placedAt(pattern, place)), isCased };
}

interface At {
  readonly node: Scalar;
  readonly reading: SigmaReading;
}

function step(modifier: string, values: readonly Value[], at: At): readonly Value[] | undefined {
  if (UTF16.has(modifier) || modifier === 'base64' || modifier === 'base64offset') return encode(modifier, values, at);
  if (modifier === 'windash') {
    const all = values.map((value) => ('pattern' in value ? withAllDashes(value.pattern) : undefined));
    if (all.every((variants) => variants !== undefined)) return all.flat().map((pattern) => ({ pattern }));
    return report(at.reading, at.node.at, {
      code: 'sigma/value',
      message: 'too many dashes: each may be written in five ways',
      remedy: 'Split the value, with `contains|all`.',
    });
  }
  return modifier === 'expand' ? expand(values, at) : values;
}

function encode(modifier: string, values: readonly Value[], { node, reading }: At): readonly Value[] | undefined {
  const all = values.map((value) => ('bytes' in value ? value.bytes : plainBytes(value.pattern)));
  const isUtf16 = UTF16.has(modifier);
  if (!all.every((bytes) => bytes !== undefined) || (isUtf16 && values.some((value) => 'bytes' in value))) {
    const message = isUtf16 ? 'a value is UTF-16 once at most, and has no wildcards' : 'wildcards have no Base64';
    return report(reading, node.at, { code: 'sigma/value', message, remedy: 'Escape `*` and `?` with a backslash.' });
  }
  if (isUtf16) return all.map((bytes) => ({ bytes: utf16Bytes(bytes.toString('utf8'), modifier as Utf16) }));
  const encoded = modifier === 'base64' ? all.map((bytes) => bytes.toString('base64')) : all.flatMap(base64AtAnyOffset);
  return encoded.map((of) => ({ pattern: plainPattern(of) }));
}

/** Values that an expansion may become. */
const EXPANDED_MAX = 10_000;

/** `%name%` within a text: each value of the list, as it is; wildcards in it mean nothing. Of several, each with each. */
function expand(values: readonly Value[], { node, reading }: At): readonly Value[] | undefined {
  const expanded: Value[] = [];
  for (const value of values) {
    let variants: readonly Pattern[] = [[]];
    for (const part of 'pattern' in value ? partsOf(value.pattern) : []) {
      const name = typeof part === 'string' ? undefined : part.name;
      const list = name === undefined ? undefined : listNamed(name, reading);
      if (name !== undefined && list === undefined) return refuseList(name, node, reading);
      const members: readonly Pattern[] =
        typeof part === 'object' && part.name === undefined
          ? [plainPattern(part.text)]
          : list === undefined
            ? [[part as 'any' | 'one']]
            : valuesOf(list, reading).map(plainPattern);
      if (variants.length * members.length + expanded.length > EXPANDED_MAX) return refuseCount(node, reading, 'many');
      variants = variants.flatMap((before) => members.map((member) => joinedPattern(before, member)));
    }
    expanded.push(...('pattern' in value ? variants.map((pattern) => ({ pattern })) : [value]));
  }
  return expanded.length === 0 ? refuseCount(node, reading, 'none') : expanded;
}

type Part = 'any' | 'one' | { readonly text: string; readonly name?: string };

/** Literal runs cut where a placeholder stands. */
function partsOf(pattern: Pattern): readonly Part[] {
  return pattern.flatMap((token): readonly Part[] => {
    if (typeof token === 'string') return [token];
    const pieces = token.text.split(/%([^%]+)%/);
    return pieces.map((text, at) => (at % 2 === 1 ? { text, name: text } : { text }));
  });
}

function refuseCount(node: Scalar, reading: SigmaReading, how: 'none' | 'many'): undefined {
  return report(reading, node.at, {
    code: 'sigma/value',
    message: how === 'none' ? 'the list is empty' : `more than ${EXPANDED_MAX} values`,
    remedy: 'Fill the list, or use a smaller one.',
  });
}

function valuesOf(list: string, { lists }: SigmaReading): readonly string[] {
  return [...(lists.get(list) ?? [])].map(String);
}

function listNamed(name: string, { lists }: SigmaReading): string | undefined {
  return [name, name.toLowerCase()].find((one) => lists.has(one));
}

function refuseList(name: string, node: Scalar, reading: SigmaReading): undefined {
  return report(reading, node.at, {
    code: 'sigma/placeholder',
    message: `nothing says what \`%${visible(name)}%\` stands for`,
    remedy: `Make a list of the name \`${visible(name.toLowerCase())}\` in lists/ beside the rules.`,
  });
}
