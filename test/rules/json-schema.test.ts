// The schema that editors get: a real validator takes every shipped rule and list by it, and what the reader refuses it refuses; every
// key of the readers is in it, with a word about it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { keysOfSchema, listJsonSchema, macroJsonSchema, ruleJsonSchema } from '../../rules/language/json-schema.ts';
import type { Shape } from '../../rules/language/readers.ts';
import { RULE } from '../../rules/language/rule-keys.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { SHIPPED_RULES } from '../../rules/rule-folders.ts';

const ajv = new Ajv2020({ allErrors: true, strictTypes: false });
const isRule = ajv.compile(ruleJsonSchema());
const isList = ajv.compile(listJsonSchema());

function documentsIn(folder: string): readonly (readonly [string, unknown])[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) =>
      [...parseAllDocuments(readFileSync(join(folder, name), 'utf8'))].map(
        (document, index) => [`${name} ${index}`, document.toJS()] as const,
      ),
    );
}

const GOOD = { id: 'good', name: 'Good', severity: 'high', match: 'process.name = "nc"' };

describe('the schema of rules', () => {
  it.each(documentsIn(SHIPPED_RULES.path))('takes the shipped rule %s', (_name, document) => {
    isRule(document);
    expect(isRule.errors).toBeNull();
  });

  it.each([
    ['an unknown key', { ...GOOD, sevrity: 'high' }],
    ['a missing key', { id: 'good', name: 'Good', severity: 'high' }],
    ['an unknown severity', { ...GOOD, severity: 'hgih' }],
    ['a risk out of bounds', { ...GOOD, risk: 101 }],
    ['a duration in words', { ...GOOD, alert: { suppress: { for: '5 minutes' } } }],
    ['an id with a blank', { ...GOOD, id: 'not good' }],
    ['no list', { ...GOOD, tags: 'web' }],
    ['a script as a link', { ...GOOD, references: ['javascript:alert(1)'] }],
    ['no field', { ...GOOD, by: ['host id'] }],
    ['an empty text', { ...GOOD, description: ' ' }],
    ['a day that is none', { ...GOOD, except: [{ match: 'true', expires: 'tomorrow' }] }],
    ['a test without a name', { ...GOOD, tests: [{ events: [], alerts: 0 }] }],
    ['an unknown key deep within', { ...GOOD, alert: { suppress: { for: '1h', until: '2h' } } }],
  ])('refuses %s, as the reader does', (_name, document) => {
    expect(isRule(document)).toBe(false);
    expect(readRuleText('good.yaml', JSON.stringify(document), new Map()).rules).toEqual([]);
  });

  it.each([
    'threshold: { count: 5, within: 5m, mode: restart }',
    'distinct: { field: destination.ip, above: 20, within: 1h }',
    'new_value: { fields: [process.executable], learn: 30d }',
    'change: { fields: [user.effective.name], within: 1h, missing: value }',
    'spike: { p95: network.bytes, factor: 3, within: 1h, direction: both, at_least: 20 }',
    'absence: { fewer_than: 1, within: 10m }',
    'ratio: { of: event.outcome = "failure", above: 0.2, at_least: 50, within: 10m }',
    'metric: { avg: network.bytes, above: 1e6, within: 5m }',
    'sequence: { within: 1m, steps: [{ match: a = 1 }, { absent: b = 2 }, { match: c = 3, by: [host.id] }], until: d = 4 }',
  ])('takes what the reader takes: %s', (words) => {
    const text = `id: good\nname: Good\nseverity: high\nmatch: process.name = "nc"\nby: [host.id]\nlateness: 20s\n${words}\n`;
    expect(readRuleText('good.yaml', text, new Map()).rules).toHaveLength(1);
    isRule(parse(text));
    expect(isRule.errors).toBeNull();
  });

  it.each([
    'threshold: { count: 5 }',
    'threshold: { count: 0, within: 5m }',
    'spike: { factor: 3, within: 1h, direction: sideways }',
    'sequence: { within: 1m }',
    'absence: { fewer_than: 1, within: soon }',
    'metric: { avg: network bytes, above: 1, within: 5m }',
  ])('refuses what the reader refuses: %s', (words) => {
    const text = `id: good\nname: Good\nseverity: high\nmatch: process.name = "nc"\n${words}\n`;
    expect(readRuleText('good.yaml', text, new Map()).rules).toEqual([]);
    expect(isRule(parse(text))).toBe(false);
  });

  it('takes fields that the catalogue does not have', () => {
    expect(isRule({ ...GOOD, by: ['host.id', 'winlog.event_id'] })).toBe(true);
  });

  it('has every key that a reader has, and a word about each', () => {
    const keys = keysOfSchema(ruleJsonSchema());
    for (const key of Object.keys(RULE.readers)) expect(keys).toContain(key);
    expect(keys).toEqual(expect.arrayContaining(['alert.suppress.grow', 'except.expires', 'tests.events']));
    expect(undescribed(ruleJsonSchema())).toEqual([]);
    expect(undescribed(listJsonSchema())).toEqual([]);
    expect(undescribed(macroJsonSchema())).toEqual([]);
  });

  it('says a shape for every key', () => {
    expect(shapeless(ruleJsonSchema(), '')).toEqual([]);
    expect(shapeless(listJsonSchema(), '')).toEqual([]);
  });
});

describe('the schema of macros', () => {
  it('takes a macro, and no more', () => {
    const isMacro = ajv.compile(macroJsonSchema());
    const macro = { name: 'm', owner: 'us', reason: 'why', expression: 'a = 1' };
    expect(isMacro(macro)).toBe(true);
    expect(isMacro({ ...macro, values: [] })).toBe(false);
  });
});

describe('the schema of lists', () => {
  it.each(documentsIn(join(SHIPPED_RULES.path, 'lists')))('takes the shipped list %s', (_name, document) => {
    isList(document);
    expect(isList.errors).toBeNull();
  });

  it('refuses what is no list', () => {
    expect(isList({ name: 'a', owner: 'me', reason: 'why', values: [null] })).toBe(false);
  });
});

function propertiesOf(schema: Shape): readonly (readonly [string, Shape])[] {
  const inner = [schema, schema['items'] ?? {}, ...((schema['anyOf'] ?? schema['oneOf'] ?? []) as readonly Shape[])];
  return inner.flatMap((shape) => Object.entries(((shape as Shape)['properties'] ?? {}) as Record<string, Shape>));
}

function undescribed(schema: Shape): readonly string[] {
  return propertiesOf(schema).flatMap(([key, shape]) => [
    ...(typeof shape['description'] === 'string' ? [] : [key]),
    ...undescribed(shape).map((inner) => `${key}.${inner}`),
  ]);
}

function shapeless(schema: Shape, path: string): readonly string[] {
  return propertiesOf(schema).flatMap(([key, shape]) => {
    const says = ['type', 'enum', '$ref', 'anyOf', 'oneOf', 'const'].some((word) => word in shape);
    return [...(says ? [] : [`${path}${key}`]), ...shapeless(shape, `${path}${key}.`)];
  });
}
