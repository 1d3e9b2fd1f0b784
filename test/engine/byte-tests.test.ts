import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../engine/candidates.ts';
import { createEngine } from '../../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../../engine/watermark.ts';
import type { EventDocument } from '../../event/document.ts';
import type { Necessary } from '../../rules/necessary.ts';
import { eventOf, ruleWith } from './making.ts';

const TEXTS = [
  'bash',
  'Bash',
  'sh',
  '',
  'a"b',
  'a\\b',
  'a0="bash"',
  '"',
  '\\',
  'b\\as/h\n',
  '\u001d\u007f\b\f\r\t',
  '\u00e9"bash',
  'é',
  '\u212a',
  'x'.repeat(60),
  '1',
  'true',
  '{"a":1}',
  'ash,]}',
];
const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(0, -0, 1, -5, 1.5, 1e21, 1234567e10, 42);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const field = fc.constantFrom('a', 'b', 'a.b', 'a.b.c', '__proto__.a', 'b.a');

const test: fc.Arbitrary<Necessary> = fc.oneof(
  fc.record({
    kind: fc.constant('equals' as const),
    field,
    values: fc.array(scalar, { maxLength: 3 }).map((all) => new Set(all)),
  }),
  fc.record({
    kind: fc.constant('is' as const),
    field,
    texts: fc
      .array(fc.oneof(text, number.map(String)), { maxLength: 3 })
      .map((all) => new Set(all.map((one) => one.toLowerCase()))),
  }),
  fc.record({
    kind: fc.constant('part' as const),
    field,
    part: fc.constantFrom('bas', 'ASH', 'h', 'x'.repeat(40), '4', 'é', '"', '\\', '="b', '\u001d', 'u00'),
    place: fc.constantFrom('anywhere' as const, 'start' as const, 'end' as const),
    isFolded: fc.constant(false),
  }),
  fc.record({
    kind: fc.constant('part' as const),
    field,
    part: fc.constantFrom('bas', 'ASH', 'k', 'x'.repeat(40), '4', '"', '="B', '\n'),
    place: fc.constantFrom('anywhere' as const, 'start' as const, 'end' as const),
    isFolded: fc.constant(true),
  }),
  fc.record({ kind: fc.constant('exists' as const), field }),
);

const { document } = fc.letrec<{ document: Record<string, unknown>; value: unknown }>((tie) => ({
  document: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'other'), tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  value: fc.oneof({ maxDepth: 4 }, scalar, tie('document'), fc.array(tie('value'), { maxLength: 3 })),
}));

/** JSON of the same, in which every character of a text that `isEscaped` names is written as an escape: names are not (event/document.ts). */
function escapedJson(value: unknown, isEscaped: (code: number) => boolean): string {
  if (typeof value === 'string') {
    const letters = Array.from({ length: value.length }, (_, at) => {
      const code = value.charCodeAt(at);
      const hex = code.toString(16).padStart(4, '0');
      return isEscaped(code)
        ? `\\u${code % 2 === 0 ? hex : hex.toUpperCase()}`
        : JSON.stringify(value[at]).slice(1, -1);
    });
    return `"${letters.join('')}"`;
  }
  if (Array.isArray(value)) return `[${value.map((one) => escapedJson(one, isEscaped)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, of]) => `${JSON.stringify(name)}:${escapedJson(of, isEscaped)}`);
  return `{${members.join(',')}}`;
}

function unparsedOf(json: string, around = ''): { bytes: Uint8Array; from: number; to: number; createdMs: number } {
  const bytes = Buffer.from(around + json + around);
  const from = Buffer.byteLength(around);
  return { bytes, from, to: bytes.length - from, createdMs: 0 };
}

const one = (necessary: Necessary) => indexRules([ruleWith({ necessary })], Number.MAX_SAFE_INTEGER);

describe('a document that was not parsed', () => {
  it('is never passed over where a rule is to be evaluated', () => {
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(test, { minLength: 1, maxLength: 3 }),
        fc.array(document, { maxLength: 5 }),
        fc.constantFrom(0, 1, 2, 3),
        (tests, made, every) => {
          const index = one({ kind: 'any', of: tests });
          for (const object of made) {
            const json = every === 0 ? JSON.stringify(object) : escapedJson(object, (code) => code % every === 0);
            expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(object)));
            const isCandidate = index.candidates(JSON.parse(json) as EventDocument).length > 0;
            const hasCandidates = index.hasCandidates(unparsedOf(json, '"a":"bash"}'));
            if (!hasCandidates) passed += 1;
            if (isCandidate) expect(hasCandidates, `${JSON.stringify(tests)} ${json}`).toBe(true);
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(passed, 'nothing is passed over').toBeGreaterThan(1_000);
  });

  it('is read where a text with escapes has what is sought, and not where it has not', () => {
    const written = fc.string({
      unit: fc.constantFrom('a', 'B', '"', '\\', '\n', '\u001d', '/', 'u', '0', '='),
      maxLength: 8,
    });
    fc.assert(
      fc.property(written, written, written, fc.boolean(), fc.boolean(), (before, sought, after, isFolded, isThere) => {
        const said = `${before}${isThere ? sought : ''}${after}`;
        const isIn = isFolded ? said.toLowerCase().includes(sought.toLowerCase()) : said.includes(sought);
        const part: Necessary = { kind: 'part', field: 'a', part: sought || 'x', place: 'anywhere', isFolded };
        for (const json of [JSON.stringify({ a: said }), escapedJson({ a: said }, (code) => code % 2 === 0)])
          expect(one(part).hasCandidates(unparsedOf(json)), json).toBe(isIn && sought !== '');
        const whole: Necessary = { kind: 'equals', field: 'a', values: new Set([said]) };
        expect(one(whole).hasCandidates(unparsedOf(JSON.stringify({ a: said })))).toBe(true);
      }),
    );
  });

  it.each<[string, Necessary, string, boolean]>([
    [
      'a text that is not asked for',
      { kind: 'equals', field: 'a.b', values: new Set(['x']) },
      '{"a":{"b":"y"},"b":"x"}',
      false,
    ],
    [
      'a text that is',
      { kind: 'equals', field: 'a.b', values: new Set(['x']) },
      '{"c":"\\\\","a":{"b":["y","x"]}}',
      true,
    ],
    [
      'a text that is passed over with quotes in it',
      { kind: 'exists', field: 'a' },
      '{"c":"\\",\\"a\\":1","d":{"a":1}}',
      false,
    ],
    [
      'a long text with escapes at its end',
      { kind: 'exists', field: 'a' },
      `{"c":"${'x'.repeat(99)}\\\\","a":1}`,
      true,
    ],
    ['a long text with a quote in it', { kind: 'exists', field: 'a' }, `{"c":"${'x'.repeat(99)}\\",\\"a\\":1"}`, false],
    [
      'a text with an escape, where one is asked for',
      { kind: 'equals', field: 'a', values: new Set(['x']) },
      '{"a":"\\u0078"}',
      true,
    ],
    [
      'a text with an escape that is another',
      { kind: 'equals', field: 'a', values: new Set(['x']) },
      '{"a":"\\u0079\\n"}',
      false,
    ],
    [
      'a part between quotes',
      { kind: 'part', field: 'a', part: '="curl" ', place: 'anywhere', isFolded: false },
      '{"a":"a0=\\"curl\\" a1","b":1}',
      true,
    ],
    [
      'a record without the part, behind which nothing is missed',
      { kind: 'part', field: 'a', part: 'wget', place: 'anywhere', isFolded: true },
      '{"a":"a0=\\"curl\\" \\u001dAUID=\\"root\\"\\/","b":{}}',
      false,
    ],
    [
      'a part made of an escape’s own signs',
      { kind: 'part', field: 'a', part: 'u001d', place: 'anywhere', isFolded: false },
      '{"a":"x\\u001d"}',
      false,
    ],
    [
      'a text with an escape beyond ASCII',
      { kind: 'equals', field: 'a', values: new Set(['x']) },
      '{"a":"\\u00e9"}',
      true,
    ],
    [
      'a long text with an escape at its end',
      { kind: 'equals', field: 'a', values: new Set(['x']) },
      `{"a":"${'y'.repeat(70_000)}\\""}`,
      true,
    ],
    [
      'a long text with an escape at its begin',
      { kind: 'equals', field: 'a', values: new Set(['x']) },
      `{"a":"\\"${'y'.repeat(70_000)}"}`,
      true,
    ],
    ['a text that ends within an escape', { kind: 'equals', field: 'a', values: new Set(['x']) }, '{"a":"y\\u00', true],
    ['a part', { kind: 'part', field: 'a', part: 'ur', place: 'anywhere', isFolded: false }, '{"a":"curl"}', true],
    [
      'a part in another case',
      { kind: 'part', field: 'a', part: 'ur', place: 'anywhere', isFolded: false },
      '{"a":"CURL"}',
      false,
    ],
    [
      'a folded part',
      { kind: 'part', field: 'a', part: 'ur', place: 'anywhere', isFolded: true },
      '{"a":"CURL"}',
      true,
    ],
    ['a number', { kind: 'equals', field: 'a', values: new Set([22]) }, '{"a":22}', true],
    ['another number', { kind: 'equals', field: 'a', values: new Set([22]) }, '{"a":23,"b":22}', false],
    ['a number written oddly', { kind: 'equals', field: 'a', values: new Set([22]) }, '{"a":2.2e1}', true],
    ['what is not as collectors write it', { kind: 'equals', field: 'a', values: new Set([22]) }, '{ "b": 1 }', true],
    ['an empty document', { kind: 'exists', field: 'a' }, '{}', false],
    [
      'empty lists and objects',
      { kind: 'equals', field: 'a.b', values: new Set([1]) },
      '{"a":[],"b":{},"c":[{},[]],"a":{}}',
      false,
    ],
  ])('%s', (_claim, necessary, json, expected) => {
    expect(one(necessary).hasCandidates(unparsedOf(json))).toBe(expected);
  });

  it('is parsed wherever a rule needs nothing, and where nesting has no end', () => {
    expect(indexRules([ruleWith()]).hasCandidates(unparsedOf('{}'))).toBe(true);
    const deep = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    expect(one({ kind: 'equals', field: 'a', values: new Set(['x']) }).hasCandidates(unparsedOf(deep))).toBe(true);
    expect(one({ kind: 'equals', field: 'b', values: new Set(['x']) }).hasCandidates(unparsedOf(deep))).toBe(false);
  });

  it('is parsed now and then all the same, to learn from', () => {
    const index = indexRules([ruleWith({ necessary: { kind: 'exists', field: 'a' } })], 1_024);
    const asked = Array.from({ length: 1_023 }, () => {
      const isToBeParsed = index.hasCandidates(unparsedOf('{}'));
      if (isToBeParsed) expect(index.candidates({})).toEqual([]);
      return isToBeParsed;
    });
    expect(asked.slice(0, 511)).not.toContain(true);
    expect(asked.filter(Boolean).length).toBeGreaterThan(200);
  });

  it('is parsed without a look for a while, where nearly all are', () => {
    const index = one({ kind: 'exists', field: 'a' });
    for (let look = 0; look < 512; look += 1) expect(index.hasCandidates(unparsedOf('{"a":1}'))).toBe(true);
    const answers = Array.from({ length: 20_000 }, () => index.hasCandidates(unparsedOf('{}')));
    expect(answers.indexOf(false)).toBe(512 * 15);
    expect(answers.lastIndexOf(true)).toBe(512 * 15 - 1);
  });

  it('reaches the rules that may match, and no other is parsed', () => {
    const rule = ruleWith({
      necessary: { kind: 'equals', field: 'user.name', values: new Set(['mallory']) },
      match: ({ user }) => (user as { name: string }).name === 'mallory',
    });
    const events = ['alice', 'mallory', 'bob'].map((user, position) => eventOf({ user, position }));
    let parsed = 0;
    const stored = events.map(({ id, document: object }, seq) => ({
      id,
      seq,
      unparsed: { ...unparsedOf(JSON.stringify(object)), createdMs: 1_000 },
      get document(): EventDocument {
        parsed += 1;
        return object;
      },
    }));
    const engineOf = () => createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state: new Map() });
    const expected = engineOf().step(events, EVERYTHING_PASSED);
    expect(expected.detections).toHaveLength(1);
    expect(engineOf().step(stored, EVERYTHING_PASSED)).toEqual(expected);
    expect(parsed).toBe(1);
  });
});
