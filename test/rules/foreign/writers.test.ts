// What front ends write: YAML that reads back equal, expressions that no text can break out of.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePredicate } from '../../../rules/expression/compile.ts';
import { parseExpression } from '../../../rules/expression/parse.ts';
import {
  allOf,
  anyOf,
  call,
  fieldPath,
  literal,
  literals,
  not,
  operand,
} from '../../../rules/foreign/expression-writer.ts';
import { documentOf, type PlainValue } from '../../../rules/foreign/foreign-rule.ts';
import { writeYaml } from '../../../rules/foreign/yaml-writer.ts';
import { plainValue } from '../../../rules/language/readers.ts';
import { readYaml } from '../../../rules/language/yaml-tree.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...' \n\t\r:-#|>&*!%@`"\'{}[],?=~aZ09._/\\\u2028\u0085\ud800é') }),
  fc.uuid(),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom(
    'no',
    'Null',
    '~',
    '0x1f',
    '1e3',
    '.inf',
    '- a',
    'a: b',
    'a #b',
    '__proto__',
    ' x',
    'x ',
    'x\n',
    '\n',
    '2026-01-01',
  ),
);
const anyValue = fc.letrec<{ value: PlainValue; map: { readonly [key: string]: PlainValue } }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    anyText,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('map'),
  ),
  map: fc.dictionary(anyText, tie('value'), { maxKeys: 4 }),
}));

describe('YAML of plain data', () => {
  it('reads back equal, whatever the texts hold', () => {
    fc.assert(
      fc.property(anyValue.map, (data) => {
        const read = readYaml('x.yaml', writeYaml(data));
        expect(read.diagnostics).toEqual([]);
        expect(read.documents.map(({ root }) => plainValue(root))).toEqual([data]);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([[{}], [[]], [[['a'.repeat(120)]]], [{ b: {} }]])(
    'reads back equal below a long name: %j',
    (value: PlainValue) => {
      const data = { ['a.'.repeat(80)]: value };
      for (const one of [data, { list: [data, data] }]) {
        const { diagnostics, documents } = readYaml('x.yaml', writeYaml(one));
        expect(diagnostics).toEqual([]);
        expect(documents.map(({ root }) => plainValue(root))).toEqual([one]);
      }
    },
  );

  it('is what people would write', () => {
    const data = {
      id: 'x',
      match: 'event.action = "executed"\n  and process.name = "nc"',
      tags: ['a', 'b'],
      tests: [{ name: 'somebody runs it', events: [{ 'process.name': 'nc' }], alerts: 1 }],
      title: 'yes: {{user.name}}',
    };
    expect(writeYaml(data)).toBe(`id: x
match: |-
  event.action = "executed"
    and process.name = "nc"
tags: [a, b]
tests:
  - name: somebody runs it
    events:
      - process.name: nc
    alerts: 1
title: "yes: {{user.name}}"
`);
  });
});

describe('a document made of plain data', () => {
  it('is the tree of the same data, its nodes where the parts came from', () => {
    const rule = { id: 'x', alert: { title: 't', include: ['a', 'b'] } };
    const places = new Map([
      ['', 5],
      ['alert.include', 40],
      ['alert.include.1', 44],
    ]);
    const { root, text } = documentOf({ rule, places, end: 90 });
    expect(plainValue(root)).toEqual(rule);
    expect([root.at, root.end]).toEqual([5, 90]);
    expect(text).toBe(writeYaml(rule));
    const alert = root.kind === 'map' ? root.entries[1]?.value : undefined;
    const include = alert?.kind === 'map' ? alert.entries[1]?.value : undefined;
    expect(include?.kind === 'list' ? include.items.map(({ at }) => at) : []).toEqual([40, 44]);
  });
});

describe('expressions of parts', () => {
  const holds = (text: string, event: Readonly<Record<string, unknown>>): boolean => {
    const parsed = parseExpression(text, new Map());
    if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems));
    return compilePredicate(parsed.expression)(event, 0);
  };

  it('a literal is the text itself, whatever it holds', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(holds(`a = ${literal(text)}`, { a: text })).toBe(true);
        expect(holds(`a in ${literals(['zzz', text])}`, { a: text })).toBe(true);
        expect(holds(`a = ${literal(text)}`, { a: `${text}.` })).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('a field is its path, or cannot be written', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const path = fieldPath(name);
        if (path === undefined) return;
        const [first = '', ...rest] = name.split('.').toReversed();
        const event = rest.reduce<unknown>((inner, key) => ({ [key]: inner }), { [first]: 'x' });
        if (!name.includes('__proto__')) expect(holds(`${path} = "x"`, event as Record<string, unknown>)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(fieldPath('a.`b')).toBeUndefined();
    expect(fieldPath('a..b')).toBeUndefined();
    expect(fieldPath('and.@timestamp')).toBe('`and`.`@timestamp`');
  });

  it('and, or, not mean what they mean of their parts, however they are nested', () => {
    interface Tree {
      readonly written: ReturnType<typeof operand>;
      readonly value: boolean;
    }
    const leaf = fc.constantFrom<Tree>(
      { written: operand('a = 1'), value: true },
      { written: operand('b = 1'), value: false },
      { written: call('is', 'a', '1'), value: true },
      { written: anyOf([]), value: false },
      { written: allOf([]), value: true },
    );
    const tree = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }).map((of) => ({
          written: allOf(of.map(({ written }) => written)),
          value: of.every(({ value }) => value),
        })),
        fc.array(tie('tree'), { maxLength: 3 }).map((of) => ({
          written: anyOf(of.map(({ written }) => written)),
          value: of.some(({ value }) => value),
        })),
        tie('tree').map(({ written, value }) => ({ written: not(written), value: !value })),
      ),
    })).tree;
    fc.assert(
      fc.property(tree, ({ written, value }) => {
        expect(holds(written.text, { a: 1 })).toBe(value);
      }),
      { numRuns: 500 },
    );
  });
});
