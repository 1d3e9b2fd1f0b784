// The shipped rules' own tests, through the engine: match, exceptions and suppression together.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../backtest/rule-tests.ts';
import { readRuleFolders } from '../../rules/rule-folders.ts';

const path = fileURLToPath(new URL('../../rules/library', import.meta.url));
const { rules } = readRuleFolders([{ path, kind: 'shipped' }]);

describe('the shipped rules', () => {
  it.each(rules.map((rule) => [rule.id, rule] as const))('%s passes its own tests', (_id, rule) => {
    const results = runRuleTests(rule, rules);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results.some(({ expected }) => expected > 0)).toBe(true);
    expect(results.some(({ expected }) => expected === 0)).toBe(true);
  });
});
