// The quick reader of plain YAML answers what the whole parser answers, or nothing.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceText } from '../../rules/language/source-text.ts';
import { readPlainYaml } from '../../rules/language/yaml-plain.ts';
import { readWholeYaml } from '../../rules/language/yaml-tree.ts';

const LIBRARY = new URL('../../rules/library/', import.meta.url);
const shipped = readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, LIBRARY), 'utf8'));

const PLAIN = `id: made-1
name: Made rule (of many)
severity: medium
description: >-
  A program was run from /dev/shm: look
  at its "parents".
author: >
  somebody
risk: 73
match: |
  event.action = "executed"
    and process.name in ["nc"]

  and $not(a: b)

by: [host.id, user.name]
threshold: { count: 5, within: 5m, mode: restart }
alert:
  title: "{{process.name}} on {{host.name}}"
  include: []
  suppress: { for: 1h, by: [host.id, 'a b'] }
except:
  - match: a = 1
    reason: nightly job of A/B
    expires: 2027-03-01
tests:
- name: one
  events:
    - { event.action: executed, process.args: [man, "a, b", nc], process.pid: 17, user: { name: x } }
    - { a: b, c: true, d: [-c, ./x, .sshd, (udev)], e: https://a.b/c:8, f: ld.so~, g: [0s, 10.0.0.7, 0.5, 12.250] }
  alerts: 0
references:
  - https://example.org/a-b
  - x
`;

/** True where the quick reader read it. */
function agrees(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  const { documents, diagnostics } = readWholeYaml(sourceText('f.yaml', text));
  expect({ text, diagnostics, roots: documents.map(({ root }) => root) }).toEqual({
    text,
    diagnostics: [],
    roots: [plain],
  });
  return true;
}

describe('plain YAML', () => {
  it('is read without the whole parser: made rules, and the shipped ones as far as they keep to it', () => {
    expect(agrees(PLAIN)).toBe(true);
    expect(agrees(`# yaml-language-server: $schema=a\n\n${PLAIN}\n\n`)).toBe(true);
    expect(shipped.filter((text) => agrees(text)).length).toBeGreaterThan(shipped.length / 2);
  });

  it.each([
    ['tabs', 'a:\tb\n'],
    ['no line break at the end', 'a: b'],
    ['a comment behind a value', 'a: b # c\n'],
    ['a comment between keys', 'a: b\n# c\nd: e\n'],
    ['an anchor', 'a: &x b\n'],
    ['a tag', 'a: !!str b\n'],
    ['several documents', 'a: b\n---\nc: d\n'],
    ['a key twice', 'a: b\na: c\n'],
    ['a value on several lines', 'a: b\n  c\n'],
    ['an escape', 'a: "b\\n"\n'],
    ['a number of another form', 'a: 0x1f\n'],
    ['a value that is none', 'a: null\n'],
    ['a mistake', 'a: b: c\n'],
    ['an indented beginning', '  a: b\n'],
    ['an empty file', '\n'],
    ['a key without a value', 'a:\nb: c\n'],
    ['the prototype as a key is one as any', '__proto__: a\n'],
  ])('leaves to it: %s', (claim, text) => {
    expect(agrees(text)).toBe(claim.startsWith('the prototype'));
  });

  it('changed at random, it is read as the whole parser reads it or not at all', () => {
    const pieces = fc.constantFrom(
      ...[
        '\n',
        ' ',
        '  ',
        '- ',
        ':',
        ': ',
        '#',
        ' #',
        '"',
        "'",
        '[',
        ']',
        '{',
        '}',
        ', ',
        ',',
        '|',
        '>',
        '|\n',
        '&a',
        '*a',
        '!',
      ],
      ...[
        '~',
        'null',
        'true',
        '0',
        '1e3',
        '0x1',
        '-',
        '?',
        '? ',
        '\n\n',
        '\n  ',
        '\na: b\n',
        '%',
        '@',
        '`',
        '.',
        '\u00e9',
        '\u2028',
        '\\',
      ],
    );
    const change = fc.record({ at: fc.nat(2_000), removed: fc.nat(6), put: pieces });
    let read = 0;
    const check = fc.property(
      fc.constantFrom(PLAIN, ...shipped.filter((text) => text.length < 2_000)),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (text, changes) => {
        let changed = text;
        for (const { at, removed, put } of changes) {
          const place = at % (changed.length + 1);
          changed = changed.slice(0, place) + put + changed.slice(place + removed);
        }
        if (agrees(changed)) read += 1;
      },
    );
    fc.assert(check, { numRuns: 3_000 });
    expect(read).toBeGreaterThan(100);
  });
});
