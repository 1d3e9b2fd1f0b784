import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertIdOf, detectionIdOf, suppressionIdOf } from '../../engine/identity.ts';
import { canonicalJson, KEY_VALUE_LENGTH_MAX, keyOf } from '../../engine/key.ts';

describe('keyOf', () => {
  it.each([
    [
      'values in the order of the fields',
      { host: { id: 'h1' }, user: { name: 'root' } },
      ['host.id', 'user.name'],
      '["h1","root"]',
    ],
    ['a missing field is null', {}, ['user.name'], '[null]'],
    ['no fields', { a: 1 }, [], '[]'],
    ['numbers and booleans stay what they are', { a: 1, b: true, c: '1' }, ['a', 'b', 'c'], '[1,true,"1"]'],
    ['members of objects are sorted', { a: { c: 1, b: [2] } }, ['a'], '[{"b":[2],"c":1}]'],
    ['flat names are found', { 'user.name': 'x' }, ['user.name'], '["x"]'],
    ['a prototype is not a field', {}, ['__proto__', 'constructor'], '[null,null]'],
  ] as const)('%s', (_claim, document, fields, expected) => {
    expect(keyOf(document, fields)).toBe(expected);
  });

  it('a long value is cut, and stays different from another with the same start', () => {
    const long = 'x'.repeat(1_000_000);
    const keys = [`${long}1`, `${long}2`, long].map((user) => keyOf({ user }, ['user']));
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key.length).toBeLessThan(KEY_VALUE_LENGTH_MAX + 64);
  });

  it('no short value can pose as a cut one', () => {
    const cut = JSON.parse(keyOf({ a: 'x'.repeat(1_000) }, ['a']))[0];
    expect(keyOf({ a: cut }, ['a'])).not.toBe(keyOf({ a: 'x'.repeat(1_000) }, ['a']));
  });

  it('the order in which members were written makes no difference', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(object));
      }),
    );
  });
});

describe('ids', () => {
  it('are functions of all their parts, and short', () => {
    const ids = [
      detectionIdOf('r', 'v', 'e'),
      detectionIdOf('r', 've', ''),
      detectionIdOf('rv', '', 'e'),
      alertIdOf('r', 'v', 'e'),
      suppressionIdOf('r', ['v'], 'e'),
      suppressionIdOf('r', [], 'e'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{25}$/);
    expect(detectionIdOf('r', 'v', 'e')).toBe(ids[0]);
  });
});
