// docs/rules.md is true: its YAML reads without a remark and its tests pass; its tables name every key, function and list.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../backtest/rule-tests.ts';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import { FUNCTION_NAMES } from '../../rules/expression/functions.ts';
import { KIND_READERS } from '../../rules/language/kind-keys.ts';
import { readListText } from '../../rules/language/list-reader.ts';
import { type RuleFile, readLists, readRuleText } from '../../rules/rule-files.ts';
import { SHIPPED_RULES } from '../../rules/rule-folders.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/rules.md'), 'utf8');
const [RULE = '', LIST = ''] = [...TEXT.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

const lists = readLists(
  ['programs', 'files'].map((name): RuleFile => {
    const file = join(SHIPPED_RULES.path, 'lists', `${name}.yaml`);
    return { file, kind: 'shipped', content: 'lists', text: readFileSync(file, 'utf8') };
  }),
  [],
);

describe('docs/rules.md', () => {
  it('shows a first rule that reads without a remark and whose tests pass', () => {
    const set = readRuleText('shell-below-database.yaml', RULE, lists, { nowMs: Date.UTC(2026, 11, 1) });
    expect(set.diagnostics.map(formatDiagnostic)).toEqual([]);
    const [rule] = set.rules;
    expect(rule === undefined ? [] : runRuleTests(rule).map((result) => result.passed)).toEqual([true, true]);
  });

  it('shows a list that reads', () => {
    const read = readListText('lists/databases.yaml', LIST, true);
    expect(read.diagnostics).toEqual([]);
    expect(read.lists.map((list) => list.name)).toEqual(['databases']);
  });

  it.each([
    ...FUNCTION_NAMES.map((name) => `$${name}`),
    ...[...lists.keys()].map((name) => `$${name}`),
    ...Object.keys(KIND_READERS),
  ])('names %s', (name) => {
    expect(TEXT).toContain(name);
  });
});
