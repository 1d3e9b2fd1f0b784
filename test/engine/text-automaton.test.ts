import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAutomaton, type SoughtPart, signOf } from '../../engine/text-automaton.ts';

const word = fc.string({
  unit: fc.constantFrom('a', 'B', 'b', 's', 'k', '/', 'é', '\u017f', '\u212a', '\u0130', '日'),
  maxLength: 6,
});
const place = fc.constantFrom('anywhere' as const, 'start' as const, 'end' as const);
const sought = fc
  .record({ part: word.filter((part) => part !== ''), place, isFolded: fc.boolean() })
  .filter(({ part, isFolded }) => !isFolded || /^[\p{ASCII}]*$/u.test(part));

function found(parts: readonly Omit<SoughtPart, 'rules'>[], text: string): ReadonlySet<number> {
  const numbers = new Set<number>();
  const { automaton } = buildAutomaton(parts.map((part, rule) => ({ ...part, rules: Int32Array.of(rule) })));
  automaton?.search(text, (rules) => {
    for (const rule of rules) numbers.add(rule);
  });
  return numbers;
}

function has(text: string, { part, place: where }: Omit<SoughtPart, 'rules'>): boolean {
  return where === 'start' ? text.startsWith(part) : where === 'end' ? text.endsWith(part) : text.includes(part);
}

describe('the automaton', () => {
  it('finds every part, and of those that mind case no other', () => {
    fc.assert(
      fc.property(fc.array(sought, { maxLength: 8 }), fc.array(word, { maxLength: 4 }), (parts, words) => {
        const text = words.join('');
        const numbers = found(parts, text);
        for (const [number, part] of parts.entries()) {
          if (!part.isFolded) expect(numbers.has(number), `${part.part} in ${text}`).toBe(has(text, part));
          else if (has(text.toLowerCase(), { ...part, part: part.part.toLowerCase() })) {
            expect(numbers.has(number), `${part.part} in ${text}`).toBe(true);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes a character for an ASCII letter wherever a folding does', () => {
    for (let code = 0; code < 0x10000; code += 1) {
      const character = String.fromCharCode(code);
      for (const lower of character.toLowerCase())
        if (lower < '\u0080') expect(signOf(code)).toBe(signOf(lower.charCodeAt(0)));
      for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
        if (new RegExp(letter, 'iu').test(character))
          expect(signOf(code), character).toBe(signOf(letter.charCodeAt(0)));
      }
    }
  });

  it('says which parts found no room', () => {
    const parts = Array.from({ length: 6_000 }, (_, n) => ({
      part: `${n}`.padStart(24, 'abcdefghij'),
      place: 'end' as const,
      isFolded: false,
      rules: Int32Array.of(n),
    }));
    const { automaton, left } = buildAutomaton(
      parts.map((part) => ({ ...part, part: part.part.split('').reverse().join('') })),
    );
    expect(automaton).toBeDefined();
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(6_000);
  });
});
