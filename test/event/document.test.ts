import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldOf, fieldReader } from '../../event/document.ts';

it('a reader of a field finds what fieldOf finds, in every form of the name', () => {
  const name = fc.constantFrom('a', 'b', 'a.b', 'b.a', 'a.b.a', '__proto__', 'a.__proto__', '', '.a', 'a.');
  const { document } = fc.letrec<{ document: Record<string, unknown>; value: unknown }>((tie) => ({
    document: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(0, 'x', null, undefined),
      tie('document'),
      fc.array(tie('document')),
    ),
  }));
  fc.assert(
    fc.property(name, document, (field, of) => {
      expect(fieldReader(field)(of)).toBe(fieldOf(of, field));
    }),
  );
});
