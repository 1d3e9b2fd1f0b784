// Regular expressions of rules mean what JavaScript's mean, though RE2 runs them: the first match of random patterns on random
// texts, and what is refused.
import { describe, expect, it } from 'vitest';
import { compileRegex } from '../../rules/expression/regex.ts';
import { randomFrom } from '../harness/random.ts';

const CHARACTERS = [...'abskSK\u017f\u212aéÉµΜμßẞåÅ\u212b1_- \t\v\u00a0/.$^{}]σςΣİıǅǆ'];

/** Repetitions only of what cannot be empty: what an empty turn of a repetition does is the one thing that differs. */
function randomPattern(random: () => number): string {
  const one = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const literal = (): string => one(CHARACTERS).replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  const inClass = (): string =>
    one([
      () =>
        one([
          'a-z',
          'A-Z',
          '0-9',
          'à-ÿ',
          '\\d',
          '\\w',
          '\\s',
          '\\S',
          '\\W',
          '-',
          '\\b',
          '\\-',
          '\\x41',
          '\\u00e9',
          '\\cA',
        ]),
      () => one(CHARACTERS).replace(/[\\\]^-]/, '\\$&'),
    ])();
  const atom = (depth: number): string =>
    one([
      literal,
      literal,
      () => `[${one(['', '^'])}${inClass()}${inClass()}]`,
      () => one(['.', '\\d', '\\w', '\\s', '\\S', '\\W', '\\t', '\\x73', '\\u017f', '\\/', '\\p', '\\017']),
      () => (depth > 0 ? `${one(['(', '(?:', '(?i:', '(?-i:'])}${branches(depth - 1)})` : 'a'),
    ])();
  const term = (depth: number): string =>
    one([() => atom(depth), () => atom(depth) + one(['', '+', '{1,2}', '+?', '{2}'])])();
  const ending = (): string => one(['', '', '', '$', '\\b', 'a*', '.?', '{', 'x{,2}', ']']);
  const branches = (depth: number): string =>
    Array.from({ length: 1 + Math.floor(random() * 2) }, () => term(depth) + term(depth)).join('|');
  return one(['', '', '^', '\\B']) + branches(2) + ending();
}

describe('regular expressions', () => {
  it('match where JavaScript’s match', () => {
    const random = randomFrom(20_260_101);
    const text = (): string =>
      Array.from({ length: Math.floor(random() * 8) }, () => CHARACTERS[Math.floor(random() * CHARACTERS.length)]).join(
        '',
      );
    let matched = 0;
    for (let run = 0; run < 3_000; run += 1) {
      const source = randomPattern(random);
      const flags = random() < 0.5 ? 'i' : '';
      const official = new RegExp(source, flags);
      const ours = compileRegex(source, flags);
      if (ours.kind === 'refused') throw new Error(`${source}: ${ours.message}`);
      for (let each = 0; each < 3; each += 1) {
        const given = text();
        const expected = official.exec(given);
        const found = ours.find(given, 0);
        expect(found?.start, `/${source}/${flags} on ${JSON.stringify(given)}`).toBe(expected?.index);
        const end = expected === null ? undefined : expected.index + expected[0].length;
        expect(found?.end, `/${source}/${flags} on ${JSON.stringify(given)}`).toBe(end);
        if (expected !== null) matched += 1;
      }
    }
    expect(matched).toBeGreaterThan(200);
  });

  it.each([
    ['(?i)BASH', 'a bash', true],
    ['a{', 'xa{', true],
    ['[]', 'a', false],
    ['[^]', '\n', true],
    ['^b', 'a\nb', false],
    ['\\u{2}', 'uu', true],
    ['(?<name>a)', 'a', true],
    ['😀+$', '😀😀', true],
  ])('/%s/ on %j: %s', (source, text, expected) => {
    const compiled = compileRegex(source, '');
    if (compiled.kind === 'refused') throw new Error(compiled.message);
    expect(compiled.find(text, 0) !== undefined).toBe(expected);
  });

  it.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    'a)',
    '(a',
    '[a',
    'a{1001}',
    '*a',
    `${'(a'.repeat(900)}`,
  ])('refuses /%s/', (source) => {
    expect(compileRegex(source, '').kind).toBe('refused');
  });
});
