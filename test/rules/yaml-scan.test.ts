// What nests deeper than the YAML parser should be asked to read is refused before it sees it; what rules look like is not.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isNestedTooDeeply } from '../../rules/language/yaml-scan.ts';
import { SHIPPED_RULES } from '../../rules/rule-folders.ts';

describe('a look at a file before it is parsed', () => {
  it.each([
    ['brackets', `id: a\nmatch: ${'['.repeat(260_000)}`],
    ['brackets with something between them', `a: ${'[b, '.repeat(60_000)}`],
    ['brackets over lines', `a:\n${'  [\n'.repeat(60_000)}`],
    ['braces', '{a: '.repeat(60_000)],
    ['list marks', '- '.repeat(130_000)],
    ['key marks', '? '.repeat(130_000)],
    ['brackets behind a text with one in it', `a: "[" ${'{'.repeat(1_000)}`],
  ])('refuses %s', (_name, text) => {
    expect(isNestedTooDeeply(text)).toBe(true);
  });

  it.each([
    ['brackets in a block', `match: |\n  ${'['.repeat(1_000)}\n  (\nname: x`],
    ['brackets in a folded block', `match: >-\n    ${'{'.repeat(1_000)}\n\n    x\n`],
    ['brackets in quotes', `name: "${'['.repeat(1_000)}"\ntitle: '${'{'.repeat(1_000)}'`],
    ['brackets in a comment', `name: x # ${'['.repeat(1_000)}`],
    ['a long list', `values: [${'[a], '.repeat(10_000)}]`],
  ])('takes %s', (_name, text) => {
    expect(isNestedTooDeeply(text)).toBe(false);
  });

  it('takes every shipped rule and list', () => {
    for (const file of readdirSync(SHIPPED_RULES.path, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.yaml')) continue;
      expect(isNestedTooDeeply(readFileSync(join(SHIPPED_RULES.path, file), 'utf8')), file).toBe(false);
    }
  });
});
