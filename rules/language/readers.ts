// Small readers that turn a YAML tree into typed values. Each tells what is wrong, at its place, and goes on, so that one
// reading finds every mistake. A reader answers undefined exactly when it has reported.

import { parseDuration } from '../../event/duration.ts';
import { nearest } from '../../event/nearest-name.ts';
import { type Diagnostic, visible } from '../diagnostic.ts';
import { diagnosticAt, type Problem, type SourceText } from './source-text.ts';
import type { YamlNode } from './yaml-tree.ts';

export interface Reading {
  readonly source: SourceText;
  readonly diagnostics: Diagnostic[];
}

/** What a value may be, in the words of JSON Schema: the schema for editors is made of these. */
export type Shape = Readonly<Record<string, unknown>>;

export interface Reader<T> {
  (node: YamlNode, reading: Reading): T | undefined;
  /** Every reader of the language has one; those that tests make need none. */
  readonly shape?: Shape;
}

/** A reader with its shape. */
export function shaped<T>(shape: Shape, read: (node: YamlNode, reading: Reading) => T | undefined): Reader<T> {
  return Object.assign(read, { shape });
}

/** A value that remembers where it stands. */
export interface Placed<T> {
  readonly value: T;
  readonly node: YamlNode;
}

export function report(reading: Reading, at: number, problem: Problem): undefined {
  reading.diagnostics.push(diagnosticAt(reading.source, at, problem));
  return undefined;
}

/** Text of 1 to `lengthMax` characters. */
export function text(lengthMax: number): Reader<string> {
  return shaped({ type: 'string', pattern: '\\S', maxLength: lengthMax }, (node, reading) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') {
      const remedy = node.kind === 'scalar' && node.value !== null ? 'Put it in quotes.' : 'Write one text here.';
      return report(reading, node.at, wrongType('text', node, remedy));
    }
    if (node.value.trim() === '') {
      return report(reading, node.at, {
        code: 'rule/empty',
        message: 'the text is empty',
        remedy: 'Fill it in or leave the key out.',
      });
    }
    if (node.value.length > lengthMax) {
      const message = `longer than ${lengthMax} characters`;
      return report(reading, node.at, { code: 'rule/too-long', message, remedy: 'Shorten it.' });
    }
    return node.value;
  });
}

/** Text that fits a pattern. `what` completes "this is not …". */
export function pattern(expression: RegExp, what: string, remedy: string): Reader<string> {
  const readText = text(2_000);
  return shaped({ type: 'string', pattern: expression.source }, (node, reading) => {
    const value = readText(node, reading);
    if (value === undefined || expression.test(value)) return value;
    return report(reading, node.at, {
      code: 'rule/wrong-value',
      message: `\`${visible(value)}\` is not ${what}`,
      remedy,
    });
  });
}

export function oneOf<T extends string>(values: readonly T[]): Reader<T> {
  return shaped({ enum: values }, (node, reading) => {
    const found = node.kind === 'scalar' ? values.find((value) => value === node.value) : undefined;
    if (found !== undefined) return found;
    const given = node.kind === 'scalar' ? visible(String(node.value)) : node.kind;
    const guess = nearest(given, values);
    const remedy =
      guess === undefined ? `Use one of: ${values.join(', ')}.` : `Did you mean \`${guess}\`? (${values.join(', ')})`;
    return report(reading, node.at, { code: 'rule/wrong-value', message: `\`${given}\` is not allowed here`, remedy });
  });
}

export function integer(least: number, greatest: number): Reader<number> {
  return shaped({ type: 'integer', minimum: least, maximum: greatest }, (node, reading) => {
    const value = node.kind === 'scalar' ? node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value;
    const remedy = `Write a whole number from ${least} to ${greatest}.`;
    if (typeof value !== 'number') return report(reading, node.at, wrongType('a whole number', node, remedy));
    return report(reading, node.at, { code: 'rule/wrong-value', message: `\`${value}\` is not allowed here`, remedy });
  });
}

const DURATION_PATTERN = '^[0-9]{1,9}(ms|s|m|h|d|w)$';
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,12}(Z|[+-][0-9]{2}:[0-9]{2}))?$/;

/** A duration of at least a second, in milliseconds. */
export function duration(greatestMs: number): Reader<number> {
  return shaped({ type: 'string', pattern: DURATION_PATTERN }, (node, reading) => {
    const value = node.kind === 'scalar' && typeof node.value === 'string' ? parseDuration(node.value) : undefined;
    if (value !== undefined && value >= 1_000 && value <= greatestMs) return value;
    const given = node.kind === 'scalar' ? `\`${visible(String(node.value))}\`` : 'this';
    const message = value === undefined ? `${given} is not a duration` : `${given} is out of bounds`;
    const remedy = `Write a whole number and a unit, such as 30s, 5m, 1h, 7d; 1s to ${greatestMs / 86_400_000}d.`;
    return report(reading, node.at, { code: 'rule/wrong-duration', message, remedy });
  });
}

/** A day (`2027-03-01`, from its start in UTC) or a time in ISO 8601, in epoch milliseconds. */
export const date: Reader<number> = shaped({ type: 'string', pattern: DATE.source }, (node, reading) => {
  const value = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
  if (DATE.test(value)) {
    const ms = Date.parse(value);
    const isRealDay =
      !Number.isNaN(ms) && new Date(`${value.slice(0, 10)}T00:00:00Z`).toISOString().startsWith(value.slice(0, 10));
    if (isRealDay) return ms;
  }
  const given = node.kind === 'scalar' ? `\`${visible(String(node.value))}\`` : 'this';
  const remedy = 'Write a day such as 2027-03-01, or a time such as 2027-03-01T12:00:00Z.';
  return report(reading, node.at, { code: 'rule/wrong-date', message: `${given} is not a date`, remedy });
});

/** The value together with its place. */
export function placed<T>(reader: Reader<T>): Reader<Placed<T>> {
  return shaped(reader.shape ?? {}, (node, reading) => {
    const value = reader(node, reading);
    return value === undefined ? undefined : { value, node };
  });
}

/** A list; a lone value is not one. Members that are wrong are reported, and the list is then undefined. */
export function listOf<T>(reader: Reader<T>, countMax: number): Reader<readonly T[]> {
  return shaped({ type: 'array', items: reader.shape ?? {}, maxItems: countMax }, (node, reading) => {
    if (node.kind !== 'list')
      return report(reading, node.at, wrongType('a list', node, 'Write [a, b] or one `- …` a line.'));
    if (node.items.length > countMax) {
      return report(reading, node.at, {
        code: 'rule/too-many',
        message: `more than ${countMax} entries`,
        remedy: 'Use fewer.',
      });
    }
    const values = node.items.map((item) => reader(item, reading));
    return values.every((value) => value !== undefined) ? values : undefined;
  });
}

export interface MapShape<S> {
  /** What the map is, for messages: `a rule`. */
  readonly what: string;
  readonly readers: { readonly [K in keyof S]: Reader<S[K]> };
  readonly required: readonly (keyof S & string)[];
}

/** The shape of a map: strict, as the reader is. */
export function shapeOfMap<S>({ readers, required }: MapShape<S>): Shape {
  const entries = Object.entries<Reader<unknown>>(readers).map(([key, reader]) => [key, reader.shape ?? {}]);
  return { type: 'object', properties: Object.fromEntries(entries), required, additionalProperties: false };
}

/** A reader of a map with known keys; `finish` makes the value of what could be read. */
export function mapOf<S, T>(
  shape: MapShape<S>,
  finish: (
    read: { readonly values: Partial<S>; readonly isComplete: boolean },
    at: { readonly node: YamlNode; readonly reading: Reading },
  ) => T | undefined,
): Reader<T> {
  return shaped(shapeOfMap(shape), (node, reading) => finish(readMap(node, shape, reading), { node, reading }));
}

/** A map with known keys. Unknown ones are errors with a suggestion. Answers what could be read; check `isComplete`. */
export function readMap<S>(
  node: YamlNode,
  shape: MapShape<S>,
  reading: Reading,
): { readonly values: Partial<S>; readonly isComplete: boolean } {
  const before = reading.diagnostics.length;
  const values: Partial<S> = {};
  if (node.kind !== 'map') {
    const keys = Object.keys(shape.readers);
    const [wanted, which] = shape.what.startsWith('`')
      ? ['keys with values', `; its keys are ${keys.join(', ')}`]
      : [shape.what, ''];
    report(reading, node.at, wrongType(wanted, node, `Write ${shape.what} as \`key: value\` lines${which}.`));
    return { values, isComplete: false };
  }
  const known = Object.keys(shape.readers);
  for (const { key, keyAt, value } of node.entries) {
    if (Object.hasOwn(shape.readers, key)) {
      const name = key as keyof S;
      const read = shape.readers[name](value, reading);
      if (read !== undefined) values[name] = read;
    } else {
      const guess = nearest(key, known);
      const remedy = guess === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean \`${guess}\`?`;
      report(reading, keyAt, { code: 'rule/unknown-key', message: `unknown key \`${visible(key)}\``, remedy });
    }
  }
  for (const name of shape.required) {
    if (node.entries.some((entry) => entry.key === name)) continue;
    report(reading, node.at, {
      code: 'rule/missing-key',
      message: `${shape.what} needs \`${name}\``,
      remedy: `Add \`${name}: …\`.`,
    });
  }
  return { values, isComplete: reading.diagnostics.length === before };
}

/** A YAML tree as a plain value: text, numbers, lists, objects without a prototype's names in them. */
export function plainValue(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainValue);
  const object: Record<string, unknown> = {};
  for (const { key, value } of node.entries) {
    Object.defineProperty(object, key, {
      value: plainValue(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function wrongType(wanted: string, node: YamlNode, remedy: string): Problem {
  const given =
    node.kind === 'scalar' ? (node.value === null ? 'nothing' : `a ${typeof node.value}`) : `a ${node.kind}`;
  return {
    code: 'rule/wrong-type',
    message: `this must be ${wanted}, not ${given.replace('a string', 'a text')}`,
    remedy,
  };
}
