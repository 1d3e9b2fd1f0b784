// The documentation's commands run, and its tables are those of the code. A block of shell marked "sh run" is run as it stands
// against a server that this test starts; "sh" alone is for what needs root, a terminal, or another machine.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CONFIG_KEYS, variableOf } from '../cli/config/keys.ts';

const docs = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

describe('docs/configuration.md', () => {
  it.each(CONFIG_KEYS)('tells of $path', (key) => {
    const variable = `\`${variableOf(key)}\``;
    const fallback = key.default === undefined ? '' : `\`${key.default}\``;
    const file = CONFIG_KEYS.some(({ path }) => path === `${key.path}_file`) ? `\`${key.path}_file\`` : '';
    const row =
      key.kind === 'secret'
        ? `| \`${key.path}\` | ${variable} | ${file} |`
        : `| \`${key.path}\` | ${variable} | ${fallback} | ${key.description} |`;
    expect(docs('docs/configuration.md').split('\n')).toContain(row);
  });
});
